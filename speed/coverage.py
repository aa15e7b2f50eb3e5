"""How often 95 % intervals of image AUROC hold, by simulation: ours, and the plain percentile bootstrap they replaced.

Scores of good and defective pictures are normal with equal variance, at a distance that makes the true AUROC what the
row says. An interval covers where it holds the true value. The standard error of a coverage is about 0.5 points.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from specsight.metrics import auroc_interval
from speed.rows import Row

TITLE = "coverage of 95 % intervals of image AUROC"
SIZES = ((10, 10), (20, 20), (50, 100))
"""(defective, good) pictures."""
AUROCS = (0.8, 0.95, 0.99, 0.999)
TRIALS, RESAMPLES = 2000, 400


def run() -> list[Row]:
    """One row for each size and true AUROC."""
    rows = []
    for defective, good in SIZES:
        for auroc in AUROCS:
            ours, plain = coverage(defective, good, auroc, TRIALS)
            what = f"{defective} defective, {good} good, AUROC {auroc:g}"
            rows.append(Row(what, f"{ours:.3f}", "about 0.95", f"percentile bootstrap: {plain:.3f}"))
    return rows


def coverage(defective: int, good: int, auroc: float, trials: int, seed: int = 0) -> tuple[float, float]:
    """Share of intervals that hold the true AUROC: ours, and the percentile bootstrap's."""
    generator = np.random.default_rng(seed)
    labels = np.repeat([True, False], [defective, good])
    ours = plain = 0
    for _ in range(trials):
        scores = generator.normal(size=len(labels)) + labels * math.sqrt(2) * ndtri(auroc)
        low, high = auroc_interval(labels, scores)
        ours += low <= auroc <= high
        low, high = _percentiles(scores[labels], scores[~labels], generator)
        plain += low <= auroc <= high
    return ours / trials, plain / trials


def _percentiles(
    bad: NDArray[np.float64], good: NDArray[np.float64], generator: np.random.Generator
) -> tuple[float, float]:
    wins = (bad[:, None] > good).astype(np.float64)
    times_bad, times_good = (
        generator.multinomial(size, np.full(size, 1 / size), RESAMPLES).astype(np.float64)
        for size in wins.shape
    )
    resampled = np.sum((times_bad @ wins) * times_good, axis=1) / wins.size
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(low), float(high)
