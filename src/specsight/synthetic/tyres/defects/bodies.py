"""Defects with a body: blister and foreign body."""

from __future__ import annotations

import numpy as np

from specsight.synthetic.compositing import over
from specsight.synthetic.fields import smoothstep
from specsight.synthetic.shapes import blob_radius
from specsight.synthetic.tyres.defects.base import Change, Site, defect, uneven

_MATERIALS: dict[str, tuple[tuple[float, float, float], float]] = {
    "metal chip": ((0.16, 0.16, 0.17), 7.0),
    "brass chip": ((0.20, 0.14, 0.05), 6.0),
    "stone": ((0.16, 0.14, 0.11), 0.3),
    "wood": ((0.17, 0.11, 0.06), 0.4),
    "plastic film": ((0.05, 0.09, 0.22), 5.0),
    "cured rubber lump": ((0.055, 0.055, 0.055), 0.5),
}
"""What lies about in a tyre plant: (reflectance, gloss)."""


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
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.0, 2.0), roughness=0.08)
    rho = rho + np.float32(0.09) * uneven(rng, rho.shape, 0.16 * across / site.mm)
    inside = smoothstep((1 - rho) * 6)
    trough = np.clip(1 - np.abs(rho - np.float32(1.1)) / np.float32(0.22), 0, 1)
    facet = np.float32(0.25) * (np.float32(rng.normal()) * x + np.float32(rng.normal()) * y)
    rough = np.float32(0.16) * uneven(rng, rho.shape, 1.8) + np.float32(0.05) * uneven(rng, rho.shape, 0.8)
    tall = np.float32(rng.uniform(0.35, 1.3))
    body = inside * np.clip(tall + facet + rough, 0.1, 2.2)
    height = site.surface.height[box] + body - np.float32(0.25) * trough * (1 - inside)
    grain = np.clip(1 + np.float32(0.22) * uneven(rng, rho.shape, 0.9), 0.3, 2)
    tone = np.asarray(colour, np.float32) * grain[..., None]
    albedo = over(site.surface.albedo[box], tone, inside)
    gloss = site.surface.gloss[box] * (1 - inside) + np.float32(shine) * inside
    return Change(box, (inside > 0) | (trough > 0.08), height, albedo, gloss, material)
