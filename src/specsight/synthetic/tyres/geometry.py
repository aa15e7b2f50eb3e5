"""Where things are on a tyre: zones, parts, the models of the catalogue, and the window a camera sees.

Coordinates are millimetres on the unwrapped tyre: x runs along the circumference (periodic), y across the zone
(tread: from shoulder to shoulder; sidewall: from shoulder to rim; bead: from toe to flange).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, did_you_mean

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
class TyreModel:
    """One product of the catalogue (all brands are invented)."""

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

    @property
    def product(self) -> str:
        """Name under which the samples of this model are filed."""
        return f"tyre {self.name}"


def _both_sides(*laterals: Lateral) -> tuple[Lateral, ...]:
    """The laterals and their point reflections: most treads look the same after half a turn."""
    mirrored = (
        Lateral(-a.start, -a.end, 1 - a.u, a.width, a.depth, -a.slope, -a.bend, a.zigzag) for a in laterals
    )
    return (*laterals, *mirrored)


def _v_shaped(*laterals: Lateral) -> tuple[Lateral, ...]:
    """The laterals and their mirror images: a directional tread."""
    mirrored = (Lateral(-a.start, -a.end, a.u, a.width, a.depth, a.slope, a.bend, a.zigzag) for a in laterals)
    return (*laterals, *mirrored)


MODELS: dict[str, TyreModel] = {
    m.name: m
    for m in (
        TyreModel(
            name="touring",
            brand="VELTARA",
            line="TOURING 2",
            size="205/55 R16 91V",
            circumference_mm=1985.0,
            pitches=66,
            grooves=(Groove(-57, 8), Groove(-19, 10), Groove(19, 10), Groove(57, 8)),
            laterals=_both_sides(
                Lateral(66, 108, 0.2, 3.6, 6.5, slope=0.35, bend=0.15),
                Lateral(61, 96, 0.72, 0.7, 4.5, slope=0.3, bend=0.1),
                Lateral(24, 40, 0.1, 2.4, 6.0, slope=0.55),
                Lateral(24, 53, 0.6, 0.7, 5.0, slope=0.9),
                Lateral(41, 53, 0.55, 1.6, 4.0, slope=0.4),
                Lateral(-14, -3, 0.3, 0.7, 4.5, slope=-0.35),
            ),
            brand_font="bold-oblique",
            text_font="bold",
            brand_style="solid",
            stripes=((-38.0, "yellow"), (-33.0, "blue"), (36.0, "red")),
        ),
        TyreModel(
            name="sport",
            brand="KESTRYL",
            line="APEX R",
            size="225/45 R17 94W",
            circumference_mm=1993.0,
            pitches=60,
            grooves=(Groove(-48, 11), Groove(-6, 13), Groove(34, 11)),
            laterals=(
                Lateral(42, 108, 0.1, 3.2, 6.0, slope=0.5, bend=0.35),
                Lateral(-108, -58, 0.4, 4.0, 6.5, slope=-0.4, bend=-0.1),
                Lateral(-42, -20, 0.2, 2.2, 5.0, slope=0.9),
                Lateral(4, 20, 0.7, 1.8, 4.5, slope=0.7),
            ),
            brand_font="bold",
            text_font="plain",
            brand_style="outline",
            stripes=((-24.0, "green"), (18.0, "white")),
        ),
        TyreModel(
            name="winter",
            brand="BOREVIK",
            line="ICEGRIP M+S",
            size="195/65 R15 91T",
            circumference_mm=1994.0,
            pitches=62,
            grooves=(Groove(-60, 7, 8.5), Groove(0, 8, 8.5, zigzag=3.0), Groove(60, 7, 8.5)),
            laterals=_v_shaped(
                Lateral(5, 108, 0.1, 5.0, 8.0, slope=0.9, bend=-0.25),
                Lateral(10, 55, 0.36, 0.7, 6.0, slope=0.5, zigzag=0.05),
                Lateral(10, 55, 0.62, 0.7, 6.0, slope=0.5, zigzag=0.05),
                Lateral(65, 100, 0.9, 0.7, 6.0, slope=0.15, zigzag=0.05),
                Lateral(65, 100, 1.15, 0.7, 6.0, slope=0.15, zigzag=0.05),
                Lateral(65, 100, 0.65, 0.7, 6.0, slope=0.15, zigzag=0.05),
            ),
            brand_font="serif",
            text_font="bold",
            brand_style="hatched",
            stripes=((-30.0, "white"), (30.0, "yellow")),
        ),
        TyreModel(
            name="cargo",
            brand="HAULTREK",
            line="CARGO",
            size="215/65 R16C 109/107R",
            circumference_mm=2144.0,
            pitches=56,
            grooves=(
                Groove(-44, 10, 9, zigzag=4.0),
                Groove(0, 9, 9, zigzag=3.0),
                Groove(44, 10, 9, zigzag=4.0),
            ),
            laterals=_both_sides(
                Lateral(54, 108, 0.25, 5.5, 7.0, slope=0.1),
                Lateral(54, 96, 0.75, 0.8, 5.0, slope=0.05),
                Lateral(8, 38, 0.5, 0.8, 5.0, slope=0.3, zigzag=0.04),
            ),
            brand_font="plain",
            text_font="mono",
            brand_style="solid",
            stripes=((-22.0, "red"), (22.0, "red")),
        ),
    )
}


def tyre_model(name: str) -> TyreModel:
    """The model called `name`; SpecsightError otherwise."""
    if name not in MODELS:
        raise SpecsightError(f"unknown tyre model '{name}': {did_you_mean(name, MODELS)}")
    return MODELS[name]


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
