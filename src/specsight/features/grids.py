"""Feature grids of several layers → one grid of patch vectors; a grid of distances → a map on the picture.

A grid comes with its `Cells`, which say where it lies: layers are joined place by place, and maps are drawn where their
cells are. Grids hold no cell of padding: `inside` leaves them out before anything is averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from specsight.features.threads import one_thread
from specsight.images.cells import Cells, resampled, sampled, weights
from specsight.images.framing import Frame

__all__ = ["Grid", "aggregate", "inside", "join", "on_picture", "resampled", "top_mean", "unit", "vectors"]

Grid = NDArray[np.float32]

TINY = 1e-6
"""Length below which a vector has no direction."""


def inside(grid: Grid, cells: Cells, frame: Frame) -> tuple[Grid, Cells]:
    """Return those rows and columns of a grid (..., h, w) over the frame that show the picture, and their cells."""
    rows, columns = frame.inside(cells)
    return np.ascontiguousarray(grid[..., rows, columns]), cells.cropped(rows, columns)


def aggregate(features: Grid, size: int) -> Grid:
    """Return the mean over `size` × `size` cells (odd) around each of (D, h, w); at the border over those there."""
    if size == 1:
        return features
    down, across = (_means(length, size) for length in features.shape[1:])
    return np.ascontiguousarray(np.moveaxis(_weighted(features, down, across), -1, 0))


def join(
    features: Mapping[str, Grid],
    cells: Mapping[str, Cells],
    neighbourhood: int = 1,
    target: Cells | None = None,
) -> tuple[Grid, Cells]:
    """Aggregate features by layer, each (D_i, h_i, w_i) on its `cells`, and join them: (ΣD_i, h, w) and its cells.

    Those are `target`, or the cells of the first layer. Coarser grids are interpolated bilinearly, finer ones averaged
    over the larger cells, each at the place that it shows. Channels lie next to each other in memory.
    """
    target = target or cells[next(iter(features))]
    layers = [
        _weighted(grid, *(_joining(cells[name], target, neighbourhood, axis) for axis in (0, 1)))
        for name, grid in features.items()
    ]
    return np.moveaxis(np.concatenate(layers, -1), -1, 0), target


def vectors(grid: Grid) -> Grid:
    """Return the vectors (h · w, D) of a grid (D, h, w), row by row."""
    return np.ascontiguousarray(grid.reshape(len(grid), -1).T)


def unit(vectors: Grid) -> Grid:
    """Return `vectors` (n, D), each at unit length; those shorter than `TINY` stay short."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), TINY), np.float32)


def on_picture(distances: Grid, cells: Cells, frame: Frame, sigma: float) -> Grid:
    """Draw distances (h, w) of cells that show the picture as a smooth (H, W) map on it.

    Bilinear to the frame's size, each cell at its place and the outermost ones continued; Gaussian of `sigma` frame
    pixels; then back to the picture's own pixels. What an aligned picture shows of nothing has no say.
    """
    import cv2

    if frame.alignment is not None:
        # What shows nothing of the picture must not spread into what does.
        shown = frame.shows_picture(cells)
        distances = np.where(shown, distances, distances[shown].min() if shown.any() else 0)
    y, x = (cells.positions(axis, np.arange(frame.size[axis], dtype=np.float64) + 0.5) for axis in (0, 1))
    enlarged = sampled(distances, y, x)
    if sigma > 0:
        enlarged = cv2.GaussianBlur(enlarged, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return frame.restore(np.asarray(enlarged, np.float32))


def _weighted(grid: Grid, down: Grid, across: Grid) -> Grid:
    """A grid (D, h, w) times weights along its rows (h', h) and columns (w', w): (h', w', D)."""
    values = np.ascontiguousarray(np.moveaxis(grid, 0, -1), np.float32)
    height, width, channels = values.shape
    with one_thread():
        values = (down @ values.reshape(height, -1)).reshape(-1, width, channels)
        return np.asarray(across @ values, np.float32)


@lru_cache(maxsize=256)
def _joining(source: Cells, target: Cells, neighbourhood: int, axis: int) -> Grid:
    """Weights (target, source) along an axis of the mean over neighbours, brought to the target's cells."""
    return weights(source, target, axis) @ _means(source.size[axis], neighbourhood)


@lru_cache(maxsize=256)
def _means(length: int, size: int) -> Grid:
    """Weights (length, length) of the mean over `size` neighbouring cells, of those that exist."""
    at = np.arange(length)
    near = np.abs(at[:, None] - at) <= size // 2
    return np.asarray(near / near.sum(1, keepdims=True), np.float32)


def top_mean(values: Grid, share: float) -> float:
    """Return the mean of the largest `share` of `values` (at least one of them)."""
    flat = values.ravel()
    count = max(1, round(share * flat.size))
    return float(np.partition(flat, flat.size - count)[flat.size - count :].mean())
