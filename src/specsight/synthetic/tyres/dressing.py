"""What good tyres carry: stripes, balance dot, and the acceptable variation (spews, demoulding marks, chalk, dust).

Every one of these is drawn on good and on defective tyres alike, so that none of them gives a defect away.
"""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic.fields import Field, blurred_grain, ridge, smoothstep
from specsight.synthetic.tyres import sidewall
from specsight.synthetic.tyres.canvas_noise import canvas_cloud
from specsight.synthetic.tyres.conditions import Plant
from specsight.synthetic.tyres.features import Box, Feature, box_around
from specsight.synthetic.tyres.geometry import PART_VALUES, ZONE_WIDTH_MM, TyreModel, Window, turn_columns
from specsight.synthetic.tyres.rubber import Surface
from specsight.synthetic.tyres.spews import spews

Colour = tuple[float, float, float]

PAINTS: dict[str, Colour] = {
    "yellow": (0.42, 0.30, 0.015),
    "red": (0.30, 0.020, 0.015),
    "blue": (0.02, 0.07, 0.26),
    "green": (0.02, 0.18, 0.05),
    "white": (0.36, 0.36, 0.35),
}
"""Paints, thin on black rubber, hence darker than in the tin."""

_CHALKS: tuple[Colour, ...] = ((0.22, 0.22, 0.21), (0.24, 0.20, 0.05), (0.08, 0.13, 0.22))
_DOT_RADIUS_MM = 3.6


def dress(
    rng: np.random.Generator, window: Window, surface: Surface, model: TyreModel, plant: Plant
) -> tuple[Feature, ...]:
    """Put everything that good tyres carry on the surface (in place); the features come back for the words."""
    features: list[Feature] = []
    if window.zone == "tread":
        _stripes(rng, window, surface, model)
    if window.zone == "sidewall":
        features += _balance_dots(rng, window, surface, model)
    features += spews(rng, window, surface, model, plant)
    turns = window.columns / window.rows if window.circular else 1.0
    for _ in range(int(rng.poisson(0.45 * turns))):
        features.append(_demoulding_mark(rng, window, surface))
    for _ in range(int(rng.poisson(0.22 * turns))):
        features.append(_chalk_mark(rng, window, surface))
    _dust(rng, window, surface)
    for field in (surface.height, surface.gloss):
        window.close(field)
    window.close(surface.albedo)
    return tuple(features)


def _place(rng: np.random.Generator, window: Window, reach_mm: float) -> tuple[Box, Field, Field]:
    """A box somewhere in the window, clear of a circular window's seam: (box, x, y) in mm from its middle."""
    reach = round(reach_mm / window.mm_per_px)
    m = window.margin
    low, high = (m + reach, m + window.columns - reach) if window.circular else (m, m + window.columns)
    row, column = int(rng.integers(m, m + window.rows)), int(rng.integers(low, max(low + 1, high)))
    return box_around(window, row, column, reach)


def _stripes(rng: np.random.Generator, window: Window, surface: Surface, model: TyreModel) -> None:
    """Coloured identification lines around the tread; paint reaches what stands up, not the grooves."""
    y = window.y_mm() - np.float32(ZONE_WIDTH_MM["tread"] / 2)
    wander = canvas_cloud(rng, window, 200.0, 60.0) * np.float32(0.5) + np.float32(rng.normal(0, 0.8))
    patchy = canvas_cloud(rng, window, 1.2, 8.0)
    everywhere = (slice(None), slice(None))
    reached = surface.parts != PART_VALUES["groove"]
    for centre, colour in model.stripes:
        line = ridge(y - np.float32(centre) + wander, 2.0, 0.4)
        alpha = line * np.clip(np.float32(0.62) + np.float32(0.18) * patchy, 0, 0.9) * reached
        surface.paint(everywhere, alpha.astype(np.float32), PAINTS[colour])


def _balance_dots(
    rng: np.random.Generator, window: Window, surface: Surface, model: TyreModel
) -> list[Feature]:
    """The yellow dot in its moulded ring."""
    features = []
    turn = turn_columns(model, window.mm_per_px)
    reach = round(window.px(_DOT_RADIUS_MM + 1.5))
    for cx, cy in sidewall.ring_positions(model):
        row = round(window.px(cy)) - window.top + window.margin
        column = (round(window.px(cx)) - window.left + window.margin) % turn
        rows, columns = window.canvas
        if not (reach <= row < rows - reach and reach <= column < columns - reach):
            continue
        offset = rng.normal(0, 0.35, 2)
        box, x, y = box_around(window, row, column, reach)
        radius = np.hypot(x - np.float32(offset[0]), y - np.float32(offset[1]))
        alpha = smoothstep((np.float32(_DOT_RADIUS_MM * rng.uniform(0.88, 1.05)) - radius) / np.float32(0.5))
        alpha *= np.float32(0.88) + np.float32(0.06) * rng.standard_normal(alpha.shape, dtype=np.float32)
        np.clip(alpha, 0, 1, out=alpha)
        before = (surface.albedo[box].copy(), surface.gloss[box].copy())
        surface.paint(box, alpha, PAINTS["yellow"])
        features.append(Feature("yellow balance dot", box, alpha > 0.02, before))
    return features


def _demoulding_mark(rng: np.random.Generator, window: Window, surface: Surface) -> Feature:
    """A short scuff where the mould slid off: parallel shiny, slightly paler streaks with hardly any depth."""
    length = float(rng.uniform(2.5, 11.0))
    box, x, y = _place(rng, window, length)
    # Segments leave the tread radially; sidewall plates lift with a little turn.
    angle = np.pi / 2 + rng.normal(0, 0.25)
    u = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    v = np.float32(np.cos(angle)) * y - np.float32(np.sin(angle)) * x
    streaks = np.zeros(u.shape, np.float32)
    for _ in range(int(rng.integers(2, 5))):
        middle, width = np.float32(rng.normal(0, 0.8)), max(0.25, 0.6 * window.mm_per_px)
        taper = smoothstep((np.float32(length / 2 * rng.uniform(0.6, 1.0)) - np.abs(u)) / np.float32(1.0))
        streaks = np.maximum(streaks, ridge(v - middle, width, width) * taper)
    surface.height[box] -= np.float32(0.02) * streaks
    surface.gloss[box] *= 1 + np.float32(rng.uniform(0.4, 0.9)) * streaks
    surface.albedo[box] *= (1 + np.float32(rng.uniform(0.1, 0.35)) * streaks)[..., None]
    return Feature("demoulding mark", box, streaks > 0.1)


def _chalk_mark(rng: np.random.Generator, window: Window, surface: Surface) -> Feature:
    """An operator's crayon stroke: wax only on the grain's summits, never in grooves."""
    length = float(rng.uniform(15.0, 40.0))
    box, x, y = _place(rng, window, length * 0.6)
    angle, bend = rng.uniform(0, np.pi), rng.normal(0, 0.15)
    u = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    v = np.float32(np.cos(angle)) * y - np.float32(np.sin(angle)) * x
    v = v - np.float32(bend / length) * u * u * 2
    wide, mm = float(rng.uniform(1.4, 2.8)), window.mm_per_px
    edge = blurred_grain(rng, u.shape, 0.8 / mm)
    v = v + edge * np.float32(0.25 / max(float(edge.std()), 1e-6))
    ends = smoothstep((np.float32(length / 2) - np.abs(u) + v) / np.float32(2.5))
    stroke = ridge(v, wide, 0.5) * ends
    # Pressed harder at its edges and where it begins; lifted now and then.
    pressure = (
        np.float32(0.62) + np.float32(0.25) * (np.abs(v) / np.float32(wide)) - np.float32(0.35 / length) * u
    )
    height = surface.height[box]
    summit = height - cv2.GaussianBlur(height, (0, 0), 1.5)
    waxed = smoothstep(
        pressure + summit * np.float32(40) - rng.random(u.shape, dtype=np.float32) * np.float32(0.8)
    )
    alpha = stroke * np.float32(0.75) * waxed * (surface.parts[box] != PART_VALUES["groove"])
    surface.paint(box, alpha, _CHALKS[int(rng.integers(len(_CHALKS)))])
    return Feature("chalk mark", box, alpha > 0.05)


def _dust(rng: np.random.Generator, window: Window, surface: Surface) -> None:
    """A few pale specks of a pixel or less."""
    rows, columns = window.canvas
    count = int(rng.poisson(rows * columns * 1.5e-4))
    y, x = rng.integers(rows, size=count), rng.integers(columns, size=count)
    surface.albedo[y, x] += rng.uniform(0.01, 0.06, (count, 1)).astype(np.float32)
