"""The bead's mould: toe, bead ring with its fabric imprint and hump lines, and the flange with the rim line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field, band, ridge, smoothstep
from specsight.synthetic.tyres.geometry import PART_VALUES, TyreModel, turn_columns, zone_rows
from specsight.synthetic.tyres.letters import Inscription

TOE_MM = 9.0
FLANGE_MM = 35.0


def mould(model: TyreModel, mm_per_px: float) -> tuple[Field, NDArray[np.uint8]]:
    """Height in mm and part values of the whole turn, without the inscriptions."""
    columns, rows = turn_columns(model, mm_per_px), zone_rows("bead", mm_per_px)
    y = ((np.arange(rows, dtype=np.float32) + 0.5) * mm_per_px)[:, None]
    x = ((np.arange(columns, dtype=np.float32) + 0.5) * mm_per_px)[None, :]
    height = _section(y) + _lines(y, mm_per_px) + _fabric(x, y, columns, mm_per_px)
    height = height + _vent_lines(x, y, columns, mm_per_px)
    parts = np.full((rows, columns), PART_VALUES["bead ring"], np.uint8)
    parts[y[:, 0] < TOE_MM] = PART_VALUES["toe"]
    parts[y[:, 0] > FLANGE_MM] = PART_VALUES["flange"]
    return height.astype(np.float32), parts


def inscriptions(model: TyreModel, mould_number: int) -> tuple[Inscription, ...]:
    """Small process marks on the flange."""
    c = model.circumference_mm
    marks = ("L {0:02d}", "{0:02d} A", "S2", "B {0:02d} 4")
    return tuple(
        Inscription(
            "mould", mark.format(mould_number + 11), (k + 0.3) * c / 12, 51.0, 4.0, "mono", 0.4, "solid", 1.0
        )
        for k, mark in enumerate(marks * 3)
    )


def _section(y: Field) -> Field:
    """The bead's cross-section: rounded toe edge, slanted seat, heel, concave flange."""
    toe = -np.float32(5.0) * np.clip(1 - y / np.float32(TOE_MM), 0, 1) ** 2
    seat = np.float32(0.05) * np.clip(y - np.float32(TOE_MM), 0, 24)
    heel = np.float32(1.6) * smoothstep((y - np.float32(30.0)) / np.float32(7.0))
    flange = -np.float32(0.012) * np.clip(y - np.float32(37.0), 0, None) ** 2
    section: Field = toe + seat + heel + flange
    return section


def _lines(y: Field, mm_per_px: float) -> Field:
    """Concentric lines: toe edge, three hump lines of the ring, the rim line and its finer neighbour."""
    flank = max(0.3, 0.7 * mm_per_px)
    total = np.zeros_like(y)
    for centre, raised, width in (
        (9.0, 0.25, 0.6),
        (14.0, 0.3, 0.9),
        (19.0, 0.3, 0.9),
        (24.0, 0.3, 0.9),
        (41.0, 0.7, 1.2),
        (44.5, 0.3, 0.5),
    ):
        total += np.float32(raised) * ridge(y - np.float32(centre), width, flank)
    return total


def _fabric(x: Field, y: Field, columns: int, mm_per_px: float) -> Field:
    """Woven chafer cloth pressed into the rubber of toe and ring: two families of fine threads."""
    turn = columns * mm_per_px
    pitch = turn / round(turn / max(1.1, 3.2 * mm_per_px))
    k = np.float32(2 * np.pi / pitch)
    weave = np.cos(k * (x + y)) * np.cos(k * (x - y))
    fabric: Field = np.float32(0.035) * weave * band(y, 1.0, 28.0, 2.0)
    return fabric


def _vent_lines(x: Field, y: Field, columns: int, mm_per_px: float) -> Field:
    """Fine radial ridges left by the mould's micro-vents on ring and flange."""
    turn = columns * mm_per_px
    pitch = turn / round(turn / 26.0)
    distance = (x % np.float32(pitch)) - np.float32(pitch / 2)
    lines: Field = (
        np.float32(0.12) * ridge(distance, 0.25, max(0.3, 0.7 * mm_per_px)) * band(y, 27.0, 39.5, 0.5)
    )
    return lines
