"""Vent spews: rubber from the mould's vent holes, at regular places around the tyre.

Where a plant trims them a short stub stands in its small dimple; elsewhere a thin hair tapers from it, bent the way the
mould left.
"""

from __future__ import annotations

import numpy as np

from specsight.synthetic.fields import ridge, smoothstep
from specsight.synthetic.shapes import path_distance
from specsight.synthetic.tyres.conditions import Plant
from specsight.synthetic.tyres.features import Feature, box_around
from specsight.synthetic.tyres.geometry import ZONE_WIDTH_MM, TyreModel, Window, Zone, turn_columns
from specsight.synthetic.tyres.rubber import Surface

_LINES_MM: dict[Zone, tuple[float, ...]] = {
    "tread": (-76.0, -42.0, -8.0, 8.0, 42.0, 76.0),
    "sidewall": (23.0, 50.5, 90.5),
    "bead": (32.0,),
}
"""Rings of vents: mm from the tread's middle, otherwise from the zone's upper edge."""
_SPACING_MM = 33.0
_VENT_MM = 0.75
"""Radius of the vent's own round mark."""
_TRIMMED_MM, _GROWN_MM = (0.3, 0.8), (1.8, 6.0)


def spews(
    rng: np.random.Generator, window: Window, surface: Surface, model: TyreModel, plant: Plant
) -> list[Feature]:
    """Put a spew on every vent of the canvas (in place)."""
    turn_mm = turn_columns(model, window.mm_per_px) * window.mm_per_px
    spacing = turn_mm / round(turn_mm / _SPACING_MM)
    offset = ZONE_WIDTH_MM["tread"] / 2 if window.zone == "tread" else 0.0
    left = (window.left - window.margin) * window.mm_per_px
    right = (window.left + window.columns + window.margin) * window.mm_per_px
    lean = float(rng.uniform(0, 2 * np.pi))
    found = []
    for n, line in enumerate(_LINES_MM[window.zone]):
        for k in range(int(np.ceil(left / spacing)), int(right / spacing) + 1):
            if window.circular and not 0 <= k < round(turn_mm / spacing):
                continue
            x_mm, y_mm = (k + 0.37 * n % 1.0) * spacing, line + offset
            column = round(window.px(x_mm)) - window.left + window.margin
            row = round(window.px(y_mm)) - window.top + window.margin
            if 0 <= row < window.canvas[0] and 0 <= column < window.canvas[1]:
                found.append(_spew(rng, window, surface, plant, (row, column), lean))
    return [spew for spew in found if spew is not None]


def _spew(
    rng: np.random.Generator, window: Window, surface: Surface, plant: Plant, at: tuple[int, int], lean: float
) -> Feature | None:
    """One spew at canvas pixel `at` (row, column); most hairs of a tyre lean towards `lean` (radians).

    None where it would lie across the seam of a circular window: it would be drawn on one side of it only.
    """
    trimmed = plant.trims_spews or rng.random() < 0.3
    length = float(rng.uniform(*(_TRIMMED_MM if trimmed else _GROWN_MM)))
    thick = float(rng.uniform(0.30, 0.42))
    heading, curl = lean + rng.normal(0, 0.7), rng.normal(0, 0.9)
    reach = round(window.px(length + 2 * _VENT_MM)) + 2
    if window.circular and not reach <= at[1] - window.margin < window.columns - reach:
        return None
    box, x, y = box_around(window, *at, reach)
    t = np.linspace(0, 1, 2 if trimmed else 9)
    bow = np.stack([np.cos(heading + curl * t), np.sin(heading + curl * t)], axis=1)
    steps = bow[1:] * (length / (len(t) - 1))
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)]).astype(np.float32)
    distance, along, _ = path_distance(x, y, points)
    from_vent = np.hypot(x, y)
    pixel = np.float32(window.mm_per_px)
    radius = np.float32(thick) * (1 if trimmed else 1 - np.float32(0.72) * along)
    # A hair thinner than a pixel covers a part of it.
    covered = np.clip((radius - distance) / pixel + np.float32(0.5), 0, 1)
    covered *= np.minimum(2 * radius / pixel, 1)
    if trimmed:
        rise = np.full_like(covered, rng.uniform(0.25, 0.6))
    else:
        # It stands off the surface in an arc, and its tip comes down again.
        rise = np.float32(0.35) + np.float32(rng.uniform(0.3, 1.1)) * np.sin(np.float32(2.4) * along)
        rise *= np.float32(0.75) + np.float32(0.25) * np.sqrt(
            np.clip(1 - (distance / (radius + pixel)) ** 2, 0, 1)
        )
    vent = np.float32(0.10) * smoothstep((np.float32(_VENT_MM) - from_vent) / np.float32(0.4))
    vent -= np.float32(0.07) * ridge(from_vent - np.float32(_VENT_MM + 0.3), 0.25, max(0.3, float(pixel)))
    surface.height[box] += np.maximum(vent, covered * rise) if trimmed else vent + covered * rise
    surface.gloss[box] *= 1 + np.float32(0.3) * covered
    return Feature("spew", box, covered > 0.12)
