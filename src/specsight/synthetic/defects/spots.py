"""Painters of spots and areas: holes, stains, dents, bulges, uneven and discoloured areas."""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic import fields, shapes
from specsight.synthetic.compositing import Pixels, over, shading, soften
from specsight.synthetic.defects import placing
from specsight.synthetic.defects.painting import Where, synthesisers


@synthesisers.register("hole")
def paint_hole(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """One to four dark pits: deep inside, a lit far rim, sometimes with a bright halo of displaced material."""
    light = rng.uniform(0, 2 * np.pi)
    for _ in range(1 if rng.random() < 0.65 else int(rng.integers(2, 5))):
        radius = placing.size(rng, where, 0.012, 0.1, 1.6)
        outline = shapes.blob(rng, placing.pick(rng, where), radius, rng.uniform(0.05, 0.4))
        alpha = soften(shapes.polygon(outline, where.shape) * where, rng.uniform(0.3, 0.25 * radius + 0.4))
        rim = shading(soften(alpha, max(0.8, radius * 0.2)), -rng.uniform(0, 0.4), light)
        dark = placing.mean_colour(pixels, alpha) * np.float32(rng.uniform(0.03, 0.5))
        pixels = over(pixels + rim[..., None], dark, alpha * np.float32(rng.uniform(0.75, 1)))
    return pixels


@synthesisers.register("stain")
def paint_stain(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A see-through blot, darker (or glossier) than the surface, with a dried rim or drops, of any tint."""
    centre, radius = placing.pick(rng, where), placing.size(rng, where, 0.05, 0.28, 4)
    alpha = shapes.polygon(shapes.blob(rng, centre, radius, rng.uniform(0.3, 0.9)), where.shape)
    for _ in range(int(rng.integers(0, 6))):
        near = (centre[0] + rng.normal(0, radius), centre[1] + rng.normal(0, radius))
        drop = shapes.blob(rng, near, radius * rng.uniform(0.05, 0.3), 0.2)
        alpha = np.maximum(alpha, shapes.polygon(drop, where.shape))
    alpha = alpha * where
    soft = soften(alpha, rng.uniform(0.5, radius * 0.25 + 0.5))
    if rng.random() < 0.4:
        rim = np.abs(soft - soften(soft, max(1.0, radius * 0.12)))
        soft = soft * np.float32(0.6) + np.clip(rim * 3, 0, 1) * np.float32(0.6)
    thickness = soft * np.clip(
        1 + 0.3 * fields.cloud(rng, where.shape, max(3.0, radius / 3), exact=False), 0.2, 1.5
    )
    tint = np.clip(rng.uniform(0.25, 0.85) + rng.normal(0, 0.18, 3), 0.05, 1.3).astype(np.float32)
    if rng.random() < 0.2:
        return over(pixels, np.float32(rng.uniform(0.75, 1)), thickness * np.float32(rng.uniform(0.2, 0.6)))
    return np.asarray(pixels * (1 - np.clip(thickness, 0, 1)[..., None] * (1 - tint)), np.float32)


@synthesisers.register("dent")
def paint_dent(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A shallow hollow seen by its shading alone."""
    return _relief(rng, pixels, where, -1.0)


@synthesisers.register("bulge")
def paint_bulge(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A smooth swelling: the texture on it is stretched, one side lit, often with a highlight."""
    return _relief(rng, pixels, where, 1.0)


def _relief(rng: np.random.Generator, pixels: Pixels, where: Where, sign: float) -> Pixels:
    (x, y), radius = placing.pick(rng, where), placing.size(rng, where, 0.05, 0.2, 4)
    height, width = where.shape
    dx = np.arange(width, dtype=np.float32)[None] - np.float32(x)
    dy = np.arange(height, dtype=np.float32)[:, None] - np.float32(y)
    aspect, turn = np.exp(rng.normal(0, 0.25)), rng.uniform(0, np.pi)
    u = (dx * np.cos(turn) + dy * np.sin(turn)) * aspect / radius
    v = (dy * np.cos(turn) - dx * np.sin(turn)) / aspect / radius
    square = (u**2 + v**2).astype(np.float32)
    dome = np.clip(1 - square / 4, 0, 1) ** np.float32(rng.uniform(1.5, 4))
    pull = (sign * rng.uniform(0.05, 0.3) * dome).astype(np.float32)
    columns = np.arange(width, dtype=np.float32)[None] - dx * pull
    rows = np.arange(height, dtype=np.float32)[:, None] - dy * pull
    warped = cv2.remap(pixels, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    light = rng.uniform(0, 2 * np.pi)
    shade = shading(dome, sign * rng.uniform(0.35, 1.1) * radius / 8, light)
    if sign > 0 and rng.random() < 0.5:
        spot = np.exp(-((u + 0.4 * np.cos(light)) ** 2 + (v + 0.4 * np.sin(light)) ** 2) * 6)
        shade = shade + np.float32(rng.uniform(0.05, 0.4)) * spot.astype(np.float32)
    inside = (dome > 0)[..., None] & where[..., None]
    lit = warped * (1 + shade[..., None]) + np.float32(0.25) * shade[..., None]
    return np.where(inside, lit, pixels).astype(np.float32)


@synthesisers.register("uneven")
def paint_uneven(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A broad area that is duller, rougher or brighter than the rest, with a soft, streaky outline."""
    centre, radius = placing.pick(rng, where), placing.size(rng, where, 0.15, 0.5, 8)
    alpha = shapes.polygon(shapes.blob(rng, centre, radius, rng.uniform(0.2, 0.6)), where.shape)
    soft = soften(alpha, rng.uniform(0.05, 0.3) * radius) * where
    patches = np.clip(
        0.7 + 0.5 * fields.cloud(rng, where.shape, max(3.0, radius * rng.uniform(0.1, 0.6)), exact=False),
        0,
        1.4,
    )
    strength = rng.choice([-1, -1, 1]) * rng.uniform(0.15, 0.5)
    rough = np.float32(rng.uniform(0, 0.12)) * rng.standard_normal(where.shape, dtype=np.float32)
    changed: Pixels = pixels * (
        1 + (soft * patches * (np.float32(strength) + rough)).astype(np.float32)[..., None]
    )
    return changed


@synthesisers.register("discolouration")
def paint_discolouration(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """An area of another hue or bleached, its texture unharmed."""
    centre, radius = placing.pick(rng, where), placing.size(rng, where, 0.08, 0.35, 5)
    alpha = shapes.polygon(shapes.blob(rng, centre, radius, 0.4), where.shape)
    soft = soften(alpha, rng.uniform(0.5, 0.3 * radius + 0.5)) * where
    grey = pixels.mean(axis=2, keepdims=True)
    colour = np.clip(rng.normal(1, 0.35, 3), 0.3, 1.7).astype(np.float32)
    changed = grey * colour if rng.random() < 0.7 else grey + (1 - grey) * np.float32(rng.uniform(0.2, 0.5))
    return over(pixels, changed.astype(np.float32), soft * np.float32(rng.uniform(0.5, 1)))
