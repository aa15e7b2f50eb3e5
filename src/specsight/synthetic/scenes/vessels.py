"""Round vessels from above and from below: glass, plastic, metal; mouths, cups and bottoms, with walls that bend light.

What runs around a vessel is drawn on a strip unrolled over radius (rows, from the middle to the outer border) and angle
(columns) and then wrapped: walls, reflections that follow them, refraction, seams, threads, ribs. Generic products,
drawn from ranges wide enough to cover many lines; no real product is imitated.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from specsight.synthetic import fields, shapes
from specsight.synthetic.compositing import over, shading, soften
from specsight.synthetic.fields import Field, Shape
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.scenes.camera import Camera, eight_bits, illuminate
from specsight.synthetic.scenes.grounds import ground
from specsight.synthetic.scenes.materials import MATERIALS, surface
from specsight.synthetic.scenes.scene import Region, Scene
from specsight.synthetic.scenes.variation import vary

_NAMES = ("glass", "glass", "plastic", "plastic", "painted metal", "rubber", "turned metal", "ground metal")
_MATERIALS = [next(m for m in MATERIALS if m.name == name) for name in _NAMES]
_STRIP: Shape = (112, 384)
_VARIED, _MEAN = 0.85, 2.6
"""How often a vessel shows variation beside that of its walls, and how many kinds then."""


@dataclass(frozen=True)
class _Strip:
    """The unrolled vessel: `tone` scales what lies below, `light` adds to it; `opening`: share of the radius inside."""

    tone: Field
    light: Field
    opening: float


def render_vessel(rng: np.random.Generator, side: int) -> Scene:
    """A round vessel: rims, walls and an opening or a bottom, on a dark, bright, shaded or textured ground."""
    shape = (side, side)
    below = ground(rng, shape)
    piece = surface(rng, shape, _MATERIALS[int(rng.integers(len(_MATERIALS)))])
    clear = piece.material.name in ("glass", "plastic") and rng.random() < 0.6
    strip = _strip(rng, clear)
    centre = side * rng.normal(0.5, 0.02, 2)
    outer = side * (rng.uniform(0.36, 0.49) if rng.random() < 0.85 else rng.uniform(0.5, 0.7))
    middle = (float(centre[0]), float(centre[1]))
    cover, inside = (shapes.discs(centre[None], shape, outer * share) for share in (1.0, strip.opening))
    tone, light = _wrapped(rng, strip, Body(cover, middle, outer, True))
    base = piece.pixels
    if clear:
        base = base * np.float32(rng.uniform(0.3, 1)) + below * base * np.float32(rng.uniform(0.2, 0.8))
    vessel = np.clip(base * tone[..., None] + light[..., None], 0, 1)
    if rng.random() < 0.3:
        shadow = soften(
            np.roll(cover, tuple(rng.integers(-6, 7, 2)), (0, 1)), outer * rng.uniform(0.02, 0.08)
        )
        below = below * (1 - np.float32(rng.uniform(0.1, 0.5)) * shadow)[..., None]
    pixels = over(below, vessel, cover)
    if rng.random() < 0.6:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.0))
    if rng.random() < _VARIED:
        whole = rng.random() < 0.4
        within = cover if whole else cover - inside
        pixels = vary(rng, pixels, Body(within, middle, outer, True, rng.uniform(0, np.pi)), _MEAN)
    lit = eight_bits(illuminate(rng, pixels))
    words = [Region(), Region("vessel", piece.material.name, piece.colour), Region("vessel")]
    regions = (cover > 0.5).astype(np.uint8) + (inside > 0.5)
    return Scene(lit, regions.astype(np.uint8), words, Camera.random(rng))


def _strip(rng: np.random.Generator, clear: bool) -> _Strip:
    """Walls with the light on them, and what a mould or a lathe left there."""
    rows = _STRIP[0]
    radius = (np.arange(rows, dtype=np.float32) + np.float32(0.5)) / np.float32(rows)
    edges = _edges(rng)
    tone = np.empty(_STRIP, np.float32)
    tone[:] = _profile(rng, radius, edges)[:, None]
    light = np.zeros(_STRIP, np.float32)
    for low, high in zip(edges, [*edges[1:], 1.0]):
        wall = slice(int(low * rows), max(int(low * rows) + 1, int(high * rows)))
        tone[wall] *= 1 + _around(rng, rng.uniform(0, 0.5))
        if clear and rng.random() < 0.75:
            tone[wall] *= _bent_light(rng, wall.stop - wall.start)
        if rng.random() < 0.5:
            light[wall] += np.float32(0.5) * np.maximum(_around(rng, rng.uniform(0, 0.6)), 0)
        if rng.random() < 0.15 and wall.stop - wall.start > 6:
            tone[wall] *= _ribs(rng, wall.stop - wall.start)
    for _ in range(int(rng.integers(0, 5))):
        _rim_line(rng, tone, light, edges)
    if rng.random() < 0.4:
        tone *= _seams(rng, edges[0])
    if rng.random() < 0.2:
        tone *= _thread(rng, float(rng.uniform(edges[0], 0.9)))
    return _Strip(np.maximum(tone, 0), np.maximum(light, 0), edges[0])


def _edges(rng: np.random.Generator) -> list[float]:
    """Radii at which the walls begin, from the opening outwards."""
    opening = rng.uniform(0.3, 0.85)
    others = np.sort(rng.uniform(opening, 1.0, int(rng.integers(1, 7))))
    return [float(opening), *(float(edge) for edge in others)]


def _profile(rng: np.random.Generator, radius: Field, edges: list[float]) -> Field:
    """Tone over radius: an even or sloping opening, then walls of random tones with sharp or soft borders."""
    radii, tones = [0.0, edges[0] * rng.uniform(0.3, 0.95)], [float(rng.uniform(0.05, 1.5))]
    tones.append(float(np.clip(tones[0] + rng.normal(0, 0.3), 0.02, 1.8)))
    for edge, following in zip(edges, [*edges[1:], 1.02]):
        soft = min(rng.choice([0.006, 0.02]), (following - edge) / 3)
        radii += [edge - soft / 2, edge + soft / 2]
        tones += [tones[-1], float(rng.uniform(0.05, 1.8))]
        if rng.random() < 0.5:  # A rounded lip is brightest, or darkest, in its middle.
            radii.append((edge + following) / 2)
            tones.append(float(rng.uniform(0.05, 1.8)))
    return np.interp(radius, radii, tones).astype(np.float32)


def _around(rng: np.random.Generator, amplitude: float) -> Field:
    """A smooth wave around, (columns,): lamps that stand on one or several sides."""
    angle = np.linspace(0, 2 * np.pi, _STRIP[1], endpoint=False)
    wave = sum(rng.normal(0, 0.6) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in (1, 2, 3, 4, 6))
    return np.asarray(np.tanh(np.asarray(wave) * rng.uniform(0.7, 4)) * amplitude, np.float32)


def _bent_light(rng: np.random.Generator, rows: int) -> Field:
    """Refraction in a clear wall of uneven thickness: irregular dark and bright bands along it, smooth everywhere."""
    columns = _STRIP[1]
    bump = (rng.uniform(3, 12), rng.uniform(12, 90))
    bands = fields.stretched_cloud(rng, (rows, columns), bump, period=columns)
    if rng.random() < 0.5:
        bands = bands + fields.stretched_cloud(rng, (rows, columns), (rows, bump[1] * 3), period=columns)
    return np.asarray(
        1 + np.tanh(bands * np.float32(rng.uniform(0.6, 2.5))) * np.float32(rng.uniform(0.15, 0.85)),
        np.float32,
    )


def _ribs(rng: np.random.Generator, rows: int) -> Field:
    """Equal ribs, slots or stipples around one wall, upright or slanted."""
    count = int(rng.integers(12, 90))
    angle = np.linspace(0, 2 * np.pi, _STRIP[1], endpoint=False, dtype=np.float32)
    slant = rng.choice([0.0, rng.uniform(-0.3, 0.3)])
    phase = count * angle[None] + np.float32(slant) * np.arange(rows, dtype=np.float32)[:, None]
    wave = np.tanh(np.sin(phase) * np.float32(rng.uniform(0.8, 4)))
    if rng.random() < 0.3:
        wave = (
            np.maximum(wave, 0)
            * np.sin(np.arange(rows, dtype=np.float32) * np.float32(rng.uniform(0.4, 1)))[:, None]
        )
    return np.asarray(1 + wave * np.float32(rng.uniform(0.08, 0.5)), np.float32)


def _rim_line(rng: np.random.Generator, tone: Field, light: Field, edges: list[float]) -> None:
    """A thin line that closes around a rim, dark or of light (in place); light comes and goes around, and saturates."""
    rows = tone.shape[0]
    edge = float(rng.choice([*edges, 0.985]))
    row = np.arange(rows, dtype=np.float32)[:, None]
    line = np.exp(-(((row - np.float32(edge * rows)) / np.float32(rng.uniform(0.6, 2.5))) ** 2))
    if rng.random() < 0.35:
        tone *= 1 - line * np.float32(rng.uniform(0.3, 0.95))
        return
    around = np.ones(tone.shape[1], np.float32) if rng.random() < 0.25 else np.clip(_around(rng, 1.0), 0, 1)
    light += line * around * np.float32(rng.uniform(0.3, 1.4))


def _seams(rng: np.random.Generator, opening: float) -> Field:
    """Lines of the mould: one or two (opposite), exactly radial, thin, one flank lit, whole from rim to rim."""
    rows, columns = _STRIP
    column = np.arange(columns, dtype=np.float32)
    count = int(rng.integers(1, 3))
    away = fields.wrapped(column - np.float32(rng.uniform(0, columns)), columns / count)
    width = np.float32(rng.uniform(0.8, 2.5))
    profile = -away / width * np.exp(-((away / width) ** 2)) * np.float32(rng.uniform(0.3, 1.0))
    if rng.random() < 0.5:
        profile = profile - np.exp(-((away / width) ** 2)) * np.float32(rng.uniform(-0.4, 0.4))
    relief = np.zeros(_STRIP, np.float32)
    relief[int(rng.choice([opening, rng.uniform(opening, 0.95)]) * rows) :] = profile
    return np.asarray(1 + relief, np.float32)


def _thread(rng: np.random.Generator, start: float) -> Field:
    """A screw thread seen from above: one to three ridges that wind outwards evenly."""
    rows, columns = _STRIP
    canvas = np.zeros(_STRIP, np.float32)
    pitch = rows * rng.uniform(0.04, 0.12)
    for turn in range(int(rng.integers(1, 4))):
        low = start * rows + turn * pitch
        canvas = np.maximum(
            canvas, shapes.fine_stroke(np.array([[0, low], [columns, low + pitch]]), _STRIP, 2.0)
        )
    return 1 + shading(soften(canvas, 1.0), rng.uniform(0.1, 0.5), rng.choice([np.pi / 2, -np.pi / 2]))


def _wrapped(rng: np.random.Generator, strip: _Strip, body: Body) -> tuple[Field, Field]:
    """Tone and light of every pixel; what lies deeper than the rim is shifted as a camera beside the axis sees it."""
    rows, columns = strip.tone.shape
    x, y = (np.arange(side, dtype=np.float32) for side in reversed(body.shape))
    dx = np.broadcast_to((x - np.float32(body.centre[0]))[None], body.shape) / np.float32(body.radius)
    dy = np.broadcast_to((y - np.float32(body.centre[1]))[:, None], body.shape) / np.float32(body.radius)
    if rng.random() < 0.6:
        depth = np.clip(1 - cv2.magnitude(dx, dy), 0, 1)
        shift = rng.normal(0, 0.08, 2).astype(np.float32)
        dx, dy = dx + shift[0] * depth, dy + shift[1] * depth
    radius, angle = cv2.cartToPolar(np.ascontiguousarray(dx), np.ascontiguousarray(dy))
    row = np.minimum(radius * np.float32(rows) - np.float32(0.5), rows - 1)
    column = angle * np.float32(columns / (2 * np.pi))
    both = cv2.merge([strip.tone, strip.light])
    wrapped = cv2.remap(both, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return wrapped[..., 0], wrapped[..., 1]
