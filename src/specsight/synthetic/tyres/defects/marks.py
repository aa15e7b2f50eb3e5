"""Defects of colour and of what should be there: stain, wrong or missing lettering, missing balance dot."""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic.fields import smoothstep
from specsight.synthetic.shapes import blob_radius
from specsight.synthetic.tyres.defects.base import Change, Mask, Site, defect, uneven
from specsight.synthetic.tyres.relief import PlacedText
from specsight.synthetic.tyres.rubber import polish

_STAINS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "oil": ((0.009, 0.0085, 0.008), 0.85, 1.1),
    "release agent": ((0.13, 0.13, 0.13), 0.55, 0.6),
    "rust": ((0.12, 0.055, 0.022), 0.65, 0.5),
    "grease": ((0.060, 0.048, 0.022), 0.75, 1.2),
    "paint": ((0.04, 0.10, 0.20), 0.85, 0.8),
}
"""Colour, opacity and relative gloss."""

_DIGITS = {"2": "7", "5": "6", "0": "8", "6": "8", "1": "7", "9": "6", "4": "1", "3": "8", "7": "1", "8": "3"}


@defect("stain", "tread", "sidewall", "bead")
def make_stain(rng: np.random.Generator, site: Site) -> Change | None:
    """A dried liquid: irregular outline, darker or paler rim, thicker here and there. It has no height at all."""
    centre = site.pick(rng, ("tread", "shoulder", "sidewall", "lettering", "bead ring", "flange", "toe"))
    if centre is None:
        return None
    liquid = tuple(_STAINS)[rng.integers(len(_STAINS))]
    colour, opacity, shine = _STAINS[liquid]
    across = site.span(float(rng.uniform(7, 30)), share=0.5)
    box, x, y = site.patch(centre, across * 0.95)
    rho = blob_radius(rng, x, y, across, aspect=rng.uniform(1.0, 1.8), roughness=0.09)
    flow = uneven(rng, rho.shape, 0.1 * across / site.mm)
    rho = rho + np.float32(0.13) * flow + np.float32(0.04) * uneven(rng, rho.shape, 0.5 / site.mm)
    film = smoothstep((1 - rho) * np.float32(rng.uniform(4, 8)))
    rim = np.exp(-(((rho - np.float32(0.88)) / np.float32(0.07)) ** 2))
    thick = (
        np.float32(0.72) + np.float32(0.10) * uneven(rng, rho.shape, 1.2 / site.mm) + np.float32(0.35) * rim
    )
    alpha = film * np.float32(opacity) * np.clip(thick, 0.3, 1.15)
    tone = np.asarray(colour, np.float32)
    before = site.surface.albedo[box]
    albedo = before + alpha[..., None] * (tone - before)
    gloss = site.surface.gloss[box] * (1 + np.float32(shine - 1) * film)
    return Change(box, alpha > 0.02, None, albedo, gloss, liquid)


@defect("wrong lettering", "sidewall")
def make_wrong_lettering(rng: np.random.Generator, site: Site) -> Change | None:
    """An insert of another mould: one or two characters of the size or the DOT code differ."""
    found = _readable_text(rng, site, ("size", "dot code"))
    if found is None:
        return None
    text, row, column = found
    wrong = _misprinted(rng, text.inscription.text)
    patch = text.inscription.relief_mm(site.mm, wrong)
    h, w = (max(a, b) for a, b in zip(patch.shape, text.height.shape))
    new, old = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32)
    new[: patch.shape[0], : patch.shape[1]] = patch
    old[: text.height.shape[0], : text.height.shape[1]] = text.height
    note = f"reads '{wrong}' instead of '{text.inscription.text}'"
    return _relettered(site, row, column, new - old, note)


@defect("missing lettering", "sidewall")
def make_missing_lettering(rng: np.random.Generator, site: Site) -> Change | None:
    """Some characters, or a whole inscription, did not form."""
    found = _readable_text(rng, site, ("size", "dot code", "line", "brand", "approval", "legal"))
    if found is None:
        return None
    text, row, column = found
    width = text.height.shape[1]
    margin = site.window.margin
    visible = max(0, margin - column), min(width, margin + site.window.columns - column)
    gap = max(rng.uniform(0.12, 0.5) * (visible[1] - visible[0]), 3 / site.mm)
    start = rng.uniform(visible[0], max(visible[0] + 1.0, visible[1] - gap))
    between = np.flatnonzero(text.height.max(axis=0) < 0.05 * text.inscription.raised_mm)
    # From one gap between the letters to another, so that whole letters go.
    first = between[np.abs(between - start).argmin()]
    last = between[np.abs(between - max(start + gap, first + 1)).argmin()]
    inside = (np.arange(width) >= first) & (np.arange(width) <= last)
    return _relettered(
        site, row, column, -text.height * inside, f"part of '{text.inscription.text}' is absent"
    )


@defect("missing balance dot", "sidewall")
def make_missing_balance_dot(rng: np.random.Generator, site: Site) -> Change | None:
    """The ring is empty: the yellow dot was not applied."""
    for feature in site.features:
        if feature.kind == "yellow balance dot" and feature.before is not None:
            albedo, gloss = feature.before
            return Change(feature.box, feature.mask, None, albedo, gloss, "the moulded ring is empty")
    return None


def _readable_text(
    rng: np.random.Generator, site: Site, kinds: tuple[str, ...]
) -> tuple[PlacedText, int, int] | None:
    """An inscription of these kinds, more than half of it in the window, and the canvas pixel where it begins."""
    window, turn_width = site.window, site.turn.height.shape[1]
    fitting = []
    for text in site.turn.texts:
        h, w = text.height.shape
        row = text.top - window.top + window.margin
        # The inscription may begin left of the canvas and end inside it.
        column = (text.left - window.left + window.margin + w) % turn_width - w
        visible = min(window.margin + window.columns, column + w) - max(window.margin, column)
        upright = window.margin <= row and row + h <= window.margin + window.rows
        if text.inscription.kind in kinds and upright and visible > 0.55 * w:
            fitting.append((text, row, column))
    return fitting[int(rng.integers(len(fitting)))] if fitting else None


def _relettered(site: Site, row: int, column: int, difference: np.ndarray, note: str) -> Change | None:
    """Change the height by `difference` at a canvas pixel; whatever falls outside the window is left alone."""
    rows, columns = site.surface.height.shape
    difference = difference[: rows - row, max(0, -column) : columns - column]
    column = max(0, column)
    box = (slice(row, row + difference.shape[0]), slice(column, column + difference.shape[1]))
    difference = difference * site.free[box]
    mask: Mask = cv2.morphologyEx(
        (np.abs(difference) > 0.02).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)
    ).astype(bool)
    mask &= site.free[box]
    before, handling = site.surface.height[box], site.surface.handling
    height = before + difference
    # The tops of letters are polished; where a letter goes or comes, so does the polish.
    ratio = (1 + polish(height, handling, site.mm)) / (1 + polish(before, handling, site.mm))
    return Change(box, mask, height, site.surface.albedo[box] * ratio[..., None], None, note)


def _misprinted(rng: np.random.Generator, text: str) -> str:
    """The text with one digit replaced by a similar one."""
    digits = [k for k, c in enumerate(text) if c in _DIGITS]
    k = digits[int(rng.integers(len(digits)))]
    return text[:k] + _DIGITS[text[k]] + text[k + 1 :]
