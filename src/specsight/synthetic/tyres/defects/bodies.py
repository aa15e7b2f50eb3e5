"""Defects with a body: blister, foreign body, missing rubber (underfill, chunk-out), exposed cord."""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic.compositing import over
from specsight.synthetic.fields import Field, Shape, blurred_grain, smoothstep
from specsight.synthetic.shapes import blob_radius
from specsight.synthetic.tyres.defects.base import Change, Site, defect

_MATERIALS: dict[str, tuple[tuple[float, float, float], float]] = {
    "metal chip": ((0.16, 0.16, 0.17), 7.0),
    "brass chip": ((0.20, 0.14, 0.05), 6.0),
    "stone": ((0.16, 0.14, 0.11), 0.3),
    "wood": ((0.17, 0.11, 0.06), 0.4),
    "plastic film": ((0.05, 0.09, 0.22), 5.0),
    "cured rubber lump": ((0.055, 0.055, 0.055), 0.5),
}
"""What lies about in a tyre plant: (reflectance, gloss)."""


def _roughness(rng: np.random.Generator, shape: Shape, sigma_px: float) -> Field:
    """Smoothed noise of unit variance on a patch."""
    noise = blurred_grain(rng, shape, max(0.6, sigma_px))
    roughness: Field = noise / np.float32(max(float(noise.std()), 1e-6))
    return roughness


@defect("blister", "sidewall", "tread", "bead")
def make_blister(rng: np.random.Generator, site: Site) -> Change | None:
    """Trapped air lifts the skin to a smooth dome. Half of them are low: diffuse light does not show those."""
    centre = site.pick(rng, ("sidewall", "shoulder", "tread", "bead ring", "flange", "lettering"))
    if centre is None:
        return None
    low = rng.random() < 0.5
    across = site.span(float(rng.uniform(11, 30) if low else rng.uniform(7, 24)), share=0.5)
    tall = across * rng.uniform(0.012, 0.022) if low else across * rng.uniform(0.06, 0.12)
    box, x, y = site.patch(centre, across * 0.8)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.0, 1.4), roughness=0.05)
    dome = np.clip(1 - rho * rho, 0, 1) ** 2 * np.float32(tall)
    height = site.surface.height[box] + dome
    note = f"{'low' if low else 'raised'}, {tall:.2f} mm high"
    return Change(box, dome > 0.02, height, None, None, note)


@defect("foreign body", "tread", "sidewall", "bead")
def make_foreign_body(rng: np.random.Generator, site: Site) -> Change | None:
    """Something that does not belong there, pressed into the rubber, in a shallow trough of its own."""
    centre = site.pick(rng, ("tread", "shoulder", "sidewall", "bead ring", "flange", "toe", "groove"))
    if centre is None:
        return None
    material = tuple(_MATERIALS)[rng.integers(len(_MATERIALS))]
    colour, shine = _MATERIALS[material]
    across = float(max(rng.uniform(2.5, 9.0), 8 * site.mm))
    box, x, y = site.patch(centre, across + 1)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.1, 2.4), roughness=0.12)
    inside = smoothstep((1 - rho) * 6)
    trough = np.clip(1 - np.abs(rho - np.float32(1.1)) / np.float32(0.22), 0, 1)
    facet = np.float32(0.25) * (np.float32(rng.normal()) * x + np.float32(rng.normal()) * y)
    rough = np.float32(0.06) * _roughness(rng, rho.shape, 1.2)
    tall = np.float32(rng.uniform(0.35, 1.3))
    body = inside * np.clip(tall + facet + rough, 0.1, 2.2)
    height = site.surface.height[box] + body - np.float32(0.25) * trough * (1 - inside)
    grain = 1 + np.float32(0.12) * _roughness(rng, rho.shape, 0.8)
    tone = np.asarray(colour, np.float32) * grain[..., None]
    albedo = over(site.surface.albedo[box], tone, inside)
    gloss = site.surface.gloss[box] * (1 - inside) + np.float32(shine) * inside
    return Change(box, (inside > 0) | (trough > 0.08), height, albedo, gloss, material)


@defect("underfill", "tread", "sidewall", "bead")
def make_underfill(rng: np.random.Generator, site: Site) -> Change | None:
    """The rubber did not reach the mould: a smooth shiny hollow with round edges in which relief is lost."""
    centre = site.pick(rng, ("shoulder", "tread", "lettering", "sidewall", "flange", "toe", "bead ring"))
    if centre is None:
        return None
    across = site.span(float(rng.uniform(6, 20)), share=0.5)
    box, x, y = site.patch(centre, across * 0.95)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.0, 2.0), roughness=0.10)
    profile = smoothstep((1 - rho) * np.float32(2.2))
    before = site.surface.height[box]
    smooth = cv2.GaussianBlur(before, (0, 0), max(1.0, 1.4 / site.mm))
    floor = np.minimum(before, smooth) - np.float32(rng.uniform(0.5, 1.6)) * profile
    height = before + profile * (floor - before)
    gloss = site.surface.gloss[box] * (1 + np.float32(1.0) * profile)
    albedo = site.surface.albedo[box] * (1 - np.float32(0.08) * profile)[..., None]
    return Change(box, (profile > 0) & (before - height > 0.02), height, albedo, gloss, "smooth hollow")


@defect("chunk-out", "tread")
def make_chunk_out(rng: np.random.Generator, site: Site) -> Change | None:
    """A piece torn out of a block or of the shoulder: steep ragged rim, rough dull floor."""
    centre = site.pick(rng, ("tread", "shoulder"))
    if centre is None:
        return None
    across = site.span(float(rng.uniform(6, 22)), share=0.5)
    box, x, y = site.patch(centre, across * 0.95)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.0, 1.8), roughness=0.16)
    rho = rho + np.float32(0.05) * _roughness(rng, rho.shape, 1.0 / site.mm)
    profile = smoothstep((1 - rho) * np.float32(4.5))
    coarse, fine = (_roughness(rng, rho.shape, mm / site.mm) for mm in (1.6, 0.4))
    before = site.surface.height[box]
    torn = np.float32(rng.uniform(1.5, 4.5)) * (1 + np.float32(0.18) * coarse) + np.float32(0.12) * fine
    # What already lies deeper (a groove beside the block) stays as it is.
    surround = cv2.dilate(before, np.ones((5, 5), np.uint8))
    height = np.minimum(before, surround - torn * profile)
    gloss = site.surface.gloss[box] * (1 - np.float32(0.5) * profile)
    albedo = site.surface.albedo[box] * (1 + np.float32(0.25) * profile * (1 + 0.3 * fine))[..., None]
    return Change(box, (profile > 0) & (before - height > 0.02), height, albedo, gloss, "torn, rough floor")


@defect("exposed cord", "tread", "sidewall", "bead")
def make_exposed_cord(rng: np.random.Generator, site: Site) -> Change | None:
    """The rubber cover is missing and parallel cords lie open: textile in the sidewall, steel under the tread."""
    centre = site.pick(rng, ("shoulder", "groove", "sidewall", "bead ring", "toe", "flange"))
    if centre is None:
        return None
    steel = site.window.zone == "tread"
    across = site.span(float(rng.uniform(8, 24)), share=0.5)
    box, x, y = site.patch(centre, across * 0.95)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.2, 2.2), roughness=0.10)
    profile = smoothstep((1 - rho) * np.float32(4.0))
    # Steel belts lie at 24° to the circumference, the textile carcass runs from bead to bead.
    angle = np.radians(24.0 if steel else 90.0) + rng.normal(0, 0.03)
    pitch = max(1.2, 3.2 * site.mm)
    phase = (np.float32(np.sin(angle)) * x - np.float32(np.cos(angle)) * y) / np.float32(pitch)
    cord = np.clip(np.cos(2 * np.pi * phase), 0, 1) ** np.float32(0.7)
    twist = 1 + np.float32(0.2) * np.cos(2 * np.pi * (phase * 0.5 + (x + y) / np.float32(1.1)))
    before = site.surface.height[box]
    level = cv2.GaussianBlur(before, (0, 0), 2 / site.mm) - np.float32(rng.uniform(0.5, 1.1))
    height = before + profile * (level + np.float32(0.4) * cord - before)
    yarn = np.asarray((0.16, 0.13, 0.085) if steel else (0.22, 0.20, 0.16), np.float32)
    covered = profile * np.clip(cord * 1.3, 0, 1)
    albedo = over(site.surface.albedo[box], yarn * twist[..., None], covered)
    gloss = site.surface.gloss[box] * (1 + (3.0 if steel else 0.2) * profile * cord)
    return Change(box, profile > 0.02, height, albedo, gloss, "steel cord" if steel else "textile cord")
