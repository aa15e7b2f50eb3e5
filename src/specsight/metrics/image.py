"""Image-level metrics: one score, one truth and one verdict per picture → numbers for one product.

Scores are used raw: clipping them to [0, 1] first makes ties of everything above 1 and changes the ranking. Metrics
that need both classes are nan where only one is present.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specsight.errors import SpecsightError
from specsight.metrics import ranking
from specsight.metrics.ranking import BestF1, Curve, Ranking


@dataclass(frozen=True)
class Decisions:
    """How verdicts compare with the truth; rates are nan where their denominator is zero.

    `false_reject_rate` (FPR) is the share of good pictures rejected, `miss_rate` (FNR) the share of defective pictures
    accepted, `detection_rate` (recall) its complement.
    """

    true_rejects: int
    false_rejects: int
    misses: int
    true_accepts: int

    @property
    def accuracy(self) -> float:
        """Share of right verdicts."""
        return _ratio(self.true_rejects + self.true_accepts, self.count)

    @property
    def precision(self) -> float:
        """Share of rejected pictures that are defective."""
        return _ratio(self.true_rejects, self.true_rejects + self.false_rejects)

    @property
    def detection_rate(self) -> float:
        """Share of defective pictures that are rejected (recall)."""
        return _ratio(self.true_rejects, self.true_rejects + self.misses)

    @property
    def miss_rate(self) -> float:
        """Share of defective pictures that are accepted (FNR)."""
        return _ratio(self.misses, self.true_rejects + self.misses)

    @property
    def false_reject_rate(self) -> float:
        """Share of good pictures that are rejected (FPR)."""
        return _ratio(self.false_rejects, self.false_rejects + self.true_accepts)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return _ratio(2 * self.true_rejects, 2 * self.true_rejects + self.false_rejects + self.misses)

    @property
    def count(self) -> int:
        """Number of pictures."""
        return self.true_rejects + self.false_rejects + self.misses + self.true_accepts


def image_ranking(labels: ArrayLike, scores: ArrayLike) -> Ranking:
    """Check `labels` (N,) (true = defective) and `scores` (N,) and rank them; `SpecsightError` names a bad entry."""
    defective, values = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if defective.shape != values.shape or values.ndim != 1:
        raise SpecsightError(
            f"labels have shape {defective.shape} but scores {values.shape}: pass one of each per picture"
        )
    unusable = np.flatnonzero(~np.isfinite(values))
    if len(unusable):
        first = int(unusable[0])
        raise SpecsightError(f"score of picture {first} is {values[first]}: a ranking needs finite numbers")
    chosen = defective.astype(bool)
    return ranking.rank(np.sort(values[chosen]), np.sort(values[~chosen]))


def image_auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """AUROC = P(s_defective > s_good) + 0.5 P(s_defective = s_good), in [0, 1]."""
    return ranking.auroc(image_ranking(labels, scores))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """AP = Σ (R_i - R_{i-1}) P_i, in [0, 1]; chance level is the share of defective pictures."""
    return ranking.average_precision(image_ranking(labels, scores))


def f1_max(labels: ArrayLike, scores: ArrayLike) -> BestF1:
    """The largest F1 over all thresholds (score >= threshold is defective). An oracle: label it so."""
    return ranking.best_f1(image_ranking(labels, scores))


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> Curve:
    """Detection rate (y) over false-reject rate (x), vertices at every distinct defective score."""
    return ranking.roc_curve(image_ranking(labels, scores))


def precision_recall_curve(labels: ArrayLike, scores: ArrayLike) -> Curve:
    """Precision (y) over recall (x) at every distinct defective score."""
    return ranking.precision_recall_curve(image_ranking(labels, scores))


def decisions(labels: ArrayLike, rejected: ArrayLike) -> Decisions:
    """Count the verdicts `rejected` (N,) bool, as they were given at the deployed threshold, against `labels` (N,)."""
    defective, out = np.asarray(labels).astype(bool), np.asarray(rejected).astype(bool)
    if defective.shape != out.shape:
        raise SpecsightError(
            f"labels have shape {defective.shape} but verdicts {out.shape}: pass one per picture"
        )
    return Decisions(
        true_rejects=int(np.sum(defective & out)),
        false_rejects=int(np.sum(~defective & out)),
        misses=int(np.sum(defective & ~out)),
        true_accepts=int(np.sum(~defective & ~out)),
    )


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance between probability of defect and truth, in [0, 1]; lower is better (Brier 1950)."""
    truth, chance = _probabilities(labels, probabilities)
    return float(np.mean((chance - truth) ** 2)) if len(truth) else float("nan")


def calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error, Σ_b (n_b / n) |mean truth - mean probability| over equal bins b (Guo et al. 2017)."""
    truth, chance = _probabilities(labels, probabilities)
    if not len(truth):
        return float("nan")
    which = np.minimum((chance * bins).astype(int), bins - 1)
    gap = np.bincount(which, weights=truth - chance, minlength=bins)
    return float(np.sum(np.abs(gap))) / len(truth)


def _probabilities(labels: ArrayLike, given: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, chance = np.asarray(labels, dtype=np.float64), np.asarray(given, dtype=np.float64)
    if truth.shape != chance.shape:
        raise SpecsightError(f"labels have shape {truth.shape} but probabilities {chance.shape}")
    if len(chance) and not (chance.min() >= 0.0 and chance.max() <= 1.0):
        raise SpecsightError("probabilities must lie in [0, 1]: raw scores have no calibration error")
    return truth, chance


def _ratio(part: int, total: int) -> float:
    return part / total if total else float("nan")


def weighted_auroc(labels: ArrayLike, scores: ArrayLike, weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """(R,) `image_auroc` with picture n counted `weights[r, n]` times (R, N), at the cost of a matrix product.

    nan where a resample holds one class alone.
    """
    defective, values = np.asarray(labels, bool), np.asarray(scores, np.float64)
    bad, good = values[defective][:, None], values[~defective][None]
    wins = (bad > good) + 0.5 * (bad == good)
    of_bad, of_good = (weights[:, one].astype(np.float64) for one in (defective, ~defective))
    pairs = of_bad.sum(1) * of_good.sum(1)
    won = np.einsum("rg,rg->r", of_bad @ wins, of_good)
    shares = np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return np.asarray(shares, np.float64)
