"""A frame larger than an encoder should see at once → overlapping tiles of one size, and their grids back into one.

Where tiles overlap, grids are blended with weights that fall towards each tile's border, so that no seam shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.images.cells import Size

OVERLAP = 0.2
"""Least share of a tile's side by which neighbours overlap: about what a cell of a deep layer sees on either side."""


@dataclass(frozen=True)
class Tiling:
    """Tiles of one `size` (h, w) that cover a frame; all sizes (rows, columns) in pixels."""

    rows: tuple[int, ...]
    """First row of each row of tiles."""
    columns: tuple[int, ...]
    """First column of each column of tiles."""
    size: Size

    @classmethod
    def over(cls, frame: Size, side: int, multiple: int = 1) -> Tiling:
        """As few tiles of `side` (raised to a `multiple`) as cover a frame, evenly spaced; 0: a single one.

        An axis no longer than a tile has one tile of its own extent. Tiles begin at multiples of `multiple`, which the
        frame's sides must be too, and overlap by a fifth of their side or more; those of a single multiple do not.
        """
        side = math.ceil(side / multiple) * multiple if side else max(frame)
        extents = min(side, frame[0]), min(side, frame[1])
        starts = [_starts(length, extent, multiple) for length, extent in zip(frame, extents)]
        return cls(starts[0], starts[1], extents)

    @property
    def shape(self) -> Size:
        """Rows and columns of tiles."""
        return len(self.rows), len(self.columns)

    def places(self) -> list[tuple[slice, slice]]:
        """Rows and columns of pixels of each tile, row by row."""
        height, width = self.size
        return [(slice(r, r + height), slice(c, c + width)) for r in self.rows for c in self.columns]

    def blend(self, grids: Sequence[NDArray[np.float32]], stride: tuple[float, float]) -> NDArray[np.float32]:
        """Join one grid (..., h, w) of cells per tile to that of the frame; `stride`: pixels per cell, down and across.

        Cutting a grid into those of tiles and blending them gives it back.
        """
        first = [
            [round(start / step) for start in starts]
            for starts, step in zip((self.rows, self.columns), stride)
        ]
        height, width = grids[0].shape[-2:]
        size = (first[0][-1] + height, first[1][-1] + width)
        weights = np.outer(
            _ramp(height, OVERLAP * self.size[0] / stride[0]),
            _ramp(width, OVERLAP * self.size[1] / stride[1]),
        )
        total = np.zeros((*grids[0].shape[:-2], *size), np.float32)
        weight = np.zeros(size, np.float32)
        places = [np.s_[..., r : r + height, c : c + width] for r in first[0] for c in first[1]]
        for place, grid in zip(places, grids, strict=True):
            total[place] += weights * grid
            weight[place] += weights
        return np.asarray(total / weight, np.float32)

    def arranged(self, values: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Lay one array (D, h, w) per tile out as the tiles lie: (D, rows · h, columns · w)."""
        across = len(self.columns)
        lines = [np.concatenate(values[k : k + across], axis=2) for k in range(0, len(values), across)]
        return np.concatenate(lines, axis=1)


def _starts(length: int, extent: int, multiple: int) -> tuple[int, ...]:
    """Evenly spaced first pixels; the last tile ends with the frame."""
    if extent >= length:
        return (0,)
    overlap = min(math.ceil(OVERLAP * extent / multiple) * multiple, extent - multiple)
    count = math.ceil((length - overlap) / (extent - overlap))
    spaced = (k * (length - extent) / (count - 1) for k in range(count - 1))
    return (*(math.floor(start / multiple) * multiple for start in spaced), length - extent)


def _ramp(length: int, overlap: float) -> NDArray[np.float32]:
    """Weights (length,) in (0, 1]: rising over the overlap, flat, falling."""
    from_border = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
    return np.minimum(from_border / max(overlap, 0.5), 1).astype(np.float32)
