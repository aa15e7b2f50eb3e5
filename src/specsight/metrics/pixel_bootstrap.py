"""Confidence intervals of pixel metrics, resampled by picture, at the cost of a matrix product.

Pixels of one picture are not independent, so whole pictures are resampled. All pixel metrics depend on the pictures
only through sums over pictures of counts at or above each threshold; so each picture is reduced once to such counts on
a grid of thresholds shared by all pictures, and a resample is a weighted sum of rows.

The grid (`grid`, at most `GRID` thresholds) lies at quantiles of every region's scores and of the defect-free scores,
with geometrically finer steps towards their top, where FPR is small. At grid thresholds all rates are exact. Between
two neighbouring ones the ROC and the PRO curve are known to rise inside a rectangle, where the trapezoid is at most
half its area wrong. `PixelInterval.error` is the sum of those halves (for AP and F1-max the corresponding bracket), the
largest over all resamples: no resample, hence no end of the interval, can be further from its exact value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.metrics.bootstrap import percentile_interval, resample_weights
from specsight.metrics.pixel import LIMITS, check_limits
from specsight.metrics.scores import Floats, PixelScores

GRID = 4096
PER_REGION = 64
BLOCK = 64
"""Resamples handled at once: bounds the memory to a few times BLOCK × GRID numbers."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PixelInterval:
    """Percentile interval of one pixel metric; each end is exact to ± `error` (of the grid, not of the sampling)."""

    low: float
    high: float
    error: float


@dataclass(frozen=True)
class PixelIntervals:
    """Intervals of the metrics of `PixelMetrics`; `aupro` by false-positive-rate limit."""

    auroc: PixelInterval
    average_precision: PixelInterval
    f1_max: PixelInterval
    aupro: dict[float, PixelInterval]


@dataclass(frozen=True)
class _Counts:
    """Sums over pictures at the grid's falling thresholds, (..., G + 2), with "none" first and "all pixels" last."""

    false: Array
    hits: Array
    covered: Array
    regions: Array
    """(..., 1) number of regions."""


def pixel_intervals(
    scores: PixelScores,
    limits: Sequence[float] = LIMITS,
    groups: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> PixelIntervals:
    """Stratified percentile bootstrap over pictures (good and defective ones apart) of all pixel metrics.

    `groups` (N,) names the physical object of each picture, drawn together. All metrics share the resamples.
    """
    check_limits(limits)
    weights = resample_weights(scores.good, groups, resamples, seed).astype(np.float64)
    per_picture = _reduce(scores, grid(scores))
    found: dict[str | float, list[Array]] = {}
    for start in range(0, resamples, BLOCK):
        block = weights[start : start + BLOCK]
        sums = _Counts(
            false=block @ per_picture.false,
            hits=block @ per_picture.hits,
            covered=block @ per_picture.covered,
            regions=block @ per_picture.regions,
        )
        for name, value in _all(sums, limits).items():
            found.setdefault(name, []).append(value)

    def interval(name: str | float) -> PixelInterval:
        values, errors = np.concatenate(found[name], axis=1) if name in found else np.full((2, 1), np.nan)
        low, high = percentile_interval(values, confidence)
        return PixelInterval(low, high, float(np.max(errors)))

    return PixelIntervals(
        auroc=interval("auroc"),
        average_precision=interval("average_precision"),
        f1_max=interval("f1_max"),
        aupro={limit: interval(limit) for limit in limits},
    )


def grid(scores: PixelScores, size: int = GRID) -> Floats:
    """(G,) distinct thresholds, falling, G <= `size`: half of them from the regions, half from the defect-free pixels.

    Any grid gives valid intervals; this one makes their `error` small. All regions have equal say, as in PRO.
    """
    of_regions, of_background = [], []
    for picture in scores.pictures:
        ends = np.cumsum(picture.defects.sizes)
        parts = np.split(picture.defects.regions, ends[:-1]) if len(ends) else []
        of_regions += [part[_even(len(part), PER_REGION)] for part in parts]
        count = len(picture.background)
        tail = (
            count - np.unique(np.geomspace(1, count, PER_REGION).astype(np.int64)) if count else _even(0, 1)
        )
        of_background.append(picture.background[np.concatenate([_even(count, PER_REGION), tail])])
    chosen = []
    for pool in (of_regions, of_background):
        values = np.sort(np.concatenate(pool)) if pool else np.zeros(0, dtype=np.float32)
        chosen.append(values[_even(len(values), size // 2)])
    return np.unique(np.concatenate(chosen))[::-1]


def _even(count: int, at_most: int) -> NDArray[np.int64]:
    """Evenly spaced positions in an array of `count`, its ends included."""
    return np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64))


def _reduce(scores: PixelScores, thresholds: Floats) -> _Counts:
    """Each picture's sums (N, G + 2) at or above each threshold."""
    false, hits, covered, regions = [], [], [], []
    for picture in scores.pictures:
        defects = picture.defects
        false.append(_at_or_above(picture.background, thresholds))
        hits.append(_at_or_above(defects.pixels, thresholds))
        order = np.argsort(defects.regions)
        coverage = np.concatenate(([0.0], np.cumsum(defects.weights()[order][::-1])))
        covered.append(coverage[_at_or_above(defects.regions[order], thresholds)])
        regions.append([len(defects.sizes)])
    return _Counts(*(np.array(rows, dtype=np.float64) for rows in (false, hits, covered, regions)))


def _at_or_above(ascending: Floats, thresholds: Floats) -> NDArray[np.int64]:
    """(G + 2,) how many scores reach each falling threshold, between none and all."""
    reached = len(ascending) - np.searchsorted(ascending, thresholds, side="left")
    return np.concatenate(([0], reached, [len(ascending)]))


def _all(sums: _Counts, limits: Sequence[float]) -> dict[str | float, Array]:
    """name → (2, resamples): value and error bound."""
    negatives, positives = sums.false[:, -1:], sums.hits[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        # One class only: 0 / 0 = nan, the documented answer.
        fpr, recall, overlap = sums.false / negatives, sums.hits / positives, sums.covered / sums.regions
    both = np.where((negatives > 0) & (positives > 0), 1.0, np.nan)[:, 0]
    found: dict[str | float, Array] = {
        "auroc": _area(fpr, recall, 1.0),
        "average_precision": _average_precision(sums) * both,
        "f1_max": _f1_max(sums) * both,
    }
    return found | {limit: _area(fpr, overlap, limit) for limit in limits}


def _area(x: Array, y: Array, limit: float) -> Array:
    """(2, resamples): (1 / limit) ∫_0^limit y dx by trapezoids, and how far the curve between vertices can move it."""
    clipped = np.minimum(x, limit)
    width = np.diff(clipped, axis=1)
    full, rise = np.diff(x, axis=1), np.diff(y, axis=1)
    slope = np.divide(rise, full, out=np.zeros_like(rise), where=full > 0)
    area = np.sum(width * (y[:, :-1] + 0.5 * width * slope), axis=1)
    # The exact curve may pass anywhere through a rectangle, so where the limit cuts one the error is not halved.
    share = np.divide(width, full, out=np.ones_like(full), where=full > 0)
    error = np.sum(width * rise * (1.0 - 0.5 * share), axis=1)
    undefined = np.isnan(x[:, -1]) | np.isnan(y[:, -1])
    return np.where(undefined, np.nan, np.stack([area, error])) / limit


def _average_precision(sums: _Counts) -> Array:
    """(2, resamples): Σ ΔR × precision in the middle of each step, and how far the order inside them can move it."""
    before, after = sums.hits[:, :-1], sums.hits[:, 1:]
    false_before, false_after = sums.false[:, :-1], sums.false[:, 1:]
    gained = after - before
    none = gained == 0
    middle, false_middle = (before + after) / 2, (false_before + false_after) / 2
    best = np.where(none, 0.0, after / np.where(none, 1.0, after + false_before))
    worst = np.where(none, 0.0, before / np.where(none, 1.0, np.maximum(before + false_after, 1.0)))
    estimate = np.where(none, 0.0, middle / np.where(none, 1.0, middle + false_middle))
    positives = np.maximum(sums.hits[:, -1], 1.0)
    error = np.maximum(best - estimate, estimate - worst)
    return np.stack([np.sum(gained * estimate, axis=1), np.sum(gained * error, axis=1)]) / positives


def _f1_max(sums: _Counts) -> Array:
    """(2, resamples): the best F1 at a grid threshold, and how much better one between two of them could be."""
    positives = sums.hits[:, -1:]
    whole = np.maximum(sums.hits + sums.false + positives, 1.0)
    at_grid = np.max(2.0 * sums.hits / whole, axis=1)
    between = 2.0 * sums.hits[:, 1:] / np.maximum(sums.hits[:, 1:] + sums.false[:, :-1] + positives, 1.0)
    return np.stack([at_grid, np.max(between, axis=1) - at_grid])
