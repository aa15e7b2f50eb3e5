"""Feature grids of several strides → one grid of patch vectors; a grid of distances → a map on the picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from specsight.images.framing import Frame

Grid = NDArray[np.float32]

CHANNELS = 128
"""OpenCV takes no more at once (512 before version 5)."""


def aggregate(features: Grid, size: int) -> Grid:
    """Return the mean over `size` × `size` neighbouring cells of (D, h, w); at the border over the cells that exist."""
    import cv2

    if size == 1:
        return features
    ones = cv2.boxFilter(
        np.ones(features.shape[1:], np.float32), -1, (size, size), normalize=False, borderType=0
    )
    blurred = [cv2.boxFilter(f, -1, (size, size), normalize=False, borderType=0) for f in features]
    return np.asarray(np.stack(blurred) / ones, np.float32)


def join(features: Mapping[str, Grid], neighbourhood: int = 1, size: tuple[int, int] | None = None) -> Grid:
    """Aggregate features by layer, each (D_i, h_i, w_i), and join them on one grid (h, w): (ΣD_i, h, w).

    The grid is `size`, or that of the first layer. Coarser grids are interpolated bilinearly, finer ones averaged
    over the larger cells.
    """
    layers = [aggregate(grid, neighbourhood) for grid in features.values()]
    target = size or (layers[0].shape[1], layers[0].shape[2])
    return np.concatenate([resized(grid, target) for grid in layers])


def vectors(grid: Grid) -> Grid:
    """Return the vectors (h · w, D) of a grid (D, h, w), row by row."""
    return np.ascontiguousarray(grid.reshape(len(grid), -1).T)


def on_picture(distances: Grid, frame: Frame, sigma: float) -> Grid:
    """Draw distances on a grid (h, w) over the frame as a smooth (H, W) map on the picture.

    Bilinear to the frame's size, Gaussian of `sigma` frame pixels, then back to the picture's own pixels. Cells that
    show padding take the value of the nearest cell that shows the picture.
    """
    import cv2

    visible = frame.shows_picture((distances.shape[0], distances.shape[1]))
    rows = _inside(np.any(visible, axis=1))
    columns = np.arange(distances.shape[1]) if frame.circular else _inside(np.any(visible, axis=0))
    height, width = frame.size
    enlarged = cv2.resize(distances[np.ix_(rows, columns)], (width, height), interpolation=cv2.INTER_LINEAR)
    if sigma > 0:
        enlarged = cv2.GaussianBlur(enlarged, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return frame.restore(np.asarray(enlarged, np.float32))


def top_mean(values: Grid, share: float) -> float:
    """Return the mean of the largest `share` of `values` (at least one of them)."""
    flat = values.ravel()
    count = max(1, round(share * flat.size))
    return float(np.partition(flat, flat.size - count)[flat.size - count :].mean())


def resized(grid: Grid, size: tuple[int, int]) -> Grid:
    """Bring (D, h, w) to another grid: interpolated bilinearly where that is finer, averaged where it is coarser."""
    import cv2

    if grid.shape[1:] == size:
        return grid
    finer = grid.shape[1] > size[0]
    method = cv2.INTER_AREA if finer else cv2.INTER_LINEAR
    result = np.empty((len(grid), *size), np.float32)
    for begin in range(0, len(grid), CHANNELS):
        channels = np.ascontiguousarray(grid[begin : begin + CHANNELS].transpose(1, 2, 0))
        scaled = cv2.resize(channels, (size[1], size[0]), interpolation=method)
        result[begin : begin + CHANNELS] = np.atleast_3d(scaled).transpose(2, 0, 1)
    return result


def _inside(visible: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each position, itself where visible, else the nearest visible one."""
    places = np.flatnonzero(visible)
    return np.clip(np.arange(len(visible)), places[0], places[-1])
