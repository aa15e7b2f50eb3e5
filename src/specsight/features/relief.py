"""Heights of a surface from depth: its large-scale form taken off, unknown pixels filled, smoothed without edges.

In: depth (H, W) and which pixels are known. Out: planes of the same size. The form is a polynomial that most pixels lie
on (least median of squares: Rousseeuw, 1984; then Tukey's biweight by re-weighted least squares: Holland and Welsch,
1977), so that grooves, letters, steps and defects on less than half of it do not bend it; a long picture has one for
each stretch as long as its shorter side, blended from one to the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

ANCHORS = 40
"""Rows and columns of pixels that a polynomial is fitted to, at most."""
STARTS, JUDGED = 256, 320
"""Polynomials through a few pixels that are tried, and the pixels that judge them."""
UTMOST = 0.95
"""Share of a region's pixels beyond which its height is an outlier's."""
LEAST_KNOWN = 16
"""Pixels with depth in a region, and around it, from which on its height is told."""
ROUNDS = 6
"""Of re-weighting."""
TUKEY = 4.685
"""Standard deviations beyond which a pixel has no weight: 95 % of the efficiency of least squares on normal noise."""
FLAT = 1e-4
"""Standard deviation in units of depth below which a surface is the polynomial itself."""


def over_trend(depth: Plane, valid: NDArray[np.bool_], degree: int) -> Plane:
    """Heights (H, W) of `depth` over its large-scale form, positive towards the camera; 0 where not `valid`.

    `degree`: of the polynomial, 0, 1 or 2. With fewer known pixels than it needs the form is their median.
    """
    if depth.shape[0] > depth.shape[1]:
        return np.ascontiguousarray(over_trend(depth.T, valid.T, degree).T)
    rows, columns = depth.shape
    if not valid.any():
        return np.zeros(depth.shape, np.float32)
    stretches = max(1, round(columns / rows))
    middles: NDArray[np.float64] = (np.arange(stretches, dtype=np.float64) + 0.5) * columns / stretches
    along: NDArray[np.float64] = np.arange(columns, dtype=np.float64) + 0.5
    # Around one of them, in single precision: depth is 250 mm, heights are hundredths.
    level = depth[valid][0]
    known = np.where(valid, depth - level, np.float32(0))
    trend = np.zeros(depth.shape, np.float32)
    for number, middle in enumerate(middles):
        first, last = (round((number + k) * columns / stretches) for k in (0, 1))
        fit = _polynomial(known[:, first:last], valid[:, first:last], first, middle, rows, degree)
        # Each column belongs to the two stretches whose middles it lies between.
        weight = np.interp(along, middles, np.eye(stretches)[number])
        seen = np.flatnonzero(weight)
        place = slice(int(seen[0]), int(seen[-1]) + 1)
        trend[:, place] += weight[place].astype(np.float32) * _value(fit, rows, along[place], middle)
    return np.asarray((trend - known) * valid, np.float32)


def risen(depth: Plane, inside: NDArray[np.bool_]) -> float | None:
    """How far the pixels `inside` of a window rise above (positive) or lie below what surrounds them in it.

    `depth` (H, W) is a distance from the camera, NaN where unknown. The surroundings are a robust polynomial of degree
    two; what is told is the 95 % quantile on the side that the median lies on. None where too little is known, or where
    the surroundings rise and fall as far themselves, as beside a groove.
    """
    known = np.isfinite(depth)
    around, within = known & ~inside, known & inside
    if around.sum() < LEAST_KNOWN or within.sum() < LEAST_KNOWN:
        return None
    heights = over_trend(depth, known, 2)
    own = heights[within]
    side = 1.0 if np.median(own) >= 0 else -1.0
    found = side * float(np.quantile(side * own, UTMOST))
    return found if abs(found) > float(np.quantile(np.abs(heights[around]), UTMOST)) else None


def filled(plane: Plane, valid: NDArray[np.bool_]) -> Plane:
    """`plane` (H, W) with what is not `valid` filled smoothly from its surroundings: means of ever larger blocks."""
    import cv2

    if valid.all() or not valid.any():
        return plane
    share = valid.astype(np.float32)
    values = np.where(valid, plane, np.float32(0))
    height, width = plane.shape
    half = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    coarse_share = cv2.resize(share, half, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(values, half, interpolation=cv2.INTER_AREA) / np.maximum(coarse_share, 1e-6)
    coarse = filled(np.asarray(coarse, np.float32), coarse_share > 0)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.where(valid, plane, smooth), np.float32)


def smoothed(plane: Plane, sigma: float) -> Plane:
    """`plane` (H, W) under a Gaussian of `sigma` pixels, continued beyond its rim so that planes stay planes."""
    import cv2

    coarser = 4 if sigma >= 8 and min(plane.shape) >= 8 * sigma else 1
    if coarser > 1:
        size = (-(-plane.shape[1] // coarser), -(-plane.shape[0] // coarser))
        # Blocks of four that end with the picture: no block is cut off, which would shift it.
        height, width = size[1] * coarser, size[0] * coarser
        extended = cv2.copyMakeBorder(
            plane, 0, height - plane.shape[0], 0, width - plane.shape[1], cv2.BORDER_REPLICATE
        )
        small = smoothed(cv2.resize(extended, size, interpolation=cv2.INTER_AREA), sigma / coarser)
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large[: plane.shape[0], : plane.shape[1]], np.float32)
    margin = min(int(np.ceil(3 * sigma)), min(plane.shape) - 1)
    blurred = cv2.GaussianBlur(stretched(plane, margin), (2 * margin + 1, 2 * margin + 1), sigma)
    return np.asarray(
        blurred[margin : blurred.shape[0] - margin, margin : blurred.shape[1] - margin], np.float32
    )


def stretched(plane: Plane, margin: int) -> Plane:
    """`plane` (H, W) with `margin` more pixels on each side, reflected through the outermost one."""
    if margin == 0:
        return plane
    for _ in range(2):
        edge_low, edge_high = plane[:1], plane[-1:]
        low = 2 * edge_low - plane[margin:0:-1]
        high = 2 * edge_high - plane[-2 : -margin - 2 : -1]
        plane = np.concatenate([low, plane, high]).T
    return np.ascontiguousarray(plane)


def _polynomial(
    depth: Plane, valid: NDArray[np.bool_], first: int, middle: float, rows: int, degree: int
) -> NDArray[np.float64]:
    """The six coefficients of the polynomial that most known pixels of a stretch lie on."""
    step = [max(1, size // ANCHORS) for size in depth.shape]
    y, x = np.mgrid[step[0] // 2 : depth.shape[0] : step[0], step[1] // 2 : depth.shape[1] : step[1]]
    known = valid[y, x]
    u, v = _coordinates(x[known] + first + 0.5, y[known] + 0.5, middle, rows)
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)[:, : (1, 3, 6)[degree]]
    heights = depth[y, x][known].astype(np.float64)
    fit = np.zeros(6)
    if len(heights) < 2 * terms.shape[1]:
        fit[0] = np.median(depth[valid]) if valid.any() else 0
        return fit
    solved = _start(terms, heights)
    for _ in range(ROUNDS):
        off = np.abs(heights - terms @ solved)
        deviation = max(1.4826 * float(np.median(off)), FLAT)
        weights = np.square(np.maximum(1 - np.square(off / (TUKEY * deviation)), 0))
        solved = _least_squares(terms, weights, heights)
    fit[: len(solved)] = solved
    return fit


def _start(terms: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The polynomial through a few pixels that half of all pixels lie nearest to (least median of squares).

    Least squares, and least absolute deviations too, bend towards a step on one side; the biweight would not find back.
    """
    rng = np.random.default_rng(0)
    count, free = terms.shape
    some = rng.permutation(count)[:JUDGED]
    chosen = rng.integers(0, count, (STARTS, free))
    squares = terms[chosen]
    # A little of nothing keeps terms determined where pixels lie on one line.
    normal = squares.transpose(0, 2, 1) @ squares + 1e-9 * np.eye(free)
    right = squares.transpose(0, 2, 1) @ heights[chosen][:, :, None]
    tried = np.linalg.solve(normal, right)[:, :, 0]
    off = np.abs(heights[some] - tried @ terms[some].T)
    half = len(some) // 2
    medians = np.partition(off, half, axis=1)[:, half]
    best: NDArray[np.float64] = tried[int(np.argmin(medians))]
    return best


def _least_squares(
    terms: NDArray[np.float64], weights: NDArray[np.float64], heights: NDArray[np.float64]
) -> NDArray[np.float64]:
    weighted = terms * weights[:, None]
    ridge = 1e-9 * len(heights) * np.eye(terms.shape[1])
    solved: NDArray[np.float64] = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ heights)
    return solved


def _value(fit: NDArray[np.float64], rows: int, along: NDArray[np.float64], middle: float) -> Plane:
    """The polynomial at every row and at the columns `along`."""
    u, v = _coordinates(along, np.arange(rows, dtype=np.float64) + 0.5, middle, rows)
    across = (fit[0] + fit[1] * u + fit[3] * u * u).astype(np.float32)
    down = (fit[2] * v + fit[5] * v * v).astype(np.float32)
    mixed = np.outer((fit[4] * v).astype(np.float32), u.astype(np.float32))
    return np.asarray(across + down[:, None] + mixed, np.float32)


def _coordinates(
    x: NDArray[np.float64], y: NDArray[np.float64], middle: float, rows: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels in coordinates of about [-1, 1]."""
    return (x - middle) * 2 / rows, (y - rows / 2) * 2 / rows
