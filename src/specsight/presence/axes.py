"""Features of a view reduced to what tells cells apart: the grid to compare, its principal axes, cells of length 1.

In: views. Out: grids (axes, rows, columns) whose dot products are cosines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.detectors import View

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
    grids = {name: view.features[name] for name in view.cells}
    if not grids:
        return None
    across = {name: width * np.sqrt(np.prod(grid.shape[1:])) for name, grid in grids.items()}
    return min(across, key=lambda name: (abs(np.log(across[name] / WIDE)), name))


def axes_of(grids: Sequence[Grid]) -> NDArray[np.float32]:
    """Principal axes of the cells of grids, each divided by the fourth root of its variance, (axes, channels)."""
    cells = np.concatenate([grid.reshape(len(grid), -1) for grid in grids], axis=1)
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
