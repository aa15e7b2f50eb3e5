"""The mould of one zone, once around: what every tyre of a model looks like before anything happens to it.

`turn(model, mould_number, zone, mm_per_px)` is computed once per process; pictures are cut from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field
from specsight.synthetic.tyres import bead, sidewall, tread
from specsight.synthetic.tyres.geometry import PART_VALUES, TyreModel, Window, Zone
from specsight.synthetic.tyres.letters import Inscription

_PIXEL_SIGMA = 0.55
_TURNS = 12
"""That a process keeps, each of some 10 MB at 256 px: the zones and moulds of a model, or the zones of several."""
_LETTERING_BORDER_MM = 1.5
_SMALLEST_LETTERING_MM = 4.5
"""Inscriptions with lower capitals are fine print and belong to the part they stand on."""


@dataclass(frozen=True)
class PlacedText:
    """An inscription on the turn; its relief (mm, added to the mould) begins at pixel (`top`, `left`)."""

    inscription: Inscription
    top: int
    left: int
    height: Field


@dataclass(frozen=True)
class Turn:
    """One zone of one mould: `height` (rows, columns) mm, larger is nearer to the camera; `parts` alike, uint8."""

    height: Field
    parts: NDArray[np.uint8]
    texts: tuple[PlacedText, ...]

    def cut(self, window: Window) -> tuple[Field, NDArray[np.uint8]]:
        """Height and parts on the canvas of `window` (copies). Beyond the zone's rims the last row goes on."""
        rows, columns = window.canvas
        y = np.clip(np.arange(rows) + window.top - window.margin, 0, self.height.shape[0] - 1)
        x = (np.arange(columns) + window.left - window.margin) % self.height.shape[1]
        grid = np.ix_(y, x)
        return self.height[grid], self.parts[grid]


@lru_cache(maxsize=_TURNS)
def turn(model: TyreModel, mould_number: int, zone: Zone, mm_per_px: float) -> Turn:
    """The whole turn of a zone at a scale (its arrays are shared: do not write into them)."""
    texts: tuple[PlacedText, ...] = ()
    if zone == "tread" and mould_number:
        # Moulds differ in their inscriptions, and a tread has none.
        return turn(model, 0, zone, mm_per_px)
    if zone == "tread":
        height, parts = tread.mould(model, mm_per_px)
        height = _resolved(height)
    else:
        source = sidewall if zone == "sidewall" else bead
        height, parts = source.mould(model, mm_per_px)
        height = _resolved(height)
        texts = tuple(_place(i, mm_per_px, height.shape[0]) for i in source.inscriptions(model, mould_number))
        for text in texts:
            _engrave(height, parts, text, mm_per_px)
    height.flags.writeable = parts.flags.writeable = False
    return Turn(height, parts, texts)


def canvas_box(text: PlacedText, window: Window, turn: Turn) -> tuple[slice, slice] | None:
    """The box of an inscription on the canvas of a window, or None where it does not lie wholly on it."""
    row = text.top - window.top + window.margin
    column = (text.left - window.left + window.margin) % turn.height.shape[1]
    h, w = text.height.shape
    if row < 0 or row + h > window.canvas[0] or column + w > window.canvas[1]:
        return None
    return slice(row, row + h), slice(column, column + w)


def _resolved(height: Field) -> Field:
    """A turn's heights as pixels resolve them: edges steeper than that would glitter in steps."""
    edge = 4
    around = np.concatenate([height[:, -edge:], height, height[:, :edge]], axis=1)
    blurred: Field = cv2.GaussianBlur(around, (0, 0), _PIXEL_SIGMA)[:, edge:-edge]
    return np.ascontiguousarray(blurred)


def _place(inscription: Inscription, mm_per_px: float, rows: int) -> PlacedText:
    patch = inscription.relief_mm(mm_per_px)
    # Small letters keep a legible number of pixels; on a coarse turn they must not grow over its rim.
    top = min(round(inscription.y / mm_per_px - patch.shape[0] / 2), rows - patch.shape[0])
    return PlacedText(inscription, top, round(inscription.x / mm_per_px), patch)


def _engrave(height: Field, parts: NDArray[np.uint8], text: PlacedText, mm_per_px: float) -> None:
    """Add a text to the mould and, if it is large enough, make its box the part "lettering"."""
    h, w = text.height.shape
    columns = (np.arange(w) + text.left) % height.shape[1]
    height[text.top : text.top + h, columns] += text.height
    if text.inscription.cap_mm >= _SMALLEST_LETTERING_MM:
        border = round(_LETTERING_BORDER_MM / mm_per_px)
        box = (np.arange(w + 2 * border) + text.left - border) % height.shape[1]
        parts[max(0, text.top - border) : text.top + h + border, box] = PART_VALUES["lettering"]
