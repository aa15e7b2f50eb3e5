"""The size of a mask as an inspector measures it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def feret_mm(mask: NDArray[np.bool_], mm_per_px: float) -> float:
    """Longest extent of a mask (maximum Feret diameter, over pixel corners), in mm; 0 for an empty one."""
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return 0.0
    corners = np.stack([columns, rows], axis=1).astype(np.float32)
    corners = np.concatenate(
        [corners + np.asarray(d, np.float32) for d in ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5))]
    )
    hull = cv2.convexHull(corners)[:, 0, :]
    return float(np.hypot(*(hull[:, None] - hull[None]).transpose(2, 0, 1)).max()) * mm_per_px
