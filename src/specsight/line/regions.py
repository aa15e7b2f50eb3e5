"""Where a person says that a defect lies: polygons over the picture of a part → a mask to learn from.

Points are shares of the picture's width and height, turned upright, so that they hold at any size that it is shown in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.parts import drawn
from specsight.specification import Shape

Point = list[float]
Polygon = list[Point]
Region = list[Polygon]
"""Polygons; each is closed by itself, and covers what an odd number of its lines surround."""
POLYGONS, POINTS = 50, 500
"""How many a region has at most; points: of one polygon."""
DIGITS = 5


def region_of(given: Any) -> Region:
    """A region of JSON values, rounded. Raises SpecsightError for what is none, is too long, or covers nothing."""
    if not isinstance(given, list) or not 1 <= len(given) <= POLYGONS:
        raise SpecsightError(f"a region is a list of 1 to {POLYGONS} polygons")
    return [_polygon(one) for one in given]


def _polygon(given: Any) -> Polygon:
    if not isinstance(given, list) or not 3 <= len(given) <= POINTS:
        raise SpecsightError(f"a polygon has 3 to {POINTS} points")
    points = [_point(one) for one in given]
    # Not by its signed area: that of a figure of eight is nothing.
    if np.linalg.svd(np.subtract(points, points[0]), compute_uv=False)[1] < 10**-DIGITS:
        raise SpecsightError("a polygon covers nothing: draw around the defect")
    return points


def _point(given: Any) -> Point:
    numbers = isinstance(given, list) and all(type(one) in (int, float) for one in given)
    if not numbers or len(given) != 2 or not all(0 <= one <= 1 for one in given):
        raise SpecsightError("a point is [x, y], shares of the picture's width and height from 0 to 1")
    return [round(float(one), DIGITS) for one in given]


def mask_of(region: Sequence[Sequence[Sequence[float]]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """What a region covers of a picture of `size` (rows, columns), (H, W); of each polygon at least the pixel of its
    first point."""
    mask = np.zeros(size, np.bool_)
    for polygon in region:
        shape = Shape(polygon=tuple((float(x), float(y)) for x, y in polygon))
        own = drawn([shape], size, (float(size[0]), float(size[1])))
        if not own.any():
            x, y = polygon[0]
            own[min(int(y * size[0]), size[0] - 1), min(int(x * size[1]), size[1] - 1)] = True
        mask |= own
    return mask
