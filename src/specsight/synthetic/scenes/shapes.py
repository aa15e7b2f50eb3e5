"""Outlines of objects and marks: names and antialiased masks.

Masks are float32 (H, W) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_uppercase, digits

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]
Points = NDArray[np.float64]
_SHIFT = 3


def polygon(points: Points, shape: tuple[int, int]) -> Mask:
    """A filled polygon given as (N, 2) x, y in pixels."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(points * 2**_SHIFT).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas / np.float32(255), np.float32)


def stroke(points: Points, shape: tuple[int, int], width: int) -> Mask:
    """A polyline of `width` pixels."""
    canvas = np.zeros(shape, np.uint8)
    cv2.polylines(
        canvas, [np.round(points * 2**_SHIFT).astype(np.int32)], False, 255, width, cv2.LINE_AA, _SHIFT
    )
    return np.asarray(canvas / np.float32(255), np.float32)


def text(rng: np.random.Generator, shape: tuple[int, int], at: tuple[float, float], size: float) -> Mask:
    """A few printed characters near `at` (x, y), about `size` pixels high."""
    letters = list(ascii_uppercase + digits)
    word = "".join(rng.choice(letters, int(rng.integers(1, 8))))
    canvas = np.zeros(shape, np.uint8)
    font = int(rng.choice([0, 1, 2, 3, 4, 5, 6, 7]))
    thickness = int(rng.integers(1, max(2, round(size / 7)) + 1))
    cv2.putText(canvas, word, (int(at[0]), int(at[1])), font, size / 24, 255, thickness, cv2.LINE_AA)
    if rng.random() < 0.5:
        turn = cv2.getRotationMatrix2D((float(at[0]), float(at[1])), rng.uniform(0, 360), 1)
        canvas = cv2.warpAffine(canvas, turn, shape[::-1])
    return np.asarray(canvas / np.float32(255), np.float32)


def _ellipse(rng: np.random.Generator, aspect: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([np.cos(angle), aspect * np.sin(angle)], 1)


def disc(rng: np.random.Generator) -> Points:
    return _ellipse(rng, 1.0)


def oval(rng: np.random.Generator) -> Points:
    return _ellipse(rng, rng.uniform(0.3, 0.8))


def plate(rng: np.random.Generator) -> Points:
    """A rectangle, sometimes with rounded corners."""
    aspect, power = rng.uniform(0.4, 1.0), rng.choice([2 / 12, 2 / 8, 2 / 4.5])
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([np.sign(c) * np.abs(c) ** power, aspect * np.sign(s) * np.abs(s) ** power], 1)


def bar(rng: np.random.Generator) -> Points:
    half = rng.uniform(0.06, 0.3)
    return np.array([[-1, -half], [1, -half], [1, half], [-1, half]])


def polygonal(rng: np.random.Generator) -> Points:
    corners = int(rng.integers(3, 9))
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def gear(rng: np.random.Generator) -> Points:
    teeth = int(rng.integers(6, 24))
    angle = np.linspace(0, 2 * np.pi, teeth * 8, endpoint=False)
    radius = np.where(np.sin(teeth * angle) > 0, 1.0, rng.uniform(0.7, 0.9))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def blob(rng: np.random.Generator) -> Points:
    """A smooth irregular outline."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = np.ones_like(angle)
    for k in range(2, 7):
        radius += rng.normal(0, 0.35 / k) * np.cos(k * angle + rng.uniform(0, 6.3))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1) / max(1.0, float(radius.max()))


def star(rng: np.random.Generator) -> Points:
    corners = int(rng.integers(4, 9))
    angle = np.linspace(0, 2 * np.pi, 2 * corners, endpoint=False)
    radius = np.where(np.arange(2 * corners) % 2, rng.uniform(0.35, 0.7), 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


OUTLINES: dict[str, Callable[[np.random.Generator], Points]] = {
    "disc": disc,
    "oval": oval,
    "plate": plate,
    "bar": bar,
    "nut": polygonal,
    "gear": gear,
    "part": blob,
    "star": star,
}
"""Name of an object → its outline: (N, 2) points within the unit circle."""


def place(points: Points, centre: tuple[float, float], radius: float, angle: float) -> Points:
    """Outline points turned by `angle` (radians), scaled to `radius` pixels and moved to `centre` (x, y)."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    placed: Points = points @ turn * radius + np.asarray(centre)
    return placed
