"""Long pictures in windows about as high as wide: that is what a language model that points was trained on.

In: what is seen of one picture. Out: its windows, all of one size, as a batch; then maps of windows on the whole grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from specsight.language.pointing.heads import Seen


@dataclass(frozen=True)
class Window:
    """A part of a picture, and where on the finest grid it lies."""

    part: Seen
    rows: slice
    columns: slice


def windows_of(seen: Seen) -> list[Window]:
    """Windows side by side, the last one at the end; the whole where it is no longer.

    A window begins where a cell of the coarsest grid does: cell i of that lies upon cell r·i of the finest. Behind the
    finest grid's last cell its values go on, for it may end before the coarsest one's last cell does.
    """
    height, width = seen.deep.shape[-2:]
    fine = (seen.fine.shape[-2], seen.fine.shape[-1])
    short, long = sorted((height, width))
    count = max(1, round(long / short))
    if count == 1:
        return [Window(seen, slice(0, fine[0]), slice(0, fine[1]))]
    axis = -1 if width >= height else -2
    side, length = math.ceil(long / count), fine[axis]
    ratio = max(1, round(length / long))
    found = []
    for number in range(count):
        start = min(number * side, long - side)
        part = Seen(
            _cut(seen.fine, axis, start * ratio, side * ratio),
            _cut(seen.deep, axis, start, side),
            None if seen.joint is None else _cut(seen.joint, axis, start, side),
            _cut(seen.suspicion, axis, start * ratio, side * ratio),
        )
        whole, own = slice(0, fine[-3 - axis]), slice(start * ratio, min((start + side) * ratio, length))
        found.append(Window(part, *((whole, own) if axis == -1 else (own, whole))))
    return found


def stacked(windows: Sequence[Window]) -> Seen:
    """The parts of windows as one batch."""
    parts = [window.part for window in windows]
    joint = [part.joint for part in parts if part.joint is not None]
    return Seen(
        torch.cat([part.fine for part in parts]),
        torch.cat([part.deep for part in parts]),
        torch.cat(joint) if joint else None,
        torch.cat([part.suspicion for part in parts]),
    )


def joined(
    margins: Sequence[NDArray[np.float32]], windows: Sequence[Window], seen: Seen
) -> NDArray[np.float32]:
    """Maps (K, h, w) of windows on the whole grid; the mean where two lie over each other."""
    size = seen.fine.shape[-2:]
    total, count = np.zeros((len(margins[0]), *size), np.float32), np.zeros(size, np.float32)
    for own, window in zip(margins, windows):
        place = total[:, window.rows, window.columns]
        place += own[:, : place.shape[1], : place.shape[2]]
        count[window.rows, window.columns] += 1
    return np.asarray(total / count, np.float32)


def _cut(grid: Tensor, axis: int, start: int, length: int) -> Tensor:
    """`length` cells of a grid (1, C, h, w) or (1, h, w) from `start` on along an axis; the last one's values go on."""
    cut = grid.narrow(axis, start, min(length, grid.shape[axis] - start))
    missing = length - cut.shape[axis]
    if not missing:
        return cut
    return functional.pad(cut, (0, missing, 0, 0) if axis == -1 else (0, 0, 0, missing), mode="replicate")
