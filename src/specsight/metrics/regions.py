"""The defects of a picture one by one, at its own resolution and at that of a smaller map.

In: masks. Out: `RegionPixels`, which reads as a sequence of masks. Scaled by area: nearest neighbour drops every region
between the sampled pixels, and what is dropped is what is hardest to find, so that measured quality rises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Size = tuple[int, int]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class RegionPixels(Sequence[Mask]):
    """Regions of one picture of `size` (H, W), which may overlap; item i is the mask (H, W) of region i.

    `pixels[i]` (P_i,) are the positions of its pixels, row · W + column. `small` counts regions that cover no cell of
    the smaller map by half, `shared` those that share a cell with another region; both 0 where nothing was scaled.
    """

    size: Size
    pixels: tuple[Integers, ...]
    small: int = 0
    shared: int = 0

    def __len__(self) -> int:
        return len(self.pixels)

    @overload
    def __getitem__(self, index: int) -> Mask: ...
    @overload
    def __getitem__(self, index: slice) -> list[Mask]: ...
    def __getitem__(self, index: int | slice) -> Mask | list[Mask]:
        if isinstance(index, slice):
            return [self._mask(pixels) for pixels in self.pixels[index]]
        return self._mask(self.pixels[index])

    @property
    def union(self) -> Mask:
        """(H, W) pixels of any region."""
        return self._mask(np.concatenate(self.pixels) if self.pixels else np.zeros(0, np.int64))

    @property
    def areas(self) -> Integers:
        """Pixels of each region."""
        return np.array([len(pixels) for pixels in self.pixels], np.int64)

    def _mask(self, pixels: Integers) -> Mask:
        mask = np.zeros(self.size, bool)
        mask.flat[pixels] = True
        return mask


def connected(mask: Mask) -> RegionPixels:
    """The 8-connected components of a mask (H, W)."""
    from scipy import ndimage

    if not mask.any():
        return RegionPixels(_size(mask), ())
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    labels, count = ndimage.label(box, structure=np.ones((3, 3), dtype=int))
    return RegionPixels(_size(mask), _by_region(np.flatnonzero(mask), labels[box] - 1, count))


def apart(masks: Sequence[Mask], size: Size) -> RegionPixels:
    """Defects given one by one, each a mask of `size` (H, W); an empty one stays a region without pixels."""
    return RegionPixels(size, tuple(np.flatnonzero(mask) for mask in masks))


def scaled(regions: RegionPixels, size: Size) -> RegionPixels:
    """The regions on a map of `size` (h, w), in their order.

    On a smaller map a cell belongs to a region where the region covers at least half as much of it as of the cell that
    it covers most: half a cell for regions that fill one, and the cells of a thin line or of a dot for those that fill
    none. So a region with pixels keeps at least one cell, a line stays a line, and the area of large regions is kept.
    On a larger map each pixel takes the value of the one it lies in.
    """
    if size == regions.size:
        return regions
    if size[0] > regions.size[0] or size[1] > regions.size[1]:
        return RegionPixels(size, tuple(_enlarged(mask, size) for mask in regions))
    which = np.repeat(np.arange(len(regions)), regions.areas)
    positions = np.concatenate([*regions.pixels, np.zeros(0, np.int64)])
    rows = _overlaps(positions // regions.size[1], regions.size[0], size[0])
    columns = _overlaps(positions % regions.size[1], regions.size[1], size[1])
    keys = [((which * size[0] + r) * size[1] + c) for r, _ in rows for c, _ in columns]
    covered = [rc * cc for _, rc in rows for _, cc in columns]
    keys_, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    # Whole numbers throughout, far below 2^53: sums are exact, and a tie at one half is one on every machine.
    coverage = np.bincount(inverse.ravel(), weights=np.concatenate(covered), minlength=len(keys_))
    of, cells = keys_ // (size[0] * size[1]), keys_ % (size[0] * size[1])
    most = np.zeros(len(regions))
    np.maximum.at(most, of, coverage)
    belongs = (coverage > 0) & (2 * coverage >= most[of])
    of, cells = of[belongs], cells[belongs]
    times = np.bincount(cells, minlength=1)
    return RegionPixels(
        size,
        _by_region(cells, of, len(regions)),
        small=int(np.sum((most > 0) & (2 * most < regions.size[0] * regions.size[1]))),
        shared=len(np.unique(of[times[cells] > 1])),
    )


def _overlaps(positions: Integers, before: int, after: int) -> list[tuple[Integers, Integers]]:
    """The two cells (of `after`) that each pixel (of `before` >= `after`) may reach along one axis, and how far.

    In units in which a cell is `before` wide and a pixel `after`.
    """
    first = positions * after // before
    inside = np.minimum((first + 1) * before - positions * after, after)
    return [(first, inside), (np.minimum(first + 1, after - 1), after - inside)]


def _enlarged(mask: Mask, size: Size) -> Integers:
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new) for old, new in zip(mask.shape, size, strict=True)
    )
    return np.flatnonzero(mask[np.ix_(rows, columns)])


def _by_region(positions: Integers, which: Integers, count: int) -> tuple[Integers, ...]:
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=count))
    return tuple(np.split(positions[order], ends[:-1])) if count else ()


def _size(mask: Mask) -> Size:
    return mask.shape[0], mask.shape[1]
