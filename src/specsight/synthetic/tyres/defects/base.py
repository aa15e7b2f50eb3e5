"""What a defect is to the generator: a change of height, reflectance and gloss inside a mask, and nothing outside it.

Each kind is a function of a random generator and a `Site` that returns a `Change`, or None where it finds no place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, did_you_mean
from specsight.synthetic.fields import Field, Shape, blurred_grain
from specsight.synthetic.shapes import random_pixel
from specsight.synthetic.tyres.features import Feature
from specsight.synthetic.tyres.geometry import PART_VALUES, Window, Zone
from specsight.synthetic.tyres.relief import Turn
from specsight.synthetic.tyres.rubber import Surface

Mask = NDArray[np.bool_]
Box = tuple[slice, slice]

MAX_DEFECTS = 4
"""Defects in one picture at most."""

_TRIES = 25
_GAP_PX = 3
_LEAST_PX = 6


@dataclass(frozen=True)
class Change:
    """New values for a box of the canvas; only those inside `mask` are used."""

    box: Box
    mask: Mask
    height: Field | None = None
    albedo: Field | None = None
    gloss: Field | None = None
    note: str = ""
    """What exactly, for the caption: "steel cord", "reads 205/65 instead of 205/55"."""


@dataclass(frozen=True)
class Site:
    """Where a defect may go: the surface so far (read only), what is on it, and the pixels still free."""

    surface: Surface
    window: Window
    turn: Turn
    features: tuple[Feature, ...]
    free: Mask

    @property
    def mm(self) -> float:
        """Millimetres per pixel."""
        return self.window.mm_per_px

    def pick(
        self, rng: np.random.Generator, parts: tuple[str, ...], preferred: Mask | None = None
    ) -> tuple[int, int] | None:
        """A free canvas pixel (row, column) on one of the parts, or None; a `preferred` one where there is any."""
        places = np.isin(self.surface.parts, [PART_VALUES[p] for p in parts]) & self.free
        if preferred is not None and (places & preferred).any():
            places &= preferred
        return random_pixel(rng, places) if places.any() else None

    def patch(self, centre: tuple[int, int], reach_mm: float) -> tuple[Box, Field, Field]:
        """The box within `reach_mm` of a pixel, and its x and y in mm from there: (1, w) and (h, 1)."""
        reach = int(np.ceil(reach_mm / self.mm)) + 1
        rows, columns = self.surface.height.shape
        top, left = max(0, centre[0] - reach), max(0, centre[1] - reach)
        bottom, right = min(rows, centre[0] + reach + 1), min(columns, centre[1] + reach + 1)
        y = (np.arange(top, bottom, dtype=np.float32) - centre[0])[:, None] * np.float32(self.mm)
        x = (np.arange(left, right, dtype=np.float32) - centre[1])[None, :] * np.float32(self.mm)
        return (slice(top, bottom), slice(left, right)), x, y

    def span(self, wanted_mm: float, share: float = 0.62) -> float:
        """`wanted_mm`, or what fits the window: `share` of its shorter side."""
        return min(wanted_mm, share * self.mm * min(self.window.rows, self.window.columns))


Maker = Callable[[np.random.Generator, Site], "Change | None"]


@dataclass(frozen=True)
class Kind:
    """One type of defect: its name, the zones where it occurs, and how it is made."""

    name: str
    zones: tuple[Zone, ...]
    make: Maker


@dataclass(frozen=True)
class Placed:
    """A defect on the canvas: exact mask, and the note of its change."""

    kind: Kind
    mask: Mask
    note: str = field(default="")


KINDS: dict[str, Kind] = {}


def defect(name: str, *zones: Zone) -> Callable[[Maker], Maker]:
    """Decorator: file the decorated function as the maker of defects called `name`."""

    def add(make: Maker) -> Maker:
        KINDS[name] = Kind(name, zones, make)
        return make

    return add


def kind_called(name: str) -> Kind:
    """The kind called `name`; SpecsightError otherwise."""
    if name not in KINDS:
        raise SpecsightError(f"unknown tyre defect '{name}': {did_you_mean(name, KINDS)}")
    return KINDS[name]


def place(rng: np.random.Generator, site: Site, kind: Kind) -> Placed | None:
    """Put a defect of this kind on the site's surface (changed in place), or None where none fits.

    Its mask lies wholly on free pixels, so that defects never touch one another or the picture's rim.
    """
    for _ in range(_TRIES):
        change = kind.make(rng, site)
        if change is None or int(change.mask.sum()) < _LEAST_PX:
            continue
        mask = np.zeros(site.free.shape, bool)
        mask[change.box] = change.mask
        if (mask & ~site.free).any():
            continue
        _write(site.surface, change)
        return Placed(kind, mask, change.note)
    return None


def occupy(free: Mask, mask: Mask) -> Mask:
    """The free pixels once a defect has taken `mask` and a small gap around it."""
    side = 2 * _GAP_PX + 1
    left: Mask = free & (cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) == 0)
    return left


def rim_free(window: Window) -> Mask:
    """Canvas mask of the window's own pixels but for its outermost ones."""
    free = np.zeros(window.canvas, bool)
    m = window.margin + 2
    free[m:-m, m:-m] = True
    return free


def _write(surface: Surface, change: Change) -> None:
    if change.height is not None:
        np.copyto(surface.height[change.box], change.height, where=change.mask)
    if change.albedo is not None:
        np.copyto(surface.albedo[change.box], change.albedo, where=change.mask[..., None])
    if change.gloss is not None:
        np.copyto(surface.gloss[change.box], change.gloss, where=change.mask)


def uneven(rng: np.random.Generator, shape: Shape, sigma_px: float) -> Field:
    """Smoothed noise of unit variance on a patch."""
    noise = blurred_grain(rng, shape, max(0.6, sigma_px))
    scaled: Field = noise / np.float32(max(float(noise.std()), 1e-6))
    return scaled
