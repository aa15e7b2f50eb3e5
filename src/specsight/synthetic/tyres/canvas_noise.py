"""Noise on the canvas of a window, in millimetres: the raw material of grain, bloom and streaks.

All are float32, about zero mean and unit deviation, and periodic along the columns of a circular window.
"""

from __future__ import annotations

import numpy as np

from specsight.synthetic import fields
from specsight.synthetic.fields import Field
from specsight.synthetic.tyres.geometry import Window


def canvas_grain(rng: np.random.Generator, window: Window) -> Field:
    """White noise, one value per pixel."""
    return window.close(fields.grain(rng, window.canvas))


def canvas_cloud(
    rng: np.random.Generator, window: Window, across_mm: float, along_mm: float | None = None
) -> Field:
    """Smooth noise whose bumps measure `across_mm` (y) by `along_mm` (x; the same if None)."""
    bump = window.px(across_mm), window.px(along_mm or across_mm)
    period = window.columns if window.circular else None
    return fields.stretched_cloud(rng, window.canvas, bump, margin=window.margin, period=period)


def canvas_octaves(rng: np.random.Generator, window: Window, coarse_mm: float, count: int = 3) -> Field:
    """Sum of `count` clouds, each half as large and half as strong as the one before."""
    total = fields.octaves(lambda k: canvas_cloud(rng, window, coarse_mm / 2**k), count, 0.5)
    scaled: Field = total / np.float32(np.sqrt(sum(0.25**k for k in range(count))))
    return scaled
