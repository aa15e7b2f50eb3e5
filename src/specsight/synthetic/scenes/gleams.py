"""Acceptable light: glints, lamps mirrored in a surface, caustics, refraction in walls, cast shadows, falloff, moiré.

Each function takes (rng, pixels (H, W, 3) float32 in [0, 1], body) and returns new pixels. What makes light acceptable
can be seen: it is smooth at its edges or saturated, it adds to the surface or scales it without a border or a texture
of its own, and it follows the body's form. Dirt, breaks and cracks are matt, irregular and sharp instead.
"""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic import fields, shapes
from specsight.synthetic.compositing import Pixels, over, soften
from specsight.synthetic.fields import Field
from specsight.synthetic.scenes.body import Body, course
from specsight.synthetic.shapes import Alpha


def glints(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """A few small saturated highlights on one course, oval along it, some with rays; white within, soft outside."""
    alpha = np.zeros(body.shape, np.float32)
    path = course(rng, body, 1.0 if body.round else 0.6)
    longest = max(2.0, body.radius * rng.uniform(0.02, 0.15))
    for _ in range(int(rng.integers(1, 7))):
        x, y, heading = _on_path(rng, path)
        half = longest * rng.uniform(0.2, 1) / 2
        step = half * np.array([np.cos(heading), np.sin(heading)])
        spot = shapes.fine_stroke(np.array([x, y]) + np.array([-step, step]), body.shape, rng.uniform(1, 4.5))
        alpha = np.maximum(alpha, spot)
        if rng.random() < 0.2:
            alpha = np.maximum(alpha, _rays(rng, body, (x, y), longest * rng.uniform(1, 2.5)))
    return _shine(rng, pixels, alpha * body.cover, rng.uniform(0.6, 1.8), rng.uniform(1.2, 3.5))


def streaks(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Highlights that run along an edge, a rim or a rounding: long, even, fading towards both ends."""
    alpha = np.zeros(body.shape, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        path = course(rng, body, rng.uniform(0.05, 0.5))
        points = np.linspace(path[0], path[-1], 7) if len(path) == 2 else path
        width = max(1.5, body.radius * rng.uniform(0.01, 0.08))
        strength = rng.uniform(0.4, 1.0)
        for cut, share in ((0, 0.45), (len(points) // 6, 1.0)):
            inner = points[cut : len(points) - cut]
            alpha = np.maximum(
                alpha, shapes.fine_stroke(inner, body.shape, width * share) * np.float32(strength * share)
            )
    return _shine(rng, pixels, alpha * body.cover, rng.uniform(0.7, 2.5), rng.uniform(1.0, 2.2))


def lamp(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """A lamp mirrored in the surface: a soft box, tube, window, ring light or ring of diodes; whole, symmetric."""
    kind = str(rng.choice(["box", "tube", "window", "ring", "diodes"]))
    size = body.radius * rng.uniform(0.12, 0.5)
    angle, distance = rng.uniform(0, 2 * np.pi), body.radius * rng.uniform(0, 0.8)
    at = np.asarray(body.centre) + distance * np.array([np.cos(angle), np.sin(angle)])
    if kind in ("ring", "diodes"):
        at = np.asarray(body.centre) if rng.random() < 0.5 else at
        alpha = _ring_light(rng, body, at, size * 1.3, diodes=kind == "diodes")
    elif body.round and kind != "window":
        alpha = _bent_lamp(rng, body, distance + size * 0.3, size)
    else:
        alpha = _panes(rng, body, at, size, kind)
    sharp = max(0.6, size * rng.choice([0.04, 0.15]))
    return _shine(rng, pixels, alpha * body.cover, sharp, 1.0, rng.uniform(0.15, 1.0))


def caustics(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Light focused by glass or gloss: bright curved threads that join in cusps; they only add light, softly."""
    bump = max(6.0, body.radius * rng.uniform(0.1, 0.6))
    folds = np.abs(fields.cloud(rng, body.shape, bump, exact=False))
    threads = 1 / (1 + (folds * np.float32(rng.uniform(2.5, 9))) ** 2)
    patch = _patch(rng, body, rng.uniform(0.15, 0.6))
    # A bright core in a wide glow: a hair is as thin, but has no glow, and covers what lies below.
    glow = threads * threads + np.float32(0.6) * soften(threads, max(1.5, bump * 0.15))
    light = glow * patch * body.cover * np.float32(rng.uniform(0.15, 0.6))
    return np.asarray(np.minimum(pixels + light[..., None] * _tint(rng), 1), np.float32)


def refraction(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Dark and bright bands where a wall's thickness bends the light: irregular along the wall, smooth everywhere."""
    rows, columns = 24, 96
    bands = fields.stretched_cloud(
        rng, (rows, columns), (rng.uniform(1.5, 5), rng.uniform(4, 24)), period=columns - 1
    )
    bands = np.tanh(bands * np.float32(rng.uniform(0.7, 2.0)))
    if body.round:
        radius, angle = body.polar()
        low = rng.uniform(0, 0.75) * body.radius
        across = (radius - np.float32(low)) / np.float32(max(2.0, body.radius - low))
        along = angle * np.float32((columns - 1) / (2 * np.pi))
    else:
        width = body.radius * rng.uniform(0.2, 1.0)
        place = fields.position_along(body.shape, body.turn + np.pi / 2, np.float32)
        across = place / np.float32(width) - np.float32(rng.uniform(0, max(body.shape) / width - 0.2))
        along = fields.position_along(body.shape, body.turn, np.float32) * np.float32(
            columns / max(body.shape) / 2
        )
        along = np.abs(along)
    field = cv2.remap(
        bands, along, across * np.float32(rows - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    window = fields.smoothstep(across * 6) * fields.smoothstep((1 - across) * 6) * body.cover
    shade = field * window * np.float32(rng.uniform(0.1, 0.6))
    return np.asarray(
        np.clip(pixels * (1 + shade)[..., None] + np.maximum(shade, 0)[..., None] * 0.1, 0, 1), np.float32
    )


def cast_shadow(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """The shadow of a neighbour or of the camera: dims evenly, keeps the texture, and has a penumbra."""
    if rng.random() < 0.6:
        edge = fields.position_along(body.shape, rng.uniform(0, 2 * np.pi), np.float32)
        place = edge - np.float32(rng.uniform(float(edge.min()), float(edge.max())))
        dark = fields.smoothstep(place / np.float32(rng.uniform(0.01, 0.25) * max(body.shape)))
    else:
        outline = shapes.blob(rng, _anywhere(rng, body), body.radius * rng.uniform(0.3, 1), 0.0)
        dark = soften(shapes.polygon(outline, body.shape), body.radius * rng.uniform(0.04, 0.2))
    return np.asarray(
        pixels * (1 - np.float32(rng.uniform(0.1, 0.55)) * dark * body.cover)[..., None], np.float32
    )


def falloff(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Vignetting and uneven lamps: brightness that changes over the whole picture and has no border anywhere."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in body.shape)
    squared = rows[:, None] ** 2 + columns[None] ** 2
    light = 1 - np.float32(rng.uniform(0, 0.25)) * squared
    if rng.random() < 0.6:
        cloud = fields.cloud(rng, body.shape, max(body.shape) * rng.uniform(0.35, 0.8), exact=False)
        light = light * (1 + np.float32(rng.uniform(0.03, 0.15)) * cloud)
    return np.asarray(pixels * light[..., None], np.float32)


def moire(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Beats of a fine regular structure with the camera's grid: faint even waves over all of the body."""
    period = rng.uniform(3, 24)
    phase = fields.position_along(body.shape, rng.uniform(0, np.pi), np.float32) * np.float32(
        2 * np.pi / period
    )
    if rng.random() < 0.5:
        phase = phase + fields.cloud(rng, body.shape, max(body.shape) * 0.5, exact=False)
    wave = np.sin(phase) * body.cover * np.float32(rng.uniform(0.015, 0.08))
    return np.asarray(pixels * (1 + wave)[..., None], np.float32)


def _tint(rng: np.random.Generator) -> Pixels:
    """The colour of a lamp: white, slightly warm or cold."""
    warm = rng.normal(0, 0.04)
    return np.array([1 + warm, 1, 1 - warm], np.float32)


def _shine(
    rng: np.random.Generator, pixels: Pixels, alpha: Alpha, blur: float, gain: float, opacity: float = 1.0
) -> Pixels:
    """Mirrored light over the pixels: blurred, amplified until its core saturates."""
    soft = np.minimum(soften(alpha, blur) * np.float32(gain), 1) * np.float32(opacity)
    return over(pixels, np.minimum(_tint(rng), 1) * np.float32(rng.uniform(0.9, 1.0)), soft)


def _on_path(rng: np.random.Generator, path: shapes.Points) -> tuple[float, float, float]:
    """A point on a path, and the path's heading there."""
    k, t = int(rng.integers(len(path) - 1)), rng.random()
    step = path[k + 1] - path[k]
    x, y = path[k] + t * step
    return float(x), float(y), float(np.arctan2(step[1], step[0]))


def _rays(rng: np.random.Generator, body: Body, at: tuple[float, float], reach: float) -> Alpha:
    """The diffraction star of a strong highlight: thin straight rays of equal angles."""
    alpha = np.zeros(body.shape, np.float32)
    turn, count = rng.uniform(0, np.pi), int(rng.integers(2, 4))
    for k in range(count):
        step = reach * np.array([np.cos(turn + k * np.pi / count), np.sin(turn + k * np.pi / count)])
        for share, strength in ((1.0, 0.25), (0.5, 0.6)):
            ray = np.array([at - step * share, at + step * share])
            alpha = np.maximum(alpha, shapes.fine_stroke(ray, body.shape, 1.0) * np.float32(strength))
    return alpha


def _ring_light(
    rng: np.random.Generator, body: Body, at: shapes.Points, radius: float, *, diodes: bool
) -> Alpha:
    """A ring of light, or of 8 to 24 single lamps."""
    count = int(rng.integers(8, 25)) if diodes else 72
    angle = np.linspace(0, 2 * np.pi, count, endpoint=not diodes)
    points = at + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    width = max(1.5, radius * rng.uniform(0.05, 0.25))
    if not diodes:
        return shapes.fine_stroke(points, body.shape, width)
    return shapes.discs(points, body.shape, width / 2)


def _bent_lamp(rng: np.random.Generator, body: Body, distance: float, size: float) -> Alpha:
    """A soft box or tube as a round wall mirrors it: a thick arc with square ends."""
    half = np.clip(size / max(distance, 1.0), 0.1, 1.2)
    angle = rng.uniform(0, 2 * np.pi) + np.linspace(-half, half, 24)
    width = size * rng.uniform(0.15, 0.6)
    rays = np.stack([np.cos(angle), np.sin(angle)], 1)
    outline = np.concatenate([rays * (distance + width / 2), rays[::-1] * max(0.0, distance - width / 2)])
    return shapes.polygon(outline + np.asarray(body.centre), body.shape)


def _panes(rng: np.random.Generator, body: Body, at: shapes.Points, size: float, kind: str) -> Alpha:
    """A rectangle, a long bar, or a window of two by two or three panes with straight bars between them."""
    aspect = rng.uniform(0.04, 0.15) if kind == "tube" else rng.uniform(0.5, 1.0)
    columns, rows = (int(rng.integers(1, 3)) + 1, 2) if kind == "window" else (1, 1)
    angle = body.turn + (rng.normal(0, 0.1) if rng.random() < 0.7 else rng.uniform(0, np.pi))
    gap = 0.06 if kind == "window" else 0.0
    alpha = np.zeros(body.shape, np.float32)
    for i in range(columns):
        for j in range(rows):
            left, right = -1 + 2 * i / columns + gap, -1 + 2 * (i + 1) / columns - gap
            top, bottom = -1 + 2 * j / rows + gap, -1 + 2 * (j + 1) / rows - gap
            corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * (
                size,
                size * aspect,
            )
            alpha = np.maximum(alpha, shapes.polygon(shapes.turned(corners, angle) + at, body.shape))
    return alpha


def _anywhere(rng: np.random.Generator, body: Body) -> tuple[float, float]:
    angle, distance = rng.uniform(0, 2 * np.pi), body.radius * np.sqrt(rng.random())
    return body.centre[0] + distance * np.cos(angle), body.centre[1] + distance * np.sin(angle)


def _patch(rng: np.random.Generator, body: Body, share: float) -> Field:
    """A round weight that falls smoothly from 1 to 0, `share` of the body wide, anywhere on it."""
    x, y = _anywhere(rng, body)
    rows, columns = (np.arange(side, dtype=np.float32) for side in body.shape)
    reach = np.float32(2 * (share * body.radius) ** 2)
    down = np.exp(-((rows - np.float32(y)) ** 2) / reach)
    right = np.exp(-((columns - np.float32(x)) ** 2) / reach)
    weight: Field = down[:, None] * right[None]
    return weight
