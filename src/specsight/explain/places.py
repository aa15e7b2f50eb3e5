"""Cells of the 3 × 3 grid over a map: which pixels a cell holds, and how much of a map lies in it.

In: maps (H, W) and names of cells (`specification.vocabulary.place_name`). Out: sums and shares.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from specsight.specification.vocabulary import normal_form, place_name

GRID = 3
CELLS = tuple(
    place_name((column + 0.5) / GRID, (row + 0.5) / GRID) for row in range(GRID) for column in range(GRID)
)
"""Names of the cells, row by row."""


def sums_of_cells(
    values: NDArray[np.floating | np.bool_],
    size: tuple[int, ...],
    rows: NDArray[np.int64] | None = None,
    columns: NDArray[np.int64] | None = None,
) -> dict[str, float]:
    """Cell → sum of the values in it. A pixel belongs to the cell that its centre lies in.

    Parameters: `values` (h, w) stand at `rows` (h,) and `columns` (w,) of a picture of `size` (H, W); default: all.
    """
    height, width = size
    down = _belongs(np.arange(height) if rows is None else rows, height)
    across = _belongs(np.arange(width) if columns is None else columns, width)
    sums = down.T @ values.astype(np.float64) @ across
    return dict(zip(CELLS, map(float, sums.ravel())))


def mass_in(map_: NDArray[np.floating | np.bool_], cells: Collection[str]) -> float:
    """Share of the sum of `map_` (H, W), not negative, that lies inside cells, given by name.

    A mask tells how much of the true defects lies where a statement says; a model's own map whether its words and its
    map agree. nan where the map is 0 everywhere.
    """
    stated = set(map(normal_form, cells))
    sums = sums_of_cells(map_, map_.shape)
    total = sum(sums.values())
    if total == 0:
        return float("nan")
    return sum(value for name, value in sums.items() if normal_form(name) in stated) / total


def _belongs(places: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """(n,) places along a side → (n, 3): 1 in the column of the third that each lies in."""
    return np.asarray(np.eye(GRID)[(GRID * (places + 0.5) / side).astype(int)], np.float64)
