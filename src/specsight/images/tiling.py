"""Long pictures → overlapping tiles at full resolution, and the maps of the tiles back into one.

Where tiles overlap, their maps are blended with weights that fall towards each tile's border, so no seam shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]


@dataclass(frozen=True)
class Tile:
    """Where a tile lies: first row and column, its size (h, w), and the overlap in pixels that is blended.

    `column + size[1]` may pass the picture's width where the strip is circular: the tile then wraps around.
    """

    row: int
    column: int
    size: Size
    overlap: int


def tiles(
    rgb: NDArray[np.uint8], side: int, overlap: int, circular: bool = False
) -> list[tuple[NDArray[np.uint8], Tile]]:
    """Cut (H, W, 3) into tiles of at most `side` × `side` that overlap by at least `overlap` pixels, row by row.

    A picture smaller than `side` along an axis gives one tile of its own extent there. `circular` strips get tiles
    across the seam between their last and first column.
    """
    if not 0 <= overlap < side:
        raise ValueError(f"overlap must lie in [0, side), got {overlap} with side {side}")
    height, width = rgb.shape[:2]
    extent = (min(side, height), min(side, width))
    around = circular and width > side
    columns = _starts_around(width, side, overlap) if around else _starts(width, extent[1], overlap)
    places = [Tile(r, c, extent, overlap) for r in _starts(height, extent[0], overlap) for c in columns]
    return [(_cut(rgb, place), place) for place in places]


def merge_tiles(
    maps: Sequence[NDArray[np.float32]], places: Sequence[Tile], size: Size
) -> NDArray[np.float32]:
    """Blend one map (h, w) per tile into (H, W) float32; cutting any map with `tiles` and merging gives it back."""
    total = np.zeros(size, np.float32)
    weight = np.zeros(size, np.float32)
    for values, place in zip(maps, places, strict=True):
        if values.shape != place.size:
            raise ValueError(f"map is {values.shape} but its tile is {place.size}")
        ramp = np.outer(_ramp(place.size[0], place.overlap), _ramp(place.size[1], place.overlap))
        rows = slice(place.row, place.row + place.size[0])
        columns = np.arange(place.column, place.column + place.size[1]) % size[1]
        total[rows, columns] += ramp * values
        weight[rows, columns] += ramp
    return total / weight


def _cut(rgb: NDArray[np.uint8], place: Tile) -> NDArray[np.uint8]:
    columns = np.arange(place.column, place.column + place.size[1]) % rgb.shape[1]
    return np.ascontiguousarray(rgb[place.row : place.row + place.size[0], columns])


def _starts(length: int, extent: int, overlap: int) -> list[int]:
    """Evenly spaced first pixels; the last tile ends with the picture."""
    if extent >= length:
        return [0]
    count = math.ceil((length - overlap) / (extent - overlap))
    return [round(i * (length - extent) / (count - 1)) for i in range(count)]


def _starts_around(length: int, extent: int, overlap: int) -> list[int]:
    count = math.ceil(length / (extent - overlap))
    return [round(i * length / count) for i in range(count)]


def _ramp(length: int, overlap: int) -> NDArray[np.float32]:
    """Weights (length,) in (0, 1]: rising over the overlap, flat, falling."""
    from_border = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1))
    return (np.minimum(from_border, overlap + 1) / (overlap + 1)).astype(np.float32)
