"""What stressors put in the place of a picture's colours, its depth, and what lies beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from specsight.images import is_light
from specsight.records import NORMALS, RGB, XYZ, Picture

Pixels = NDArray[np.uint8]


def photographs(picture: Picture, change: Callable[[Pixels], Pixels]) -> Picture:
    """The picture with its colours (H, W, 3), and its pictures under other lights, changed; absent colours stay so."""
    lights = {name: change(pixels) for name, pixels in picture.signals.items() if is_light(name)}
    rgb = picture.rgb if RGB in picture.absent else np.ascontiguousarray(change(picture.rgb))
    return replace(picture, rgb=rgb, signals={**picture.signals, **lights})


def measured(picture: Picture, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Picture:
    """The picture with its depth (H, W), and with the normals and coordinates (H, W, 3) of the same sensor, changed."""
    beside = {name: change(picture.signals[name]) for name in (NORMALS, XYZ) if name in picture.signals}
    depth = np.ascontiguousarray(change(depth_of(picture)), np.float32)
    return replace(picture, depth=depth, signals={**picture.signals, **beside})


def depth_of(picture: Picture) -> NDArray[np.float32]:
    """The depth (H, W), which a stressor of depth is only called with. Raises ValueError without one."""
    if picture.depth is None:
        raise ValueError("a stressor of depth was called for a picture without depth")
    return picture.depth
