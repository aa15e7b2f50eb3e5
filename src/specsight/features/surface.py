"""Depth → the geometry of a surface: heights over its own large-scale form, normals, curvature; and that of cells.

In: depth in mm (unknown: NaN), and how large a pixel is. Out: a `Surface`, or descriptors (D, h, w) on the same cells
that features of colours lie on. The large-scale form (a tyre's zone is curved, a part lies tilted) is a robust
polynomial of degree two and is subtracted first; unknown pixels are filled smoothly for filters to run over, and have
no say in what is pooled. Curvatures of a height field: do Carmo, Differential Geometry of Curves and Surfaces (1976),
section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.features.relief import Plane, filled, over_trend, smoothed, stretched
from specsight.images.cells import Cells, weights
from specsight.images.framing import Frame

SCALES = (1.5, 3.0, 6.0)
"""Standard deviations of the Gaussians, in pixels, under which curvature is taken."""
BANDS = (1.0, 4.0, 12.0)
"""Standard deviations in pixels between which heights are split: finer than the first is noise."""
SLOPE, HEIGHT = 0.02, 0.05
"""Slope and height (mm) of which descriptors take x / (unit + |x|), pixel by pixel before they are pooled: a dome of
0.2 mm must count beside a groove of 8 mm, and a cell beside an edge must not be known by that edge alone."""
LEAST_STRIDE = 6
"""Pixels from one cell to the next from which on every second pixel tells what a cell shows of smoothed planes."""
LEAST_KNOWN = 0.5
"""Share of a cell's pixels that must be known for the cell to be."""

DESCRIPTORS = (
    *(f"{what} of {of}" for of in ("height", "fine height", "coarse height") for what in ("mean", "spread")),
    *(
        f"{what} at {scale:g} px"
        for scale in SCALES
        for what in (
            *("slope x", "slope y", "slope xx", "slope xy", "slope yy"),
            *(
                "curvature",
                "spread of curvature",
                "hollowest curvature",
                "fullest curvature",
                "Gaussian curvature",
            ),
        )
    ),
)
"""What the channels of `geometry` are, in order."""


@dataclass(frozen=True)
class Surface:
    """A measured surface, pixel by pixel; x points right, y down, z to the camera."""

    height: Plane
    """(H, W) mm over the large-scale form, positive towards the camera; NaN where unknown."""
    normals: NDArray[np.float32]
    """(H, W, 3) unit vectors of the height field, that of a flat one being (0, 0, 1)."""
    mean_curvature: NDArray[np.float32]
    """(S, H, W) per mm at each of `SCALES`, positive on a bump: 1 / R on a ball of radius R."""
    gaussian_curvature: NDArray[np.float32]
    """(S, H, W) per mm² at each of `SCALES`: 1 / R² on a ball, 0 on a cylinder, negative on a saddle."""
    valid: NDArray[np.bool_]
    """(H, W) where depth is known; elsewhere normals and curvatures are those of a smooth filling."""


def surface_of(depth: Plane, mm_per_px: float | None, degree: int = 2) -> Surface:
    """The surface that `depth` (H, W), in mm and NaN where unknown, shows.

    `mm_per_px`: side of a pixel; None, where it is not known: a pixel counts as one unit of depth. `degree`: of the
    polynomial that is the large-scale form: 0 a constant, 1 a plane, 2 curved. An invariant: depth plus any such
    polynomial has the same surface, up to rounding.
    """
    pixel = mm_per_px or 1.0
    valid = np.isfinite(depth)
    height = _height(depth, valid, degree)
    levels = [_derivatives(smoothed(height, scale), pixel) for scale in SCALES]
    curvatures = [_curvatures(level) for level in levels]
    return Surface(
        np.where(valid, height, np.float32(np.nan)),
        np.moveaxis(_normals(*levels[0][:2]), 0, -1),
        np.stack([mean for mean, _ in curvatures]),
        np.stack([gaussian for _, gaussian in curvatures]),
        valid,
    )


def geometry(
    depth: Plane, frame: Frame, cells: Cells, mm_per_px: float | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """`DESCRIPTORS` (D, h, w) float32 of the surface that each cell over a frame shows, and which are known (h, w).

    `depth` (H, W) is that of the whole picture, `mm_per_px` the side of its pixels (None: see `surface_of`). Heights
    and their spread in two bands; at three scales slopes, which are the normals' x and y, with their second moments,
    and curvatures with their extremes; all in [-1, 1], see `SLOPE`. A cell is known where half of its pixels are; the
    others are 0.
    """
    framed = np.asarray(frame.apply(depth, np.nan), np.float32)
    return pooled(framed, cells, (mm_per_px or 1.0) * _enlarged(frame))


def pooled(framed: Plane, cells: Cells, pixel: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """As `geometry`, of depth (H, W) that lies in the frame already, whose pixels are `pixel` mm wide."""
    valid = np.isfinite(framed)
    if not valid.any():
        return np.zeros((len(DESCRIPTORS), *cells.size), np.float32), np.zeros(cells.size, np.bool_)
    pooling = _Pooling(valid, cells)
    height = _height(framed, valid, 2)
    # What a Gaussian has smoothed is looked at on every second row and column, where cells have enough of them.
    step = 2 if min(cells.stride) >= LEAST_STRIDE else 1
    coarse = _Pooling(valid, cells, step) if step > 1 else pooling
    finest = smoothed(height, SCALES[0])
    thinned = finest[::step, ::step]

    def at(scale: float) -> Plane:
        """The height under a Gaussian of `scale` pixels, on the thinned grid."""
        return smoothed(thinned, float(np.sqrt(scale**2 - SCALES[0] ** 2)) / step)

    levels = [smoothed(height, BANDS[0])[::step, ::step], *(at(scale) for scale in BANDS[1:])]
    channels: list[Plane] = [*pooling.moments(_bounded(height, HEIGHT))]
    for band in (levels[0] - levels[1], levels[1] - levels[2]):
        channels += coarse.moments(_bounded(band, HEIGHT))
    for scale in SCALES:
        whole = scale == SCALES[0]
        derivatives = _derivatives(finest, pixel, step) if whole else _derivatives(at(scale), pixel * step)
        x, y = (_bounded(slope, SLOPE) for slope in derivatives[:2])
        channels += [coarse.mean(plane) for plane in (x, y, x * x, x * y, y * y)]
        # Times the scale a curvature is a slope: that between the ends of what the Gaussian sees.
        curvature, gaussian = _curvatures(derivatives)
        bend = _bounded(curvature * np.float32(scale * pixel), SLOPE)
        channels += [*coarse.moments(bend), coarse.least(bend), coarse.most(bend)]
        channels.append(coarse.mean(_bounded(gaussian * np.float32((scale * pixel) ** 2), SLOPE**2)))
    known = pooling.share >= LEAST_KNOWN
    return np.asarray(np.stack(channels) * known, np.float32), known


class _Pooling:
    """Means and extremes of the known pixels of each cell."""

    def __init__(self, valid: NDArray[np.bool_], cells: Cells, step: int = 1) -> None:
        """`valid` is that of all pixels; what is pooled is every `step`-th row and column of them."""
        thinned = np.ascontiguousarray(valid[::step, ::step])
        # The first pixel of the thinned grid is the first pixel itself: half of the others lies before the middle.
        pixels = Cells(thinned.shape, (float(step), float(step)), ((1 - step) / 2, (1 - step) / 2))
        self._rows, self._columns = (weights(pixels, cells, axis) for axis in (0, 1))
        # A box filter of this width at pixel p shows the pixels from p - width // 2 on.
        self._box = tuple(max(1, round(stride / step)) for stride in cells.stride)
        first = [
            np.round(pixels.positions(axis, cells.centres(axis)) + 0.5 - self._box[axis] / 2).astype(int)
            for axis in (0, 1)
        ]
        self._places = np.ix_(
            *(np.clip(first[axis] + self._box[axis] // 2, 0, thinned.shape[axis] - 1) for axis in (0, 1))
        )
        self._valid = thinned
        self._all = bool(thinned.all())
        self.share = self._averaged(thinned.astype(np.float32))

    def mean(self, plane: Plane) -> Plane:
        """Mean over the known pixels of each cell, (h, w)."""
        known = plane if self._all else np.where(self._valid, plane, np.float32(0))
        return np.asarray(self._averaged(known) / np.maximum(self.share, 1e-6), np.float32)

    def moments(self, plane: Plane) -> tuple[Plane, Plane]:
        """Mean and standard deviation over the known pixels of each cell, (h, w) each."""
        mean = self.mean(plane)
        return mean, np.sqrt(np.maximum(self.mean(plane * plane) - mean * mean, 0))

    def least(self, plane: Plane) -> Plane:
        """Smallest value of each cell, (h, w); 0 where none is known."""
        return -self.most(-plane)

    def most(self, plane: Plane) -> Plane:
        """Largest value of each cell, (h, w); 0 where none is known."""
        import cv2

        known = plane if self._all else np.where(self._valid, plane, np.float32(-np.inf))
        box = np.ones(self._box, np.uint8)
        most = cv2.dilate(known, box, borderType=cv2.BORDER_CONSTANT, borderValue=-np.inf)[self._places]
        return np.asarray(np.where(np.isfinite(most), most, 0), np.float32)

    def _averaged(self, plane: Plane) -> Plane:
        return np.asarray(self._rows @ plane @ self._columns.T, np.float32)


def _height(depth: Plane, valid: NDArray[np.bool_], degree: int) -> Plane:
    """Heights over the large-scale form, unknown ones filled."""
    return filled(over_trend(depth, valid, degree), valid)


def _enlarged(frame: Frame) -> float:
    """Pixels of the picture that a pixel of the frame is wide."""
    return float(np.sqrt(frame.native[0] * frame.native[1] / (frame.content[0] * frame.content[1])))


def _derivatives(height: Plane, pixel: float, step: int = 1) -> tuple[Plane, Plane, Plane, Plane, Plane]:
    """First and second derivatives h_x, h_y, h_xx, h_xy, h_yy by central differences, at every `step`-th pixel."""
    h = stretched(height, 1)
    before, middle, after = (slice(k, k - 2 or None, step) for k in range(3))
    centre, left, right = (h[middle, columns] for columns in (middle, before, after))
    above, below = h[before, middle], h[after, middle]
    x = (right - left) * np.float32(0.5 / pixel)
    y = (below - above) * np.float32(0.5 / pixel)
    squared = np.float32(1 / pixel**2)
    xx = (right - 2 * centre + left) * squared
    yy = (below - 2 * centre + above) * squared
    xy = (h[after, after] - h[after, before] - h[before, after] + h[before, before]) * (squared / 4)
    return x, y, xx, xy, yy


def _normals(x: Plane, y: Plane) -> NDArray[np.float32]:
    """Unit normals (3, H, W) of a height field of slopes x and y."""
    length = np.sqrt(1 + x * x + y * y)
    return np.asarray(np.stack([-x / length, -y / length, 1 / length]), np.float32)


def _curvatures(derivatives: tuple[Plane, Plane, Plane, Plane, Plane]) -> tuple[Plane, Plane]:
    """Mean curvature, positive on a bump, and Gaussian curvature."""
    x, y, xx, xy, yy = derivatives
    along, across = 1 + x * x, 1 + y * y
    squared = along + across - 1
    mean = (2 * x * y * xy - across * xx - along * yy) / (2 * squared * np.sqrt(squared))
    return np.asarray(mean, np.float32), np.asarray((xx * yy - xy * xy) / (squared * squared), np.float32)


def _bounded(values: Plane, unit: float) -> Plane:
    """`values` in (-1, 1): in units where they are small, and all alike where they are large."""
    return np.asarray(values / (np.float32(unit) + np.abs(values)), np.float32)
