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

from specsight.images.alignment import Alignment
from specsight.images.cells import Cells, Region, Size, sampled

MAX_ASPECT = 8.0
"""Times its width that a picture may be long with its shorter side at the resolution, where it is encoded at once."""
MAX_ASPECT_TILED = 64.0
"""The same for a picture that is encoded in tiles, unless that would enlarge it."""


@dataclass(frozen=True)
class Frame:
    """Where a picture lies inside its framed copy; all sizes (rows, columns) in pixels.

    The picture of `native` size was scaled to `content` and put at `offset` in a frame of size `size`; the rest is
    padding. `circular`: the columns beside the content continue the picture around the seam. Planes and maps are those
    of the picture as it lies, whether or not it was aligned.
    """

    native: Size
    content: Size
    offset: Size
    size: Size
    circular: bool = False
    alignment: Alignment | None = None
    """What was framed is the picture brought to another pose by this; None: the picture as it lies."""

    def restore(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A map (h, w) of equal cells over the whole frame → (H, W) float32 on the picture, bilinear.

        Cells that show nothing but padding have no influence (circular columns excepted: they show the picture).
        """
        cells = Cells.over(self.size, (values.shape[0], values.shape[1]))
        rows, columns = self._touched(0, cells), self._touched(1, cells)
        inside = cells.cropped(rows, slice(None) if self.circular else columns)
        cropped = np.ascontiguousarray(values[rows] if self.circular else values[rows, columns], np.float32)
        y, x = (inside.positions(axis, self._centres(axis)) for axis in (0, 1))
        restored = sampled(cropped, y, x)
        return restored if self.alignment is None else self.alignment.restored(restored)

    def apply(self, plane: NDArray[Any], fill: float = 0) -> NDArray[Any]:
        """Bring another plane of the picture (parts, depth; (H, W), or (H, W, C)) into the frame by nearest neighbour.

        Padding gets `fill`, and so does what an aligned picture shows of nothing; circular columns continue the plane.
        Masks are brought by `covered`, which loses none.
        """
        self._check(plane)
        rows, columns = (
            (np.arange(self.content[axis]) + 0.5) * self.native[axis] / self.content[axis] for axis in (0, 1)
        )
        scaled = self._nearest_values(plane, rows, columns, fill)
        (top, bottom), (left, right) = self._margins()
        channels = [(0, 0)] * (plane.ndim - 2)
        if self.circular:
            scaled = np.pad(scaled, [(0, 0), (left, right), *channels], mode="wrap")
            left = right = 0
        return np.pad(scaled, [(top, bottom), (left, right), *channels], constant_values=fill)

    def covered(self, mask: NDArray[Any], cells: Cells) -> NDArray[np.float32]:
        """Share in [0, 1] of each cell over the frame that a mask (H, W) of the picture covers, (h, w).

        Means over areas: a line of one pixel counts for what it covers, however large the cells. A cell's area is the
        part of it on the picture (circular columns continue it); the outermost cells that show the picture reach to its
        edge, so that no pixel of the mask is lost. Cells of padding alone are not covered.
        """
        self._check(mask)
        aligned = mask if self.alignment is None else self.alignment.aligned_mask(mask)
        shares = np.asarray(aligned, np.float32)
        for axis in (0, 1):
            shares = np.moveaxis(self._cover_weights(axis, cells) @ np.moveaxis(shares, axis, 0), 0, axis)
        return np.ascontiguousarray(shares)

    @property
    def region(self) -> Region:
        """Rows and columns of the frame that are the picture, each column of a circular one once."""
        return (
            (self.offset[0], self.offset[0] + self.content[0]),
            (self.offset[1], self.offset[1] + self.content[1]),
        )

    def part(self, rows: slice, columns: slice) -> Frame:
        """The frame of a tile of this one: what of the picture it shows, which may be nothing, is its content."""
        starts, extents = [], []
        for (start, stop), own in zip(self.region, (rows, columns)):
            begin = min(max(start, own.start), own.stop)
            starts.append(begin - own.start)
            extents.append(max(min(stop, own.stop) - begin, 0))
        content = (extents[0], extents[1])
        size = (rows.stop - rows.start, columns.stop - columns.start)
        return Frame(content, content, (starts[0], starts[1]), size)

    def inside(self, cells: Cells) -> tuple[slice, slice]:
        """Rows and columns of cells over the frame that show the picture: at least half of what they see of the frame.

        At least one of each. Around a seam, all columns show the picture, some of it twice.
        """
        rows, columns = (self._at_least_half(axis, cells) for axis in (0, 1))
        return rows, slice(0, cells.size[1]) if self.circular else columns

    def shows_picture(self, cells: Cells) -> NDArray[np.bool_]:
        """Which cells show the picture as `inside` says, and around a seam each place of it once, (h, w) bool.

        Of an aligned picture those whose centre shows it: its corners may show nothing.
        """
        rows, columns = self.inside(cells)
        counted = np.zeros(cells.size, np.bool_)
        counted[rows, columns] = True
        if self.circular:
            start, stop = self.region[1]
            centres = cells.centres(1)
            once = (centres >= start) & (centres < stop)
            # A picture narrower than a cell may have no centre of its own.
            counted &= once if once.any() else np.arange(len(centres)) == _nearest(centres, start, stop)
        if self.alignment is not None:
            counted &= self._aligned_cells(cells)
        return counted

    def _aligned_cells(self, cells: Cells) -> NDArray[np.bool_]:
        """Cells whose centres, brought to the nearest of the content, show something of the aligned picture."""
        assert self.alignment is not None
        along = []
        for axis in (0, 1):
            scale = self.native[axis] / self.content[axis]
            along.append(
                np.clip((cells.centres(axis) - self.offset[axis]) * scale, 0.5, self.native[axis] - 0.5)
            )
        y, x = self.alignment.places(along[0], along[1], self.native)
        return np.asarray((y >= 0) & (y <= self.native[0]) & (x >= 0) & (x <= self.native[1]))

    def _nearest_values(
        self, plane: NDArray[Any], rows: NDArray[np.float64], columns: NDArray[np.float64], fill: float
    ) -> NDArray[Any]:
        """Values of a plane of the picture at rows and columns of the picture, aligned if it was."""
        height, width = self.native
        if self.alignment is None:
            nearest = np.minimum(rows, height - 1).astype(int), np.minimum(columns, width - 1).astype(int)
            return np.asarray(plane[np.ix_(*nearest)])
        y, x = (np.floor(places).astype(int) for places in self.alignment.places(rows, columns, self.native))
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        values = plane[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
        inside = inside.reshape(*inside.shape, *[1] * (plane.ndim - 2))
        return np.asarray(np.where(inside, values, np.asarray(fill, plane.dtype)))

    def _at_least_half(self, axis: int, cells: Cells) -> slice:
        start, stop = self.region[axis]
        own = np.flatnonzero(cells.shares(axis, start, stop, self.size[axis]) >= 0.5)
        if not len(own):
            nearest = _nearest(cells.centres(axis), start, stop)
            return slice(nearest, nearest + 1)
        return slice(int(own[0]), int(own[-1]) + 1)

    def _touched(self, axis: int, cells: Cells) -> slice:
        """Equal cells that show any of the picture."""
        start, stop = self.region[axis]
        own = np.flatnonzero(cells.shares(axis, start, stop, self.size[axis]) > 1e-9)
        return slice(int(own[0]), int(own[-1]) + 1)

    def _cover_weights(self, axis: int, cells: Cells) -> NDArray[np.float32]:
        """What each of the picture's pixels along an axis counts in the mean of each cell: (cells, pixels)."""
        scale, start = self.content[axis] / self.native[axis], self.offset[axis]
        begin = cells.centres(axis) - cells.stride[axis] / 2
        end = begin + cells.stride[axis]
        laps: tuple[int, ...] = (0,)
        if self.circular and axis == 1:
            around = math.ceil(max(start, self.size[1] - start) / self.content[1])
            laps = tuple(range(-around, around + 1))
        else:
            inside = self._at_least_half(axis, cells)
            begin[inside.start] = min(begin[inside.start], start)
            end[inside.stop - 1] = max(end[inside.stop - 1], start + self.content[axis])
        pixels = np.arange(self.native[axis] + 1) * scale + start
        weights = np.zeros((cells.size[axis], self.native[axis]))
        for lap in laps:
            edges = pixels + lap * self.content[axis]
            first, last = (
                np.maximum(edges[None, :-1], begin[:, None]),
                np.minimum(edges[None, 1:], end[:, None]),
            )
            weights += np.maximum(last - first, 0)
        area = weights.sum(1, keepdims=True)
        return np.asarray(np.divide(weights, area, out=np.zeros_like(weights), where=area > 0), np.float32)

    def _centres(self, axis: int) -> NDArray[np.float64]:
        """Centres of the picture's pixels in the frame."""
        scale = self.content[axis] / self.native[axis]
        return np.asarray((np.arange(self.native[axis]) + 0.5) * scale + self.offset[axis])

    def _check(self, plane: NDArray[Any]) -> None:
        if plane.shape[:2] != self.native:
            raise ValueError(f"plane is {plane.shape[:2]} but the frame was made for {self.native}")

    def _margins(self) -> tuple[Size, Size]:
        top, left = self.offset
        return (
            (top, self.size[0] - top - self.content[0]),
            (left, self.size[1] - left - self.content[1]),
        )


def letterbox(rgb: NDArray[np.uint8], side: int, multiple: int = 1) -> tuple[NDArray[np.uint8], Frame]:
    """The whole picture in a square of `side` pixels (raised to the next `multiple`), aspect kept.

    The picture lies at the top left, so that feature cells begin where it begins; the rest mirrors it.
    """
    side = _raise(side, multiple)
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    content = (_scaled(height, scale), _scaled(width, scale))
    frame = Frame(native=(height, width), content=content, offset=(0, 0), size=(side, side))
    return _fill(rgb, frame), frame


def shorter_side(
    rgb: NDArray[np.uint8],
    side: int,
    multiple: int = 1,
    max_aspect: float = MAX_ASPECT,
    circular: bool = False,
    padded: bool = True,
) -> tuple[NDArray[np.uint8], Frame]:
    """The picture with its shorter side at `side` pixels, aspect kept, both sides padded to a `multiple`.

    A picture longer than `max_aspect` times its width is scaled by its longer side instead, which bounds the work; one
    longer than `MAX_ASPECT` times is never enlarged. Padding mirrors the picture at the bottom and right, its outermost
    row and column left out, so that what lies there is not widened; a `circular` strip continues around its seam on
    both ends, by an eighth of `side` or more. Without padding (`padded` false) both sides are stretched or shrunk to
    the nearest multiple instead, by half a multiple at most where they are that long.
    """
    height, width = rgb.shape[:2]
    short, long = min(height, width), max(height, width)
    scale = min(
        side / short, max(side * min(max_aspect, MAX_ASPECT) / long, min(1, side * max_aspect / long))
    )
    content = (_scaled(height, scale), _scaled(width, scale))
    if not padded:
        content = (_nearest_multiple(content[0], multiple), _nearest_multiple(content[1], multiple))
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
    return np.pad(scaled, ((top, bottom), (left, right), (0, 0)), mode="reflect")


def _resize(rgb: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Area averaging when shrinking (no moiré from fine texture), bilinear when enlarging."""
    import cv2

    if rgb.shape[:2] == size:
        return rgb
    method = cv2.INTER_AREA if size[0] * size[1] < rgb.shape[0] * rgb.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (size[1], size[0]), interpolation=method), np.uint8)


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))


def _nearest(centres: NDArray[np.float64], start: float, stop: float) -> int:
    """The number of the centre nearest to the middle of a range."""
    return int(np.abs(centres - (start + stop) / 2).argmin())


def _nearest_multiple(length: int, multiple: int) -> int:
    return max(1, round(length / multiple)) * multiple


def _raise(length: int, multiple: int) -> int:
    return math.ceil(length / multiple) * multiple
