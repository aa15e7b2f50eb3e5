"""The framing that good pictures ask for: at which resolution, in which tiles, in which rotations, and why.

In: pictures of good parts of one product, and an encoder. Out: a `Framing`, decided from those alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Encoder
from specsight.features import grids
from specsight.images import Tiling, shorter_side
from specsight.images.cells import Size
from specsight.preparation.detail import lost_detail
from specsight.preparation.pose import ANGLES, Pose, measure_pose
from specsight.records import Picture

STANDARD = 320
"""Pixels of the shorter side that are looked at where nothing says otherwise."""
STEPS = (1.0, 1.4, 2.0)
"""Resolutions to choose from, in multiples of the standard one: 320, 448 and 640 px."""
TOLERATED = 0.05
"""Share of detail that may be lost."""
MEASURED = 16
"""Pictures whose detail is measured, at most."""
LONG = 2.0
"""Frames longer than this many times the standard resolution are looked at in tiles."""


@dataclass(frozen=True)
class Framing:
    """How pictures of a product are brought before an encoder."""

    resolution: int = STANDARD
    """Shorter side of the framed picture, in pixels."""
    tile: int = 0
    """Side in pixels of the overlapping tiles in which a larger frame is encoded; 0: all of it at once."""
    angles: tuple[float, ...] = ()
    """Degrees by which good pictures are rotated to be learned from too, beside 0."""
    reasons: tuple[str, ...] = ()
    """Why, a sentence each; empty for what was given."""

    @property
    def statement(self) -> str:
        """In words: "512 px, in tiles of 320 px"."""
        parts = [f"{self.resolution} px"]
        if self.tile:
            parts.append(f"in tiles of {self.tile} px")
        if self.angles:
            parts.append(f"good pictures in {len(self.angles) + 1} rotations")
        return ", ".join(parts)


@dataclass(frozen=True)
class Choices:
    """What is left to the good pictures."""

    resolution: bool = True
    tile: bool = True
    angles: bool = True

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return self.resolution or self.tile or self.angles


def propose_framing(
    pictures: Sequence[Picture],
    encoder: Encoder,
    given: Framing | None = None,
    choices: Choices = Choices(),
) -> Framing:
    """The framing that good pictures of one product ask for; a function of the arguments alone.

    Parameters
    ----------
    pictures: good parts to be learned from, none that will be judged. Without any, `given`.
    encoder: what will look at them.
    given: the framing otherwise. Its resolution is the standard one: the choice lies between it and twice as much, so
        that looking costs some four times as much at most (six in tiles, which overlap). None: `Framing()`.
    choices: what is to be chosen. Trying rotations encodes up to `pose.TURNED` pictures at eight angles each; the rest
        takes some hundredths of a second a picture.
    """
    framing = given or Framing()
    if not pictures:
        return replace(framing, reasons=("as ever, because there is no good picture to choose by",))
    standard, reasons = framing.resolution, []
    if choices.resolution:
        resolution, why = choose_resolution(pictures, encoder, standard)
        framing = replace(framing, resolution=resolution)
        reasons.append(why)
    if choices.tile:
        tile, why = choose_tile(pictures, framing.resolution, standard)
        framing = replace(framing, tile=tile)
        reasons.append(why)
    if choices.angles:
        angles, why = choose_angles(pictures, encoder, standard)
        framing = replace(framing, angles=angles)
        reasons.append(why)
    return replace(framing, reasons=tuple(reasons))


def choose_resolution(
    pictures: Sequence[Picture], encoder: Encoder, standard: int = STANDARD
) -> tuple[int, str]:
    """The least resolution at which little detail is lost, and the reason in words.

    Never finer than the pictures are, but for pictures smaller than `standard`, which is then kept.
    """
    short = int(np.median([min(picture.size) for picture in pictures]))
    options = [r for step in STEPS if (r := round(standard * step / 32) * 32) < short]
    if not options:
        return standard, f"{standard} px, because pictures are no larger ({short} px)"
    stride = min(layer.stride for layer in encoder.available if layer.name in encoder.default_layers)
    cell = short * stride / standard
    chosen = pictures[:: max(1, len(pictures) // MEASURED)][:MEASURED]
    losses = np.median([lost_detail(one.rgb, options, cell) for one in chosen], axis=0)
    tolerable = [r for r, lost in zip(options, losses) if lost <= TOLERATED]
    finest = short if short <= standard * STEPS[-1] else options[-1]
    resolution = tolerable[0] if tolerable else finest
    lost = dict(zip(options, losses))
    why = f"{lost[standard]:.0%} of the detail within a cell of {stride} px is lost at {standard} px"
    if resolution != standard:
        why += f", {lost.get(resolution, 0.0):.0%} at {resolution} px"
    return resolution, f"{resolution} px, because {why}"


def choose_tile(pictures: Sequence[Picture], resolution: int, standard: int = STANDARD) -> tuple[int, str]:
    """The side of the tiles for pictures at `resolution`, 0 for none, and the reason in words."""
    size = median_size(pictures)
    frame = framed_size(size, resolution)
    if max(frame) <= LONG * standard:
        return 0, f"in one piece, because a framed picture has {frame[0]} × {frame[1]} px"
    rows, columns = tiles_of(size, resolution, standard)
    overlap = Tiling.over(frame, standard, 32)
    cost = rows * columns * overlap.size[0] * overlap.size[1] / math.prod(framed_size(size, standard))
    return standard, (
        f"in {rows} × {columns} tiles of {standard} px, because a framed picture has {frame[0]} × {frame[1]} px; "
        f"looking takes about {cost:.1f} times as long as at {standard} px in one piece"
    )


def choose_angles(
    pictures: Sequence[Picture], encoder: Encoder, standard: int = STANDARD
) -> tuple[tuple[float, ...], str]:
    """Degrees by which good pictures are to be rotated, none or steps of 45, and the reason in words."""
    if any(picture.circular for picture in pictures):
        return (), "not rotated, because strips have ends that meet"
    pose = measure_pose(pictures, lambda picture: unit_patches(picture, encoder, standard))
    return (ANGLES, _words(pose)) if pose is not None and pose.any_rotation else ((), _words(pose))


def unit_patches(picture: Picture, encoder: Encoder, resolution: int) -> NDArray[np.float32]:
    """Patches (n, D) of the encoder's default layers, each of unit length, those that show the picture."""
    pixels, frame = shorter_side(picture.rgb, resolution, encoder.multiple)
    names = encoder.default_layers
    features, places = {}, {}
    for name, grid in zip(names, encoder.layers(pixels[None], names)):
        features[name], places[name] = grids.inside(grid[0], encoder.cells(name, grid), frame)
    vectors = grids.vectors(grids.join(features, places)[0])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)


def median_size(pictures: Sequence[Picture]) -> Size:
    """(rows, columns) that the middle one of the pictures has, by their aspect."""
    by_aspect = sorted((picture.size for picture in pictures), key=lambda size: size[1] / size[0])
    return by_aspect[len(by_aspect) // 2]


def framed_size(size: Size, resolution: int) -> Size:
    """(rows, columns) of a picture of `size` with its shorter side at `resolution` px."""
    scale = resolution / min(size)
    return round(size[0] * scale), round(size[1] * scale)


def tiles_of(size: Size, resolution: int, side: int, multiple: int = 32) -> Size:
    """Rows and columns of tiles of `side` px that a picture of `size` is looked at in."""
    rows, columns = (math.ceil(length / multiple) * multiple for length in framed_size(size, resolution))
    return Tiling.over((rows, columns), side, multiple).shape


def _words(pose: Pose | None) -> str:
    if pose is None:
        return "not rotated, because one good part says nothing of how others lie"
    if pose.any_rotation:
        return (
            f"good pictures also rotated by steps of 45°, because that brings parts that were left out {pose.gain:.0%} "
            "nearer to the others: they lie in any rotation"
        )
    alike = "they have no direction" if pose.without_direction else "they lie in one pose"
    nearer = f"{pose.gain:.0%} nearer to the others"
    return f"not rotated, because that brings parts that were left out only {nearer}: {alike}"
