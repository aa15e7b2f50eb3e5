"""Small rigid objects on a ground: tablets, capsules, screws, coils, connectors, chips, cable ends.

Each form is a height over the object's own axes, with a tone and a cover; light and shade follow from the height.
Repeated structure (threads, pins, windings, strands) is exactly periodic: what breaks the period is a defect. Generic
products, drawn from wide ranges; no real product is imitated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from specsight.synthetic import fields
from specsight.synthetic.compositing import over, soften
from specsight.synthetic.fields import Field, Shape
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.scenes.camera import Camera, eight_bits, illuminate
from specsight.synthetic.scenes.grounds import ground
from specsight.synthetic.scenes.materials import MATERIALS, surface
from specsight.synthetic.scenes.scene import Region, Scene
from specsight.synthetic.scenes.variation import vary

_VARIED, _MEAN = 0.8, 2.0
"""How often an object shows variation beside that of its form, and how many kinds then."""
_SMOOTH = (
    "plastic",
    "painted metal",
    "magnetic ferrite",
    "ground metal",
    "brushed metal",
    "cast metal",
    "rubber",
)
_MATERIALS = [material for material in MATERIALS if material.name in _SMOOTH]


@dataclass(frozen=True)
class _Form:
    """(H, W) each: `cover` in [0, 1]; `height` in half lengths of the object; `tone`, a factor on its material."""

    cover: Field
    height: Field
    tone: Field


Draw = Callable[[np.random.Generator, Field, Field, float], _Form]
"""(rng, u along and v across the object in its half lengths, a pixel's size in them) → form."""


def render_object(rng: np.random.Generator, side: int) -> Scene:
    """One small object, whole, near the middle of a ground, turned mostly along the picture's sides."""
    shape = (side, side)
    name = str(rng.choice(list(FORMS)))
    turn = (
        rng.choice(4) * np.pi / 2 + rng.normal(0, 0.06) if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
    )
    half, centre = side * rng.uniform(0.26, 0.47), side * rng.normal(0.5, 0.02, 2)
    u, v = _axes(shape, centre, half, float(turn))
    form = FORMS[name](rng, u, v, 1 / half)
    piece = surface(rng, shape, _MATERIALS[int(rng.integers(len(_MATERIALS)))])
    below = ground(rng, shape)
    if rng.random() < 0.6:
        moved = np.roll(form.cover, tuple(rng.integers(-6, 7, 2)), (0, 1))
        below = (
            below
            * (1 - np.float32(rng.uniform(0.1, 0.6)) * soften(moved, half * rng.uniform(0.01, 0.06)))[
                ..., None
            ]
        )
    shade, gloss = _light(rng, form.height * np.float32(half))
    body = np.clip(piece.pixels * (form.tone * shade)[..., None] + gloss[..., None], 0, 1).astype(np.float32)
    if rng.random() < _VARIED:
        middle = (float(centre[0]), float(centre[1]))
        round_ = name in ("tablet", "cable") and rng.random() < 0.6
        body = vary(rng, body, Body(form.cover, middle, half * 0.8, round_, float(turn)), _MEAN)
    lit = eight_bits(illuminate(rng, over(below, body, form.cover)))
    words = [Region(), Region(name, piece.material.name, piece.colour)]
    return Scene(lit, (form.cover > 0.5).astype(np.uint8), words, Camera.random(rng))


def _axes(shape: Shape, centre: np.ndarray, half: float, turn: float) -> tuple[Field, Field]:
    u = fields.position_along(shape, turn, np.float32) - np.float32(
        centre[0] * np.cos(turn) + centre[1] * np.sin(turn)
    )
    v = fields.position_along(shape, turn + np.pi / 2, np.float32) - np.float32(
        centre[1] * np.cos(turn) - centre[0] * np.sin(turn)
    )
    return u / np.float32(half), v / np.float32(half)


def _light(rng: np.random.Generator, height: Field) -> tuple[Field, Field]:
    """Shade (a factor) and mirrored light of a height in pixels, under one lamp; some objects are dull."""
    across, down = (cv2.Sobel(height, cv2.CV_32F, *axis, ksize=3, scale=0.125) for axis in ((1, 0), (0, 1)))
    steep = np.float32(rng.uniform(0.3, 1.0))
    across, down = across * steep, down * steep
    angle, low = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 1.0)
    norm = 1 / np.sqrt(1 + across * across + down * down)
    facing = (1 - np.float32(np.cos(angle) * low) * across - np.float32(np.sin(angle) * low) * down) * norm
    facing = facing / np.float32(np.hypot(1, low))
    shade = np.float32(rng.uniform(0.2, 0.5)) + np.clip(facing, 0, 1) * np.float32(rng.uniform(0.6, 0.9))
    gloss = np.float32(rng.choice([0.0, rng.uniform(0.1, 0.8)])) * np.clip(facing, 0, 1) ** np.float32(
        rng.uniform(10, 80)
    )
    return shade, gloss


def _inside(distance: Field, pixel: float) -> Field:
    """1 where `distance` is positive, with an edge of a pixel."""
    return np.asarray(np.clip(distance / np.float32(pixel) + np.float32(0.5), 0, 1), np.float32)


def _dome(distance: Field, rounding: float, high: float) -> Field:
    """A height that rises from the outline like a quarter circle over `rounding`."""
    t = np.clip(distance / np.float32(rounding), 0, 1)
    return np.asarray(np.sqrt(1 - (1 - t) ** 2) * np.float32(high), np.float32)


def _plain(height: Field) -> Field:
    return np.ones_like(height)


def _tablet(rng: np.random.Generator, u: Field, v: Field, pixel: float) -> _Form:
    """A disc, oval or oblong, domed or flat with a rounded edge, sometimes with a score."""
    aspect, power = rng.choice([1.0, rng.uniform(0.4, 0.9)]), rng.choice([2.0, rng.uniform(2.5, 5)])
    radius = (
        np.abs(u) ** np.float32(power) + np.abs(v / np.float32(aspect)) ** np.float32(power)
    ) ** np.float32(1 / power)
    distance = (1 - radius) * np.float32(aspect)
    height = _dome(distance, aspect * rng.choice([1.0, rng.uniform(0.1, 0.5)]), rng.uniform(0.1, 0.4))
    if rng.random() < 0.4:
        height = height - fields.ridge(u, rng.uniform(0.01, 0.04), 0.03) * np.float32(rng.uniform(0.02, 0.06))
    if rng.random() < 0.3:
        height = height - fields.ridge(distance - np.float32(aspect * 0.2), 0.02, 0.03) * np.float32(0.03)
    return _Form(_inside(distance, pixel), height, _plain(u))


def _capsule(rng: np.random.Generator, u: Field, v: Field, pixel: float) -> _Form:
    """Two shells pushed together: a cylinder with round ends, a step where they meet, often of two tones."""
    wide = np.float32(rng.uniform(0.28, 0.45))
    beyond = np.maximum(np.abs(u) - (1 - wide), 0)
    distance = wide - np.hypot(beyond, v)
    cap = _inside(u - np.float32(rng.uniform(-0.2, 0.2)), 2 * pixel)
    height = _dome(distance, float(wide), float(wide)) + cap * np.float32(rng.uniform(0.01, 0.03))
    tone = 1 + cap * np.float32(rng.choice([0.0, rng.uniform(-0.8, 1.2)]))
    return _Form(_inside(distance + cap * np.float32(0.015), pixel), height, tone)


def _screw(rng: np.random.Generator, u: Field, v: Field, pixel: float) -> _Form:
    """From the side: a head, a shank, a thread of equal turns, a blunt or pointed end."""
    shank, head = rng.uniform(0.08, 0.2), rng.uniform(0.2, 0.42)
    neck, tip, pitch = (
        -1 + rng.uniform(0.15, 0.35),
        rng.uniform(0.02, 0.4),
        max(rng.uniform(0.04, 0.12), 4 * pixel),
    )
    start = neck + rng.choice([0.02, rng.uniform(0.05, 0.7)])
    phase = (u + v * np.float32(rng.uniform(0.1, 0.3))) / np.float32(pitch)
    threaded = _inside(u - np.float32(start), 2 * pixel)
    tooth = (
        (fields.triangle(phase) * np.float32(0.5) + np.float32(0.5))
        * threaded
        * np.float32(pitch * rng.uniform(0.25, 0.6))
    )
    width = np.float32(shank) * np.clip((1 - u) / np.float32(tip), 0, 1) + tooth
    flank = np.clip((u + 1) / np.float32(neck + 1), 0, 1)
    taper = rng.choice([0.0, 1.0])  # A flat or a countersunk head.
    crown = np.float32(head) * (1 - np.float32(taper) * flank) + np.float32(shank * taper) * flank
    width = np.where(u < np.float32(neck), np.where(u > -1, crown, -1), width)
    distance = np.where(u > 1, -1, width - np.abs(v)).astype(np.float32)
    height = np.sqrt(np.maximum(width * width - v * v, 0)).astype(np.float32)
    return _Form(_inside(distance, pixel), height, _plain(u))


def _coil(rng: np.random.Generator, u: Field, v: Field, pixel: float) -> _Form:
    """Windings of one wire, side by side or apart as in a spring, sometimes between two end plates."""
    wide, pitch = np.float32(rng.uniform(0.2, 0.5)), max(rng.uniform(0.03, 0.14), 4 * pixel)
    end = np.float32(0.85 if rng.random() < 0.5 else 1.0)
    phase = (u + v * np.float32(rng.uniform(0, 0.15))) / np.float32(pitch)
    wire = np.float32(rng.choice([0.5, rng.uniform(0.25, 0.45)]))
    from_wire = wire - np.abs((phase % 1) - np.float32(0.5))
    within = np.minimum(wide - np.abs(v), end - np.abs(u))
    distance = np.minimum(within, from_wire * np.float32(pitch) if wire < 0.5 else within)
    height = np.sqrt(np.maximum(wide * wide - v * v, 0)) + _dome(
        from_wire * np.float32(pitch), pitch * wire, pitch * 0.5
    )
    if end < 1:
        plate = np.minimum(
            wide * np.float32(1.15) - np.abs(v), np.float32(0.075) - np.abs(np.abs(u) - np.float32(0.925))
        )
        height = np.where(plate > 0, wide * np.float32(1.1) + _dome(plate, 0.03, 0.03), height)
        distance = np.maximum(distance, plate)
    return _Form(_inside(distance, pixel), np.asarray(height, np.float32), _plain(u))


def _connector(rng: np.random.Generator, u: Field, v: Field, pixel: float) -> _Form:
    """A housing with one to three rows of equal pins or sockets, in a frame."""
    high, rows = np.float32(rng.uniform(0.25, 0.6)), int(rng.integers(1, 4))
    distance = np.minimum(1 - np.abs(u), high - np.abs(v))
    columns = int(rng.integers(3, 13))
    inner = np.float32(rng.uniform(0.7, 0.88))
    cell_u = ((u / inner + 1) * np.float32(columns / 2)) % 1 - np.float32(0.5)
    cell_v = ((v / (high * inner) + 1) * np.float32(rows / 2)) % 1 - np.float32(0.5)
    step_u, step_v = 2 * inner / columns, 2 * high * inner / rows
    size = np.float32(rng.uniform(0.2, 0.36)) * min(step_u, step_v)
    along, across = np.abs(cell_u) * step_u, np.abs(cell_v) * step_v
    pin = size - (np.hypot(along, across) if rng.random() < 0.5 else np.maximum(along, across))
    field = np.minimum(inner - np.abs(u), high * inner - np.abs(v))
    pins = _inside(pin, pixel) * _inside(field, pixel)
    sunk = fields.smoothstep(field / np.float32(4 * pixel)) * np.float32(rng.choice([0.0, 0.06]))
    height = _dome(distance, 0.06, 0.06) - sunk + pins * np.float32(rng.choice([-0.05, 0.05]))
    tone = 1 + pins * np.float32(rng.choice([rng.uniform(-0.9, -0.6), rng.uniform(0.8, 2)]))
    return _Form(_inside(distance, pixel), height, tone)


def _chip(rng: np.random.Generator, u: Field, v: Field, pixel: float) -> _Form:
    """A flat case with equal legs on two or on four sides, and a mark where counting begins."""
    a, b = np.float32(rng.uniform(0.6, 0.85)), np.float32(rng.uniform(0.35, 0.8))
    case = np.minimum(a - np.abs(u), b - np.abs(v))
    pitch = np.float32(max(rng.uniform(0.08, 0.25), 5 * pixel))
    long = np.float32(rng.uniform(0.08, 0.15))
    thick = pitch * np.float32(rng.uniform(0.2, 0.32))

    def legs(along: Field, across: Field, half: np.floating, reach: np.floating) -> Field:
        count = np.floor((half * np.float32(0.9)) / pitch) * pitch
        beside = thick - np.abs(fields.wrapped(along, float(pitch)))
        return np.asarray(
            np.minimum(np.minimum(beside, count + thick - np.abs(along)), reach + long - np.abs(across)),
            np.float32,
        )

    leg = legs(u, v, a, b)
    if rng.random() < 0.4:
        leg = np.maximum(leg, legs(v, u, b, a))
    distance = np.maximum(case, leg)
    mark = _inside(np.float32(0.05) - np.hypot(u + a * np.float32(0.8), v - b * np.float32(0.7)), pixel)
    height = np.where(case > 0, np.float32(0.1) + _dome(case, 0.05, 0.05), _dome(leg, float(thick), 0.03))
    tone = np.where(case > 0, np.float32(rng.uniform(0.2, 1)), np.float32(rng.uniform(0.9, 2)))
    return _Form(
        _inside(distance, pixel),
        (height - mark * np.float32(0.03)).astype(np.float32),
        tone.astype(np.float32),
    )


def _cable(rng: np.random.Generator, u: Field, v: Field, pixel: float) -> _Form:
    """A cable cut across: a sheath, one to five insulated cores in a ring, strands of wire in each."""
    radius = np.hypot(u, v)
    sheath, count = np.float32(rng.uniform(0.06, 0.2)), int(rng.choice([1, 2, 3, 4, 5]))
    reach = 1 - sheath
    core = float(reach) if count == 1 else float(reach) * np.sin(np.pi / count) / (1 + np.sin(np.pi / count))
    turn, off = rng.uniform(0, 2 * np.pi), 0.0 if count == 1 else float(reach) - core
    tone, height = np.full(u.shape, np.float32(rng.uniform(0.3, 0.9))), _dome(1 - radius, float(sheath), 0.1)
    pitch = np.float32(max(core * rng.uniform(0.12, 0.3), 4 * pixel))
    for k in range(count):
        angle = turn + 2 * np.pi * k / count
        x, y = u - np.float32(off * np.cos(angle)), v - np.float32(off * np.sin(angle))
        own = np.hypot(x, y)
        inside = _inside(np.float32(core * 0.94) - own, pixel)
        metal = _inside(np.float32(core * 0.68) - own, pixel)
        row = np.round(y / (pitch * np.float32(0.866)))
        strand = np.hypot(
            fields.wrapped(x + pitch * np.float32(0.5) * (row % 2), float(pitch)),
            y - row * pitch * np.float32(0.866),
        )
        tone = tone * (1 - inside) + inside * np.float32(rng.uniform(0.4, 1.6))
        tone = tone * (1 - metal) + metal * np.float32(rng.uniform(1.0, 1.8))
        height = height - metal * np.minimum(strand * strand / pitch, pitch) * np.float32(0.8)
    return _Form(_inside(1 - radius, pixel), height, tone)


FORMS: dict[str, Draw] = {
    "tablet": _tablet,
    "capsule": _capsule,
    "screw": _screw,
    "coil": _coil,
    "connector": _connector,
    "chip": _chip,
    "cable": _cable,
}
"""Name of an object, as sentences know it → its form."""
