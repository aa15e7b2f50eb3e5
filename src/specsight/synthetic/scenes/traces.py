"""Acceptable traces of making: seams, parting lines, ejector pins, gates, tool marks, knurls, fasteners, edges, wear.

Each function takes (rng, pixels (H, W, 3) float32 in [0, 1], body) and returns new pixels. What makes a trace
acceptable can be seen: a mould, a tool or a designer put it there, so it is exactly straight, circular or radial, of
one width, whole from end to end, repeated in order. Cracks, scratches, dents and holes come alone, and keep no rule.
"""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic import fields, shapes
from specsight.synthetic.compositing import Pixels, over, shading, soften
from specsight.synthetic.fields import Field
from specsight.synthetic.scenes.body import Body, arc, course, positions, spoke, straight
from specsight.synthetic.shapes import Alpha


def seam(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Where two mould halves met: a thin closed ridge, one side lit, from border to border or all around."""
    path = spoke(rng, body) if body.round and rng.random() < 0.5 else course(rng, body)
    width = max(1.0, rng.uniform(0.005, 0.03) * body.radius)
    alpha = shapes.fine_stroke(path, body.shape, width) * body.cover
    if body.round and rng.random() < 0.3:  # A mould of two halves leaves a second line opposite.
        alpha = np.maximum(
            alpha, shapes.fine_stroke(2 * np.asarray(body.centre) - path, body.shape, width) * body.cover
        )
    ridge = soften(alpha, rng.uniform(0.5, 1.2))
    light = shading(ridge, rng.choice([-1, 1]) * rng.uniform(0.05, 0.3), rng.uniform(0, 2 * np.pi))
    tone = 1 + np.float32(rng.uniform(-0.25, 0.35)) * ridge
    return _lit(pixels * tone[..., None], light)


def parting(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Two parts or two finishes side by side: one straight or circular border, an even tone on either side of it."""
    if body.round:
        border = body.polar()[0] - np.float32(body.radius * rng.uniform(0.25, 0.9))
    else:
        angle = body.turn + rng.choice([0, np.pi / 2, np.pi, -np.pi / 2])
        place = fields.position_along(body.shape, angle, np.float32)
        middle = body.centre[0] * np.cos(angle) + body.centre[1] * np.sin(angle)
        border = place - np.float32(middle + body.radius * rng.uniform(-0.7, 0.7))
    side = fields.smoothstep(border / np.float32(rng.uniform(0.6, 2)) + np.float32(0.5)) * body.cover
    tone = np.float32(rng.choice([-1, 1]) * rng.uniform(0.05, 0.5))
    groove = np.float32(rng.choice([0, rng.uniform(0.1, 0.7)]))
    line = fields.ridge(border, rng.uniform(0.5, 2.5), 0.8) * body.cover * groove
    return np.asarray(np.clip(pixels * ((1 + tone * side) * (1 - line))[..., None], 0, 1), np.float32)


def pins(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Marks of ejector pins: equal circles in a regular order, flush within a pixel, with a lit and a dark edge."""
    radius = max(2.0, body.radius * rng.uniform(0.03, 0.14))
    discs = shapes.discs(positions(rng, body, int(rng.integers(1, 7))), body.shape, radius) * body.cover
    relief = shading(
        soften(discs, 0.7), rng.choice([-1, 1]) * rng.uniform(0.04, 0.25), rng.uniform(0, 2 * np.pi)
    )
    return _lit(pixels * (1 + np.float32(rng.uniform(-0.12, 0.12)) * discs)[..., None], relief)


def gate(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Where the melt came in: one small round or square stub with a sharp outline, in the middle or on the axis."""
    radius = max(2.0, body.radius * rng.uniform(0.02, 0.1))
    shift = body.radius * rng.choice([0.0, rng.uniform(-0.9, 0.9)])
    at = np.asarray(body.centre) + shift * np.array([np.cos(body.turn), np.sin(body.turn)])
    alpha = shapes.discs(at[None], body.shape, radius)
    if rng.random() < 0.5:
        alpha = np.maximum(alpha - 0.8 * shapes.discs(at[None], body.shape, radius * 0.6), 0)
    alpha = alpha * body.cover
    light = shading(soften(alpha, max(0.6, radius * 0.15)), rng.uniform(0.1, 0.45), rng.uniform(0, 2 * np.pi))
    return _lit(pixels * (1 + np.float32(rng.uniform(-0.2, 0.2)) * alpha)[..., None], light)


def tool_marks(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Feed marks of turning, milling or sawing: equal fine lines, evenly over a whole face or ring."""
    period = rng.uniform(2.5, 14)
    if body.round:
        place = body.polar()[0]
        low = body.radius * rng.uniform(0, 0.7)
        face = fields.band(place, low, body.radius * rng.uniform(0.75, 1.0), 1.0) * body.cover
    else:
        place = fields.position_along(body.shape, body.turn + rng.choice([0, np.pi / 2]), np.float32)
        face = body.cover
    wave = np.sin(place * np.float32(2 * np.pi / period)) ** 3 * face * np.float32(rng.uniform(0.03, 0.2))
    return np.asarray(np.clip(pixels * (1 + wave)[..., None], 0, 1), np.float32)


def knurl(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Ribs, teeth or a knurl: a band of one width with equal, equally spaced ridges around or along the body."""
    width = max(4.0, body.radius * rng.uniform(0.06, 0.3))
    if body.round:
        radius, angle = body.polar()
        outer = body.radius * rng.uniform(0.5, 1.0)
        face = fields.band(radius, outer - width, outer, 0.8)
        count = max(8, round(2 * np.pi * outer / rng.uniform(3.5, 14)))
        phase = angle * np.float32(count)
        twist = (radius - np.float32(outer)) * np.float32(2 * np.pi / rng.uniform(4, 12))
    else:
        angle = body.turn + rng.choice([0, np.pi / 2])
        across = fields.position_along(body.shape, angle + np.pi / 2, np.float32)
        middle = (
            -body.centre[0] * np.sin(angle)
            + body.centre[1] * np.cos(angle)
            + rng.uniform(-0.8, 0.8) * body.radius
        )
        face = fields.ridge(across - np.float32(middle), width, 0.8)
        phase = fields.position_along(body.shape, angle, np.float32) * np.float32(
            2 * np.pi / rng.uniform(3.5, 14)
        )
        twist = across * np.float32(2 * np.pi / rng.uniform(4, 12))
    wave = np.sin(phase + twist) * np.sin(phase - twist) if rng.random() < 0.3 else np.sin(phase)
    shade = (
        np.tanh(wave * np.float32(rng.uniform(0.8, 3)))
        * face
        * body.cover
        * np.float32(rng.uniform(0.08, 0.45))
    )
    return np.asarray(np.clip(pixels * (1 + shade)[..., None], 0, 1), np.float32)


def fasteners(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Bores, rivets and screw heads: equal, exactly round, sharp, in a regular order; each with an even bevel."""
    radius = max(2.5, body.radius * rng.uniform(0.03, 0.13))
    at = positions(rng, body, int(rng.choice([1, 2, 3, 4, 4, 6, 8])))
    outer = shapes.discs(at, body.shape, radius) * body.cover
    inner = shapes.discs(at, body.shape, radius * rng.uniform(0.5, 0.85)) * body.cover
    kind, light = rng.random(), rng.uniform(0, 2 * np.pi)
    head = over(pixels, np.float32(rng.uniform(0.25, 0.9)), outer * np.float32(rng.choice([0.0, 0.9])))
    if kind < 0.45:  # Bores: even darkness behind a chamfer.
        result = over(
            head * (1 + np.float32(0.2) * (outer - inner))[..., None], np.float32(rng.uniform(0, 0.2)), inner
        )
    else:
        result = head
        if kind > 0.65:
            result = over(
                result, np.float32(rng.uniform(0, 0.25)), _slots(rng, body, at, radius * 0.75) * inner
            )
    relief = shading(soften(outer, 0.8), rng.choice([-1, 1]) * rng.uniform(0.1, 0.35), light)
    return _lit(result, relief)


def edges(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Steps, grooves and bevels: lines of one width that run parallel to a side or around, lit on one flank."""
    alpha = np.zeros(body.shape, np.float32)
    width = max(1.0, body.radius * rng.uniform(0.008, 0.08))
    for _ in range(int(rng.integers(1, 4))):
        path = arc(rng, body) if body.round else straight(rng, body)
        alpha = np.maximum(alpha, shapes.fine_stroke(path, body.shape, width))
    alpha = alpha * body.cover
    light = shading(
        soften(alpha, rng.uniform(0.5, 1.5)),
        rng.choice([-1, 1]) * rng.uniform(0.05, 0.4),
        rng.uniform(0, 6.3),
    )
    return _lit(pixels * (1 + np.float32(rng.uniform(-0.4, 0.3)) * alpha)[..., None], light)


def handling(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Wear of handling: hundreds of hair lines of one direction, faint, evenly everywhere, none stronger."""
    spacing = rng.uniform(4, 12)
    count = int(min(400, max(body.shape) ** 2 / spacing / 40))
    angle = rng.uniform(0, np.pi) + rng.normal(0, rng.choice([0.02, 0.15]), count)
    middle = rng.uniform(0, 1, (count, 2)) * body.shape[::-1]
    step = rng.uniform(8, 40, (count, 1)) * np.stack([np.cos(angle), np.sin(angle)], 1)
    lines = np.round(np.stack([middle - step, middle + step], 1) * 8).astype(np.int32)
    canvas = np.zeros(body.shape, np.uint8)
    cv2.polylines(canvas, list(lines), False, 255, 1, cv2.LINE_AA, 3)
    strength = np.float32(rng.choice([-1, 1]) * rng.uniform(0.03, 0.1) / 255)
    return np.asarray(np.clip(pixels * (1 + strength * canvas * body.cover)[..., None], 0, 1), np.float32)


def polish(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Borders polished by use, or rounded in the mould: brighter or darker all along, changing only slowly."""
    blurred = soften(body.cover, max(0.8, body.radius * rng.uniform(0.01, 0.06)))
    rim = 4 * blurred * (1 - blurred) * body.cover
    slow = 1 + np.float32(0.4) * fields.cloud(rng, body.shape, max(8.0, body.radius), exact=False)
    shade = rim * slow * np.float32(rng.choice([-1, 1, 1]) * rng.uniform(0.1, 0.6))
    return np.asarray(
        np.clip(pixels * (1 + shade)[..., None] + np.maximum(shade, 0)[..., None] * 0.1, 0, 1), np.float32
    )


def _lit(pixels: Pixels, light: Field) -> Pixels:
    """Pixels with light and shade: bright surfaces show more of it, dark ones some."""
    return np.asarray(
        np.clip(pixels + (light * np.float32(0.5))[..., None] * (pixels + np.float32(0.4)), 0, 1), np.float32
    )


def _slots(rng: np.random.Generator, body: Body, at: shapes.Points, radius: float) -> Alpha:
    """A slot, a cross or a hexagon in every head; heads were turned to where they held."""
    alpha = np.zeros(body.shape, np.float32)
    kind = rng.random()
    for point in at:
        turn = rng.uniform(0, np.pi)
        if kind > 0.7:
            angle = turn + np.arange(6) * np.pi / 3
            outline = point + 0.6 * radius * np.stack([np.cos(angle), np.sin(angle)], 1)
            alpha = np.maximum(alpha, shapes.polygon(outline, body.shape))
            continue
        for k in range(1 if kind < 0.35 else 2):
            step = radius * np.array([np.cos(turn + k * np.pi / 2), np.sin(turn + k * np.pi / 2)])
            line = shapes.fine_stroke(
                np.array([point - step, point + step]), body.shape, max(1.0, radius * 0.3)
            )
            alpha = np.maximum(alpha, line)
    return alpha
