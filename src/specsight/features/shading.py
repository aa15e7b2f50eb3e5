"""Depth → a drawing of its relief that a person can read: colours for heights, light and shadow for slopes.

In: depth (H, W) in mm, NaN where unknown. Out: pixels with the ends of their scale. Lit from the upper left, as on maps
of mountains (Horn, Proceedings of the IEEE 1981); unknown pixels are hatched.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.features.relief import filled, over_trend

FORM = 2
"""Degree of the form that heights are measured over: curved parts are seen as flat ones are."""
SHADE = 0.45
"""How much light and shadow lighten and darken a slope at most."""
HATCH, INK, PAPER = 8, 150, 225
"""Period of the hatching in pixels, and its two greys."""


@dataclass(frozen=True)
class Relief:
    """A drawn surface."""

    rgb: NDArray[np.uint8]
    """(H, W, 3), not hatched."""
    unknown: NDArray[np.bool_]
    """(H, W)."""
    low: float
    """Height over the form in mm that the first colour of the scale stands for."""
    high: float


def relief(depth: NDArray[np.float32]) -> Relief:
    """Depth (H, W) in mm, NaN where unknown, as shaded relief; higher is nearer to the camera.

    Raises ValueError where nothing is known.
    """
    known = np.isfinite(depth)
    if not known.any():
        raise ValueError("depth without any measured pixel has no relief")
    height = over_trend(depth, known, FORM)
    low, high = scale_of(height[known])
    smooth = cv2.GaussianBlur(filled(height, known), (0, 0), 0.8)
    down, right = np.gradient(smooth)
    slope = right + down  # light from the upper left: what falls to the right and below lies in shadow
    usual, steep = (float(limit) for limit in np.percentile(np.abs(slope[known]), (90, 98)))
    # Walls of grooves are not to leave low blisters in the same light, nor noise to look like mountains.
    light = 1 + SHADE * np.tanh(slope / (max(usual, steep / 6) or 1.0))
    position = np.clip((height - low) / (high - low), 0, 1).astype(np.float32)
    shaded = np.clip(colours(position) * light[..., None], 0, 255).astype(np.uint8)
    return Relief(shaded, ~known, low, high)


def hatched(rgb: NDArray[np.uint8], unknown: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """`rgb` (H, W, 3) with the pixels `unknown` (H, W) hatched; as it is where that is None."""
    if unknown is None or not unknown.any():
        return rgb
    rows, columns = np.indices(unknown.shape)
    stripes = np.where((rows + columns) % HATCH < HATCH // 3, INK, PAPER).astype(np.uint8)
    drawn: NDArray[np.uint8] = np.where(unknown[..., None], stripes[..., None], rgb)
    return drawn


def scale_of(values: NDArray[np.float32]) -> tuple[float, float]:
    """The ends of a scale for `values` (N,), which a few stray pixels do not stretch."""
    low, high = (float(end) for end in np.percentile(values, (0.5, 99.5)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def colours(position: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Positions (H, W) on a scale, 0 to 1, as colours (H, W, 3)."""
    mapped = cv2.applyColorMap((255 * position).round().astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(mapped[..., ::-1])
