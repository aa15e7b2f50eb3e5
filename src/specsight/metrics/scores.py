"""Maps and masks of a test set, read once → the scores every pixel metric needs, sorted per picture.

The one place where pixel metrics look at pictures: it checks them, splits each map into defect-free and defective
pixels, and finds the regions. Any iterable will do, so maps may be read from disk one at a time.

Memory: 4 bytes per defect-free pixel, 8 per defective one (and 8 more for each further region or type it belongs to).
Merging a set (`PixelScores.background`) takes another 4 bytes per defect-free pixel while it is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.metrics.regions import connected

Mask = NDArray[np.bool_]
Map = NDArray[np.floating[Any]]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PixelTruth:
    """The truth about one picture's pixels.

    `mask` (H, W) bool marks all defective pixels. `regions` are the defects one by one (they may overlap, and their
    union must be `mask`); None means the 8-connected components of the mask. `saturations` are their saturation areas
    in pixels (sPRO). `types` maps each defect type to its (H, W) mask, `type_regions` to its defects one by one (where
    it names none, the 8-connected components of that mask). `good` says whether the picture shows a good part; None
    means: if its mask is empty. `hidden` (H, W) marks pixels of which nobody can know anything (something lay before
    the part): unless they are in `mask`, they are neither defective nor defect-free, and count nowhere.
    """

    mask: Mask
    regions: Sequence[Mask] | None = None
    saturations: Sequence[float] | None = None
    types: Mapping[str, Mask] = field(default_factory=dict)
    type_regions: Mapping[str, Sequence[Mask]] = field(default_factory=dict)
    good: bool | None = None
    hidden: Mask | None = None


@dataclass(frozen=True)
class DefectScores:
    """Scores of one picture's defective pixels.

    `pixels` (P,) sorted ascending, each pixel once. `regions` (Q,) holds the regions' pixels one region after the
    other, ascending inside each; `sizes` (K,) their areas in pixels and `saturations` (K,) their saturation areas.
    """

    pixels: Floats
    regions: Floats
    sizes: NDArray[np.int64]
    saturations: NDArray[np.float64]

    def weights(self) -> NDArray[np.float64]:
        """(Q,) what each region pixel adds to its region's coverage: 1/S for the S highest pixels, 0 for the rest.

        Their sum over the h highest pixels of a region is min(h / S, 1), which is sPRO; with S = |R| it is PRO. A
        fractional S leaves a fraction of 1/S for the last pixel.
        """
        ends = np.repeat(np.cumsum(self.sizes), self.sizes)
        rank_from_top = ends - 1 - np.arange(len(self.regions))
        saturation = np.repeat(self.saturations, self.sizes)
        return np.clip(saturation - rank_from_top, 0.0, 1.0) / saturation


@dataclass(frozen=True)
class PictureScores:
    """One picture: `background` (B,) float32, the defect-free pixels ascending; its defects, together and by type."""

    background: Floats
    defects: DefectScores
    types: Mapping[str, DefectScores]
    good: bool


@dataclass(frozen=True)
class PixelScores:
    """The scores of a test set, one `PictureScores` per picture, in the order they came."""

    pictures: tuple[PictureScores, ...]

    def select(self, indices: Iterable[int]) -> PixelScores:
        """The test set of these pictures only (sharing the arrays)."""
        return PixelScores(tuple(self.pictures[i] for i in indices))

    def background(self) -> Floats:
        """All defect-free pixels of the set, ascending."""
        merged = _joined([p.background for p in self.pictures])
        merged.sort()
        return merged

    def positive(self) -> Floats:
        """All defective pixels of the set, ascending, each once."""
        merged = _joined([p.defects.pixels for p in self.pictures])
        merged.sort()
        return merged

    @property
    def good(self) -> NDArray[np.bool_]:
        """(N,) whether each picture shows a good part."""
        return np.array([p.good for p in self.pictures], dtype=bool)


def gather(pairs: Iterable[tuple[Map, Mask | PixelTruth]]) -> PixelScores:
    """Read (map, mask) or (map, `PixelTruth`) pairs once.

    Maps are (H, W) float16 or float32 (float64 is rounded to float32), masks (H, W); pictures may differ in size.
    Raises `SpecsightError` naming the picture (counted from 0) whose map is not finite or whose shapes disagree.
    """
    return PixelScores(
        tuple(_picture(index, anomaly_map, truth) for index, (anomaly_map, truth) in enumerate(pairs))
    )


def _picture(index: int, anomaly_map: Map, truth: Mask | PixelTruth) -> PictureScores:
    if not isinstance(truth, PixelTruth):
        truth = PixelTruth(truth)
    # A float64 value beyond float32 becomes infinite and is refused with the others.
    with np.errstate(over="ignore"):
        scores = np.asarray(anomaly_map).astype(np.float32, copy=False)
    _check(index, scores, truth)
    mask = np.asarray(truth.mask).astype(bool, copy=False)
    background = scores[~mask if truth.hidden is None else ~(mask | truth.hidden)]
    background.sort()
    return PictureScores(
        background=background,
        defects=_defects(index, scores, mask, truth.regions, truth.saturations),
        types={
            name: _defects(index, scores, np.asarray(m).astype(bool), truth.type_regions.get(name))
            for name, m in truth.types.items()
        },
        good=not mask.any() if truth.good is None else truth.good,
    )


def _check(index: int, scores: Floats, truth: PixelTruth) -> None:
    if scores.ndim != 2:
        raise SpecsightError(f"map of picture {index} has shape {scores.shape}: a map is (rows, columns)")
    hidden = () if truth.hidden is None else (truth.hidden,)
    for mask in (truth.mask, *(truth.regions or ()), *truth.types.values(), *hidden):
        if np.shape(mask) != scores.shape:
            raise SpecsightError(
                f"picture {index}: its map is {scores.shape} but a mask is {np.shape(mask)} (rows, columns): "
                "bring the map to the mask's resolution"
            )
    if not np.isfinite(scores).all():
        bad = int(np.size(scores) - np.count_nonzero(np.isfinite(scores)))
        raise SpecsightError(f"map of picture {index} has {bad} pixel(s) that are NaN or infinite")
    if truth.good and np.any(truth.mask):
        raise SpecsightError(f"picture {index} is called good but its mask is not empty")


def _defects(
    index: int,
    scores: Floats,
    mask: Mask,
    regions: Sequence[Mask] | None = None,
    saturations: Sequence[float] | None = None,
) -> DefectScores:
    if regions is None:
        # The 8-connected components (Bergmann et al., "MVTec AD", CVPR 2019).
        values = scores.ravel()
        parts = [np.sort(values[pixels]) for pixels in connected(mask).pixels]
    else:
        parts = _given(index, scores, mask, regions)
    if saturations is not None and (regions is None or len(saturations) != len(regions)):
        raise SpecsightError(
            f"picture {index} has {len(saturations)} saturation area(s) for {len(regions or ())} given region(s)"
        )
    # A region without pixels cannot be covered, missed or counted.
    areas = [float(len(part)) for part in parts] if saturations is None else list(saturations)
    inside = [(part, area) for part, area in zip(parts, areas, strict=True) if len(part)]
    sizes = np.array([len(part) for part, _ in inside], dtype=np.int64)
    pixels = scores[mask]
    pixels.sort()
    return DefectScores(
        pixels=pixels,
        regions=_joined([part for part, _ in inside]),
        sizes=sizes,
        saturations=np.clip(np.array([area for _, area in inside], dtype=np.float64), 1.0, sizes),
    )


def _given(index: int, scores: Floats, mask: Mask, regions: Sequence[Mask]) -> list[Floats]:
    union = np.zeros(mask.shape, dtype=bool)
    parts = []
    for region in regions:
        inside = np.asarray(region).astype(bool, copy=False)
        union |= inside
        part = scores[inside]
        part.sort()
        parts.append(part)
    if not np.array_equal(union, mask):
        raise SpecsightError(f"picture {index}: the union of its {len(regions)} region(s) is not its mask")
    return parts


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
