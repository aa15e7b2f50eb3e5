"""A sample on disk → its `Picture`: colours, depth, part map and further channels, all of one size.

What a picture lacks is said in its notes and in `Picture.absent`, or refused, as the method that asks for it bears it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from specsight.errors import UnreadableFile, WrongSize
from specsight.images.colours import Colours, read_colours
from specsight.images.depth import read_cloud, read_depth
from specsight.images.reading import Size, depth_of, of_size, parts_of
from specsight.images.signals import read_signal
from specsight.records import DEPTH, NORMALS, RGB, XYZ, Picture, Sample

CONSTANT = 2
"""Grey values between which nearly all of a dead camera's lie: its noise."""
DARK = 8
"""Grey value below which nearly all of a picture is black."""
FEW = 0.001
"""Share of pixels at either end that may be otherwise: hot and dead ones."""
BLOCKS = 32
"""Blocks along the shorter side of depth; a block is known where half of its pixels are, as cells of features are."""
BLIND = 0.01
"""Share of known blocks below which depth says nothing."""
_SHARES = ((0.5, "more than half"), (0.1, "more than a tenth"), (0.01, "more than a hundredth"))
"""In steps, so that pictures with the same note can be counted."""

Read = TypeVar("Read")


def load_picture(
    sample: Sample,
    needs_depth: bool = False,
    max_pixels: int | None = None,
    uses: Collection[str] | None = None,
) -> Picture:
    """Pixels of a sample: colours, and depth, part map and signals where it has them, all of one size.

    Parameters: `needs_depth`: the method cannot do without depth. `uses`: names of the modalities that it uses where
    they are there ("depth", "normals", "xyz", "ir", ...), of which signals are read; None: all signals are read.

    What cannot be used is left out: `Picture.notes` says why, and `Picture.absent` names modalities that the sample
    should have, those of `uses` that it does not have, and "rgb" where colours are the same everywhere beside something
    that is not (a dead camera), where only depth was given (`Sample.photographed`), and, for a method that uses depth,
    where they cannot be read.

    Raises UnreadableFile where there are no colours and no depth in their place, and with `needs_depth` where there is
    no usable depth; WrongSize, which names both sizes, for depth and signals in `uses` of another size than colours.
    """
    reading = _Reading(sample, needs_depth, max_pixels, uses)
    colours = reading.colours()
    size = (colours.rgb.shape[0], colours.rgb.shape[1])
    depth = reading.depth(size, colours.orientation)
    signals = dict(reading.signals(size, colours.orientation))
    parts = None
    if sample.parts is not None:
        try:
            parts = parts_of(sample, size, colours.orientation, max_pixels)
        except UnreadableFile as error:
            reading.notes.append(_left_out("part map", sample.parts, error))
    picture = Picture(
        colours.rgb,
        depth,
        parts,
        sample.circular,
        tuple(reading.notes),
        signals,
        frozenset(reading.absent),
    )
    return settled(picture, uses)


def settled(picture: Picture, uses: Collection[str] | None) -> Picture:
    """`picture`, with what of it holds nothing taken out, and with what a method that `uses` modalities has to do
    without in `absent` and in the notes; see `load_picture`."""
    notes, absent, depth = list(picture.notes), set(picture.absent), picture.depth
    if depth is not None and (nothing := empty_depth(depth)):
        if picture.modalities == {DEPTH}:
            raise UnreadableFile(f"depth {nothing}, and there is nothing else: measure again")
        absent.add(DEPTH)
        notes.append(f"depth left out: it {nothing}")
        depth = None
    if depth is not None:
        notes += _unknown(depth)
    picture = replace(picture, depth=depth, absent=frozenset(absent))
    for name in sorted({*(uses or ())} - picture.modalities - absent):
        absent.add(name)
        notes.append(f"there is no {name}")
    rgb = picture.rgb
    if uses != () and picture.modalities - {RGB} and RGB not in absent and _constant(rgb):
        absent.add(RGB)
        notes.append("colours left out: they are the same everywhere")
        rgb = np.zeros_like(rgb)
    return replace(picture, rgb=rgb, notes=tuple(dict.fromkeys(notes)), absent=frozenset(absent))


def collect_notes(notes: dict[str, list[str]], sample: Sample, noted: Sequence[str]) -> None:
    """Add the path of `sample` to everything that was `noted` of its picture."""
    for note in noted:
        notes.setdefault(note, []).append(str(sample.image))


@dataclass
class _Reading:
    """What is asked of a sample, and what was found wanting so far."""

    sample: Sample
    needs_depth: bool
    max_pixels: int | None
    uses: Collection[str] | None
    notes: list[str] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)

    def lose(self, name: str, note: str) -> None:
        self.absent.add(name)
        self.notes.append(note)

    def colours(self) -> Colours:
        """Colours, or black of the size of depth in their place."""
        sample = self.sample
        if not sample.photographed:
            if self.uses is not None and not self.needs_depth and DEPTH not in self.uses:
                raise UnreadableFile(
                    f"'{sample.image}' is depth alone, and colours are needed: give a picture too"
                )
            self.lose(RGB, "there is depth alone, and no picture")
        try:
            colours = colours_of(sample, self.max_pixels)
        except UnreadableFile as error:
            if not sample.photographed or sample.depth is None or DEPTH not in (self.uses or ()):
                raise
            self.lose(RGB, _left_out("colours", sample.image, error))
            colours = colours_of(replace(sample, image=sample.depth), self.max_pixels)
        self.notes += colours.notes
        return colours

    def depth(self, size: Size, orientation: int) -> NDArray[np.float32] | None:
        """Depth (H, W) where it can be used."""
        sample = self.sample
        if sample.depth is None:
            if self.needs_depth:
                raise UnreadableFile(
                    f"'{sample.image}' has no depth, which is needed: leave it out, or give its depth"
                )
            return None
        return self._attempt(DEPTH, sample.depth, lambda: self._measured(size, orientation))

    def signals(self, size: Size, orientation: int) -> Iterator[tuple[str, NDArray[Any]]]:
        """Signals that are asked for and can be used, by name."""
        files = signal_files(self.sample)
        for name in files if self.uses is None else [one for one in self.uses if one != DEPTH]:
            channels = None
            if name in files:
                read = partial(signal_of, self.sample, name, size, orientation, self.max_pixels)
                channels = self._attempt(name, files[name], read)
            elif name == XYZ:
                channels = self._cloud(size)
            if channels is not None:
                yield name, channels

    def _measured(self, size: Size, orientation: int) -> NDArray[np.float32]:
        depth = depth_of(self.sample, size, orientation, self.max_pixels)
        assert depth is not None
        if nothing := empty_depth(depth):
            raise UnreadableFile(f"depth '{self.sample.depth}' {nothing}: measure again")
        return depth

    def _cloud(self, size: Size) -> NDArray[np.float32] | None:
        """x, y and z of the depth file, where it holds a cloud and could be used."""
        path = self.sample.depth
        if path is None or DEPTH in self.absent:
            return None
        cloud = read_cloud(path, self.max_pixels, self.sample.depth_unit_mm)
        return None if cloud is None else of_size(XYZ, path, cloud, size, 1)

    def _attempt(self, name: str, path: Path, read: Callable[[], Read]) -> Read | None:
        """What `read` gives; None, and noted, where it cannot be used. Raises UnreadableFile where that is refused."""
        needed = name == DEPTH and self.needs_depth
        try:
            return read()
        except UnreadableFile as error:
            if needed or (isinstance(error, WrongSize) and self.uses is not None and name in self.uses):
                raise
            self.lose(name, _left_out(name, path, error))
            return None


def colours_of(sample: Sample, max_pixels: int | None = None) -> Colours:
    """Colours of a sample, black where there is depth alone. Raises UnreadableFile as `read_colours` does."""
    if sample.photographed or sample.depth is None:
        return read_colours(sample.image, sample.bits, max_pixels)
    depth = read_depth(sample.depth, sample.depth_range, max_pixels, sample.depth_unit_mm)
    return Colours(np.zeros((*depth.shape, 3), np.uint8))


def signal_files(sample: Sample) -> dict[str, Path]:
    """Files of a sample's signals by name, normals among them."""
    return {**({NORMALS: sample.normals} if sample.normals is not None else {}), **sample.signals}


def signal_of(
    sample: Sample, name: str, size: Size, orientation: int, max_pixels: int | None = None
) -> NDArray[Any]:
    """The signal `name` of a sample whose picture is of `size` and stored under `orientation`; see `read_signal`.

    Raises WrongSize, which names both sizes, and UnreadableFile for a file that cannot be read. Vectors must lie as the
    picture is seen: turning their pixels would not turn them.
    """
    path = signal_files(sample)[name]
    if name in (NORMALS, XYZ):
        orientation = 1
    channels = read_signal(name, path, sample.bits, max_pixels, sample.depth_unit_mm)
    return of_size(name, path, channels, size, orientation)


def empty_depth(depth: NDArray[np.float32]) -> str:
    """Why depth (H, W) says nothing of a part, in words that follow its name; empty where it says something."""
    known = ~np.isnan(depth)
    if not known.any():
        return "holds no measurement"
    if depth.size > 1 and not np.nanmin(depth) and not np.nanmax(depth):
        return "holds no measurement"
    if known_share(depth) < BLIND:
        return "is unknown nearly everywhere"
    return ""


def known_share(depth: NDArray[np.float32]) -> float:
    """Share of the blocks of depth (H, W) of which at least half was measured: random dropout of most pixels leaves
    none, and one of nearly everything but the part leaves the part."""
    import cv2

    side = max(1, min(depth.shape) // BLOCKS)
    height, width = (max(1, size // side) for size in depth.shape)
    known = cv2.resize((~np.isnan(depth)).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return float((known >= 0.5 - 1e-4).mean())


def _constant(rgb: NDArray[np.uint8]) -> bool:
    """Whether colours are the same everywhere, but for the noise of a sensor and a few pixels of it, or all black."""
    import cv2

    if rgb.size <= 3:
        return False
    lows, highs = [], []
    for channel in range(3):
        histogram = cv2.calcHist([np.ascontiguousarray(rgb)], [channel], None, [256], [0, 256])
        counts = np.cumsum(histogram.ravel().astype(np.int64))
        few = int(FEW * counts[-1])
        lows.append(int(np.searchsorted(counts, few, side="right")))
        highs.append(int(np.searchsorted(counts, counts[-1] - few)))
    return max(highs) <= DARK or all(high - low <= CONSTANT for low, high in zip(lows, highs, strict=True))


def _unknown(depth: NDArray[np.float32]) -> Iterator[str]:
    """Notes on how much of the depth (H, W) is unknown, and how much is exactly 0, which may mean the same."""
    for share, said in (
        (float(np.isnan(depth).mean()), "depth is unknown on {} of the picture"),
        (float((depth == 0).mean()), "depth is exactly 0 on {} of the picture, and taken as measured"),
    ):
        for least, words in _SHARES:
            if share > least:
                yield said.format(words)
                break


def _left_out(what: str, path: Path, error: UnreadableFile) -> str:
    """A note that names no file, so that pictures with the same one can be counted."""
    reason = str(error)
    for named, said in (
        (f"no file '{path}'", "no such file"),
        (f"{what} '{path}'", "it"),
        (f"'{path}'", "it"),
    ):
        reason = reason.replace(named, said)
    return f"{what} left out: {reason}"
