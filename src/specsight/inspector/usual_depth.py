"""What depth of good parts is like, and whether that of a picture can come from the same sensor in the same unit.

In: depth of good parts (H, W) in mm. Out: the ranges of its level and of its relief, which are kept with the model; for
any other picture, why its depth is left out, or the depth without readings that good parts never had. The ranges are
taken generously: a part may be bent, worn or higher, and that is for the detector to say.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.errors import UnreadableFile
from specsight.features.relief import over_trend
from specsight.records import DEPTH, XYZ, Picture, Sample

MOST = 40
"""Good pictures whose depth is measured, spread evenly."""
FACTOR = 8.0
"""Times by which relief may be smaller or larger than that of every good part; units differ by 10 and more."""
RANGES = 5.0
"""Ranges of levels, or reliefs, by which a level may lie outside of those of good parts."""
SHARE = 0.25
"""Share of the distance of good parts by which a level may lie outside; a relief below it is never too large."""
LEAST_KNOWN = 0.1
"""Share of what the least measured good part had measured."""
SIDE = 96
"""Rows or columns of the pixels that relief is measured on."""


@dataclass(frozen=True)
class UsualDepth:
    """Ranges over good parts."""

    lowest: float
    """Smallest reading of any, in mm."""
    level: tuple[float, float]
    """Medians, in mm."""
    relief: tuple[float, float]
    """Spread of heights over the form: from the 5th to the 95th percentile, in mm."""
    known: float
    """Smallest share of blocks that were measured (`images.known_share`)."""

    @classmethod
    def of(cls, depths: Sequence[NDArray[np.float32]]) -> UsualDepth | None:
        """What `depths` (H, W) are like; None without any that says something."""
        seen = [depth for depth in depths if not images.empty_depth(depth)]
        if not seen:
            return None
        levels = [float(np.nanmedian(depth)) for depth in seen]
        reliefs = [relief_of(depth) for depth in seen]
        return cls(
            min(float(np.nanmin(depth)) for depth in seen),
            (min(levels), max(levels)),
            (min(reliefs), max(reliefs)),
            min(images.known_share(depth) for depth in seen),
        )

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> UsualDepth:
        """Read what `to_json` gave. Raises ValueError, LookupError or TypeError for anything else."""
        level, relief = (_pair(values[name]) for name in ("level", "relief"))
        lowest, known = (_number(values[name]) for name in ("lowest", "known"))
        if set(values) != {one.name for one in fields(cls)} or relief[0] < 0 or not 0 <= known <= 1:
            raise ValueError(f"not what depth of good parts is like: {values}")
        return cls(lowest, level, relief, known)

    def to_json(self) -> dict[str, object]:
        """All of it, as JSON values."""
        return asdict(self)

    def applied(self, picture: Picture, needed: bool, image: object) -> Picture:
        """`picture` without depth that is unlike that of good parts, which is noted, and without readings of 0 and
        below where good parts had none. Raises UnreadableFile, which names `image`, where depth is `needed` or all."""
        if picture.depth is None:
            return picture
        if self.lowest > 0 and (picture.depth <= 0).any():
            depth = np.where(picture.depth <= 0, np.float32(np.nan), picture.depth)
            # Depth that is below 0 altogether is told by its level.
            picture = picture if np.isnan(depth).all() else replace(picture, depth=depth)
        assert picture.depth is not None
        if not (unlike := self.unlike(picture.depth)):
            return picture
        if needed or picture.modalities <= {DEPTH, XYZ}:
            raise UnreadableFile(f"depth of '{image}' {unlike}: check its unit and its sensor")
        note = f"depth left out: it {unlike}: check its unit and its sensor"
        return replace(picture.without(DEPTH, XYZ), notes=(*picture.notes, note))

    def unlike(self, depth: NDArray[np.float32]) -> str:
        """What depth (H, W) shows and good parts did not, in words that follow its name; empty where it is alike."""
        if nothing := images.empty_depth(depth):
            return nothing
        if (known := images.known_share(depth)) < LEAST_KNOWN * self.known:
            return (
                f"is known on {known:.1%} of the picture, and that of good parts on {self.known:.0%} or more"
            )
        level, (low, high) = float(np.nanmedian(depth)), self.level
        least, most = self.relief
        far = max(RANGES * (high - low), RANGES * most, SHARE * max(abs(low), abs(high)))
        if not low - far <= level <= high + far:
            return f"lies at {_mm(level)} mm, and that of good parts at {_mm(low)} to {_mm(high)} mm"
        relief = relief_of(depth)
        large = relief > FACTOR * most and relief > SHARE * max(abs(low), abs(high))
        if large or relief * FACTOR < least:
            return f"has a relief of {_mm(relief)} mm, and that of good parts {_mm(least)} to {_mm(most)} mm"
        return ""


def measure_depth(samples: Sequence[Sample]) -> UsualDepth | None:
    """What depth of good samples is like; those without depth, or whose depth cannot be read, are passed over."""
    measured = [sample for sample in samples if sample.depth is not None]
    chosen = np.unique(np.linspace(0, len(measured) - 1, min(MOST, len(measured))).round().astype(int))
    return UsualDepth.of(list(_read([measured[k] for k in chosen])))


def relief_of(depth: NDArray[np.float32]) -> float:
    """How far heights over the form of depth (H, W) spread, in mm: from the 5th to the 95th percentile."""
    step = max(1, min(depth.shape) // SIDE)
    few = depth[step // 2 :: step, step // 2 :: step]
    valid = ~np.isnan(few)
    if not valid.any():
        few, valid = depth, ~np.isnan(depth)
    heights = over_trend(np.where(valid, few, np.float32(0)), valid, 2)[valid]
    low, high = np.percentile(heights, (5, 95))
    return float(high - low)


def _read(samples: Sequence[Sample]) -> Iterator[NDArray[np.float32]]:
    for sample in samples:
        with contextlib.suppress(UnreadableFile):
            assert sample.depth is not None
            yield images.read_depth(sample.depth, sample.depth_range, unit_mm=sample.depth_unit_mm)


def _mm(value: float) -> str:
    return f"{value:.3g}"


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number of mm")
    return float(value)


def _pair(value: object) -> tuple[float, float]:
    low, high = map(_number, value) if isinstance(value, list | tuple) and len(value) == 2 else (0.0, -1.0)
    if low > high:
        raise ValueError(f"{value!r} is no range")
    return low, high
