"""Outlines on a patch: distances to paths and irregular blobs. Millimetres, arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.tyres.profile import Field

Points = NDArray[np.float32]
"""(n, 2): x and y in mm."""


def path_distance(x: Field, y: Field, points: Points) -> tuple[Field, Field, Field]:
    """Of every pixel: distance to the polyline (mm), place along it (0 to 1), and its side of it (-1 or 1)."""
    lengths = np.hypot(*np.diff(points, axis=0).T).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.float32)
    nearest = np.full(np.broadcast_shapes(x.shape, y.shape), np.inf, np.float32)
    along, side = np.zeros_like(nearest), np.ones_like(nearest)
    for k, length in enumerate(lengths):
        (x0, y0), (dx, dy) = points[k], (points[k + 1] - points[k]) / max(length, np.float32(1e-6))
        s = np.clip((x - x0) * dx + (y - y0) * dy, 0, length)
        ex, ey = x - x0 - s * dx, y - y0 - s * dy
        distance = ex * ex + ey * ey
        closer = distance < nearest
        nearest = np.where(closer, distance, nearest)
        along = np.where(closer, starts[k] + s, along)
        side = np.where(closer, np.sign(ex * dy - ey * dx + np.float32(1e-9)), side)
    return np.sqrt(nearest), along / max(float(starts[-1]), 1e-6), side


def bent_path(rng: np.random.Generator, length: float, angle: float, bend: float, jitter: float) -> Points:
    """A path about the origin: `bend` is its sagitta and `jitter` its roughness, both as shares of the length."""
    n = max(4, min(14, round(length / 2.5)))
    t = np.linspace(-0.5, 0.5, n)
    across = bend * (1 - 4 * t * t) + jitter * rng.standard_normal(n)
    return _turned(np.stack([t, across - across.mean()], axis=1) * length, angle)


def jagged_path(rng: np.random.Generator, length: float, angle: float, roughness: float) -> Points:
    """A random walk that keeps its direction, as cracks do."""
    n = max(4, min(12, round(length / 2.0)))
    headings = rng.normal(0, roughness, n - 1)
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1)
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    points -= points.mean(axis=0)
    extent = max(1e-6, float(np.hypot(*(points[-1] - points[0]))))
    return _turned(points * (length / extent), angle)


def blob_radius(
    rng: np.random.Generator, x: Field, y: Field, across: float, aspect: float, roughness: float
) -> Field:
    """Distance from the middle in units of an irregular outline: 1 on it. `across` is its longest extent (mm)."""
    angle = rng.uniform(0, np.pi)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = (c * x + s * y), (c * y - s * x) * np.float32(aspect)
    theta = np.arctan2(v, u)
    outline = np.ones_like(theta)
    for k in range(2, 9):
        amplitude = np.float32(roughness * rng.normal() / k**0.7)
        outline += amplitude * np.cos(k * theta + np.float32(rng.uniform(0, 2 * np.pi)))
    radius: Field = np.hypot(u, v) / (np.float32(across / 2) * np.clip(outline, 0.35, 1.6))
    return radius


def _turned(points: NDArray[np.float64], angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    turned: Field = (points @ np.array([[c, s], [-s, c]])).astype(np.float32)
    return turned
