"""Pixel-level metrics of a test set, all exact: AUROC, AP, F1-max, AUPRO and AU-sPRO at any limit.

Every pixel of every picture counts, good pictures included; nothing is binned, subsampled or rescaled. The cost is one
sort of the defect-free scores and one binary search per distinct defective score, instead of thresholds × connected
components.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.metrics import ranking
from specsight.metrics.ranking import Curve, Ranking
from specsight.metrics.scores import Map, Mask, PixelScores, PixelTruth, gather

LIMITS = (0.3, 0.05)
"""False-positive rates up to which region overlap is measured unless others are asked for."""


@dataclass(frozen=True)
class PixelMetrics:
    """Pixel metrics of one test set at its maps' resolution; nan where the set holds one class only.

    `aupro` maps each false-positive-rate limit to its area (AU-sPRO if the truth came with saturation areas). F1-max
    and `oracle_iou` choose their threshold by looking at the truth: oracles. Curves are thinned for drawing.
    """

    auroc: float
    average_precision: float
    f1_max: float
    f1_max_threshold: float
    aupro: Mapping[float, float]
    roc: Curve
    precision_recall: Curve
    pro: Curve
    pictures: int
    regions: int
    positive_pixels: int
    background_pixels: int

    @property
    def oracle_iou(self) -> float:
        """The best data-set IoU over all thresholds, TP / (TP + FP + FN) = F1 / (2 - F1): same threshold as F1-max."""
        return self.f1_max / (2.0 - self.f1_max)


def pixel_metrics(
    maps: Iterable[Map],
    masks: Iterable[Mask],
    regions: Iterable[Sequence[Mask] | None] | None = None,
    limits: Sequence[float] = LIMITS,
) -> PixelMetrics:
    """`measure` for maps and masks (H, W) given side by side; `regions` holds each picture's defects one by one."""
    if regions is None:
        return measure(gather(zip(maps, masks, strict=True)), limits)
    truths = (PixelTruth(mask, parts) for mask, parts in zip(masks, regions, strict=True))
    return measure(gather(zip(maps, truths, strict=True)), limits)


def measure(scores: PixelScores, limits: Sequence[float] = LIMITS) -> PixelMetrics:
    """All pixel metrics of a test set. `limits` are the false-positive rates in (0, 1] up to which PRO counts."""
    check_limits(limits)
    ranked = ranking.rank(scores.positive(), scores.background())
    # Full curves have two vertices per distinct defective score: hold one of them at a time.
    roc = ranking.roc_curve(ranked).thinned()
    precision_recall = ranking.precision_recall_curve(ranked).thinned()
    pro = _pro_curve(scores, ranked)
    f1 = ranking.best_f1(ranked)
    return PixelMetrics(
        auroc=ranking.auroc(ranked),
        average_precision=ranking.average_precision(ranked),
        f1_max=f1.f1,
        f1_max_threshold=f1.threshold,
        aupro={limit: pro_area(pro, limit) for limit in limits},
        roc=roc,
        precision_recall=precision_recall,
        pro=pro.thinned(),
        pictures=len(scores.pictures),
        regions=sum(len(p.defects.sizes) for p in scores.pictures),
        positive_pixels=ranked.positives,
        background_pixels=ranked.negatives,
    )


def pro_curve(scores: PixelScores) -> Curve:
    """PRO(t) = mean over regions of |R ∩ {A >= t}| / |R| over FPR(t), the share of all defect-free pixels with A >= t.

    With saturation areas S it is sPRO(t) = mean min(|R ∩ {A >= t}| / S, 1). Bergmann et al., IJCV 2021 and 2022.
    """
    return _pro_curve(scores, ranking.rank(scores.positive(), scores.background()))


def aupro(scores: PixelScores, limit: float = 0.3) -> float:
    """AUPRO_L = (1 / L) ∫_0^L PRO dFPR, in [0, 1]. The FPR axis is cut at L, never rescaled to the data."""
    check_limits((limit,))
    return pro_area(pro_curve(scores), limit)


def pro_area(curve: Curve, limit: float) -> float:
    """(1 / L) ∫_0^L PRO dFPR of a `pro_curve`; nan for the empty curve of a set with one class only."""
    # Adding up in floating point may end a rounding error above one.
    return min(curve.area(limit), 1.0) if len(curve.x) else float("nan")


def check_limits(limits: Sequence[float]) -> None:
    """`SpecsightError` unless every limit is a usable false-positive rate."""
    for limit in limits:
        if not 0.0 < limit <= 1.0:
            raise SpecsightError(
                f"AUPRO limit {limit} is not a false-positive rate: choose one in (0, 1], usually 0.3"
            )


def _pro_curve(scores: PixelScores, ranked: Ranking) -> Curve:
    if not ranked.defined:
        return Curve(np.zeros(0), np.zeros(0))
    return ranking.rising_curve(ranked, _coverage(scores, ranked))


def _coverage(scores: PixelScores, ranked: Ranking) -> NDArray[np.float64]:
    """(M,) mean (saturated) region overlap at each threshold of the ranking."""
    ascending = ranked.thresholds[::-1]
    gained = np.zeros(len(ascending))
    for picture in scores.pictures:
        at = np.searchsorted(ascending, picture.defects.regions)
        np.add.at(gained, at, picture.defects.weights())
    covered: NDArray[np.float64] = np.cumsum(gained[::-1])
    # At the lowest threshold every region is covered: its sum is the number of regions, rounding included.
    covered /= covered[-1]
    return covered
