"""Views made by hand: features on equal cells over the frame, as if an encoder had given them."""

from __future__ import annotations

from collections.abc import Mapping

from specsight.detectors import View
from specsight.encoders import Features
from specsight.images import Cells, Frame


def equal_cells(frame: Frame, features: Mapping[str, Features]) -> dict[str, Cells]:
    """Cells that cover the frame exactly, for every grid; features of one cell are taken for pooled ones."""
    return {
        name: Cells.over(frame.size, (grid.shape[-2], grid.shape[-1]))
        for name, grid in features.items()
        if grid.shape[-2:] != (1, 1)
    }


def view_of(frame: Frame, features: Mapping[str, Features]) -> View:
    """A view of grids (D, h, w) on equal cells."""
    return View(frame, features, equal_cells(frame, features))
