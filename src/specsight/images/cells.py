"""Where the cells of a feature grid lie over the pixels that it was made of: the one geometry of grids.

In: sizes, strides and offsets in pixels. Out: centres of cells, positions of pixels in cells, shares of cells in a
range, and grids brought from cells to other cells or to pixels. Coordinates run from the edge of the first pixel, whose
centre is 0.5; axis 0 is rows, axis 1 columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
Region = tuple[Size, Size]
"""First and one-past-last row, first and one-past-last column, in pixels."""


@dataclass(frozen=True)
class Cells:
    """A grid of cells: along each axis, cell i is centred on (i + 0.5) · stride + offset and one stride wide."""

    size: Size
    """Rows and columns of cells."""
    stride: tuple[float, float]
    """Pixels from one cell to the next, down and across."""
    offset: tuple[float, float] = (0.0, 0.0)
    """Pixels by which cells lie off the middles of equal cells that begin with the first pixel, down and across."""

    @classmethod
    def over(cls, pixels: Size, size: Size) -> Cells:
        """Equal cells, `size` of them, that cover (rows, columns) of pixels exactly."""
        return cls(size, (pixels[0] / size[0], pixels[1] / size[1]))

    @classmethod
    def of_convolutions(cls, pixels: Size, stride: int) -> Cells:
        """Cells over (rows, columns) of pixels, multiples of `stride`, where cell i is centred on pixel i · stride.

        Convolutions of stride 2 with odd kernels, padded by half of them, place them so.
        """
        size = (pixels[0] // stride, pixels[1] // stride)
        return cls(size, (stride, stride), ((1 - stride) / 2, (1 - stride) / 2))

    def cropped(self, rows: slice, columns: slice) -> Cells:
        """The cells of these rows and columns alone, where they are."""
        size = (len(range(self.size[0])[rows]), len(range(self.size[1])[columns]))
        first = (rows.indices(self.size[0])[0], columns.indices(self.size[1])[0])
        down, across = (o + k * s for o, k, s in zip(self.offset, first, self.stride))
        return replace(self, size=size, offset=(down, across))

    def centres(self, axis: int) -> NDArray[np.float64]:
        """Centres of the cells along an axis, in pixels."""
        return np.asarray((np.arange(self.size[axis]) + 0.5) * self.stride[axis] + self.offset[axis])

    def positions(self, axis: int, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where coordinates in pixels lie along an axis, in cells (0 = centre of the first cell)."""
        return np.asarray((pixels - self.offset[axis]) / self.stride[axis] - 0.5)

    def shares(self, axis: int, start: float, stop: float, length: float) -> NDArray[np.float64]:
        """Share in [0, 1] of each cell along an axis that lies in [start, stop).

        Of a cell that reaches beyond the `length` pixels of the image, only the part on the image counts.
        """
        on_image = self._overlap(axis, 0, length)
        inside = self._overlap(axis, start, stop)
        return np.asarray(np.divide(inside, on_image, out=np.zeros_like(inside), where=on_image > 0))

    def _overlap(self, axis: int, start: float, stop: float) -> NDArray[np.float64]:
        centres, half = self.centres(axis), self.stride[axis] / 2
        return np.asarray(
            np.maximum(np.minimum(centres + half, stop) - np.maximum(centres - half, start), 0), np.float64
        )


def resampled(values: NDArray[np.float32], source: Cells, target: Cells) -> NDArray[np.float32]:
    """A grid (..., h, w) on the cells `source` → (..., h', w') on the cells `target`, place by place.

    Interpolated bilinearly where the target is as fine or finer, averaged over the larger cells where it is coarser;
    beyond the outermost centres the nearest cell's value stands.
    """
    for axis in (0, 1):
        alike = all(
            getattr(source, part)[axis] == getattr(target, part)[axis]
            for part in ("size", "stride", "offset")
        )
        if not alike:
            values = _along(values, source, target, axis)
    return np.ascontiguousarray(values, np.float32)


def sampled(
    values: NDArray[np.float32], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float32]:
    """A grid (h, w) at the rows `y` (H,) and columns `x` (W,), in cells, bilinear: (H, W).

    Beyond the outermost centres the nearest cell's value stands.
    """
    return np.ascontiguousarray(_interpolated(_interpolated(values, y, 0), x, 1))


@lru_cache(maxsize=256)
def weights(source: Cells, target: Cells, axis: int) -> NDArray[np.float32]:
    """What each source cell along an axis contributes to each target cell in `resampled`: (target, source), sums 1.

    Equal cells get the same array again: leave it as it is.
    """
    if target.stride[axis] <= source.stride[axis]:
        at = source.positions(axis, target.centres(axis))
        matrix = _interpolated(np.eye(source.size[axis], dtype=np.float32), at, 0)
    else:
        matrix = _area_weights(source, target, axis)
    return matrix


def _along(values: NDArray[np.float32], source: Cells, target: Cells, axis: int) -> NDArray[np.float32]:
    if target.stride[axis] <= source.stride[axis]:
        return _interpolated(values, source.positions(axis, target.centres(axis)), axis - 2)
    matrix = weights(source, target, axis)
    return np.asarray(matrix @ values if axis == 0 else values @ matrix.T, np.float32)


def _area_weights(source: Cells, target: Cells, axis: int) -> NDArray[np.float32]:
    """Shares of every target cell that source cells cover; of one that none covers, the nearest source cell."""
    centres, of_source = target.centres(axis)[:, None], source.centres(axis)[None]
    half, half_of_source = target.stride[axis] / 2, source.stride[axis] / 2
    begin = np.maximum(centres - half, of_source - half_of_source)
    end = np.minimum(centres + half, of_source + half_of_source)
    overlap = np.maximum(end - begin, 0)
    empty = overlap.sum(1) <= 0
    overlap[empty, np.abs(of_source - centres).argmin(1)[empty]] = 1
    return np.asarray(overlap / overlap.sum(1, keepdims=True), np.float32)


def _interpolated(values: NDArray[np.float32], at: NDArray[np.float64], axis: int) -> NDArray[np.float32]:
    """`values` at the positions `at` along an axis; beyond [0, n - 1] at the nearer end."""
    at = np.clip(at, 0, values.shape[axis] - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, values.shape[axis] - 1)
    shape = [1] * values.ndim
    shape[axis] = len(at)
    share = (at - low).astype(np.float32).reshape(shape)
    return np.asarray(values.take(low, axis) * (1 - share) + values.take(high, axis) * share, np.float32)
