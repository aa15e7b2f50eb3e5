"""What the painters share: places, soft outlines, strokes, blending. Masks are (H, W) float32 in [0, 1]."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.defects.painting import Pixels, Where

Alpha = NDArray[np.float32]
Points = NDArray[np.float64]
_SHIFT = 3


def pick(rng: np.random.Generator, where: Where) -> tuple[float, float]:
    """A random point (x, y) of `where`, in pixels."""
    flat = np.flatnonzero(where)
    row, column = divmod(int(flat[rng.integers(flat.size)]), where.shape[1])
    return float(column), float(row)


def extent(where: Where) -> float:
    """Typical size of what is painted on: the root of the area of `where`, in pixels."""
    return float(np.sqrt(where.sum()))


def size(rng: np.random.Generator, where: Where, low: float, high: float, least: float = 1.0) -> float:
    """A length between `low` and `high` shares of `extent`, log-uniform, at least `least` pixels."""
    return max(least, float(np.exp(rng.uniform(np.log(low), np.log(high)))) * extent(where))


def stroke(points: Points, shape: tuple[int, int], width: float) -> Alpha:
    """An antialiased polyline; lines thinner than a pixel are drawn fainter."""
    canvas = np.zeros(shape, np.uint8)
    fixed = [np.round(points * 2**_SHIFT).astype(np.int32)]
    cv2.polylines(canvas, fixed, False, 255, max(1, round(width)), cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas * np.float32(min(1.0, width) / 255), np.float32)


def filled(points: Points, shape: tuple[int, int]) -> Alpha:
    """An antialiased polygon, (N, 2) x, y."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(points * 2**_SHIFT).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas / np.float32(255), np.float32)


def blob(rng: np.random.Generator, centre: tuple[float, float], radius: float, rough: float = 0.3) -> Points:
    """An irregular closed outline around `centre` (x, y); `rough` 0 is an ellipse."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    length = np.ones_like(angle)
    for k in range(2, 8):
        length += rng.normal(0, rough / k) * np.cos(k * angle + rng.uniform(0, 6.3))
    aspect, turn = np.exp(rng.normal(0, 0.25)), rng.uniform(0, np.pi)
    points = np.stack([length * np.cos(angle) * aspect, length * np.sin(angle) / aspect], 1) * radius
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    outline: Points = points @ rotation + np.asarray(centre)
    return outline


def wander(
    rng: np.random.Generator, start: tuple[float, float], length: float, angle: float, wiggle: float
) -> Points:
    """A random walk of `length` pixels whose heading drifts by `wiggle` radians a step of about 3 pixels."""
    steps = max(2, int(length / 3))
    heading = angle + np.cumsum(rng.normal(0, wiggle, steps)) * 0.6 + rng.normal(0, wiggle, steps)
    moves = np.stack([np.cos(heading), np.sin(heading)], 1) * (length / steps)
    path: Points = np.concatenate([[start], np.asarray(start) + np.cumsum(moves, 0)])
    return path


def soften(alpha: Alpha, sigma: float) -> Alpha:
    return cv2.GaussianBlur(alpha, (0, 0), sigma) if sigma > 0.2 else alpha


def over(pixels: Pixels, colour: Pixels | float, alpha: Alpha) -> Pixels:
    """`colour` (a value, (3,), or (H, W, 3)) over `pixels` with opacity `alpha`."""
    a = np.clip(alpha, 0, 1)[..., None]
    result: Pixels = pixels * (1 - a) + np.asarray(colour, np.float32) * a
    return result


def shading(alpha: Alpha, depth: float, angle: float) -> Alpha:
    """Light and dark sides of relief `alpha` (raised where `depth` > 0) under light from `angle` (radians)."""
    shade: Alpha = np.float32(depth) * (
        cv2.Sobel(alpha, cv2.CV_32F, 1, 0, ksize=3) * np.float32(np.cos(angle))
        + cv2.Sobel(alpha, cv2.CV_32F, 0, 1, ksize=3) * np.float32(np.sin(angle))
    )
    return shade


def clouds(rng: np.random.Generator, shape: tuple[int, int], bump: float) -> Alpha:
    """Smooth noise of zero mean and about unit deviation with bumps of `bump` pixels."""
    rows, columns = (max(2, round(side / max(bump, 1.0)) + 1) for side in shape)
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    noise: Alpha = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC) * np.float32(1.3)
    return noise


def tone(pixels: Pixels, alpha: Alpha) -> Pixels:
    """Mean colour (3,) under `alpha`: defects are drawn darker or lighter than what they lie on."""
    weight = float(alpha.sum()) + 1e-6
    mean: Pixels = (pixels * alpha[..., None]).sum((0, 1)) / np.float32(weight)
    return mean
