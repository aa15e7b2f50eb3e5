"""Confidence intervals of pixel metrics, resampled by picture, at the cost of a matrix product.

Pixels of one picture are not independent, so whole pictures are resampled. All pixel metrics depend on the pictures
only through sums over pictures of counts at or above each threshold; so each picture is reduced once to such counts on
a grid of thresholds shared by all pictures, and a resample is a weighted sum of rows.

The grid (`grid`) lies at quantiles of every region's scores and of the defect-free scores, with geometrically finer
steps towards their top, where FPR is small. Each grid threshold t gives two exact points of every curve, for scores > t
and for scores >= t, so scores that are tied at t are treated as the exact metrics treat ties. What lies between two
neighbouring thresholds is known to rise inside a rectangle, where the straight line is at most half the rectangle
wrong. `PixelInterval.error` adds these halves up (for AP and F1-max the corresponding brackets) and takes the largest
sum of all resamples: no resample, hence no end of the interval, can be further from its exact value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.metrics.bootstrap import Groups, quantile_interval
from specsight.metrics.pixel import LIMITS, check_limits
from specsight.metrics.scores import Floats, PixelScores

GRID = 2048
PER_PICTURE = 64
BLOCK = 64
"""Resamples handled at once: bounds the memory to a few times BLOCK × GRID numbers."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PixelInterval:
    """BCa interval of one pixel metric: the quantiles of its resampled values at `levels`.

    Each end is that quantile to ± `error` (of the grid, not of the sampling).
    """

    low: float
    high: float
    error: float
    levels: tuple[float, float]


@dataclass(frozen=True)
class PixelIntervals:
    """Intervals of the metrics of `PixelMetrics`; `aupro` by false-positive-rate limit."""

    auroc: PixelInterval
    average_precision: PixelInterval
    f1_max: PixelInterval
    aupro: dict[float, PixelInterval]


@dataclass(frozen=True)
class _Counts:
    """Sums over pictures at the vertices of the curves, (..., 2 G + 2), from "no pixel" to "all pixels".

    In between, each falling threshold has two: scores above it, and scores at or above it. So every second step,
    beginning with the second, is one tied score; the others are stretches between thresholds.
    """

    false: Array
    hits: Array
    covered: Array
    regions: Array
    """(..., 1) number of regions."""


def pixel_intervals(
    scores: PixelScores,
    limits: Sequence[float] = LIMITS,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    thresholds: int = GRID,
) -> PixelIntervals:
    """Stratified BCa bootstrap over pictures (good and defective ones apart) of all pixel metrics.

    `groups` (N,) names the physical object of each picture; those of one object are resampled together. All metrics
    share the resamples. `limits` are false-positive rates in (0, 1] up to which region overlap counts.
    `thresholds` bounds the size of the grid: fewer are quicker and have a larger `error`.
    """
    check_limits(limits)
    drawn = Groups.of(scores.good, groups)
    per_picture = _reduce(scores, grid(scores, thresholds))
    resampled = _weighted(per_picture, drawn.resampled(resamples, seed), limits)
    left_out = _weighted(per_picture, drawn.left_out(), limits)
    all_pictures = _weighted(per_picture, np.ones((1, len(scores.pictures)), np.int64), limits)

    def interval(name: str | float) -> PixelInterval:
        if name not in resampled:
            return PixelInterval(np.nan, np.nan, np.nan, (np.nan, np.nan))
        values, errors = resampled[name]
        levels = drawn.levels(values, float(all_pictures[name][0, 0]), left_out[name][0], confidence)
        low, high = quantile_interval(values, levels)
        return PixelInterval(low, high, float(np.max(errors)), (float(levels[0]), float(levels[1])))

    return PixelIntervals(
        auroc=interval("auroc"),
        average_precision=interval("average_precision"),
        f1_max=interval("f1_max"),
        aupro={limit: interval(limit) for limit in limits},
    )


def resampled_auroc(
    scores: PixelScores, groups: Sequence[str] | None = None, *, resamples: int = 1000, seed: int = 0
) -> Array:
    """(resamples,) the pixel AUROC of each resample that `pixel_intervals` draws: for differences between two methods,
    which are resampled together where pictures, groups and seed are the same."""
    drawn = Groups.of(scores.good, groups).resampled(resamples, seed)
    per_picture = _reduce(scores, grid(scores))
    return np.asarray(_weighted(per_picture, drawn, ())["auroc"][0], np.float64)


def _weighted(
    per_picture: _Counts, weights: NDArray[np.int64], limits: Sequence[float]
) -> dict[str | float, Array]:
    """name → (2, R): value and error bound of each metric under each row of `weights` (R, N)."""
    found: dict[str | float, list[Array]] = {}
    for start in range(0, len(weights), BLOCK):
        block = weights[start : start + BLOCK].astype(np.float64)
        sums = _Counts(
            false=block @ per_picture.false,
            hits=block @ per_picture.hits,
            covered=block @ per_picture.covered,
            regions=block @ per_picture.regions,
        )
        for name, value in _all(sums, limits).items():
            found.setdefault(name, []).append(value)
    return {name: np.concatenate(blocks, axis=1) for name, blocks in found.items()}


def grid(scores: PixelScores, size: int = GRID) -> Floats:
    """(G,) distinct thresholds, falling, G <= `size`: half of them from the regions, half from the defect-free pixels.

    Any grid gives valid intervals; this one makes their `error` small. All regions have equal say, as in PRO.
    """
    regions = max(1, sum(len(p.defects.sizes) for p in scores.pictures))
    per_region = int(np.clip(16 * size // regions, 1, PER_PICTURE))
    of_regions, of_background = [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    for picture in scores.pictures:
        sizes = picture.defects.sizes
        starts = np.cumsum(sizes) - sizes
        of_regions.append(
            picture.defects.regions[(starts[:, None] + _even(sizes[:, None], per_region)).ravel()]
        )
        count = len(picture.background)
        if count:
            tail = count - np.geomspace(1, count, PER_PICTURE).astype(np.int64)
            of_background.append(
                picture.background[np.concatenate([_even(np.array(count), PER_PICTURE), tail])]
            )
    chosen = []
    for pool in (of_regions, of_background):
        values = np.unique(np.concatenate(pool))
        chosen.append(values[_even(np.array(len(values)), min(len(values), size // 2))])
    return np.unique(np.concatenate(chosen))[::-1]


def _even(counts: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """`number` positions evenly inside arrays of these lengths: shape of `counts` broadcast with (number,)."""
    middles = (np.arange(number) + 0.5) / max(number, 1)
    return (middles * counts).astype(np.int64)


def _reduce(scores: PixelScores, thresholds: Floats) -> _Counts:
    """Each picture's sums (N, 2 G + 2)."""
    false, hits, covered, regions = [], [], [], []
    for picture in scores.pictures:
        defects = picture.defects
        false.append(_reached(picture.background, thresholds))
        hits.append(_reached(defects.pixels, thresholds))
        order = np.argsort(defects.regions)
        coverage = np.concatenate(([0.0], np.cumsum(defects.weights()[order][::-1])))
        covered.append(coverage[_reached(defects.regions[order], thresholds)])
        regions.append([len(defects.sizes)])
    return _Counts(*(np.array(rows, dtype=np.float64) for rows in (false, hits, covered, regions)))


def _reached(ascending: Floats, thresholds: Floats) -> NDArray[np.int64]:
    """(2 G + 2,) how many scores are above, and at or above, each falling threshold, between none and all."""
    sides = [np.searchsorted(ascending, thresholds, side=side) for side in ("right", "left")]
    reached = len(ascending) - np.stack(sides, axis=1).ravel()
    return np.concatenate(([0], reached, [len(ascending)]))


def _all(sums: _Counts, limits: Sequence[float]) -> dict[str | float, Array]:
    """name → (2, resamples): value and error bound."""
    negatives, positives = sums.false[:, -1:], sums.hits[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        # One class only: 0 / 0 = nan, the documented answer.
        fpr, recall, overlap = sums.false / negatives, sums.hits / positives, sums.covered / sums.regions
    both = np.where((negatives > 0) & (positives > 0), 1.0, np.nan)[:, 0]
    found: dict[str | float, Array] = {
        "auroc": _area(fpr, recall, 1.0) * both,
        "average_precision": _average_precision(sums) * both,
        "f1_max": _f1_max(sums) * both,
    }
    return found | {limit: _area(fpr, overlap, limit) * both for limit in limits}


def _area(x: Array, y: Array, limit: float) -> Array:
    """(2, resamples): (1 / limit) ∫_0^limit y dx by trapezoids, and how far the curve between vertices can move it."""
    width = np.diff(np.minimum(x, limit), axis=1)
    full, rise = np.diff(x, axis=1), np.diff(y, axis=1)
    share = np.divide(width, full, out=np.ones_like(full), where=full > 0)
    area = np.sum(width * (y[:, :-1] + 0.5 * share * rise), axis=1)
    # The exact curve may pass anywhere through a rectangle, so where the limit cuts one the error is not halved.
    error = np.sum((width * rise * (1.0 - 0.5 * share))[:, ::2], axis=1)
    return np.stack([area, error]) / limit


def _average_precision(sums: _Counts) -> Array:
    """(2, resamples): Σ ΔR × precision, and how far the order of the scores between thresholds can move it."""
    before, after = sums.hits[:, :-1], sums.hits[:, 1:]
    false_before, false_after = sums.false[:, :-1], sums.false[:, 1:]
    # The extremes between two thresholds: all positives come first, or all negatives do.
    highest = after / np.maximum(after + false_before, 1.0)
    lowest = before / np.maximum(before + false_after, 1.0)
    precision = (before + after) / np.maximum(before + after + false_before + false_after, 1.0)
    precision[:, 1::2] = after[:, 1::2] / np.maximum(after + false_after, 1.0)[:, 1::2]
    error = np.maximum(highest - precision, precision - lowest)[:, ::2]
    gained = (after - before) / np.maximum(sums.hits[:, -1:], 1.0)
    return np.stack([np.sum(gained * precision, axis=1), np.sum(gained[:, ::2] * error, axis=1)])


def _f1_max(sums: _Counts) -> Array:
    """(2, resamples): the best F1 at a grid threshold, and how much better one between two of them could be."""
    positives = sums.hits[:, -1:]
    at_grid = np.max(2.0 * sums.hits / np.maximum(sums.hits + sums.false + positives, 1.0), axis=1)
    hits, false = sums.hits[:, 1::2], sums.false[:, :-1:2]
    between = np.max(2.0 * hits / np.maximum(hits + false + positives, 1.0), axis=1)
    return np.stack([at_grid, np.maximum(between - at_grid, 0.0)])
