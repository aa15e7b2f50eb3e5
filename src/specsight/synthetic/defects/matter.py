"""Painters of matter that does not belong: dirt, foreign bodies, excess material, bare cords."""

from __future__ import annotations

import numpy as np

from specsight.synthetic import fields, shapes
from specsight.synthetic.compositing import Pixels, over, shading, soften
from specsight.synthetic.defects import placing
from specsight.synthetic.defects.painting import Where, synthesisers


@synthesisers.register("contamination")
def paint_contamination(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """Something else on the surface, matt and uneven: an encrusted patch, a soft deposit, crumbs, or fluff."""
    kind = rng.random()
    draw = _encrusted if kind < 0.45 else _deposit if kind < 0.75 else _crumbs if kind < 0.88 else _fluff
    return draw(rng, pixels, where)


def _encrusted(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A smear or an encrusted patch, opaque, with a relief."""
    centre, radius = placing.pick(rng, where), placing.size(rng, where, 0.05, 0.3, 4)
    noise = fields.cloud(rng, where.shape, max(2.0, radius * rng.uniform(0.08, 0.5)), exact=False)
    outline = shapes.polygon(shapes.blob(rng, centre, radius, 0.5), where.shape)
    spread = soften(outline, max(0.6, radius * rng.uniform(0.05, 0.4)))
    alpha = np.clip((spread + np.float32(0.35) * noise - np.float32(rng.uniform(0.2, 0.7))) * 4, 0, 1)
    alpha = soften(alpha * (spread > 0.05) * where, rng.uniform(0.3, 1.0))
    colour = np.clip(rng.uniform(0.05, 0.95) + rng.normal(0, 0.15, 3), 0, 1).astype(np.float32)
    grain = np.clip(1 + 0.25 * fields.cloud(rng, where.shape, rng.uniform(1.5, 6), exact=False), 0.3, 1.8)
    relief = shading(alpha, rng.uniform(0, 0.25), rng.uniform(0, 2 * np.pi))
    laid = over(pixels, colour * grain[..., None], alpha * np.float32(rng.uniform(0.6, 1)))
    return laid + relief[..., None]


def _deposit(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """Grease, glue, foam, powder, pulp: a dull patch of one hue with a soft irregular border, mottled, half opaque."""
    centre, radius = placing.pick(rng, where), placing.size(rng, where, 0.06, 0.4, 4)
    outline = shapes.polygon(shapes.blob(rng, centre, radius, rng.uniform(0.3, 0.8)), where.shape)
    spread = soften(outline, max(0.8, radius * rng.uniform(0.08, 0.35)))
    mottled = fields.octaves(
        lambda k: fields.cloud(rng, where.shape, max(2.0, radius * 0.6 / 2**k), exact=False), 3, 0.6
    )
    alpha = np.clip(spread * (1 + np.float32(rng.uniform(0.1, 0.5)) * mottled), 0, 1) * where
    hue = rng.normal(0, rng.choice([0.02, 0.1]), 3)
    colour = np.clip(rng.uniform(0.05, 0.95) + hue, 0, 1).astype(np.float32)
    shade = 1 + np.float32(rng.uniform(0.03, 0.2)) * mottled
    return over(pixels, np.clip(colour * shade[..., None], 0, 1), alpha * np.float32(rng.uniform(0.35, 1)))


def _crumbs(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """Dust, grit or shavings: many irregular specks of one stuff, dense in the middle, of every size."""
    centre, reach = np.asarray(placing.pick(rng, where)), placing.size(rng, where, 0.06, 0.3, 6)
    alpha = np.zeros(where.shape, np.float32)
    for _ in range(int(rng.integers(5, 26))):
        x, y = centre + rng.normal(0, reach * 0.6, 2)
        speck = shapes.blob(rng, (float(x), float(y)), max(0.9, reach * rng.exponential(0.08)), 0.5)
        alpha = np.maximum(alpha, shapes.polygon(speck[:: int(rng.integers(2, 8))], where.shape))
    alpha = soften(alpha * where, rng.uniform(0.2, 0.7))
    colour = np.clip(rng.uniform(0.05, 0.95) + rng.normal(0, 0.08, 3), 0, 1).astype(np.float32)
    relief = shading(alpha, rng.uniform(0, 0.3), rng.uniform(0, 2 * np.pi))
    return over(pixels, colour, alpha * np.float32(rng.uniform(0.6, 1))) + relief[..., None]


def _fluff(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A tangle of many fine curled hairs, as a tuft or laid in a ring, with a haze between them."""
    centre, reach = np.asarray(placing.pick(rng, where)), placing.size(rng, where, 0.08, 0.35, 6)
    ring = rng.random() < 0.4
    alpha = np.zeros(where.shape, np.float32)
    for _ in range(int(rng.integers(8, 40))):
        angle = rng.uniform(0, 2 * np.pi)
        out = reach * (rng.normal(0.8, 0.12) if ring else abs(rng.normal(0, 0.5)))
        start = centre + out * np.array([np.cos(angle), np.sin(angle)])
        heading = angle + np.pi / 2 + rng.normal(0, 0.4) if ring else rng.uniform(0, 2 * np.pi)
        bend = np.linspace(0, rng.normal(0, 2.5), 12) + heading
        steps = np.stack([np.cos(bend), np.sin(bend)], 1) * reach * rng.uniform(0.2, 0.8) / 12
        hair = shapes.fine_stroke(start + np.cumsum(steps, 0), where.shape, rng.uniform(0.4, 1.2))
        alpha = np.maximum(alpha, hair * np.float32(rng.uniform(0.5, 1)))
    haze = soften(alpha, max(1.0, reach * 0.1)) * np.float32(rng.uniform(0, 0.8))
    colour = np.clip(rng.uniform(0.1, 1.0) + rng.normal(0, 0.06, 3), 0, 1).astype(np.float32)
    return over(pixels, colour, np.maximum(alpha, haze) * where)


@synthesisers.register("foreign body")
def paint_foreign_body(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """One to three compact objects (chip, stone, swarf) of their own colour, lit, with a cast shadow."""
    light = rng.uniform(0, 2 * np.pi)
    for _ in range(1 if rng.random() < 0.7 else int(rng.integers(2, 4))):
        radius = placing.size(rng, where, 0.02, 0.1, 2.5)
        corners = shapes.blob(rng, placing.pick(rng, where), radius, rng.uniform(0.2, 0.8))
        outline = corners[:: int(rng.integers(1, 10))]
        alpha = shapes.polygon(outline, where.shape) * where
        shift = np.round(-np.array([np.sin(light), np.cos(light)]) * max(1.5, radius * 0.3)).astype(int)
        shadow = soften(np.roll(alpha, tuple(shift), (0, 1)), max(0.6, radius * 0.15)) * (1 - alpha) * where
        pixels = pixels * (1 - np.float32(rng.uniform(0.1, 0.6)) * shadow)[..., None]
        colour = np.clip(rng.uniform(0.1, 0.95) + rng.normal(0, 0.12, 3), 0, 1).astype(np.float32)
        body = shading(soften(alpha, max(0.8, radius * 0.25)), rng.uniform(0.2, 0.6), light)
        grain = 0.08 * fields.cloud(rng, where.shape, max(1.5, radius / 3), exact=False)
        pixels = over(pixels, colour + (body + grain)[..., None], alpha)
    return pixels


@synthesisers.register("excess material")
def paint_excess_material(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A thin raised fin or lip of the product's own material, straight or along a curve."""
    length = placing.size(rng, where, 0.2, 0.9, 12)
    points = shapes.wandering_path(
        rng, placing.pick(rng, where), length, rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.12)
    )
    width = placing.size(rng, where, 0.012, 0.05, 2.0)
    alpha = shapes.fine_stroke(points, where.shape, width)
    alpha = soften(
        alpha * np.clip(1 + 0.6 * fields.cloud(rng, where.shape, width * 3, exact=False), 0, 1) * where, 0.7
    )
    own = placing.mean_colour(pixels, alpha) * np.float32(rng.uniform(0.8, 1.5)) + np.float32(
        rng.uniform(0, 0.08)
    )
    relief = shading(alpha, rng.uniform(0.2, 0.5), rng.uniform(0, 2 * np.pi))
    return over(pixels, own, alpha * np.float32(0.8)) + relief[..., None]


@synthesisers.register("exposed cord")
def paint_exposed_cord(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A worn-through patch in which parallel light threads lie bare in a dark ground."""
    centre, radius = placing.pick(rng, where), placing.size(rng, where, 0.08, 0.25, 6)
    alpha = soften(shapes.polygon(shapes.blob(rng, centre, radius, 0.4), where.shape), 0.8) * where
    angle, period = rng.uniform(0, np.pi), max(3.0, radius * rng.uniform(0.15, 0.35))
    phase = fields.position_along(where.shape, angle, np.float64) * (2 * np.pi / period)
    thread = np.clip(np.sin(phase) * 1.5, 0, 1) * np.clip(
        1 + 0.2 * fields.cloud(rng, where.shape, 3, exact=False), 0.4, 1.4
    )
    ground = placing.mean_colour(pixels, alpha) * np.float32(rng.uniform(0.3, 0.9))
    colour = np.array([1.0, 0.95, 0.85], np.float32) * np.float32(rng.uniform(0.4, 0.95))
    woven = ground + thread[..., None].astype(np.float32) * (colour - ground)
    return over(pixels, woven.astype(np.float32), alpha)
