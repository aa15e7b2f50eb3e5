"""MVTec LOCO: saturated per-region overlap and image AUROC for logical and structural anomalies apart.

Bergmann et al., "Beyond Dents and Scratches" (IJCV 2022): for a missing object any part of the possible places should
do, so each region has a saturation area S from which on more overlap earns nothing. The overlap itself is `pixel.aupro`
on a truth with saturation areas; this module splits the test set and averages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from specsight.errors import SpecsightError
from specsight.metrics.image import image_auroc
from specsight.metrics.pixel import LIMITS, check_limits, pro_area, pro_curve
from specsight.metrics.scores import PixelScores

MEAN = "mean"


@dataclass(frozen=True)
class LocoMetrics:
    """`image_auroc[kind]` and `au_spro[limit][kind]` for each kind of anomaly and their unweighted "mean"."""

    image_auroc: Mapping[str, float]
    au_spro: Mapping[float, Mapping[str, float]]


def saturation_area(
    region_pixels: int, threshold: float, relative: bool, native_pixels: int | None = None
) -> float:
    """S of one region in whole pixels: `threshold` pixels, or that share of the region if `relative`.

    A fraction of a pixel is dropped, as MVTec's evaluation does, and S stays within [1, |R|]. `region_pixels` are those
    of the region on the map that is measured; where that map has another resolution than the mask, `native_pixels` are
    those of the mask, in which an absolute threshold is given: it shrinks as the region does, rounded to whole pixels.
    """
    if relative or native_pixels is None:
        area = float(int(threshold * region_pixels if relative else threshold))
    else:
        area = float(round(int(threshold) * region_pixels / max(native_pixels, 1)))
    return min(max(area, 1.0), float(max(region_pixels, 1)))


def spro(hit_pixels: int, region_pixels: int, saturation: float) -> float:
    """sPRO of one region, min(hit / S, 1), with S clipped to [1, |R|]."""
    return min(hit_pixels / min(max(saturation, 1.0), float(max(region_pixels, 1))), 1.0)


def loco_metrics(
    scores: PixelScores,
    kinds: Sequence[str],
    image_scores: ArrayLike,
    limits: Sequence[float] = LIMITS,
) -> LocoMetrics:
    """Each kind against the good pictures, which all kinds share. `kinds` (N,) is ignored where a picture is good.

    The FPR counts all pixels outside every region, of the pictures of that kind and of the good ones.
    """
    check_limits(limits)
    values, good = np.asarray(image_scores, dtype=np.float64), scores.good
    if not len(kinds) == len(values) == len(good):
        raise SpecsightError(
            f"{len(good)} maps, {len(kinds)} kinds and {len(values)} scores: pass one each per picture"
        )
    auroc: dict[str, float] = {}
    spros: dict[float, dict[str, float]] = {limit: {} for limit in limits}
    for kind in sorted({k for k, is_good in zip(kinds, good, strict=True) if not is_good}):
        chosen = np.flatnonzero(good | (np.array(kinds) == kind))
        auroc[kind] = image_auroc(~good[chosen], values[chosen])
        curve = pro_curve(scores.select(chosen.tolist()))
        for limit in limits:
            spros[limit][kind] = pro_area(curve, limit)
    return LocoMetrics(_with_mean(auroc), {limit: _with_mean(by_kind) for limit, by_kind in spros.items()})


def _with_mean(by_kind: dict[str, float]) -> dict[str, float]:
    return by_kind | {MEAN: float(np.mean(list(by_kind.values()))) if by_kind else float("nan")}
