"""Procedural fields: noise, waves and profiles that every maker of synthetic pictures is composed of.

A field is float32 (H, W); random ones have about zero mean and unit deviation unless they say otherwise. Lengths are
pixels in noise; profiles (`smoothstep` and below) take any unit, as long as all arguments share it (the tyre line:
millimetres). Every random function consumes its generator in a fixed order, so that a seed means one picture. Points,
outlines and strokes are in `shapes`, blending and shading in `compositing`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Shape = tuple[int, int]
Floating = TypeVar("Floating", np.float32, np.float64)


def standardise(field: NDArray[np.floating]) -> Field:
    """`field` at zero mean and unit deviation; a constant field becomes zeros."""
    mean, deviation = cv2.meanStdDev(np.asarray(field, np.float32))
    scaled: Field = (np.asarray(field, np.float32) - np.float32(mean[0, 0])) / np.float32(
        deviation[0, 0] + 1e-6
    )
    return scaled


def grain(rng: np.random.Generator, shape: Shape) -> Field:
    """White noise, one value per pixel."""
    return rng.standard_normal(shape, dtype=np.float32)


def blurred_grain(rng: np.random.Generator, shape: Shape, sigma: float) -> Field:
    """White noise under a Gaussian of `sigma` pixels; its deviation falls with `sigma`."""
    blurred: Field = cv2.GaussianBlur(grain(rng, shape), (0, 0), sigma)
    return blurred


def cloud(rng: np.random.Generator, shape: Shape, bump: float, exact: bool) -> Field:
    """Smooth noise with bumps of `bump` pixels, cubic between the values of a coarse grid.

    `exact` standardises the field itself; otherwise the deviation is one only on average, so that large bumps may
    make a field that is bright or dark as a whole.
    """
    rows, columns = (max(2, round(side / max(bump, 1.0)) + 1) for side in shape)
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    noise: Field = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return standardise(noise) if exact else noise * np.float32(1.3)


def stretched_cloud(
    rng: np.random.Generator,
    shape: Shape,
    bump: tuple[float, float],
    *,
    margin: int = 0,
    period: int | None = None,
) -> Field:
    """Smooth noise with bumps of `bump` = (rows, columns) pixels, at least 1.5; unit deviation on average.

    With a `period` (pixels) the field repeats along the columns; the first period begins at column `margin`.
    """
    rows, columns = shape
    step_y, step_x = max(1.5, bump[0]), max(1.5, bump[1])
    if period is None:
        grid_shape = (int(rows / step_y) + 5, int(columns / step_x) + 5)
        grid = rng.standard_normal(grid_shape, dtype=np.float32)
        start = -1.5 * step_x
    else:
        cells = max(3, round(period / step_x))
        step_x = period / cells
        before = int(margin / step_x) + 3
        grid = rng.standard_normal((int(rows / step_y) + 5, cells), dtype=np.float32)
        grid = np.take(grid, np.arange(-before, 2 * cells + 3) % cells, axis=1)
        start = margin - before * step_x
    maps = _sampling(rows, columns, step_y, step_x, start)
    # Cubic interpolation of unit-variance cells has a variance near one half.
    noise: Field = cv2.remap(grid, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT) * np.float32(1.4)
    return noise


def octaves(layer: Callable[[int], Field], count: int, gain: float) -> Field:
    """Sum of `layer(k)` · `gain`^k for k below `count`: noise of several scales. Its deviation is the caller's."""
    total = layer(0)
    for k in range(1, count):
        total += np.float32(gain**k) * layer(k)
    return total


def perlin(rng: np.random.Generator, shape: Shape) -> Field:
    """Perlin gradient noise in about [-1, 1] with 2^U{0..5} cells along each axis (Perlin, SIGGRAPH 1985)."""
    cells = [int(2 ** rng.integers(0, 6)) for _ in shape]
    angle = rng.uniform(0, 2 * np.pi, (cells[0] + 1, cells[1] + 1))
    gradients = np.stack([np.sin(angle), np.cos(angle)], -1).astype(np.float32)
    axes = [
        np.linspace(0, count, side, endpoint=False, dtype=np.float32) for count, side in zip(cells, shape)
    ]
    row, column = (axis.astype(int) for axis in axes)
    dy, dx = (axes[0] - row)[:, None], (axes[1] - column)[None]

    def corner(down: int, right: int) -> Field:
        gradient = gradients[row + down][:, column + right]
        ramp: Field = gradient[..., 0] * (dy - down) + gradient[..., 1] * (dx - right)
        return ramp

    fade_y, fade_x = (t**3 * (t * (t * 6 - 15) + 10) for t in (dy, dx))
    top = corner(0, 0) + fade_x * (corner(0, 1) - corner(0, 0))
    bottom = corner(1, 0) + fade_x * (corner(1, 1) - corner(1, 0))
    noise: Field = np.float32(np.sqrt(2)) * (top + fade_y * (bottom - top))
    return noise


def position_along(shape: Shape, angle: float, precision: type[Floating]) -> NDArray[Floating]:
    """Every pixel's position (pixels) along a direction of `angle` radians: x cos + y sin, in `precision`."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    columns = np.arange(shape[1], dtype=np.float32)[None]
    return np.asarray(columns * precision(np.cos(angle)) + rows * precision(np.sin(angle)), precision)


def smoothstep(t: Field) -> Field:
    """0 below 0, 1 above 1, with flat ends: 3t² - 2t³."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def ridge(distance: Field, width: float, flank: float) -> Field:
    """1 within `width` / 2 of the line, sloping to 0 over `flank` outside it."""
    return smoothstep((np.float32(width / 2 + flank) - np.abs(distance)) / np.float32(flank))


def band(position: Field, start: float, end: float, flank: float) -> Field:
    """1 between `start` and `end`, sloping to 0 over `flank` outside them."""
    return ridge(position - np.float32((start + end) / 2), end - start, flank)


def triangle(phase: Field) -> Field:
    """Zigzag of period 1 between -1 and 1."""
    zigzag: Field = (4 * np.abs((phase % 1) - 0.5) - 1).astype(np.float32)
    return zigzag


def wrapped(difference: Field, period: float) -> Field:
    """The representative of `difference` nearest to zero, modulo `period`."""
    half = np.float32(period / 2)
    nearest: Field = (difference + half) % np.float32(period) - half
    return nearest


@lru_cache(maxsize=256)
def _sampling(rows: int, columns: int, step_y: float, step_x: float, start: float) -> tuple[Field, Field]:
    """Maps for `cv2.remap`: where each pixel lies on the coarse grid."""
    x = (np.arange(columns, dtype=np.float32) - np.float32(start)) / np.float32(step_x)
    y = np.arange(rows, dtype=np.float32) / np.float32(step_y) + 1.5
    grid_x, grid_y = np.meshgrid(x, y)
    return np.ascontiguousarray(grid_x), np.ascontiguousarray(grid_y)
