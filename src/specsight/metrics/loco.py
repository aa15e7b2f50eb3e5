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
from specsight.metrics.pixel import check_limits, pro_area, pro_curve
from specsight.metrics.scores import PixelScores

LOCO_LIMITS = (0.05, 0.3)
MEAN = "mean"


@dataclass(frozen=True)
class LocoMetrics:
    """`image_auroc[kind]` and `au_spro[limit][kind]` for each kind of anomaly and their unweighted "mean"."""

    image_auroc: Mapping[str, float]
    au_spro: Mapping[float, Mapping[str, float]]


def saturation_area(region_pixels: int, threshold: float, relative: bool) -> float:
    """S in pixels of one region: `threshold` pixels, or that share of the region if `relative`; within [1, |R|]."""
    area = threshold * region_pixels if relative else threshold
    return min(max(float(area), 1.0), float(max(region_pixels, 1)))


def spro(hit_pixels: int, region_pixels: int, saturation: float) -> float:
    """sPRO of one region, min(hit / S, 1), with S clipped to [1, |R|]."""
    return min(hit_pixels / saturation_area(region_pixels, saturation, relative=False), 1.0)


def loco_metrics(
    scores: PixelScores,
    kinds: Sequence[str],
    image_scores: ArrayLike,
    limits: Sequence[float] = LOCO_LIMITS,
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
