"""A labelled picture: its features on equal cells, and a label map that is `stride` times as fine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.detectors import View
from specsight.images.cells import Cells, resampled
from specsight.parts.placing import Grid, Placeable

UNKNOWN = -1
"""Label of what lies outside a picture, or was not labelled."""
MOST_CELLS = 2500
"""Of one picture; each is compared with each of a labelled one, so that long strips take coarser cells."""
FINEST = 6.0
"""Frame pixels of the smallest cells: layers with smaller ones are averaged."""

Labels = NDArray[np.int16]


def grid_of(view: View) -> tuple[Grid, int] | None:
    """Features (D, h, w) of equal cells over the whole picture, each layer of unit length, and the frame pixels that a
    cell is wide; None for a view without grids."""
    layers = [name for name in view.features if name in view.cells]
    if not layers:
        return None
    content, frame = view.frame.content, view.frame
    finest = max(min(min(view.cells[name].stride) for name in layers), FINEST)
    stride = max(finest, np.sqrt(content[0] * content[1] / MOST_CELLS))
    size = (max(1, round(content[0] / stride)), max(1, round(content[1] / stride)))
    steps = (content[0] / size[0], content[1] / size[1])
    cells = Cells(size, steps, (float(frame.offset[0]), float(frame.offset[1])))
    grids = [
        resampled(np.asarray(view.features[name], np.float32), view.cells[name], cells) for name in layers
    ]
    unit = [grid / (np.linalg.norm(grid, axis=0, keepdims=True) + 1e-6) for grid in grids]
    return np.concatenate(unit) / np.float32(np.sqrt(len(unit))), max(2, round(stride / 2) * 2)


@dataclass(frozen=True)
class Labelled:
    """Features of a picture and what lies where on it."""

    grid: Grid
    """(D, h, w)"""
    labels: Labels
    """(h · fine, w · fine) numbers of classes, or `UNKNOWN`."""
    circular: bool = False

    @property
    def fine(self) -> int:
        """Labels along a cell."""
        return int(self.labels.shape[0] // self.grid.shape[1])

    @cached_property
    def placeable(self) -> Placeable:
        """To lay other pictures over it."""
        return Placeable(self.grid, self.circular)

    @cached_property
    def unit(self) -> Grid:
        """Features of each cell, of unit length: (D, h · w)."""
        flat = self.grid.reshape(len(self.grid), -1)
        return np.asarray(flat / (np.linalg.norm(flat, axis=0, keepdims=True) + 1e-6), np.float32)

    @cached_property
    def windows(self) -> Labels:
        """Labels around each cell, twice its size: (h · w, 2 · fine, 2 · fine)."""
        fine, margin = self.fine, self.fine // 2
        padded = np.pad(self.labels, ((margin, margin), (0, 0)), mode="edge")
        padded = np.pad(padded, ((0, 0), (margin, margin)), mode="wrap" if self.circular else "edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * fine, 2 * fine))[::fine, ::fine]
        return np.ascontiguousarray(windows).reshape(-1, 2 * fine, 2 * fine)


def at_size(labels: NDArray[np.integer], size: tuple[int, int]) -> Labels:
    """Labels at another size, each the one at its middle."""
    resized = cv2.resize(labels.astype(np.int16), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, np.int16)
