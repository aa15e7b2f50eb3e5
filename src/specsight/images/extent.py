"""The longest extent of a region of pixels: the one definition of length, of truths and of findings alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def longest_extent(mask: NDArray[np.bool_]) -> float:
    """Maximum Feret diameter of a mask (H, W) over the corners of its pixels, in pixels; 0 for an empty one.

    A straight line of n pixels is √(n² + 1) long: pixels are squares, not points.
    """
    import cv2

    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return 0.0
    # The first and the last pixel of each row hold all corners of the hull.
    first = mask.argmax(axis=1)[rows]
    last = mask.shape[1] - mask[:, ::-1].argmax(axis=1)[rows]
    corners = np.stack(
        [np.concatenate([first, last] * 2), np.concatenate([rows, rows, rows + 1, rows + 1])], axis=1
    )
    hull = cv2.convexHull(corners.astype(np.int32))[:, 0].astype(np.float64)
    return float(np.hypot(*(hull[:, None] - hull[None]).transpose(2, 0, 1)).max())
