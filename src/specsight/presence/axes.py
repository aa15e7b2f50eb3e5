"""Features of a view reduced to what tells cells apart: the grid to compare, its principal axes, cells of length 1.

In: views. Out: grids (axes, rows, columns) whose dot products are cosines; and where their cells lie on the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.detectors import View
from specsight.features import grids
from specsight.presence.colours import Blob
from specsight.records import Box

AXES = 32
"""Principal axes that features are reduced to."""
WIDE = 2.5
"""Cells across a feature in the grid that is chosen: the nearest there is."""
CELLS_PER_AXIS = 20_000
"""At most, that principal axes are computed from."""

Grid = NDArray[np.float32]
"""(channels, rows, columns)"""


def layer_for(view: View, width: float) -> str | None:
    """The grid whose cells are nearest to `WIDE` of them across a feature of this width, a share of the picture."""
    across = {name: width * np.sqrt(np.prod(view.features[name].shape[1:])) for name in view.cells}
    if not across:
        return None
    return min(across, key=lambda name: (abs(np.log(across[name] / WIDE)), name))


def axes_of(standardised: Sequence[Grid]) -> NDArray[np.float32]:
    """Principal axes of the cells of grids, each divided by the fourth root of its variance, (axes, channels)."""
    cells = np.concatenate([grid.reshape(len(grid), -1) for grid in standardised], axis=1)
    cells = cells[:, :: max(1, cells.shape[1] // CELLS_PER_AXIS)].astype(np.float64)
    values, vectors = np.linalg.eigh(cells @ cells.T / cells.shape[1])
    kept = values > 1e-9 * values.max()
    values, vectors = values[kept][-AXES:], vectors[:, kept][:, -AXES:]
    # An eigenvector's sign is arbitrary, and similarities do not depend on it.
    return np.asarray((vectors / values**0.25).T, np.float32)


def reduced(grid: Grid, axes: NDArray[np.float32]) -> Grid:
    """A grid along principal axes, each of its cells of length 1."""
    along = np.einsum("kd,dhw->khw", axes, grid)
    return np.asarray(along / (np.linalg.norm(along, axis=0, keepdims=True) + 1e-6), np.float32)


def cell_at(view: View, layer: str, blob: Blob) -> tuple[int, int]:
    """Row and column of the cell of a view's grid in which the middle of a blob lies, however it was framed."""
    height, width = view.frame.native
    radius = max(1.0, np.sqrt(blob.area * height * width / np.pi))
    rows, columns = np.ogrid[:height, :width]
    disc = np.hypot(columns + 0.5 - blob.x * width, rows + 0.5 - blob.y * height) <= radius
    shares = view.frame.covered(disc, view.cells[layer])
    total = max(float(shares.sum()), 1e-9)
    row = float((shares.sum(1) * np.arange(shares.shape[0])).sum()) / total
    column = float((shares.sum(0) * np.arange(shares.shape[1])).sum()) / total
    return round(row), round(column)


def box_around(view: View, layer: str, cell: tuple[int, int], radius: float) -> Box:
    """The box in pixels of the picture of what lies within `radius` cells of the middle of a cell."""
    height, width = view.features[layer].shape[1:]
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(rows - cell[0], columns - cell[1]).astype(np.float32)
    drawn = grids.on_picture(away, view.cells[layer], view.frame, 0.0)
    y, x = np.nonzero(drawn <= max(radius, float(drawn.min())))
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
