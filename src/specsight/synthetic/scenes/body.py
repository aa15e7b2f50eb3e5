"""What acceptable variation is drawn on, and the regular courses that light, moulds, tools and printers follow on it.

A body is a picture's product or a part of it: where it covers the picture, where its middle lies, and whether lines on
it run around that middle. Points are (N, 2) x, y in pixels, angles radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from specsight.synthetic.fields import Field, Shape
from specsight.synthetic.shapes import Alpha, Points

_SIDES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)


@dataclass(frozen=True)
class Body:
    """Something that variation is drawn on."""

    cover: Alpha
    """(H, W) in [0, 1]: what it covers of the picture."""
    centre: tuple[float, float]
    """x, y of its middle, in pixels."""
    radius: float
    """From its middle to its border, about, in pixels."""
    round: bool
    """Whether courses on it run around its middle; otherwise straight across it."""
    turn: float = 0.0
    """Direction of its own axis; straight courses keep to it."""

    @property
    def shape(self) -> Shape:
        """(H, W) of the picture."""
        return self.cover.shape[0], self.cover.shape[1]

    @classmethod
    def whole(cls, rng: np.random.Generator, shape: Shape, *, round: bool = False) -> Body:
        """The whole picture; round: about a point anywhere in it or near it, as on a close-up of a round part."""
        spread = 0.3 if round else 0.05
        centre = rng.normal(0.5, spread, 2) * shape[::-1]
        reach = max(shape) * (rng.uniform(0.4, 1.0) if round else 0.5)
        return cls(np.ones(shape, np.float32), (float(centre[0]), float(centre[1])), float(reach), round)

    @classmethod
    def of_cover(cls, cover: Alpha, *, round: bool, turn: float = 0.0) -> Body:
        """The body of an opacity (H, W), which must not be empty."""
        x, y, width, height = cv2.boundingRect((cover > 0.5).astype(np.uint8))
        middle = (x + width / 2, y + height / 2)
        return cls(cover, middle, max(2.0, max(width, height) / 2), round, turn)

    def polar(self) -> tuple[Field, Field]:
        """Radius (pixels) and angle (radians) of every pixel about the middle."""
        rows, columns = (np.arange(side, dtype=np.float32) for side in self.shape)
        dx = np.repeat((columns - np.float32(self.centre[0]))[None], self.shape[0], 0)
        dy = np.repeat((rows - np.float32(self.centre[1]))[:, None], self.shape[1], 1)
        radius, angle = cv2.cartToPolar(dx, dy)
        return radius, angle


def straight(rng: np.random.Generator, body: Body, share: float = 1.0) -> Points:
    """A straight line across the body, mostly along or across its axis; `share`: of its whole length."""
    angle = body.turn + (
        float(rng.choice(_SIDES, p=(0.4, 0.1, 0.4, 0.1))) if rng.random() < 0.8 else rng.uniform(0, np.pi)
    )
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    offset = 0.0 if rng.random() < 0.3 else rng.uniform(-0.8, 0.8)
    half = 1.5 * share
    start = rng.uniform(-1.5 + half, 1.5 - half)
    t = np.array([start - half, start + half])[:, None]
    return np.asarray(np.asarray(body.centre) + body.radius * (t * along + offset * across), np.float64)


def arc(rng: np.random.Generator, body: Body, share: float = 1.0) -> Points:
    """An arc about the middle, more often near the border; `share`: of a full turn."""
    radius = body.radius * (rng.uniform(0.8, 1.0) if rng.random() < 0.5 else rng.uniform(0.15, 1.0))
    start = rng.uniform(0, 2 * np.pi)
    angle = start + np.linspace(0, 2 * np.pi * share, max(5, int(72 * share)))
    return np.asarray(
        np.asarray(body.centre) + radius * np.stack([np.cos(angle), np.sin(angle)], 1), np.float64
    )


def spoke(rng: np.random.Generator, body: Body) -> Points:
    """A line exactly through the middle, or from a ring to the border."""
    angle = rng.uniform(0, 2 * np.pi)
    ends = np.array([[-1.1], [1.1]]) if rng.random() < 0.3 else np.array([[rng.uniform(0.2, 0.8)], [1.1]])
    return np.asarray(
        np.asarray(body.centre) + body.radius * ends * np.array([np.cos(angle), np.sin(angle)]), np.float64
    )


def course(rng: np.random.Generator, body: Body, share: float = 1.0) -> Points:
    """A regular line over the body, `share` of what it could run."""
    return arc(rng, body, share) if body.round else straight(rng, body, share)


def positions(rng: np.random.Generator, body: Body, count: int) -> Points:
    """`count` points in a regular order: on a circle about the middle, in a row, or at the corners."""
    reach = body.radius * rng.uniform(0.35, 0.85)
    if count == 1:
        return np.asarray([body.centre])
    if body.round or rng.random() < 0.3:
        angle = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count
        offsets = np.stack([np.cos(angle), np.sin(angle)], 1)
    elif count == 4 or rng.random() < 0.3:
        aspect = rng.uniform(0.4, 1)
        offsets = np.array([[-1, -aspect], [1, -aspect], [1, aspect], [-1, aspect]])[:count]
    else:
        offsets = np.stack([np.linspace(-1, 1, count), np.full(count, rng.uniform(-0.8, 0.8))], 1)
    c, s = np.cos(body.turn), np.sin(body.turn)
    return np.asarray(np.asarray(body.centre) + reach * (offsets @ np.array([[c, s], [-s, c]])), np.float64)
