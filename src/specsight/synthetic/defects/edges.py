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
    """A bite with straight, jagged flanks out of the edge: what lies beyond shows, or a rough fracture face."""
    x, y = _border(rng, where)
    radius = placing.size(rng, where, 0.06, 0.3, 5)
    angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 14))))
    length = radius * rng.uniform(0.45, 1.2, angle.size)
    corners = np.stack([x + length * np.cos(angle), y + length * np.sin(angle)], 1)
    alpha = soften(shapes.polygon(corners, where.shape), 0.5) * where
    outside = ~where
    if outside.any() and rng.random() < 0.65:
        beyond = placing.mean_colour(pixels, outside.astype(np.float32))
    else:
        beyond = placing.mean_colour(pixels, alpha) * np.float32(
            rng.choice([rng.uniform(0.1, 0.6), rng.uniform(1.3, 2)])
        )
    rough = 1 + np.float32(rng.uniform(0.02, 0.3)) * fields.cloud(
        rng, where.shape, rng.uniform(1.5, 7), exact=False
    )
    flank = shading(soften(alpha, 0.8), -rng.uniform(0.1, 0.5), rng.uniform(0, 2 * np.pi))
    return over(pixels, beyond * rough[..., None], alpha) + flank[..., None]


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
