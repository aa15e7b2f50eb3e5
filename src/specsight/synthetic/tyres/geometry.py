"""Where things are on a tyre: zones, parts, what a model is made of, and the window a camera sees.

Coordinates are millimetres on the unwrapped tyre: x runs along the circumference (periodic), y across the zone
(tread: from shoulder to shoulder; sidewall: from shoulder to rim; bead: from toe to flange).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Zone = Literal["tread", "sidewall", "bead"]
ZONES: tuple[Zone, ...] = ("tread", "sidewall", "bead")

PART_NAMES: dict[int, str] = {
    1: "tread",
    2: "groove",
    3: "shoulder",
    4: "sidewall",
    5: "lettering",
    6: "toe",
    7: "bead ring",
    8: "flange",
}
PART_VALUES: dict[str, int] = {name: value for value, name in PART_NAMES.items()}

ZONE_WIDTH_MM: dict[Zone, float] = {"tread": 210.0, "sidewall": 112.0, "bead": 56.0}
"""Extent of each zone across the tyre."""

FIELD_MM: dict[Zone, float] = {"tread": 100.0, "sidewall": 92.0, "bead": 52.0}
"""Side of the square that a crop shows, whatever its resolution in pixels."""

STRIP_COARSENESS = 2.0
"""A strip shows the whole turn at this many times the crop's millimetres per pixel, as a line camera would."""

WEAR_INDICATOR_MM = 1.6
"""Height of the tread wear indicator above the groove floor (ECE R30)."""


@dataclass(frozen=True)
class Groove:
    """A groove around the tyre: centre `y` and `width` in mm, `zigzag` amplitude in mm, floor at -`depth` mm."""

    y: float
    width: float
    depth: float = 8.0
    zigzag: float = 0.0


@dataclass(frozen=True)
class Lateral:
    """A groove or sipe across a rib, once per pitch, from `start` to `end` (mm across).

    Its path is u(y) = `u` + `slope` · t + `bend` · t² (shares of a pitch, t from 0 to 1 along it), with a zigzag of
    `zigzag` shares. Narrower than 1 mm it is a sipe.
    """

    start: float
    end: float
    u: float
    width: float
    depth: float
    slope: float = 0.0
    bend: float = 0.0
    zigzag: float = 0.0


@dataclass(frozen=True)
class Moulding:
    """What a model's sidewall says in small print, and how its mould is cut."""

    plant_code: str = "U9"
    type_code: str = "3TRV"
    dates: tuple[str, ...] = ("2325", "2425", "1925")
    """Week and year of the moulds, in their order."""
    treadwear: int = 320
    max_load: str = "615 KG (1356 LBS)"
    max_pressure: str = "340 KPA (50 PSI)"
    approval: str = "E4 0254381-S2WR2"
    ply: str = "1 PLY POLYESTER"
    line_style: str = "outline"
    cap: float = 1.0
    """Factor on the height of the large inscriptions, as `stretch` on their width and `raised` on their relief."""
    stretch: float = 1.0
    raised: float = 1.0
    knurl_lean: float = 0.5
    """Of the fine ridges behind the brand: mm along the tyre per mm across; as `notch_lean`."""
    notch_lean: float = 0.18
    notch_mm: float = 2.4


@dataclass(frozen=True)
class TyreModel:
    """One product (all brands are invented)."""

    name: str
    brand: str
    line: str
    size: str
    circumference_mm: float
    pitches: int
    grooves: tuple[Groove, ...]
    laterals: tuple[Lateral, ...]
    brand_font: str
    text_font: str
    brand_style: str
    stripes: tuple[tuple[float, str], ...]
    """Coloured lines painted around the tread: (y in mm, colour)."""
    pitch_order: int
    """Seed of the irregular order in which the three pitch lengths follow one another."""
    moulding: Moulding = Moulding()
    moulds: tuple[int, ...] = (0, 1, 2)
    """Numbers of the moulds that tyres of this model come from; they differ in code plates and process marks."""

    @property
    def product(self) -> str:
        """Name under which the samples of this model are filed."""
        return f"tyre {self.name.replace(':', ' ')}"


@dataclass(frozen=True)
class Window:
    """What one picture shows: `rows` × `columns` pixels of a zone, its corner at pixel (`top`, `left`) of the turn.

    Rendering happens on a *canvas*: the window and `margin` pixels around it, so that filters and shadows are right
    up to the rim. In a circular window the margin columns repeat the other end; it shows the whole turn.
    """

    zone: Zone
    rows: int
    columns: int
    mm_per_px: float
    top: int
    left: int
    margin: int
    circular: bool = False

    @property
    def canvas(self) -> tuple[int, int]:
        """Rows and columns of the canvas."""
        return self.rows + 2 * self.margin, self.columns + 2 * self.margin

    @property
    def inner(self) -> tuple[slice, slice]:
        """The window's own pixels on the canvas."""
        return slice(self.margin, self.margin + self.rows), slice(self.margin, self.margin + self.columns)

    def y_mm(self) -> NDArray[np.float32]:
        """(rows of the canvas, 1): position across the zone, in mm."""
        rows = np.arange(-self.margin, self.rows + self.margin, dtype=np.float32)
        return ((rows + self.top + 0.5) * self.mm_per_px)[:, None]

    def close(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make the margin columns of a circular window repeat its other end, in place; others are left alone."""
        if self.circular:
            m, w = self.margin, self.columns
            field[:, :m] = field[:, w : w + m]
            field[:, w + m :] = field[:, m : 2 * m]
        return field

    def px(self, mm: float) -> float:
        """A length in pixels."""
        return mm / self.mm_per_px


def turn_columns(model: TyreModel, mm_per_px: float) -> int:
    """Columns of the whole turn."""
    return round(model.circumference_mm / mm_per_px)


def zone_rows(zone: Zone, mm_per_px: float) -> int:
    """Rows from one rim of the zone to the other."""
    return round(ZONE_WIDTH_MM[zone] / mm_per_px)


def crop_window(zone: Zone, size: int, top: int, left: int) -> Window:
    """A square of `size` pixels whose corner is pixel (`top`, `left`) of the turn."""
    return Window(zone, size, size, FIELD_MM[zone] / size, top, left, margin=max(8, size // 16))


def strip_window(model: TyreModel, zone: Zone, size: int) -> Window:
    """The whole turn and the whole width of the zone; `size` is that of the crops the strip accompanies."""
    mm_per_px = STRIP_COARSENESS * FIELD_MM[zone] / size
    rows, columns = zone_rows(zone, mm_per_px), turn_columns(model, mm_per_px)
    # Long enough for the longest shadow: the deepest groove under the lowest grazing light.
    return Window(zone, rows, columns, mm_per_px, 0, 0, margin=max(8, round(56.0 / mm_per_px)), circular=True)
