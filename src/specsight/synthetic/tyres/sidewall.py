"""The sidewall's mould: shoulder notches, concentric ribs, knurled fields, rim protector, and all inscriptions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field, band, ridge, wrapped
from specsight.synthetic.tyres.geometry import PART_VALUES, TyreModel, turn_columns, zone_rows
from specsight.synthetic.tyres.letters import Inscription

SHOULDER_MM = 11.0
FLANGE_MM = 95.0
BRAND_Y, SIZE_Y, CODE_Y = 37.0, 62.0, 79.0
"""Middle lines of the three rings of inscriptions, mm from the shoulder side."""

RING_RADIUS_MM = 5.0


def mould(model: TyreModel, mm_per_px: float) -> tuple[Field, NDArray[np.uint8]]:
    """Height in mm and part values of the whole turn, without the inscriptions."""
    columns, rows = turn_columns(model, mm_per_px), zone_rows("sidewall", mm_per_px)
    y = ((np.arange(rows, dtype=np.float32) + 0.5) * mm_per_px)[:, None]
    x = ((np.arange(columns, dtype=np.float32) + 0.5) * mm_per_px)[None, :]
    height = _bulge(y) + _ribs(y, mm_per_px) + _knurl(model, x, y, columns, mm_per_px)
    height = height - _notches(model, x, y, mm_per_px) + _rings(model, x, y, mm_per_px)
    parts = np.full((rows, columns), PART_VALUES["sidewall"], np.uint8)
    parts[y[:, 0] < SHOULDER_MM] = PART_VALUES["shoulder"]
    parts[y[:, 0] > FLANGE_MM] = PART_VALUES["flange"]
    return height.astype(np.float32), parts


def ring_positions(model: TyreModel) -> tuple[tuple[float, float], ...]:
    """(x, y) in mm of the moulded rings in which the yellow balance dot is painted: one per turn."""
    return ((0.305 * model.circumference_mm, CODE_Y + 1.0),)


def inscriptions(model: TyreModel, mould_number: int) -> tuple[Inscription, ...]:
    """Every text of the sidewall; the code plate and the mould's number differ from mould to mould."""
    c, font, cut = model.circumference_mm, model.text_font, model.moulding
    cap, stretch, raised = cut.cap, cut.stretch, cut.raised
    date = cut.dates[mould_number % len(cut.dates)]
    code = f"DOT {cut.plant_code}{'LKWT'[mould_number % 4]}K {cut.type_code} {date}"
    size, rating = model.size.rsplit(" ", 1)
    entries = (
        (
            "brand",
            model.brand,
            0.03,
            BRAND_Y,
            17.0 * cap,
            model.brand_font,
            0.9 * raised,
            model.brand_style,
            1.2 * stretch,
        ),
        ("line", model.line, 0.15, BRAND_Y + 2, 9.0 * cap, model.brand_font, 0.7 * raised, "solid", 1.1),
        ("size", f"{size} {rating}", 0.26, BRAND_Y, 10.0 * cap, font, 0.8 * raised, "solid", 1.15),
        ("legal", "TUBELESS   RADIAL   STEEL BELTED", 0.05, SIZE_Y, 4.2, font, 0.45, "solid", 1.2),
        (
            "legal",
            f"TREADWEAR {cut.treadwear}  TRACTION A  TEMPERATURE A",
            0.14,
            SIZE_Y,
            3.8,
            font,
            0.45,
            "solid",
            1.1,
        ),
        ("size", f"{size} {rating}", 0.27, SIZE_Y, 6.2, font, 0.7, "solid", 1.0),
        ("line", model.line, 0.38, SIZE_Y - 4, 8.0 * cap, model.brand_font, 0.7, cut.line_style, 1.15),
        ("legal", f"MAX LOAD {cut.max_load}", 0.03, CODE_Y, 3.4, font, 0.4, "solid", 1.1),
        ("legal", f"MAX PRESS {cut.max_pressure}", 0.10, CODE_Y, 3.4, font, 0.4, "solid", 1.1),
        ("dot code", code, 0.18, CODE_Y, 4.8, "bold", 0.5, "solid", 1.0),
        ("approval", cut.approval, 0.34, CODE_Y, 5.0, "plain", 0.5, "solid", 1.2),
        ("mould", f"M {mould_number + 11:02d}", 0.44, CODE_Y, 5.0, "mono", 0.5, "solid", 1.0),
        ("brand", model.brand, 0.40, BRAND_Y - 4, 11.0 * cap, model.brand_font, 0.8 * raised, "solid", 1.3),
        ("legal", f"SIDEWALL {cut.ply}", 0.40, CODE_Y - 7, 3.2, font, 0.4, "solid", 1.1),
    )
    # The same inscriptions stand twice around the tyre, half a turn apart.
    return tuple(
        Inscription(kind, text, (start + half) * c, y, cap, face, raised, style, stretch)
        for half in (0.0, 0.5)
        for kind, text, start, y, cap, face, raised, style, stretch in entries
    )


def _bulge(y: Field) -> Field:
    """The sidewall's curvature across, with the rim protector's shoulder near the flange."""
    arch = np.float32(5.0) * (1 - ((y - 50.0) / 62.0) ** 2)
    bulge: Field = (
        arch + np.float32(2.2) * band(y, 96.0, 101.0, 5.0) - np.float32(1.5) * band(y, 109.0, 120.0, 4.0)
    )
    return bulge


def _ribs(y: Field, mm_per_px: float) -> Field:
    """Concentric ribs below the shoulder, framing lines of the lettering, and the rim line."""
    flank = max(0.35, 0.7 * mm_per_px)
    total = np.zeros_like(y)
    for centre in np.arange(13.0, 21.5, 1.7):
        total += np.float32(0.35) * ridge(y - np.float32(centre), 0.5, flank)
    for centre, raised in ((52.0, 0.4), (53.6, 0.4), (69.5, 0.3), (88.0, 0.5), (106.0, 0.7)):
        total += np.float32(raised) * ridge(y - np.float32(centre), 0.7, flank)
    return total


def _knurl(model: TyreModel, x: Field, y: Field, columns: int, mm_per_px: float) -> Field:
    """Fields of fine radial ridges behind the brand: they look dark and make the letters stand out."""
    turn = columns * mm_per_px
    # Never below three pixels a ridge, or the ridges would alias.
    pitch = turn / round(turn / max(1.3, 3.2 * mm_per_px))
    lean = model.moulding.knurl_lean * (y - np.float32(BRAND_Y))
    ridges = 0.5 + 0.5 * np.cos(np.float32(2 * np.pi / pitch) * (x + lean))
    field = np.zeros((1, 1), np.float32)
    for start in (0.40, 0.90):
        middle = (start + 0.045) * model.circumference_mm
        field = field + band(wrapped(x - np.float32(middle) + lean, turn), -66, 66, 1.0)
    knurl: Field = np.float32(0.28) * ridges * field * band(y, 24.0, 48.0, 0.6)
    return knurl


def _notches(model: TyreModel, x: Field, y: Field, mm_per_px: float) -> Field:
    """The tread's lateral grooves run out over the shoulder."""
    pitch = model.circumference_mm / model.pitches
    path = wrapped(x - np.float32(model.moulding.notch_lean) * y, pitch)
    fade = np.clip((np.float32(SHOULDER_MM - 1) - y) / np.float32(SHOULDER_MM - 1), 0, 1)
    notches: Field = (
        np.float32(3.5) * np.sqrt(fade) * ridge(path, model.moulding.notch_mm, max(0.9, mm_per_px))
    )
    return notches


def _rings(model: TyreModel, x: Field, y: Field, mm_per_px: float) -> Field:
    """A thin raised ring marks where the balance dot belongs."""
    total = np.zeros((1, 1), np.float32)
    for cx, cy in ring_positions(model):
        dx = wrapped(x - np.float32(cx), model.circumference_mm)
        radius = np.sqrt(dx * dx + (y - np.float32(cy)) ** 2)
        total = total + np.float32(0.4) * ridge(
            radius - np.float32(RING_RADIUS_MM), 0.6, max(0.3, 0.7 * mm_per_px)
        )
    return total
