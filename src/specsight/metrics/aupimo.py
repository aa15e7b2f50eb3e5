"""AUPIMO: recall of each picture at false-positive rates so low that a good picture stays clean.

Bertoldo et al., "AUPIMO: Redefining visual anomaly detection benchmarks with high speed and low tolerance" (BMVC 2024).

The FPR axis comes from good pictures only, so each defective picture gets a value of its own, and its average over
pictures, its spread and a paired test between two models are meaningful. Exact: instead of a grid of 300,000 thresholds
every distinct score of the good pictures inside the band is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.metrics.scores import PixelScores

BOUNDS = (1e-5, 1e-4)
COARSE_BOUNDS = (1e-4, 1e-3)
PIXELS_PER_LOWER_BOUND = 10
"""The lower bound must mean at least this many good pixels, or it is decided by one or two of them."""
FEWEST_STEPS = 300


@dataclass(frozen=True)
class Aupimo:
    """AUPIMO of each picture and over pictures, in [0, 1].

    `per_picture` (N,) is nan for pictures without defective pixels. `bounds` are the FPR bounds really used and `note`
    says in words what a reader must know about them (empty: the standard ones, well resolved). Values under different
    bounds are different metrics.
    """

    per_picture: NDArray[np.float64]
    bounds: tuple[float, float]
    note: str

    @property
    def variant(self) -> str:
        """The bounds in words, to stand beside every value."""
        return f"false-positive rates {self.bounds[0]:g} to {self.bounds[1]:g}"

    @property
    def mean(self) -> float:
        """Mean over defective pictures."""
        return float(np.mean(self._defined)) if len(self._defined) else float("nan")

    @property
    def median(self) -> float:
        """Median over defective pictures."""
        return float(np.median(self._defined)) if len(self._defined) else float("nan")

    @property
    def percentile_33(self) -> float:
        """A third of the defective pictures score below this."""
        return float(np.percentile(self._defined, 33)) if len(self._defined) else float("nan")

    @property
    def _defined(self) -> NDArray[np.float64]:
        return self.per_picture[~np.isnan(self.per_picture)]


def aupimo(scores: PixelScores, bounds: tuple[float, float] = BOUNDS) -> Aupimo:
    """AUPIMO_i = (1 / ln(U / L)) ∫ TPR_i d ln FPR over FPR in (L, U) = `bounds`.

    FPR(t) is the mean over good pictures of each one's share of pixels >= t; TPR_i(t) the share of picture i's
    defective pixels >= t; a tie of the two counts one half. With too few good pixels for L the coarser bounds
    (1e-4, 1e-3) are used, and with too few for those the values are nan; `note` says so.
    """
    lower, upper = bounds
    if not 0.0 < lower < upper <= 1.0:
        raise SpecsightError(f"AUPIMO bounds {bounds} must satisfy 0 < lower < upper <= 1")
    good_pixels = sum(len(p.background) for p in scores.pictures if p.good)
    used, notes = bounds, []
    if good_pixels <= PIXELS_PER_LOWER_BOUND / lower and COARSE_BOUNDS[0] > lower:
        used = COARSE_BOUNDS
        notes.append(
            f"FPR bounds {used} instead of {bounds}: {good_pixels:,} good pixels are too few for {lower:g}"
        )
    if good_pixels <= PIXELS_PER_LOWER_BOUND / used[0]:
        needed = round(PIXELS_PER_LOWER_BOUND / used[0])
        note = f"undefined: {good_pixels:,} pixels of good pictures, more than {needed:,} needed"
        return Aupimo(np.full(len(scores.pictures), np.nan), used, note)
    thresholds, widths = _band(scores, *used)
    if len(thresholds) < FEWEST_STEPS:
        notes.append(f"only {len(thresholds)} distinct scores of good pictures lie in the band")
    per_picture = [_recall(p.defects.pixels, thresholds) @ widths for p in scores.pictures]
    return Aupimo(np.array(per_picture, dtype=np.float64), used, "; ".join(notes))


def paired_wilcoxon(first: Aupimo, second: Aupimo) -> float:
    """Two-sided p value of the Wilcoxon signed-rank test between two models on the same pictures."""
    if first.bounds != second.bounds or len(first.per_picture) != len(second.per_picture):
        raise SpecsightError("AUPIMO can be compared only on the same pictures and with the same bounds")
    from scipy import stats

    difference = first.per_picture - second.per_picture
    difference = difference[~np.isnan(difference)]
    if not len(difference):
        return float("nan")
    return float(stats.wilcoxon(difference).pvalue) if np.any(difference) else 1.0


def _band(scores: PixelScores, lower: float, upper: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Distinct scores of good pictures inside the band, falling, and the share of the band (in ln FPR) each fills."""
    good = [p.background for p in scores.pictures if p.good and len(p.background)]
    # One picture alone lifts the mean over K pictures past U once K × U of its pixels are above: more are not needed.
    counts = [min(len(b), math.floor(upper * len(good) * len(b)) + 1) for b in good]
    values = np.concatenate([b[len(b) - count :] for b, count in zip(good, counts, strict=True)])
    shares = np.concatenate(
        [np.full(count, 1.0 / (len(good) * len(b))) for b, count in zip(good, counts, strict=True)]
    )
    distinct, which = np.unique(-values, return_inverse=True)
    after = np.cumsum(np.bincount(which.ravel(), weights=shares))
    before = np.concatenate(([0.0], after[:-1]))
    inside = (after > lower) & (before < upper)
    widths = np.log(np.minimum(after[inside], upper)) - np.log(np.maximum(before[inside], lower))
    return -distinct[inside], widths / math.log(upper / lower)


def _recall(pixels: NDArray[np.float32], thresholds: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of a picture's defective pixels above each threshold, ties counting one half; nan if it has none."""
    if not len(pixels):
        return np.full(len(thresholds), np.nan)
    below = np.searchsorted(pixels, thresholds, "left") + np.searchsorted(pixels, thresholds, "right")
    return 1.0 - below / (2.0 * len(pixels))
