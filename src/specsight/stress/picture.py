"""What stressors put in the place of a picture's colours or depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from specsight.records import Picture


def with_rgb(picture: Picture, rgb: NDArray[np.uint8]) -> Picture:
    """The picture with other colours (H, W, 3)."""
    return replace(picture, rgb=np.ascontiguousarray(rgb))


def with_depth(picture: Picture, depth: NDArray[np.float32]) -> Picture:
    """The picture with another depth (H, W) in mm, NaN where unknown."""
    return replace(picture, depth=np.ascontiguousarray(depth, np.float32))


def depth_of(picture: Picture) -> NDArray[np.float32]:
    """The depth (H, W), which a stressor of depth is only called with. Raises ValueError without one."""
    if picture.depth is None:
        raise ValueError("a stressor of depth was called for a picture without depth")
    return picture.depth
