"""Painters of damage to the outline: breaks, frayed edges, missing material.

They look for the border of `where`; where the whole picture is product, its frame serves as the border for breaks.
"""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic import fields, shapes
from specsight.synthetic.compositing import Pixels, over, shading, soften
from specsight.synthetic.defects import placing
from specsight.synthetic.defects.painting import Where, synthesisers


@synthesisers.register("break")
def paint_break(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A bite with straight, jagged flanks out of the edge, longer along it: what lies beyond shows, or a fracture face.

    Brittle matter breaks in sharp facets, each of one tone, some of which mirror the light; others break rough.
    """
    x, y = _border(rng, where)
    radius = placing.size(rng, where, 0.05, 0.3, 5)
    angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 14))))
    length = radius * rng.uniform(0.45, 1.2, angle.size)
    corners = np.stack([length * np.cos(angle) * rng.uniform(1, 2), length * np.sin(angle)], 1)
    corners = shapes.turned(corners, _along_border(where, x, y)) + np.array([x, y])
    alpha = soften(shapes.polygon(corners, where.shape), 0.5) * where
    outside = ~where
    kind = rng.random()
    if outside.any() and kind < 0.5:
        face = _beyond(pixels, outside, max(3.0, radius * 0.4))
    elif kind < 0.8:
        face = _facets(rng, pixels, alpha, (x, y), radius)
    else:
        rough = np.float32(rng.uniform(0.05, 0.3)) * fields.cloud(
            rng, where.shape, rng.uniform(1.5, 7), exact=False
        )
        tone = rng.choice([rng.uniform(0.1, 0.6), rng.uniform(1.3, 2)])
        face = placing.mean_colour(pixels, alpha) * np.float32(tone) * (1 + rough)[..., None]
    flank = shading(soften(alpha, 0.8), -rng.uniform(0.1, 0.5), rng.uniform(0, 2 * np.pi))
    broken = over(pixels, np.asarray(face, np.float32), alpha) + flank[..., None]
    if rng.random() < 0.5:  # The arris along the fracture: it mirrors a lamp, or lies in its own shadow.
        arris = np.clip(4 * soften(alpha, 0.8) * (1 - soften(alpha, 0.8)), 0, 1) * where
        tone = rng.choice([rng.uniform(0, 0.2), rng.uniform(0.8, 1)])
        broken = over(broken, np.float32(tone), arris * np.float32(rng.uniform(0.4, 1)))
    return broken


@synthesisers.register("fray")
def paint_fray(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """An edge that dissolves: a fringe of short strokes and crumbs along a stretch of border."""
    x, y = _border(rng, where)
    reach, depth = placing.size(rng, where, 0.1, 0.4, 8), placing.size(rng, where, 0.03, 0.1, 3)
    near = np.hypot(*np.meshgrid(np.arange(where.shape[1]) - x, np.arange(where.shape[0]) - y)) < reach
    inner = cv2.distanceTransform(_framed(where), cv2.DIST_L2, 3)[1:-1, 1:-1]
    fringe = near & where & (inner < depth)
    candidates = np.flatnonzero(fringe)
    if not candidates.size:
        return pixels
    alpha = np.zeros(where.shape, np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    for index in rng.choice(candidates, min(candidates.size, int(rng.integers(12, 50)))):
        row, column = divmod(int(index), where.shape[1])
        path = shapes.wandering_path(
            rng, (column, row), rng.uniform(0.4, 1.4) * depth, angle + rng.normal(0, 0.6), 0.3
        )
        alpha = np.maximum(alpha, shapes.fine_stroke(path, where.shape, rng.uniform(0.8, 2)))
    below = placing.mean_colour(pixels, alpha)
    colour = (
        below * rng.uniform(0.2, 0.6) if rng.random() < 0.5 else below + (1 - below) * rng.uniform(0.3, 0.9)
    )
    return over(pixels, colour.astype(np.float32), alpha)


@synthesisers.register("missing material")
def paint_missing_material(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A piece is gone: its place shows a smooth or rough sunken ground with shaded walls."""
    centre, radius = placing.pick(rng, where), placing.size(rng, where, 0.06, 0.22, 5)
    alpha = soften(shapes.polygon(shapes.blob(rng, centre, radius, 0.6), where.shape) * where, 0.6)
    ground = cv2.GaussianBlur(pixels, (0, 0), max(2.0, radius * 0.5)) * np.float32(rng.uniform(0.35, 1.0))
    if rng.random() < 0.6:
        ground = (
            ground * (1 + 0.15 * fields.cloud(rng, where.shape, rng.uniform(2, 8), exact=False))[..., None]
        )
    walls = shading(soften(alpha, max(1.0, radius * 0.1)), -rng.uniform(0.2, 0.6), rng.uniform(0, 6.3))
    return over(pixels, ground.astype(np.float32), alpha) + walls[..., None]


def _framed(where: Where) -> np.ndarray:
    """`where` as uint8 with a rim of zeros: the frame of the picture is a border too."""
    return np.pad(where.astype(np.uint8), 1)


def _border(rng: np.random.Generator, where: Where) -> tuple[float, float]:
    """A point (x, y) on the border of `where`; on its inner border where there is one."""
    full = where.all()
    eroded = cv2.erode(_framed(where) if full else where.astype(np.uint8), np.ones((3, 3), np.uint8))
    rim = (eroded[1:-1, 1:-1] if full else eroded) == 0
    return placing.pick(rng, rim & where if (rim & where).any() else where)


def _along_border(where: Where, x: float, y: float) -> float:
    """Direction (radians) of the border of `where` at a point on it; 0 where it has none nearby."""
    left, top = max(0, int(x) - 6), max(0, int(y) - 6)
    near = _framed(where)[top : top + 15, left : left + 15].astype(np.float32)
    moments = cv2.moments(near)
    if moments["m00"] == 0:
        return 0.0
    rightward = moments["m10"] / moments["m00"] + left - 1 - x
    downward = moments["m01"] / moments["m00"] + top - 1 - y
    return float(np.arctan2(downward, rightward) + np.pi / 2)


def _beyond(pixels: Pixels, outside: Where, reach: float) -> Pixels:
    """What lies outside the product, continued into it: the nearest outside, blurred over `reach` pixels."""
    kernel = (2 * int(2 * reach) + 1,) * 2
    weight = outside.astype(np.float32)
    colours = cv2.blur(cv2.blur(pixels * weight[..., None], kernel), kernel)
    share = cv2.blur(cv2.blur(weight, kernel), kernel)
    far = placing.mean_colour(pixels, weight)
    continued: Pixels = (colours + np.float32(0.01) * far) / (share + np.float32(0.01))[..., None]
    return continued


def _facets(
    rng: np.random.Generator, pixels: Pixels, alpha: np.ndarray, at: tuple[float, float], radius: float
) -> Pixels:
    """Faces of a brittle fracture: flat pieces of very different tones, each shaded evenly, with bright arrises."""
    count = int(rng.integers(3, 9))
    seeds = rng.normal(at, radius * 0.6, (count, 2)).astype(np.float32)
    rows, columns = (np.arange(side, dtype=np.float32) for side in alpha.shape)
    distances = (columns[None, None] - seeds[:, :1, None]) ** 2 + (
        rows[None, :, None] - seeds[:, 1:, None]
    ) ** 2
    nearest = distances.argmin(0).astype(np.uint8)
    own = placing.mean_colour(pixels, alpha)
    dark = own[None] * rng.uniform(0.1, 0.8, (count, 1))
    bright = own[None] + (1 - own[None]) * rng.uniform(0.3, 1.0, (count, 1))
    tones = np.where(rng.random((count, 1)) < 0.5, dark, bright).astype(np.float32)
    ramps = fields.position_along((alpha.shape[0], alpha.shape[1]), rng.uniform(0, 2 * np.pi), np.float32)
    ramp = 1 + np.float32(rng.uniform(0, 0.4) / radius) * (
        ramps - (ramps * alpha).sum() / (alpha.sum() + 1e-6)
    )
    face = tones[nearest] * np.clip(ramp, 0.5, 1.5)[..., None]
    arrises = cv2.morphologyEx(nearest, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    strength = soften(arrises.astype(np.float32), 0.5) * np.float32(rng.uniform(0, 0.9))
    return over(face.astype(np.float32), np.float32(rng.uniform(0.7, 1)), strength)
