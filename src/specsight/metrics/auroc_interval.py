"""The confidence interval of an AUROC over pictures, by formula.

The variance is DeLong's (DeLong, DeLong and Clarke-Pearson, Biometrics 1988), for several pictures of one object its
clustered form (Obuchowski, Biometrics 1997), on the logit scale, which keeps the interval inside (0, 1) and skewed as
the estimate is. Where the pictures show no error to estimate a variance from (AUROC of 0 or 1, or all scores equal), it
is Newcombe's score interval with the variance of Hanley and McNeil (Newcombe, Statistics in Medicine 25, 2006, part 2,
method 5), which does not end at a point: 20 good and 20 defective pictures without an error say "at least 0.90".
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specsight.errors import SpecsightError
from specsight.metrics.bootstrap import Interval
from specsight.metrics.image import image_auroc

Floats = NDArray[np.float64]


def auroc_interval(
    labels: ArrayLike, scores: ArrayLike, groups: ArrayLike | None = None, confidence: float = 0.95
) -> Interval:
    """Interval of the image AUROC of `labels` (N,) (true = defective) and `scores` (N,); nan where it is undefined.

    `groups` (N,) names the physical object of each picture; None: each picture shows its own. `confidence` in (0, 1) is
    held approximately: docs/metrics.md has the coverage that was measured.
    """
    from scipy.special import ndtri

    if not 0.0 < confidence < 1.0:
        raise SpecsightError(f"confidence {confidence} is not in (0, 1): 0.95 is usual")
    estimate = image_auroc(labels, scores)
    if math.isnan(estimate):
        return Interval(math.nan, math.nan)
    defective = np.asarray(labels).astype(bool)
    names = np.arange(len(defective)) if groups is None else np.unique(groups, return_inverse=True)[1].ravel()
    deviate = float(ndtri((1.0 + confidence) / 2.0))
    variance = _variance(defective, np.asarray(scores, np.float64), names, estimate)
    if 0.0 < estimate < 1.0 and variance > 0.0:
        centre = math.log(estimate / (1.0 - estimate))
        half = deviate * math.sqrt(variance) / (estimate * (1.0 - estimate))
        return Interval(_logistic(centre - half), _logistic(centre + half))
    sizes = (len(np.unique(names[defective])), len(np.unique(names[~defective])))
    return _score_interval(estimate, *sizes, deviate)


def _variance(defective: NDArray[np.bool_], scores: Floats, names: NDArray[np.int64], auroc: float) -> float:
    """Clustered DeLong: the sum over objects of their squared influence; 0 where a class has one object only."""
    influence = np.zeros(names.max() + 1)
    for own, sign in ((defective, 1.0), (~defective, -1.0)):
        other = np.sort(scores[~own])
        below = np.searchsorted(other, scores[own], "left") + np.searchsorted(other, scores[own], "right")
        placement = below / (2.0 * len(other))
        wins = placement if sign > 0 else 1.0 - placement
        objects = len(np.unique(names[own]))
        if objects < 2:
            return 0.0
        share = math.sqrt(objects / (objects - 1)) / len(wins)
        influence += np.bincount(names[own], weights=share * (wins - auroc), minlength=len(influence))
    return float(np.sum(influence**2))


def _score_interval(estimate: float, defective: int, good: int, deviate: float) -> Interval:
    """All t with (estimate - t)² <= deviate² V(t), V the variance of Hanley and McNeil with equal mean sizes."""

    def outside(t: float) -> float:
        mean = (defective + good) / 2.0 - 1.0
        spread = 1.0 + mean * (1.0 - t) / (2.0 - t) + mean * t / (1.0 + t)
        return (estimate - t) ** 2 - deviate**2 * t * (1.0 - t) * spread / (defective * good)

    return Interval(_crossing(outside, estimate, 0.0), _crossing(outside, estimate, 1.0))


def _crossing(outside: Callable[[float], float], estimate: float, end: float) -> float:
    """Where `outside` turns positive between the estimate and `end`; `end` where it never does."""
    from scipy.optimize import brentq

    if estimate == end:
        return end
    # At the estimate itself, if it is 0 or 1, and at the end both sides are 0.
    near, far = estimate + (end - estimate) * 1e-9, end + (estimate - end) * 1e-9
    return end if outside(far) <= 0.0 else float(brentq(outside, near, far))


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))
