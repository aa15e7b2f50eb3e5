"""Defects along a line: cut, crack, scratch, open splice, excess flash."""

from __future__ import annotations

import numpy as np

from specsight.synthetic.fields import Field, ridge, smoothstep
from specsight.synthetic.shapes import bent_path, jagged_path, path_distance
from specsight.synthetic.tyres.defects.base import Change, Site, defect

_PLAIN = ("tread", "shoulder", "sidewall", "bead ring", "flange", "toe")


def _tapered(along: Field, sharpness: float = 6.0) -> Field:
    """1 in the middle of a path, 0 at its ends."""
    return smoothstep(np.minimum(along, 1 - along) * np.float32(sharpness))


@defect("cut", "tread", "sidewall", "bead")
def make_cut(rng: np.random.Generator, site: Site) -> Change | None:
    """A blade's or a conveyor edge's slit: V-shaped, tapered, with slightly raised lips and shiny fresh faces."""
    centre = site.pick(rng, _PLAIN)
    if centre is None:
        return None
    length = site.span(float(rng.uniform(6, 34)))
    box, x, y = site.patch(centre, length * 0.6 + 2)
    points = bent_path(rng, length, rng.uniform(0, np.pi), rng.uniform(-0.12, 0.12), 0.01)
    distance, along, _ = path_distance(x, y, points)
    half = np.float32(max(rng.uniform(0.25, 0.6), 0.9 * site.mm)) * (0.35 + 0.65 * _tapered(along, 4))
    slit = np.clip(1 - distance / half, 0, 1)
    lip = np.exp(-(((distance - half - np.float32(0.3)) / np.float32(0.3)) ** 2)) * (distance > half)
    depth = np.float32(rng.uniform(0.8, 3.0))
    height = site.surface.height[box] - depth * slit * _tapered(along, 5) + np.float32(0.18) * lip
    albedo = site.surface.albedo[box] * (1 - np.float32(0.45) * slit)[..., None]
    gloss = site.surface.gloss[box] * (1 + np.float32(0.8) * (slit > 0))
    return Change(box, distance < half + np.float32(0.65), height, albedo, gloss, "clean slit")


@defect("crack", "tread", "sidewall", "bead")
def make_crack(rng: np.random.Generator, site: Site) -> Change | None:
    """A jagged, branching opening, mostly around the tyre: groove cracking, sidewall cracking."""
    centre = site.pick(rng, ("groove", "shoulder", "sidewall", "flange", "bead ring", "tread"))
    if centre is None:
        return None
    length = site.span(float(rng.uniform(8, 36)))
    box, x, y = site.patch(centre, length * 0.75 + 2)
    heading = float(rng.normal(0, 0.35))
    trunk = jagged_path(rng, length, heading, 0.55)
    distance, along, _ = path_distance(x, y, trunk)
    width = np.float32(max(rng.uniform(0.12, 0.3), 0.75 * site.mm))
    opening = np.clip(1 - distance / (width * (0.4 + 0.6 * _tapered(along, 3))), 0, 1)
    for _ in range(int(rng.integers(1, 4))):
        joint = trunk[int(rng.integers(1, len(trunk) - 1))]
        branch = jagged_path(rng, length * rng.uniform(0.15, 0.35), heading + rng.choice((-0.8, 0.8)), 0.6)
        away, place_along, _ = path_distance(x, y, branch - branch[0] + joint)
        opening = np.maximum(opening, np.clip(1 - away / (width * (1 - 0.6 * place_along)), 0, 1))
    height = site.surface.height[box] - np.float32(rng.uniform(0.5, 1.6)) * np.sqrt(opening)
    albedo = site.surface.albedo[box] * (1 - np.float32(0.6) * opening)[..., None]
    return Change(box, opening > 0, height, albedo, None, "branching")


@defect("scratch", "tread", "sidewall", "bead")
def make_scratch(rng: np.random.Generator, site: Site) -> Change | None:
    """Shallow scuff lines side by side, paler and shinier than the skin around them."""
    centre = site.pick(rng, _PLAIN)
    if centre is None:
        return None
    length = site.span(float(rng.uniform(8, 45)))
    box, x, y = site.patch(centre, length * 0.6 + 4)
    points = bent_path(rng, length, rng.uniform(0, np.pi), rng.uniform(-0.08, 0.08), 0.004)
    normal = np.array([-(points[-1] - points[0])[1], (points[-1] - points[0])[0]]) / length
    trace = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for k in range(int(rng.integers(1, 4))):
        shift = (normal * k * rng.uniform(0.9, 1.6) + rng.normal(0, 0.4, 2)).astype(np.float32)
        distance, along, _ = path_distance(x, y, points + shift)
        half = max(rng.uniform(0.18, 0.4), 0.75 * site.mm)
        trace = np.maximum(trace, np.clip(1 - distance / np.float32(half), 0, 1) * _tapered(along, 8))
    # The tool skips: a scratch is broken where the pressure was low.
    trace *= np.float32(0.65) + np.float32(0.35) * np.cos(np.float32(rng.uniform(2, 6)) * (x + y))
    height = site.surface.height[box] - np.float32(rng.uniform(0.02, 0.07)) * trace
    albedo = site.surface.albedo[box] * (1 + np.float32(rng.uniform(0.5, 1.3)) * trace)[..., None]
    gloss = site.surface.gloss[box] * (1 + np.float32(1.2) * trace)
    return Change(box, trace > 0.08, height, albedo, gloss, "scuff lines")


@defect("open splice", "tread", "sidewall")
def make_open_splice(rng: np.random.Generator, site: Site) -> Change | None:
    """The joint of the tread or sidewall strip has not closed: a wavy slit across, one side standing higher."""
    centre = site.pick(rng, ("tread", "shoulder", "sidewall", "groove"))
    if centre is None:
        return None
    length = site.span(float(rng.uniform(18, 60)), share=0.7)
    box, x, y = site.patch(centre, length * 0.55 + 8)
    points = bent_path(rng, length, np.pi / 2 + rng.normal(0, 0.12), rng.uniform(-0.04, 0.04), 0.012)
    distance, along, side = path_distance(x, y, points)
    ends = _tapered(along, 8)
    half = np.float32(max(rng.uniform(0.25, 0.6), 0.8 * site.mm))
    gap = np.clip(1 - distance / half, 0, 1) * ends
    reach = np.float32(rng.uniform(2.5, 6.0))
    step = np.clip(1 - distance / reach, 0, 1) ** 2 * ends * (side > 0) * (distance > half * 0.5)
    step_mm, depth = np.float32(rng.uniform(0.2, 0.7)), np.float32(rng.uniform(0.5, 1.6))
    height = site.surface.height[box] + step_mm * step - depth * gap
    albedo = site.surface.albedo[box] * (1 - np.float32(0.5) * gap)[..., None]
    mask = (np.abs(step_mm * step) > 0.02) | (gap > 0)
    return Change(box, mask, height, albedo, None, f"step of {step_mm:.1f} mm")


@defect("excess flash", "tread", "sidewall", "bead")
def make_excess_flash(rng: np.random.Generator, site: Site) -> Change | None:
    """Rubber that escaped between mould parts: a thin wavy fin, bent to one side."""
    centre = site.pick(rng, ("shoulder", "toe", "flange", "tread"))
    if centre is None:
        return None
    length = site.span(float(rng.uniform(9, 40)))
    # Segments part across the tread; everywhere else mould rings part around the tyre.
    angle = np.pi / 2 if site.window.zone == "tread" else 0.0
    box, x, y = site.patch(centre, length * 0.55 + 6)
    points = bent_path(rng, length, angle + rng.normal(0, 0.04), 0.0, 0.008)
    distance, along, side = path_distance(x, y, points)
    ends = _tapered(along, 7)
    wave = np.full_like(along, 0.6)
    for turns in (2.0, 4.3, 9.1, 17.0):
        wave += np.float32(0.30 * rng.normal() / turns**0.6) * np.cos(
            np.float32(turns * np.pi) * along + np.float32(rng.uniform(0, 6))
        )
    wave = np.clip(wave, 0.12, 1.0)
    width = np.float32(rng.uniform(1.2, 3.0)) * wave * ends
    fin = np.where(side > 0, np.clip(1 - distance / np.maximum(width, 1e-3), 0, 1), 0)
    root = ridge(distance, 0.3, max(0.3, site.mm)) * ends
    tall = np.float32(rng.uniform(0.6, 2.0))
    # A thin sheet lying over: nearly level, a little lower towards its free edge, which is torn off short.
    sheet = smoothstep(fin * np.float32(3.5)) * (0.55 + 0.45 * fin) * (0.7 + 0.3 * wave)
    rise = tall * np.maximum(sheet, 0.6 * root)
    gloss = site.surface.gloss[box] * (1 + np.float32(0.4) * (rise > 0.02))
    return Change(box, rise > 0.02, site.surface.height[box] + rise, None, gloss, f"fin of {tall:.1f} mm")
