"""A picture of any shape → the frame an encoder takes, without squashing it, and maps back to the picture.

A `Frame` remembers where the picture lies in the framed square or strip, so that a map computed on it, at any
resolution, returns to the picture's own pixels; what it holds over padding is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """Where a picture lies inside its framed copy; all sizes (rows, columns) in pixels.

    The picture of `native` size was scaled to `content` and put at `offset` in a frame of size `size`; the rest is
    padding. `circular`: the columns beside the content continue the picture around the seam.
    """

    native: Size
    content: Size
    offset: Size
    size: Size
    circular: bool = False

    def restore(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A map (h, w) over the whole frame, at any resolution, → (H, W) float32 on the picture, bilinear.

        Cells that show nothing but padding have no influence (circular columns excepted: they show the picture).
        """
        grid = (values.shape[0], values.shape[1])
        rows = self._span(0, grid[0])
        columns = (0, grid[1]) if self.circular else self._span(1, grid[1])
        cropped = np.ascontiguousarray(values[rows[0] : rows[1], columns[0] : columns[1]], np.float32)
        y = np.clip(self._positions(0, grid[0]) - rows[0], 0, cropped.shape[0] - 1)
        x = np.clip(self._positions(1, grid[1]) - columns[0], 0, cropped.shape[1] - 1)
        return _bilinear(cropped, y, x)

    def apply(self, plane: NDArray[Any], fill: float = 0) -> NDArray[Any]:
        """Bring another plane of the picture (mask, parts, depth; (H, W)) into the frame by nearest neighbour;
        padding gets `fill`, except circular columns, which continue the plane."""
        if plane.shape[:2] != self.native:
            raise ValueError(f"plane is {plane.shape[:2]} but the frame was made for {self.native}")
        rows = np.minimum(
            (np.arange(self.content[0]) + 0.5) * self.native[0] / self.content[0], self.native[0] - 1
        )
        columns = np.minimum(
            (np.arange(self.content[1]) + 0.5) * self.native[1] / self.content[1], self.native[1] - 1
        )
        scaled = plane[np.ix_(rows.astype(int), columns.astype(int))]
        (top, bottom), (left, right) = self._margins()
        if self.circular:
            scaled = np.pad(scaled, ((0, 0), (left, right)), mode="wrap")
            left = right = 0
        return np.pad(scaled, ((top, bottom), (left, right)), constant_values=fill)

    def shows_picture(self, grid: Size) -> NDArray[np.bool_]:
        """Which cells of a feature grid (h, w) over the frame show the picture rather than padding, (h, w) bool:
        those at least half covered by it, and in any case the first row and column of it."""
        inside = []
        for axis in (0, 1):
            edges = np.linspace(0, self.size[axis], grid[axis] + 1)
            start, end = self.offset[axis], self.offset[axis] + self.content[axis]
            covered = np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)
            own = covered >= 0.5 * self.size[axis] / grid[axis]
            own[self._span(axis, grid[axis])[0]] |= not own.any()
            inside.append(own)
        return np.asarray(inside[0][:, None] & inside[1][None, :])

    def _span(self, axis: int, cells: int) -> Size:
        """First and one-past-last cell that touch the picture."""
        per_pixel = cells / self.size[axis]
        start, end = self.offset[axis], self.offset[axis] + self.content[axis]
        first = min(int(start * per_pixel + 1e-9), cells - 1)
        return first, max(math.ceil(end * per_pixel - 1e-9), first + 1)

    def _positions(self, axis: int, cells: int) -> NDArray[np.float64]:
        """Where the centres of the picture's pixels lie, in cells (0 = centre of the first cell)."""
        centres = (np.arange(self.native[axis]) + 0.5) * self.content[axis] / self.native[axis]
        return (centres + self.offset[axis]) * cells / self.size[axis] - 0.5

    def _margins(self) -> tuple[Size, Size]:
        top, left = self.offset
        return (
            (top, self.size[0] - top - self.content[0]),
            (left, self.size[1] - left - self.content[1]),
        )


def letterbox(rgb: NDArray[np.uint8], side: int, multiple: int = 1) -> tuple[NDArray[np.uint8], Frame]:
    """The whole picture in a square of `side` pixels (raised to the next `multiple`), aspect kept.

    The picture lies at the top left, so that feature cells begin where it begins; the rest repeats its edge.
    """
    side = _raise(side, multiple)
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    content = (_scaled(height, scale), _scaled(width, scale))
    frame = Frame(native=(height, width), content=content, offset=(0, 0), size=(side, side))
    return _fill(rgb, frame), frame


def shorter_side(
    rgb: NDArray[np.uint8], side: int, multiple: int = 1, max_aspect: float = 8.0, circular: bool = False
) -> tuple[NDArray[np.uint8], Frame]:
    """The picture with its shorter side at `side` pixels, aspect kept, both sides padded to a `multiple`.

    A picture longer than `max_aspect` times its width is scaled by its longer side instead, which bounds the work
    (`tiles` keeps its resolution). Padding repeats the edge at the bottom and right; a `circular` strip continues
    around its seam on both ends, by an eighth of `side` or more.
    """
    height, width = rgb.shape[:2]
    scale = min(side / min(height, width), side * max_aspect / max(height, width))
    content = (_scaled(height, scale), _scaled(width, scale))
    margin = _raise(math.ceil(side / 8), multiple) if circular else 0
    size = (_raise(content[0], multiple), _raise(content[1] + 2 * margin, multiple))
    frame = Frame((height, width), content, offset=(0, margin), size=size, circular=circular)
    return _fill(rgb, frame), frame


def _fill(rgb: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    (top, bottom), (left, right) = frame._margins()
    scaled = _resize(rgb, frame.content)
    if frame.circular:
        scaled = np.pad(scaled, ((0, 0), (left, right), (0, 0)), mode="wrap")
        left = right = 0
    return np.pad(scaled, ((top, bottom), (left, right), (0, 0)), mode="edge")


def _resize(rgb: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Area averaging when shrinking (no moiré from fine texture), bilinear when enlarging."""
    import cv2

    if rgb.shape[:2] == size:
        return rgb
    method = cv2.INTER_AREA if size[0] * size[1] < rgb.shape[0] * rgb.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (size[1], size[0]), interpolation=method), np.uint8)


def _bilinear(
    values: NDArray[np.float32], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float32]:
    """`values` (h, w) at the rows `y` (H,) and columns `x` (W,): separable, so no (H, W) coordinate planes."""
    along_rows = _interpolate(values, y)
    return np.ascontiguousarray(_interpolate(along_rows.T, x).T)


def _interpolate(values: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, values.shape[0] - 1)
    share = (at - low).astype(np.float32)[:, None]
    return np.asarray(values[low] * (1 - share) + values[high] * share, np.float32)


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))


def _raise(length: int, multiple: int) -> int:
    return math.ceil(length / multiple) * multiple
