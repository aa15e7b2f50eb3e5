"""Painters of thin defects: cracks, scratches, cuts, fibres, gaping seams."""

from __future__ import annotations

import numpy as np

from specsight.synthetic import shapes
from specsight.synthetic.compositing import Pixels, over, shading, soften
from specsight.synthetic.defects import placing
from specsight.synthetic.defects.painting import Where, synthesisers


@synthesisers.register("crack")
def paint_crack(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A jagged dark line with a few branches, thinner towards its ends."""
    shape = where.shape
    start, angle = placing.pick(rng, where), rng.uniform(0, 2 * np.pi)
    length = placing.size(rng, where, 0.12, 0.9, 12)
    width = rng.uniform(0.7, 2.6)
    trunk = shapes.wandering_path(rng, start, length, angle, rng.uniform(0.2, 0.6))
    alpha = shapes.fine_stroke(trunk[: 2 * len(trunk) // 3 + 1], shape, width)
    alpha = np.maximum(alpha, shapes.fine_stroke(trunk, shape, width * 0.6))
    for _ in range(int(rng.integers(0, 4))):
        root = trunk[int(rng.integers(len(trunk)))]
        turn = angle + rng.choice([-1, 1]) * rng.uniform(0.4, 1.3)
        branch = shapes.wandering_path(rng, (root[0], root[1]), length * rng.uniform(0.1, 0.45), turn, 0.5)
        alpha = np.maximum(alpha, shapes.fine_stroke(branch, shape, width * 0.6))
    alpha = soften(alpha * where, rng.uniform(0, 0.7))
    dark = pixels * np.float32(rng.uniform(0.05, 0.55))
    lips = shading(alpha, rng.uniform(0, 0.12), rng.uniform(0, 2 * np.pi))
    return over(pixels, dark, alpha) + lips[..., None]


@synthesisers.register("scratch")
def paint_scratch(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """One or several nearly parallel straight or gently bent strokes, bright on metal, dark elsewhere."""
    start, angle = np.asarray(placing.pick(rng, where)), rng.uniform(0, np.pi)
    length, bend = placing.size(rng, where, 0.1, 0.8, 10), rng.normal(0, 0.15)
    alpha = np.zeros(where.shape, np.float32)
    for _ in range(1 if rng.random() < 0.5 else int(rng.integers(2, 7))):
        heading, shift = angle + rng.normal(0, 0.06), rng.normal(0, length * 0.06, 2)
        along = np.linspace(0, 1, 12)[:, None] * length * rng.uniform(0.5, 1)
        direction = np.array([np.cos(heading), np.sin(heading)])
        normal = np.array([-direction[1], direction[0]])
        points = start + shift + along * direction + bend * along**2 / length * normal
        alpha = np.maximum(
            alpha, shapes.fine_stroke(points, where.shape, rng.uniform(0.5, 2.2)) * rng.uniform(0.5, 1)
        )
    alpha = soften(alpha * where, rng.uniform(0, 0.6))
    below = placing.mean_colour(pixels, alpha)
    bright = below.mean() < 0.75 and rng.random() < 0.6
    colour = below + (1 - below) * rng.uniform(0.3, 0.9) if bright else below * rng.uniform(0.2, 0.7)
    return over(pixels, colour.astype(np.float32), alpha)


@synthesisers.register("cut")
def paint_cut(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A short lens-shaped opening: dark inside, one lip lit; the surface beside it may be shifted along it."""
    x, y = placing.pick(rng, where)
    length, angle = placing.size(rng, where, 0.08, 0.4, 10), rng.uniform(0, np.pi)
    t = np.linspace(-1, 1, 24)
    half = rng.uniform(0.02, 0.07) * length + 0.6
    profile = half * (1 - t**2) ** rng.uniform(0.5, 1.2)
    bend = rng.normal(0, 0.06) * length * (1 - t**2)
    upper, lower = (
        np.stack([t * length / 2, bend + profile], 1),
        np.stack([t * length / 2, bend - profile], 1),
    )
    outline = shapes.turned(np.concatenate([upper, lower[::-1]]), angle) + np.array([x, y])
    alpha = shapes.polygon(outline, where.shape) * where
    lips = shading(soften(alpha, 1.0), rng.uniform(0.1, 0.4), rng.uniform(0, 2 * np.pi))
    dark = placing.mean_colour(pixels, alpha) * np.float32(rng.uniform(0.05, 0.4))
    return over(pixels + (lips * (1 - alpha))[..., None], dark, alpha)


@synthesisers.register("fibre")
def paint_fibre(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """One to three long curled hairs or threads lying on the surface, with a faint shadow."""
    alpha = np.zeros(where.shape, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        start = placing.pick(rng, where)
        length = placing.size(rng, where, 0.15, 0.8, 15)
        heading = np.linspace(0, rng.normal(0, 3), 30) + rng.uniform(0, 2 * np.pi)
        moves = np.stack([np.cos(heading), np.sin(heading)], 1) * length / 30
        points = np.asarray(start) + np.cumsum(moves, 0)
        alpha = np.maximum(alpha, shapes.fine_stroke(points, where.shape, rng.uniform(0.7, 2.2)))
    colour = rng.uniform(0.7, 1.0, 3) if rng.random() < 0.5 else rng.uniform(0, 0.9, 3)
    shadow = np.roll(alpha, (1, 1), (0, 1)) * (1 - alpha)
    shaded = pixels * (1 - np.float32(rng.uniform(0, 0.35)) * shadow)[..., None]
    return over(shaded, colour.astype(np.float32), alpha)


@synthesisers.register("open splice")
def paint_open_splice(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A seam across the product that gapes: a long, nearly straight dark band with a lit step on one side."""
    height, width = where.shape
    steep = rng.random() < 0.5
    place, slope = rng.uniform(0.15, 0.85), rng.normal(0, 0.12)
    t = np.linspace(-0.1, 1.1, 40)
    waves = np.cumsum(rng.normal(0, 0.003, t.size))
    across = place + slope * (t - 0.5) + waves
    points = np.stack([across * width, t * height], 1) if steep else np.stack([t * width, across * height], 1)
    if rng.random() < 0.5:
        points = points[int(rng.integers(0, 15)) : int(rng.integers(25, 40))]
    alpha = soften(shapes.fine_stroke(points, where.shape, rng.uniform(1.5, 5.0)), 0.6) * where
    lips = shading(soften(alpha, 1.2), rng.uniform(0.1, 0.35), rng.uniform(0, 2 * np.pi))
    dark = pixels * np.float32(rng.uniform(0.1, 0.5))
    return over(pixels, dark, alpha) + lips[..., None]
