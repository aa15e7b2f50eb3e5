"""Stored values ↔ light: blur, highlights and photons act on light, and files hold the sRGB curve of it.

IEC 61966-2-1: V = 12.92 L up to L = 0.0031308, else 1.055 L^(1/2.4) - 0.055.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_light(values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Light in [0, 1] of stored values in [0, 1]."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


LIGHT = to_light(np.arange(256) / 255.0)
"""(256,) light in [0, 1] of each stored value of 8 bits."""


def light_of(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Light in [0, 1], of the shape of `rgb`."""
    return np.asarray(LIGHT[rgb], np.float32)


def stored(light: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Values of 8 bits, rounded; light outside [0, 1] is clipped, as a sensor is saturated."""
    clipped = np.clip(light, 0.0, 1.0)
    curve = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255.0 * curve), np.uint8)
