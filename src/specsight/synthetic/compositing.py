"""Layers on a picture: soft outlines, opacity, and the light and shade of a relief.

Pictures are float32 (H, W, 3), about [0, 1]; opacities and reliefs float32 (H, W) in [0, 1]; lengths are pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field
from specsight.synthetic.shapes import Alpha

Pixels = NDArray[np.float32]


def soften(alpha: Alpha, sigma: float) -> Alpha:
    """`alpha` under a Gaussian of `sigma` pixels; below a fifth of a pixel it stays as it is."""
    return cv2.GaussianBlur(alpha, (0, 0), sigma) if sigma > 0.2 else alpha


def over(pixels: Pixels, colour: Pixels | float, alpha: Alpha) -> Pixels:
    """`colour` (a value, (3,), or (H, W, 3)) over `pixels` with opacity `alpha`, clipped to [0, 1]."""
    a = np.clip(alpha, 0, 1)[..., None]
    result: Pixels = pixels * (1 - a) + np.asarray(colour, np.float32) * a
    return result


def shading(relief: Alpha, depth: float, angle: float) -> Field:
    """Light and dark sides (about 0) of `relief`, raised where `depth` > 0, under light from `angle` (radians)."""
    shade: Field = np.float32(depth) * (
        cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3) * np.float32(np.cos(angle))
        + cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3) * np.float32(np.sin(angle))
    )
    return shade
