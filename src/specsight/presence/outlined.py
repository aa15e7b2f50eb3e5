"""Is a part there that is outlined in the specification? Its cells are compared with those of the same part on good
pictures.

In: views of good pictures, and where the part lies in each. Out: an `OutlinedPart`, which tells of each place where the
part belongs whether it lies there. A defect changes some of a part's cells; where hardly any looks like the part, it is
missing, or something covers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self, TypedDict

from specsight.detectors import View
from specsight.presence.axes import Grid, axes_of, layer_for, reduced
from specsight.record_json import Count, Finite, Text, check
from specsight.records import Box

LEAST_PICTURES = 6
"""Good pictures that show the part: fewer do not tell how much it varies."""
MOST_CELLS = 200
"""Kept of each good picture."""
MOST_PICTURES = 40
UNLIKE = 0.02
"""Share of the cells of good parts, each compared with those of other pictures, that count as unlike the part."""
PRESENT, ABSENT = 0.5, 0.7
"""Share of unlike cells below which a part is there, and from which on it is not."""
LEAST_AREA = 0.02
"""Share of the largest place of a part below which a region of the part map is no place of it."""


class OutlinedPartJson(TypedDict):
    """What is saved beside the arrays of an outlined part."""

    part: Text
    layer: Text
    similarity: Finite
    kept: Finite
    pictures: Count


@dataclass(frozen=True)
class OutlinedPart:
    """How the cells of a part look on good pictures."""

    part: str
    layer: str
    similarity: float
    """Cosine with the most similar cell of a good picture below which a cell is unlike the part."""
    kept: float
    """Share of the good pictures on which the part is told to be there by the others."""
    pictures: int
    axes: NDArray[np.float32]
    """(axes, channels)"""
    cells: NDArray[np.float32]
    """(n, axes): cells of the part, of length 1."""

    @classmethod
    def learn(cls, part: str, shown: Sequence[tuple[View, NDArray[np.bool_]]]) -> Self | None:
        """Learn from views and masks (H, W) of the part; None where there are too few, or where it varies so much that
        most of it is unlike that of other pictures."""
        shown = [one for one in shown if one[1].any()][:MOST_PICTURES]
        if len(shown) < LEAST_PICTURES:
            return None
        width = float(np.median([np.sqrt(max(box_areas(mask), default=0.0)) for _, mask in shown]))
        layer = layer_for(shown[0][0], width)
        if layer is None:
            return None
        shares = [view.frame.covered(mask, view.cells[layer]) for view, mask in shown]
        grids = [_standardised(view.features[layer], one) for (view, _), one in zip(shown, shares)]
        axes = axes_of(grids)
        rng = np.random.default_rng(0)
        all_cells = [_cells_in(reduced(grid, axes), one) for grid, one in zip(grids, shares)]
        kept = [one[rng.permutation(len(one))[:MOST_CELLS]] for one in all_cells]
        similar = [
            _similarity(one, np.concatenate([*kept[:k], *kept[k + 1 :]])) for k, one in enumerate(all_cells)
        ]
        threshold = float(np.quantile(np.concatenate(similar), UNLIKE))
        there = float(np.mean([np.mean(one < threshold) < PRESENT for one in similar]))
        if there < 1 - UNLIKE:
            return None
        return cls(part, layer, threshold, there, len(shown), axes, np.concatenate(kept))

    def find(self, view: View, mask: NDArray[np.bool_]) -> list[tuple[Box, bool | None]] | None:
        """(box, whether the part lies there) of each place of the part in a picture, from its mask (H, W); None for a
        place of which part looks otherwise; None for a view without such features."""
        grid = view.features.get(self.layer)
        if grid is None or grid.ndim != 3 or len(grid) != self.axes.shape[1]:
            return None
        covered, where = view.frame.covered, view.cells[self.layer]
        cells = reduced(_standardised(grid, covered(mask, where)), self.axes)
        return [
            (box, self._is_there(_cells_in(cells, covered(place, where)))) for box, place in places_of(mask)
        ]

    def _is_there(self, cells: NDArray[np.float32]) -> bool | None:
        unlike = float(np.mean(_similarity(cells, self.cells) < self.similarity))
        return True if unlike < PRESENT else False if unlike >= ABSENT else None

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays to be saved."""
        return {"axes": self.axes, "cells": self.cells}

    def to_json(self) -> dict[str, Any]:
        """The rest, as JSON values."""
        return {name: getattr(self, name) for name in ("part", "layer", "similarity", "kept", "pictures")}

    @classmethod
    def from_saved(cls, values: Mapping[str, Any], state: Mapping[str, NDArray[Any]]) -> Self:
        """Read what `to_json` and `state` gave. Raises ValueError and KeyError for anything else."""
        axes, cells = (np.asarray(state[name], np.float32) for name in ("axes", "cells"))
        found = check(OutlinedPartJson, values)
        if axes.ndim != 2 or cells.ndim != 2 or cells.shape[1] != len(axes) or not len(cells):
            raise ValueError(f"axes {axes.shape} and cells {cells.shape} do not fit")
        return cls(**found, axes=axes, cells=cells)


def places_of(mask: NDArray[np.bool_]) -> list[tuple[Box, NDArray[np.bool_]]]:
    """(box, mask) of each connected region of a part, the largest first; crumbs are left out."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    found: list[tuple[Box, NDArray[np.bool_]]] = []
    for number in np.argsort(-areas, kind="stable"):
        if areas[number] < LEAST_AREA * areas.max():
            break
        left, top, width, height = (int(value) for value in stats[number + 1][:4])
        found.append(((left, top, left + width, top + height), labels == number + 1))
    return found


def box_areas(mask: NDArray[np.bool_]) -> list[float]:
    """Area of each region of a part, as a share of the picture."""
    return [float(place.mean()) for _, place in places_of(mask)]


def _standardised(grid: NDArray[Any], shares: NDArray[np.float32]) -> Grid:
    """A grid whose channels have mean 0 and deviation 1 outside the part, which covers `shares` of the cells: a missing
    part changes nothing there. Of a part that covers most of the picture, all cells count."""
    grid = np.asarray(grid, np.float32)
    outside = shares == 0
    if outside.mean() < 0.25:
        outside = np.ones_like(outside)
    cells = grid[:, outside]
    mean, deviation = cells.mean(1)[:, None, None], cells.std(1)[:, None, None]
    return np.asarray((grid - mean) / (deviation + 1e-6), np.float32)


def _cells_in(grid: Grid, shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, axes): cells at least half of which is covered; those that are covered most where there are none."""
    return np.ascontiguousarray(grid[:, shares >= min(0.5, float(shares.max()))].T)


def _similarity(cells: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of each cell with the most similar of the others."""
    return np.asarray((cells @ others.T).max(1), np.float32)
