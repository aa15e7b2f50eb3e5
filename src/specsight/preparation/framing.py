"""The framing that good pictures ask for: at which resolution, in which tiles, registered or rotated, and why.

In: pictures of good parts of one product, and an encoder. Out: a `Framing`, decided from those alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.images import Tiling
from specsight.images.cells import Size
from specsight.images.registration import Reference
from specsight.preparation.alignment import choose_alignment, reference_of
from specsight.preparation.detail import lost_detail
from specsight.preparation.patches import unit_patches
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
    reference: Reference | None = None
    """The good part that every picture is registered to before it is framed; None: pictures are framed as they lie."""

    @property
    def statement(self) -> str:
        """In words: "512 px, in tiles of 320 px"."""
        parts = [f"{self.resolution} px"]
        if self.tile:
            parts.append(f"in tiles of {self.tile} px")
        if self.reference:
            parts.append("registered to one good part")
        if self.angles:
            parts.append(f"good pictures in {len(self.angles) + 1} rotations")
        return ", ".join(parts)


@dataclass(frozen=True)
class Choices:
    """What is left to the good pictures."""

    resolution: bool = True
    tile: bool = True
    angles: bool = True
    alignment: bool = True
    """Whether pictures are registered to one another."""
    reference: bool = False
    """Which picture they are registered to, where it is given that they are."""

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return self.resolution or self.tile or self.angles or self.alignment or self.reference


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
    choices: what is to be chosen. Trying rotations encodes up to `pose.TURNED` pictures at eight angles each, trying
        alignment `alignment.COMPARED` pictures three times; the rest takes some hundredths of a second a picture.
        Pictures that are registered are not rotated.
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
    if choices.alignment or choices.reference:
        reference, why = _reference(pictures, encoder, standard, given=choices.reference)
        framing = replace(framing, reference=reference)
        reasons.append(why)
    if choices.angles and framing.reference:
        reasons.append("not rotated, because pictures are registered")
    elif choices.angles:
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


def _reference(
    pictures: Sequence[Picture], encoder: Encoder, standard: int, *, given: bool
) -> tuple[Reference | None, str]:
    """What pictures are registered to, and why.

    Raises SpecsightError where it is `given` that they are and they cannot be.
    """
    if not given:
        return choose_alignment(
            pictures, lambda picture, alignment: unit_patches(picture, encoder, standard, alignment)
        )
    chosen, why = reference_of(pictures)
    if chosen is None:
        raise SpecsightError(f"pictures cannot be registered, because {why}: leave align out, or give null")
    return chosen.reference, "registered to one good part, as given"


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
