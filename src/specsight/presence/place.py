"""Is the place in view where a feature belongs? What surrounds it on good pictures is looked for in another one.

In: grids of features of good pictures, and where each shows the feature. Out: a `Place`, which tells of any picture
whether it shows such surroundings, whatever lies in their middle.
Cells are standardised within their picture, so that light changes little, reduced to their principal axes, and compared
by cosine; a place is in view where the mean similarity to the surroundings on some good picture reaches a threshold,
which good pictures that do not show the feature do not reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import Self, TypedDict

from specsight.detectors import View
from specsight.presence.axes import Grid, axes_of, box_around, cell_at, layer_for, reduced
from specsight.presence.colours import Blob
from specsight.record_json import Count, Finite, Text, check
from specsight.records import Box

INNER, OUTER = 1.2, 2.4
"""Surroundings lie so many radii of the feature from its centre: near enough to hold the ring or recess that is made
for it, which tells its place from others that look alike farther around."""
LEAST_RING = 1.5
"""Cells from the inner to the outer rim of the surroundings."""
LEAST_PICTURES = 6
"""Good pictures that show the feature, and that do not: fewer cannot tell one from the other."""
MOST_TEMPLATES = 60
FOUND = 0.6
"""Least share of the good pictures whose own place is found by those of the others."""
SEEN = 0.02
"""Share of the good pictures without the feature that may pass for showing its place."""
GAP = 0.15
"""Share of the gap between pictures with and without the place at which the threshold lies: surroundings of an empty
place are a little less like those of a feature than these are like each other."""
LOW = 0.05
"""Share of the good pictures with the feature whose similarity may be lower than what nearly all reach."""


class PlaceJson(TypedDict):
    """What is saved beside the arrays of a place."""

    kind: Text
    layer: Text
    radius: Annotated[float, Field(gt=0, le=64)]
    threshold: Finite
    found: Annotated[float, Field(ge=0, le=1)]
    pictures: Count


@dataclass(frozen=True)
class Place:
    """The surroundings of a feature."""

    kind: str
    """What the feature is called, without its colour."""
    layer: str
    """The grid of views that is compared."""
    radius: float
    """Of the feature, in cells."""
    threshold: float
    """Similarity from which on the place is in view."""
    found: float
    """Share of the good pictures that show it whose place is found by those of the others."""
    pictures: int
    """Good pictures without the feature that gave the threshold."""
    axes: NDArray[np.float32]
    """(axes, channels)"""
    templates: NDArray[np.float32]
    """(good pictures, axes, cells): surroundings."""

    @classmethod
    def learn(cls, kind: str, shown: Sequence[tuple[View, Blob]], others: Sequence[View]) -> Self | None:
        """Learn from views that show the feature, and where, and from those that do not.

        None where there are too few, and where surroundings do not tell them apart.
        """
        shown = shown[:MOST_TEMPLATES]
        if min(len(shown), len(others)) < LEAST_PICTURES:
            return None
        width = float(np.median([np.sqrt(4 * blob.area / np.pi) for _, blob in shown]))
        layer = layer_for(shown[0][0], width)
        if layer is None:
            return None
        grids = [_standardised(view.features[layer]) for view, _ in shown]
        radius = float(width / 2 * np.sqrt(np.prod(grids[0].shape[1:])))
        axes = axes_of(grids)
        along = [reduced(grid, axes) for grid in grids]
        templates = np.stack(
            [_template(grid, cell_at(view, layer, blob), radius) for grid, (view, blob) in zip(along, shown)]
        )
        own = [
            _most_similar(grid, np.delete(templates, k, axis=0), radius)[0] for k, grid in enumerate(along)
        ]
        without = [
            _most_similar(reduced(_standardised(view.features[layer]), axes), templates, radius)[0]
            for view in others
        ]
        highest = float(np.quantile(without, 1 - SEEN, method="higher"))
        # Above the highest, where there is a gap to what nearly all places reach.
        threshold = highest + GAP * max(0.0, float(np.quantile(own, LOW)) - highest)
        found = float(np.mean(np.array(own) > threshold))
        if found < FOUND:
            return None
        return cls(kind, layer, radius, threshold, found, len(without), axes, templates)

    def find(self, view: View) -> Box | None:
        """Where a picture shows the place; None where it does not, or where that cannot be told of such a view."""
        grid = view.features.get(self.layer)
        if grid is None or grid.ndim != 3 or len(grid) != self.axes.shape[1]:
            return None
        similarity, row, column = _most_similar(
            reduced(_standardised(grid), self.axes), self.templates, self.radius
        )
        if similarity <= self.threshold:
            return None
        return box_around(view, self.layer, (row, column), self.radius)

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays to be saved."""
        return {"axes": self.axes, "templates": self.templates}

    def to_json(self) -> dict[str, Any]:
        """The rest, as JSON values."""
        names = ("kind", "layer", "radius", "threshold", "found", "pictures")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_saved(cls, values: Mapping[str, Any], state: Mapping[str, NDArray[Any]]) -> Self:
        """Read what `to_json` and `state` gave. Raises ValueError and KeyError for anything else."""
        axes, templates = (np.asarray(state[name], np.float32) for name in ("axes", "templates"))
        found = check(PlaceJson, values)
        cells = int(_around(found["radius"]).sum())
        if axes.ndim != 2 or templates.ndim != 3 or templates.shape[1:] != (len(axes), cells):
            raise ValueError(f"axes {axes.shape} and templates {templates.shape} do not fit")
        return cls(**found, axes=axes, templates=templates)


def _standardised(grid: NDArray[Any]) -> Grid:
    """A grid whose channels have mean 0 and deviation 1 within the picture."""
    grid = np.asarray(grid, np.float32)
    away = grid - grid.mean((1, 2), keepdims=True)
    return np.asarray(away / (away.std((1, 2), keepdims=True) + 1e-6), np.float32)


def _around(radius: float) -> NDArray[np.bool_]:
    """Cells of a square around a feature that are its surroundings: a ring."""
    inner = INNER * radius
    outer = max(OUTER * radius, inner + LEAST_RING)
    reach = int(np.ceil(outer))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    away = np.hypot(rows, columns)
    return np.asarray((away > inner) & (away <= outer + 0.5))


def _template(grid: Grid, cell: tuple[int, int], radius: float) -> NDArray[np.float32]:
    """Surroundings of a cell, (channels, cells); 0 beyond the rim of the picture."""
    around = _around(radius)
    side, reach = len(around), len(around) // 2
    row, column = cell
    padded = np.pad(grid, ((0, 0), (reach, reach), (reach, reach)))
    return np.asarray(padded[:, row : row + side, column : column + side][:, around], np.float32)


def _most_similar(grid: Grid, templates: NDArray[np.float32], radius: float) -> tuple[float, int, int]:
    """Largest mean cosine of the surroundings of any cell with a template, and its row and column; the feature must fit
    into the picture."""
    around, rim = _around(radius), max(1, round(radius))
    side, reach = len(around), len(around) // 2
    _, height, width = grid.shape
    if min(height, width) <= 2 * rim:
        return -1.0, 0, 0
    inner = (slice(rim, height - rim), slice(rim, width - rim))
    padded = np.pad(grid, ((0, 0), (reach, reach), (reach, reach)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (1, 2))
    windows = windows[:, inner[0], inner[1]]
    on_picture = np.pad(np.ones((height, width), np.float32), reach)
    counts = np.lib.stride_tricks.sliding_window_view(on_picture, (side, side))[inner][..., around].sum(-1)
    cells = windows[..., around].transpose(1, 2, 0, 3).reshape(counts.size, -1)
    similar = (cells @ templates.reshape(len(templates), -1).T).max(1)
    # Of what the rim cuts off, at least half must be seen.
    similar = similar / np.maximum(counts.ravel(), around.sum() / 2)
    row, column = divmod(int(similar.argmax()), counts.shape[1])
    return float(similar.max()), row + rim, column + rim
