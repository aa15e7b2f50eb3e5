"""Points, outlines, paths and strokes: the geometry of procedural defects and objects.

Points are (N, 2) x, y. Paths and outlines take any unit of length (pixels in pictures, millimetres on the tyre line);
what rasterises (`polygon`, `discs`, `stroke`) takes pixels and gives antialiased masks, float32 (H, W) in [0, 1]. A
crack is a path from here, painted on a picture by `defects.lines` and cut into a height map by `tyres.defects.lines`.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field, Floating, Shape

Alpha = NDArray[np.float32]
"""(H, W) in [0, 1]: how much of each pixel is covered."""
Points = NDArray[np.float64]
Path = NDArray[np.float32]
"""(N, 2) x, y: what `path_distance` measures from."""

_SHIFT = 3
"""Fractional bits of OpenCV's coordinates: points are rounded to an eighth of a pixel."""


def random_pixel(rng: np.random.Generator, where: NDArray[np.bool_]) -> tuple[int, int]:
    """(row, column) of a random true pixel of `where` (H, W), which must hold at least one."""
    flat = np.flatnonzero(where)
    row, column = divmod(int(flat[rng.integers(flat.size)]), where.shape[1])
    return row, column


def polygon(points: Points, shape: Shape) -> Alpha:
    """A filled polygon, `points` in pixels."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [_fixed(points)], 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas / np.float32(255), np.float32)


def discs(centres: Points, shape: Shape, radius: float) -> Alpha:
    """Filled circles of one radius, in pixels, about every centre."""
    canvas = np.zeros(shape, np.uint8)
    for x, y in _fixed(centres).tolist():
        cv2.circle(canvas, (x, y), round(radius * 2**_SHIFT), 255, -1, cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas / np.float32(255), np.float32)


def stroke(points: Points, shape: Shape, width: int) -> Alpha:
    """A polyline of `width` pixels, at least 1."""
    return np.asarray(_polyline(points, shape, width) / np.float32(255), np.float32)


def fine_stroke(points: Points, shape: Shape, width: float) -> Alpha:
    """A polyline of `width` pixels, rounded; one thinner than a pixel is one pixel wide and fainter."""
    canvas = _polyline(points, shape, max(1, round(width)))
    return np.asarray(canvas * np.float32(min(1.0, width) / 255), np.float32)


def turned(points: Points, angle: float) -> Points:
    """`points` turned about the origin by `angle` radians (from x towards y)."""
    c, s = np.cos(angle), np.sin(angle)
    result: Points = points @ np.array([[c, s], [-s, c]])
    return result


def lobes(
    rng: np.random.Generator,
    angle: NDArray[Floating],
    harmonics: Iterable[int],
    roughness: float,
    *,
    decay: float = 1.0,
    phases: float = 6.3,
) -> NDArray[Floating]:
    """Radius of an irregular outline at every `angle` (radians), about 1: a circle plus waves of random phase.

    Wave k has a normal amplitude of deviation `roughness` / k^`decay` and a phase from 0 to `phases` radians.
    """
    precision = angle.dtype.type
    radius = np.ones_like(angle)
    for k in harmonics:
        amplitude = precision(roughness * rng.normal() / k**decay)
        radius += amplitude * np.cos(k * angle + precision(rng.uniform(0, phases)))
    return radius


def blob(rng: np.random.Generator, centre: tuple[float, float], radius: float, rough: float = 0.3) -> Points:
    """An irregular closed outline (48 points) around `centre` (x, y); `rough` 0 is an ellipse."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    length = lobes(rng, angle, range(2, 8), rough)
    aspect, turn = np.exp(rng.normal(0, 0.25)), rng.uniform(0, np.pi)
    points = np.stack([length * np.cos(angle) * aspect, length * np.sin(angle) / aspect], 1) * radius
    outline: Points = turned(points, turn) + np.asarray(centre)
    return outline


def blob_radius(
    rng: np.random.Generator, x: Field, y: Field, across: float, *, aspect: float, roughness: float
) -> Field:
    """Distance of every pixel from the origin in units of an irregular outline: 1 on it.

    `x` (1, W) and `y` (H, 1) are positions; `across` is the outline's longest extent, in their unit,
    and `aspect` how many times longer than wide it is.
    """
    angle = rng.uniform(0, np.pi)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = (c * x + s * y), (c * y - s * x) * np.float32(aspect)
    outline = lobes(rng, np.arctan2(v, u), range(2, 9), roughness, decay=0.7, phases=2 * np.pi)
    radius: Field = np.hypot(u, v) / (np.float32(across / 2) * np.clip(outline, 0.35, 1.6))
    return radius


def wandering_path(
    rng: np.random.Generator, start: tuple[float, float], length: float, angle: float, drift: float
) -> Points:
    """A path from `start` whose heading, first `angle` (radians), drifts by `drift` radians a step of about 3 units."""
    steps = max(2, int(length / 3))
    heading = angle + np.cumsum(rng.normal(0, drift, steps)) * 0.6 + rng.normal(0, drift, steps)
    moves = np.stack([np.cos(heading), np.sin(heading)], 1) * (length / steps)
    path: Points = np.concatenate([[start], np.asarray(start) + np.cumsum(moves, 0)])
    return path


def jagged_path(rng: np.random.Generator, length: float, angle: float, roughness: float) -> Path:
    """A path of `length` about the origin that keeps its direction, each step off it by `roughness` radians."""
    n = max(4, min(12, round(length / 2.0)))
    headings = rng.normal(0, roughness, n - 1)
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1)
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    points -= points.mean(axis=0)
    extent = max(1e-6, float(np.hypot(*(points[-1] - points[0]))))
    return turned(points * (length / extent), angle).astype(np.float32)


def bent_path(rng: np.random.Generator, length: float, angle: float, bend: float, jitter: float) -> Path:
    """A path about the origin: `bend` is its sagitta and `jitter` its roughness, both as shares of the length."""
    n = max(4, min(14, round(length / 2.5)))
    t = np.linspace(-0.5, 0.5, n)
    across = bend * (1 - 4 * t * t) + jitter * rng.standard_normal(n)
    return turned(np.stack([t, across - across.mean()], axis=1) * length, angle).astype(np.float32)


def path_distance(x: Field, y: Field, points: Path) -> tuple[Field, Field, Field]:
    """Of every pixel: distance to the polyline, place along it (0 to 1), and its side of it (-1 or 1).

    `x` (1, W) and `y` (H, 1) are positions, `points` a path, all in one unit, which is the distance's too.
    """
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


def _fixed(points: Points) -> NDArray[np.int32]:
    fixed: NDArray[np.int32] = np.round(points * 2**_SHIFT).astype(np.int32)
    return fixed


def _polyline(points: Points, shape: Shape, width: int) -> NDArray[np.uint8]:
    canvas = np.zeros(shape, np.uint8)
    cv2.polylines(canvas, [_fixed(points)], False, 255, width, cv2.LINE_AA, _SHIFT)
    return canvas
