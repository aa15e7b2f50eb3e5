"""Exact ranking metrics of two sorted sets of scores: positives (defective) and negatives (good).

Nothing here knows whether a score belongs to a picture or to a pixel: `image.py` and `pixel.py` sort their scores and
ask here. All curves have vertices only at distinct positive scores, which is enough to be exact: between two of them
nothing but false positives can change. Fawcett, "An introduction to ROC analysis" (2006); Davis and Goadrich (2006).

Convention everywhere: a score is called positive at threshold t if score >= t, higher = more anomalous, and a tie
between a positive and a negative counts one half. With only one class present nothing can be ranked: nan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]


class BestF1(NamedTuple):
    """The largest F1 over all thresholds (an oracle: it looks at the truth) and the threshold that reaches it."""

    f1: float
    threshold: float


@dataclass(frozen=True)
class Curve:
    """Vertices of a curve, x and y (M,) float64, in the order of falling threshold; linear in between."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def area(self, limit: float = 1.0) -> float:
        """(1 / limit) ∫_0^limit y dx by trapezoids, with linear interpolation at the limit."""
        inside = int(np.searchsorted(self.x, limit, side="right"))
        x, y = self.x[:inside], self.y[:inside]
        if inside < len(self.x):
            x1, y1 = self.x[inside], self.y[inside]
            at_limit = y[-1] + (y1 - y[-1]) * (limit - x[-1]) / (x1 - x[-1])
            x, y = np.append(x, limit), np.append(y, at_limit)
        return float(np.dot(np.diff(x), y[1:] + y[:-1])) / (2.0 * limit)

    def thinned(self, points: int = 1000) -> Curve:
        """At most `points` of the vertices, evenly spread along the curve: for drawing, not for measuring."""
        if len(self.x) <= points:
            return self
        length = np.cumsum(
            np.abs(np.diff(self.x, prepend=self.x[0])) + np.abs(np.diff(self.y, prepend=self.y[0]))
        )
        chosen = np.searchsorted(length, np.linspace(0.0, length[-1], points), side="left")
        chosen = np.unique(np.concatenate(([0], chosen.clip(max=len(length) - 1), [len(length) - 1])))
        return Curve(self.x[chosen], self.y[chosen])


@dataclass(frozen=True)
class Ranking:
    """What is at or above each distinct positive score; all arrays (M,), thresholds falling.

    `hits` counts positives >= threshold, `false` negatives >= threshold, `false_above` negatives > threshold; so
    `false - false_above` negatives are tied with the positives at that threshold.
    """

    thresholds: Scores
    hits: NDArray[np.int64]
    false: NDArray[np.int64]
    false_above: NDArray[np.int64]
    positives: int
    negatives: int

    @property
    def defined(self) -> bool:
        """Whether both classes are present."""
        return self.positives > 0 and self.negatives > 0


def rank(positive: Scores, negative: Scores) -> Ranking:
    """Count both classes at each distinct positive score; `positive` (P,) and `negative` (N,) come sorted ascending."""
    new = np.ones(len(positive), dtype=bool)
    new[1:] = positive[1:] != positive[:-1]
    first = np.flatnonzero(new)
    distinct = positive[first]
    above = len(negative) - np.searchsorted(negative, distinct, side="right")
    at_or_above = len(negative) - np.searchsorted(negative, distinct, side="left")
    return Ranking(
        thresholds=distinct[::-1],
        hits=(len(positive) - first)[::-1],
        false=at_or_above[::-1],
        false_above=above[::-1],
        positives=len(positive),
        negatives=len(negative),
    )


def auroc(ranking: Ranking) -> float:
    """P(positive > negative) + 0.5 P(positive = negative), the Mann-Whitney form of the area under the ROC curve."""
    if not ranking.defined:
        return float("nan")
    group = np.diff(ranking.hits, prepend=0)
    lost_twice = int(np.dot(group, ranking.false + ranking.false_above))
    return 1.0 - lost_twice / (2 * ranking.positives * ranking.negatives)


def average_precision(ranking: Ranking) -> float:
    """Σ_k (R_k - R_{k-1}) P_k over falling thresholds: the step form, not a trapezoid (which is too optimistic)."""
    if not ranking.defined:
        return float("nan")
    group = np.diff(ranking.hits, prepend=0)
    return float(np.sum(group * (ranking.hits / (ranking.hits + ranking.false)))) / ranking.positives


def best_f1(ranking: Ranking) -> BestF1:
    """max_t 2PR / (P + R) = 2 TP / (TP + FP + positives); of equal maxima the highest threshold."""
    if not ranking.defined:
        return BestF1(float("nan"), float("nan"))
    f1 = 2.0 * ranking.hits / (ranking.hits + ranking.false + ranking.positives)
    best = int(np.argmax(f1))
    return BestF1(float(f1[best]), float(ranking.thresholds[best]))


def rising_curve(ranking: Ranking, share: NDArray[np.float64]) -> Curve:
    """`share` (M,), what is covered at each threshold, over the false-positive rate: a curve from (0, 0) to FPR = 1.

    Each distinct score gives two vertices, before and after it, so that ties rise diagonally and everything else in
    horizontal and vertical steps: exactly the curve over all distinct scores of both classes.
    """
    x, y = np.empty(2 * len(share) + 2), np.empty(2 * len(share) + 2)
    x[0], x[1:-1:2], x[2:-1:2], x[-1] = 0, ranking.false_above, ranking.false, ranking.negatives
    x /= ranking.negatives
    y[0], y[2:-1:2] = 0.0, share
    y[1::2] = y[0:-1:2]
    return Curve(x, y)


def roc_curve(ranking: Ranking) -> Curve:
    """True-positive rate over false-positive rate; empty if only one class is present."""
    if not ranking.defined:
        return Curve(np.zeros(0), np.zeros(0))
    return rising_curve(ranking, ranking.hits / ranking.positives)


def precision_recall_curve(ranking: Ranking) -> Curve:
    """Precision (y) over recall (x) at each distinct positive score; empty if only one class is present."""
    if not ranking.defined:
        return Curve(np.zeros(0), np.zeros(0))
    return Curve(ranking.hits / ranking.positives, ranking.hits / (ranking.hits + ranking.false))
