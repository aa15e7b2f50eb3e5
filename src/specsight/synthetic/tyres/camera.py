"""From radiance to an 8-bit picture: lens blur, vignetting, photon and read noise, and the tone curve."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field
from specsight.synthetic.tyres.conditions import Camera
from specsight.synthetic.tyres.geometry import Window

_READ_NOISE_ELECTRONS = 6.0
_LEVELS = 4096
_BLACK_LEVEL = 4.0
_GAMMA = 1.35


def photograph(
    rng: np.random.Generator, radiance: Field, window: Window, camera: Camera
) -> NDArray[np.uint8]:
    """(rows, columns, 3) uint8 RGB of the window, from linear radiance on its canvas."""
    picture = cv2.GaussianBlur(radiance, (0, 0), camera.blur_px)[window.inner]
    gain = np.float32(camera.exposure) * _falloff(window, camera.vignetting)
    picture = picture * gain[..., None]
    noise = np.sqrt(
        picture * np.float32(1 / camera.electrons)
        + np.float32((_READ_NOISE_ELECTRONS / camera.electrons) ** 2)
    )
    picture += noise * rng.standard_normal(picture.shape, dtype=np.float32)
    levels = np.clip(picture * np.float32(_LEVELS / 2), 0, _LEVELS - 1).astype(np.uint16)
    picture_8bit: NDArray[np.uint8] = _tone_curve()[levels]
    return picture_8bit


def grey_levels(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grey levels (0 to 255, not rounded) of linear radiance, any shape.

    An industrial camera's curve: a black level just above its floor, a gamma of 1.35, and a soft shoulder, so that
    paint on dark rubber keeps its colour.
    """
    soft = 1 - np.exp(-np.maximum(linear, 0))
    levels: NDArray[np.float32] = np.float32(_BLACK_LEVEL) + np.float32(255 - _BLACK_LEVEL) * np.power(
        soft, np.float32(1 / _GAMMA)
    )
    return levels


def _falloff(window: Window, loss: float) -> Field:
    """Relative brightness of the lens over the window; a line camera's strip falls off across only."""
    y = np.linspace(-1, 1, window.rows, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, window.columns, dtype=np.float32)[None, :]
    radius = y * y if window.circular else (y * y + x * x) / 2
    return np.broadcast_to(1 - np.float32(loss) * radius, (window.rows, window.columns))


@lru_cache(maxsize=1)
def _tone_curve() -> NDArray[np.uint8]:
    """`grey_levels` of `_LEVELS` steps of linear radiance in [0, 2), rounded."""
    linear = (np.arange(_LEVELS, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / _LEVELS)
    return np.round(grey_levels(linear)).astype(np.uint8)
