"""Outlines of objects by name, as points within the unit circle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from specsight.synthetic.shapes import Points, lobes, turned


def _ellipse(rng: np.random.Generator, aspect: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([np.cos(angle), aspect * np.sin(angle)], 1)


def disc(rng: np.random.Generator) -> Points:
    """A circle."""
    return _ellipse(rng, 1.0)


def oval(rng: np.random.Generator) -> Points:
    """An ellipse, 0.3 to 0.8 times as high as wide."""
    return _ellipse(rng, rng.uniform(0.3, 0.8))


def plate(rng: np.random.Generator) -> Points:
    """A rectangle, sometimes with rounded corners."""
    aspect, power = rng.uniform(0.4, 1.0), rng.choice([2 / 12, 2 / 8, 2 / 4.5])
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([np.sign(c) * np.abs(c) ** power, aspect * np.sign(s) * np.abs(s) ** power], 1)


def bar(rng: np.random.Generator) -> Points:
    """A rectangle, much longer than high."""
    half = rng.uniform(0.06, 0.3)
    return np.array([[-1, -half], [1, -half], [1, half], [-1, half]])


def nut(rng: np.random.Generator) -> Points:
    """A regular polygon of three to eight corners."""
    corners = int(rng.integers(3, 9))
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def gear(rng: np.random.Generator) -> Points:
    """A wheel of 6 to 23 square teeth."""
    teeth = int(rng.integers(6, 24))
    angle = np.linspace(0, 2 * np.pi, teeth * 8, endpoint=False)
    radius = np.where(np.sin(teeth * angle) > 0, 1.0, rng.uniform(0.7, 0.9))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def part(rng: np.random.Generator) -> Points:
    """A smooth irregular outline."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = lobes(rng, angle, range(2, 7), 0.35)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1) / max(1.0, float(radius.max()))


def star(rng: np.random.Generator) -> Points:
    """A star of four to eight points."""
    corners = int(rng.integers(4, 9))
    angle = np.linspace(0, 2 * np.pi, 2 * corners, endpoint=False)
    radius = np.where(np.arange(2 * corners) % 2, rng.uniform(0.35, 0.7), 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


OUTLINES: dict[str, Callable[[np.random.Generator], Points]] = {
    "disc": disc,
    "oval": oval,
    "plate": plate,
    "bar": bar,
    "nut": nut,
    "gear": gear,
    "part": part,
    "star": star,
}
"""Name of an object → its outline: (N, 2) points within the unit circle."""


def place(points: Points, centre: tuple[float, float], radius: float, angle: float) -> Points:
    """Outline points turned by `angle` (radians), scaled to `radius` pixels and moved to `centre` (x, y)."""
    placed: Points = turned(points, angle) * radius + np.asarray(centre)
    return placed
