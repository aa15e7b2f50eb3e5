"""The size of a mask as an inspector measures it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specsight.images import longest_extent


def feret_mm(mask: NDArray[np.bool_], mm_per_px: float) -> float:
    """Longest extent of a mask (see `images.longest_extent`) in mm; 0 for an empty one."""
    return longest_extent(mask) * mm_per_px
