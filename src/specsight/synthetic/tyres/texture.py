"""Random fields on the canvas of a window: the raw material of grain, bloom, streaks and irregular outlines.

All are float32, about zero mean and unit variance, and periodic along the columns of a circular window.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.tyres.geometry import Window

Field = NDArray[np.float32]


def grain(rng: np.random.Generator, window: Window) -> Field:
    """White noise, one value per pixel."""
    return window.close(rng.standard_normal(window.canvas, dtype=np.float32))


def cloud(rng: np.random.Generator, window: Window, across_mm: float, along_mm: float | None = None) -> Field:
    """Smooth noise whose bumps measure `across_mm` (y) by `along_mm` (x; the same if None)."""
    step_y = max(1.5, window.px(across_mm))
    step_x = max(1.5, window.px(along_mm or across_mm))
    rows, columns = window.canvas
    if window.circular:
        cells = max(3, round(window.columns / step_x))
        step_x = window.columns / cells
        grid = rng.standard_normal((int(rows / step_y) + 5, cells), dtype=np.float32)
        grid = np.take(grid, np.arange(-int(window.margin / step_x) - 3, 2 * cells + 3) % cells, axis=1)
        start = window.margin - (int(window.margin / step_x) + 3) * step_x
    else:
        shape = (int(rows / step_y) + 5, int(columns / step_x) + 5)
        grid = rng.standard_normal(shape, dtype=np.float32)
        start = -1.5 * step_x
    maps = _sampling(rows, columns, step_y, step_x, start)
    # Cubic interpolation of unit-variance cells has a variance near one half.
    cloud: Field = cv2.remap(
        grid, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    ) * np.float32(1.4)
    return cloud


def fractal(rng: np.random.Generator, window: Window, coarse_mm: float, octaves: int = 3) -> Field:
    """Sum of clouds, each half as large and half as strong as the one before."""
    total = cloud(rng, window, coarse_mm)
    for k in range(1, octaves):
        total += np.float32(0.5**k) * cloud(rng, window, coarse_mm / 2**k)
    fractal: Field = total / np.float32(np.sqrt(sum(0.25**k for k in range(octaves))))
    return fractal


@lru_cache(maxsize=256)
def _sampling(
    rows: int, columns: int, step_y: float, step_x: float, start: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maps for `cv2.remap`: where each canvas pixel lies on the coarse grid."""
    x = (np.arange(columns, dtype=np.float32) - np.float32(start)) / np.float32(step_x)
    y = np.arange(rows, dtype=np.float32) / np.float32(step_y) + 1.5
    grid_x, grid_y = np.meshgrid(x, y)
    return np.ascontiguousarray(grid_x), np.ascontiguousarray(grid_y)
