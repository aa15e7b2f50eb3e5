"""Defects where rubber is missing: underfill, chunk-out, exposed cord."""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic.compositing import over
from specsight.synthetic.fields import Field, smoothstep
from specsight.synthetic.shapes import blob_radius
from specsight.synthetic.tyres.defects.base import Change, Site, defect, uneven

_TEXTILE, _STEEL = (0.105, 0.072, 0.042), (0.085, 0.078, 0.066)
"""Reflectance of dipped polyester and of brass-plated wire, both smeared with rubber."""


@defect("underfill", "tread", "sidewall", "bead")
def make_underfill(rng: np.random.Generator, site: Site) -> Change | None:
    """The rubber did not reach the mould, mostly at an edge of its relief: a smooth, shiny, lobed hollow, all round."""
    before = site.surface.height
    edges = np.abs(before - cv2.GaussianBlur(before, (0, 0), 2.5 / site.mm)) > np.float32(0.12)
    parts = ("shoulder", "tread", "lettering", "sidewall", "flange", "toe", "bead ring")
    centre = site.pick(rng, parts, preferred=edges)
    if centre is None:
        return None
    across = site.span(float(rng.uniform(7, 22)), share=0.5)
    box, x, y = site.patch(centre, across * 0.95)
    level = _drops(rng, x, y, across)
    profile = smoothstep(level * np.float32(1.1))
    touched = smoothstep(level * np.float32(5))
    before = before[box]
    smooth = cv2.GaussianBlur(before, (0, 0), max(1.2, 1.5 / site.mm))
    floor = np.minimum(before, smooth) - np.float32(rng.uniform(0.35, 1.2)) * profile
    height = before + touched * (floor - before)
    even = cv2.GaussianBlur(site.surface.gloss[box], (0, 0), 2.0)
    gloss = site.surface.gloss[box] * (1 - touched) + even * touched * np.float32(rng.uniform(1.6, 2.3))
    albedo = site.surface.albedo[box] * (1 - np.float32(0.12) * touched)[..., None]
    return Change(box, (touched > 0) & (before - height > 0.02), height, albedo, gloss, "smooth hollow")


def _drops(rng: np.random.Generator, x: Field, y: Field, across: float) -> Field:
    """Several round hollows run together: above 0 inside, about 1 in the middle of each."""
    angle, count = rng.uniform(0, np.pi), int(rng.integers(2, 6))
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for place in np.linspace(-0.27, 0.27, count):
        along, off = across * (place + rng.normal(0, 0.03)), across * rng.normal(0, 0.07)
        cx, cy = along * np.cos(angle) - off * np.sin(angle), along * np.sin(angle) + off * np.cos(angle)
        radius = across * rng.uniform(0.15, 0.24)
        square = (x - np.float32(cx)) ** 2 + (y - np.float32(cy)) ** 2
        total += np.exp(square * np.float32(-1 / radius**2))
    level: Field = np.log(np.maximum(total, np.float32(1e-6)) / np.float32(0.4))
    return level


@defect("chunk-out", "tread")
def make_chunk_out(rng: np.random.Generator, site: Site) -> Change | None:
    """A piece torn out of a block or of the shoulder: steep ragged rim, rough dull floor."""
    centre = site.pick(rng, ("tread", "shoulder"))
    if centre is None:
        return None
    across = site.span(float(rng.uniform(6, 22)), share=0.5)
    box, x, y = site.patch(centre, across * 0.95)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.0, 1.8), roughness=0.10)
    rho = rho + np.float32(0.10) * uneven(rng, rho.shape, 0.12 * across / site.mm)
    rho = rho + np.float32(0.05) * uneven(rng, rho.shape, 0.6 / site.mm)
    profile = smoothstep((1 - rho) * np.float32(4.5))
    coarse, fine = (uneven(rng, rho.shape, mm / site.mm) for mm in (1.6, 0.4))
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
    """The cover is torn off and cords of a ply lie open: textile in the sidewall, steel under the tread."""
    centre = site.pick(rng, ("shoulder", "groove", "sidewall", "bead ring", "toe", "flange"))
    if centre is None:
        return None
    steel = site.window.zone == "tread"
    across = site.span(float(rng.uniform(7, 20)), share=0.45)
    box, x, y = site.patch(centre, across * 0.95)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.3, 2.4), roughness=0.13)
    ragged = uneven(rng, rho.shape, 0.9 / site.mm)
    rho = rho + np.float32(0.07) * ragged + np.float32(0.04) * uneven(rng, rho.shape, 0.35 / site.mm)
    # Steel belts lie at 24° to the circumference, the textile carcass runs from bead to bead.
    angle = np.radians(24.0 if steel else 90.0) + rng.normal(0, 0.03)
    cord, bare, tone = _cords(rng, site, x, y, rho, angle)
    torn = smoothstep((1 - rho) * np.float32(3.2))
    before = site.surface.height[box]
    level = cv2.GaussianBlur(before, (0, 0), 2 / site.mm) - np.float32(rng.uniform(0.6, 1.1))
    lip = np.exp(-(((rho - np.float32(1.02)) / np.float32(0.07)) ** 2)) * np.clip(
        0.16 + 0.12 * ragged, 0, 0.5
    )
    floor = level + np.float32(0.06) * ragged + np.float32(0.42) * cord * bare
    height = before + torn * (floor - before) + lip
    own = site.surface.albedo[box] * (1 - np.float32(0.25) * torn * (1 - cord))[..., None]
    yarn = np.asarray(_STEEL if steel else _TEXTILE, np.float32) * tone[..., None]
    covered = np.clip(torn * 1.4, 0, 1) * bare * np.clip(cord * 1.5, 0, 1)
    albedo = over(own, yarn, covered)
    gloss = site.surface.gloss[box] * (1 - np.float32(0.45) * torn + (3.5 if steel else 0.3) * covered)
    mask = (torn > 0.02) | (lip > 0.03)
    return Change(box, mask, height, albedo, gloss, "steel cord" if steel else "textile cord")


def _cords(
    rng: np.random.Generator, site: Site, x: Field, y: Field, rho: Field, angle: float
) -> tuple[Field, Field, Field]:
    """(round section, how bare, relative brightness), each about 0 to 1, of the cords along `angle` (radians).

    Every cord is laid open to a length of its own, some are broken, and smears of rubber cling to all of them.
    """
    pitch = max(1.15, 3.3 * site.mm)
    phase = (np.float32(np.sin(angle)) * x - np.float32(np.cos(angle)) * y) / np.float32(pitch)
    phase = phase + np.float32(0.10) * uneven(rng, rho.shape, 3.0 / site.mm)
    along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    number = np.round(phase).astype(np.int32)
    low = int(number.min())
    count = int(number.max()) - low + 1
    section = np.sqrt(np.clip(1 - ((phase - number) / np.float32(0.42)) ** 2, 0, 1))
    end = rng.uniform(0.55, 0.95, count).astype(np.float32)[number - low]
    smear = uneven(rng, rho.shape, 0.8 / site.mm)
    bare = smoothstep(
        (end - rho) * np.float32(7) - np.float32(0.5) * np.clip(smear - np.float32(0.5), 0, None)
    )
    broken = rng.random(count) < 0.22
    gap_at = np.where(broken, rng.normal(0, 1.5, count), 1e6).astype(np.float32)[number - low]
    bare *= smoothstep((np.abs(along - gap_at) - np.float32(0.6) - np.float32(0.3) * smear) * np.float32(1.6))
    twist = np.float32(0.22) * np.cos(
        np.float32(2 * np.pi) * (along / np.float32(1.5) + phase * np.float32(1.3))
    )
    shade = rng.uniform(0.6, 1.15, count).astype(np.float32)[number - low]
    tone: Field = shade * (1 + twist + np.float32(0.18) * uneven(rng, rho.shape, 0.6))
    return section, bare, np.clip(tone, 0.2, 2)
