"""How far the depth of a defect rises above what lies around it.

In: depth, masks, a part map. Out: `DepthStatistics`, in the unit of the depth; positive is nearer to the camera.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.records import DepthStatistics

RING = 0.02
"""Width of the surrounding that depth is compared with, as a share of the picture's shorter side; at least 4 pixels."""
CLEAR_OF_EDGE = 2
"""Pixels around a mask that belong to neither side: depth of an edge is smeared."""
LEAST_RING = 16
"""Pixels of a part that must lie around an instance for its depth to be compared with them."""
EXTREME = 1.0
"""Percent of an instance's pixels that may lie beyond its lowest and highest depth: sensors have noise."""


class Surrounding:
    """Depth of a picture, and what lies around its defects."""

    def __init__(
        self, depth: NDArray[np.float32], defects: NDArray[np.bool_], parts: NDArray[np.uint8] | None
    ) -> None:
        self._depth, self._reach = depth, max(4, round(RING * min(depth.shape)))
        self._usable = np.isfinite(depth) & ~widened(defects, CLEAR_OF_EDGE)
        self._parts = np.zeros(depth.shape, np.uint8) if parts is None else parts

    def statistics(self, mask: NDArray[np.bool_]) -> DepthStatistics | None:
        """How far the pixels of a mask rise above the planes through their surrounding; None without measurements.

        Each part has a plane of its own, through what of it lies in the ring around the mask and is no defect: the
        floor of a groove says nothing about the block beside it. Pixels of a part that the ring does not show are left
        out.
        """
        ring = widened(mask, CLEAR_OF_EDGE + self._reach) & self._usable
        inside = mask & np.isfinite(self._depth)
        rises = []
        for part in np.unique(self._parts[inside]):
            here, around = inside & (self._parts == part), ring & (self._parts == part)
            if around.sum() >= LEAST_RING:
                rises.append(_plane(around, self._depth)(here) - self._depth[here])
        if not rises:
            return None
        rise = np.concatenate(rises)
        lowest, highest = np.percentile(rise, [EXTREME, 100 - EXTREME])
        mean, low, high = (round(float(value), 4) for value in (rise.mean(), lowest, highest))
        return DepthStatistics(mean=mean, lowest=low, highest=high)


def _plane(
    pixels: NDArray[np.bool_], depth: NDArray[np.float32]
) -> Callable[[NDArray[np.bool_]], NDArray[np.float64]]:
    """The plane through the depth of some pixels, to be evaluated on others: least squares, twice fitted again without
    what lies further from it than three deviations of the middle half (lettering, edges)."""
    ys, xs = np.nonzero(pixels)
    design = np.stack([xs, ys, np.ones(len(xs))], axis=1)
    values, kept = depth[pixels].astype(float), np.ones(len(xs), bool)
    for _ in range(3):
        plane, *_ = np.linalg.lstsq(design[kept], values[kept], rcond=None)
        rest = values - design @ plane
        deviation = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
        kept = np.abs(rest - np.median(rest)) <= max(3 * deviation, np.finfo(np.float32).eps)

    def at(others: NDArray[np.bool_]) -> NDArray[np.float64]:
        ys, xs = np.nonzero(others)
        return np.asarray(np.stack([xs, ys, np.ones(len(xs))], axis=1) @ plane)

    return at


def widened(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """A mask (H, W) and all pixels within `reach` of it."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)
