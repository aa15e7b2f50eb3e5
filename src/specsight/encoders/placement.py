"""Where the cells of an encoder's grids lie: measured once, by what a small disc changes in them.

In: what an encoder makes of an image. Out: the true stride and offset of every grid. A 3 × 3 convolution of stride
2 and padding 1 centres its cells on every second pixel, not between two of them; what depth, trained weights and
padding make of that differs from checkpoint to checkpoint, down and across, and is measured rather than derived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.encoders.layer import Features, Images
from specsight.images.cells import Cells, Region, Size

JOINT = "joint"
"""Name under which the grid of `embed_patches` is placed."""
CELLS = 16
"""Side of the measured images in cells of the deepest layer."""
PICTURES = 4
"""Images with discs, light and dark by turns; in each, one disc in the middle of every quarter."""
RADIUS = 3.0
GREY, CONTRAST = 128, (100.0, 20.0, -20.0)
"""Discs are lighter or darker than the grey around them, and of another colour: some grids show only one of both."""
SPREAD = (0.6180339887498949, 0.7548776662466927)
"""Steps of the discs' places within a cell, as shares of it: irrational, so that no stride meets one twice."""
TRUE_STRIDE = 0.05
"""A stride is taken as measured only where it departs from the nominal one by more than this share."""
STEP = 8
"""Offsets are rounded to eighths of a pixel: what is measured varies by more, and arithmetic by much less."""


@dataclass(frozen=True)
class Placement:
    """Stride and offset of a grid's cells, see `Cells`."""

    stride: tuple[float, float]
    offset: tuple[float, float]

    def cells(self, size: Size) -> Cells:
        """The cells of a grid (h, w) that was made from the image's first pixel on."""
        return Cells(size, self.stride, self.offset)


def measure(encode: Callable[[Images], Mapping[str, Features]], multiple: int) -> dict[str, Placement]:
    """Measure where the cells of grids lie, by name.

    `encode` makes grids (1, D, h, w) of an image (1, H, W, 3) whose sides are multiples of `multiple` pixels. A grid
    that discs do not change, or not in numbers, is placed on equal cells.
    """
    side = CELLS * multiple
    before = encode(np.full((1, side, side, 3), GREY, np.uint8))
    found: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {name: [] for name in before}
    for number in range(PICTURES):
        image, places = _with_discs(side, multiple, number)
        for name, grid in encode(image).items():
            change = np.square(grid[0] - before[name][0], dtype=np.float64).sum(0)
            found[name] += [(place, _peak(change, place / side)) for place in places]
    return {
        name: _placement(found[name], side, (before[name].shape[2], before[name].shape[3])) for name in before
    }


def pooling_weights(cells: Cells, pixels: Size, inside: Region | None) -> Features:
    """What each cell of an image of (rows, columns) `pixels` counts in a mean over the region `inside`, (h, w), sum 1.

    By the share of the cell that lies inside; where no cell does, the nearest counts. None: the whole image.
    """
    along = []
    for axis in (0, 1):
        start, stop = (0, pixels[axis]) if inside is None else inside[axis]
        shares = cells.shares(axis, start, stop, pixels[axis])
        if not shares.any():
            shares[np.abs(cells.centres(axis) - (start + stop) / 2).argmin()] = 1
        along.append(shares / shares.sum())
    return np.asarray(np.outer(*along), np.float32)


def _with_discs(side: int, cell: int, number: int) -> tuple[Images, list[NDArray[np.float64]]]:
    """An image (1, side, side, 3) with a disc in every quarter, and the discs' centres."""
    y, x = np.mgrid[:side, :side] + 0.5
    image, places = np.full((side, side, 3), GREY, np.float64), []
    contrast = np.array(CONTRAST) * (1 if number % 2 else -1)
    for quarter in range(4):
        # In pairs on opposite sides: a grid whose cells lie evenly is found to do so exactly.
        phase = (np.modf((2 * number + quarter // 2 + 1) * np.array(SPREAD))[0] - 0.5) * (-1) ** quarter
        place = (np.array(divmod(quarter, 2)) + 0.5) * side / 2 + phase * cell
        inside = np.clip(RADIUS + 0.5 - np.hypot(y - place[0], x - place[1]), 0, 1)
        image += inside[..., None] * contrast
        places.append(place)
    return np.round(image).astype(np.uint8)[None], places


def _peak(change: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre of the strongest change in the quarter of a grid (h, w) that `place`, a share of the sides, lies in.

    In cells from the grid's edge. Squared changes are weighted by themselves: what a map shows is where it is highest.
    """
    quarter = [
        slice(0, length // 2) if share < 0.5 else slice(length // 2, length)
        for share, length in zip(place, change.shape)
    ]
    weights = np.square(change[quarter[0], quarter[1]])
    total = weights.sum()
    if not np.isfinite(total) or total <= 0:
        return np.full(2, np.nan)
    y, x = np.mgrid[quarter[0], quarter[1]] + 0.5
    return np.array([(weights * y).sum() / total, (weights * x).sum() / total], np.float64)


def _placement(
    pairs: list[tuple[NDArray[np.float64], NDArray[np.float64]]], side: int, size: Size
) -> Placement:
    """The placement under which discs (in pixels) and peaks (in cells) meet best."""
    nominal = (side / size[0], side / size[1])
    discs, peaks = (np.array(part) for part in zip(*pairs))
    if not np.isfinite(peaks).all():
        return Placement(nominal, (0.0, 0.0))
    strides, offsets = [], []
    for axis in (0, 1):
        stride = (
            float(np.polyfit(peaks[:, axis], discs[:, axis], 1)[0])
            if np.ptp(peaks[:, axis])
            else nominal[axis]
        )
        if abs(stride - nominal[axis]) <= TRUE_STRIDE * nominal[axis]:
            stride = nominal[axis]
        offset = float((discs[:, axis] - stride * peaks[:, axis]).mean())
        strides.append(round(stride * STEP) / STEP)
        offsets.append(round(offset * STEP) / STEP)
    return Placement((strides[0], strides[1]), (offsets[0], offsets[1]))
