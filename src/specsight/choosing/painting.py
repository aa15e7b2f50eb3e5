"""Good pictures → painted defects of every kind, inside the product, from the finest visible to large, faint to strong.

In: a good picture and a generator. Out: what to put where, small enough to be kept for many pictures. Painted defects
are not real ones: they tell candidates apart, and give no number that holds for a product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.records import Picture
from specsight.synthetic.defects import synthesise, synthesisers
from specsight.synthetic.defects.painting import SMALLEST, VISIBLE
from specsight.synthetic.shapes import random_pixel

Mask = NDArray[np.bool_]

AT_EDGES = ("break", "fray", "missing material")
"""Kinds that damage the product's outline: they are put on it where the picture shows one."""
FINEST_WINDOW = 32
"""Pixels across the smallest disc that a defect is confined to; its finest strokes are then about a pixel wide."""
SMALLEST_SHARE = 0.08
"""Diameter of the smallest disc as a share of the product's extent (the root of its area)."""
FAINTEST = 0.25
"""Least share of a defect's full change of colour."""
RING = 0.02
"""Width of a picture's border, as a share of its shorter side, that is looked at for an even background."""
EVEN_SHARE = 0.9
"""Share of the border that must be of one colour for there to be a background."""
EVEN = 16
"""Grey levels by which the background may differ from its usual colour."""
SHOWN = (0.05, 0.95)
"""Shares of a picture that a product told from its background may take; others are not believed."""


@dataclass(frozen=True)
class PaintedDefect:
    """One defect: `pixels` (h, w, 3) uint8 go where `mask` (h, w) bool is true, from `corner` (row, column) on."""

    kind: str
    corner: tuple[int, int]
    pixels: NDArray[np.uint8]
    mask: Mask

    @property
    def area(self) -> int:
        """Pixels that changed."""
        return int(self.mask.sum())

    def on(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The good picture (H, W, 3) that it was painted for, with it."""
        painted: NDArray[np.uint8] = rgb.copy()
        place = painted[self._rows, self._columns]
        place[self.mask] = self.pixels[self.mask]
        return painted

    def values(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The values (n,) of a map (H, W) on its pixels."""
        found: NDArray[np.float32] = values[self._rows, self._columns][self.mask]
        return found

    @property
    def _rows(self) -> slice:
        return slice(self.corner[0], self.corner[0] + self.mask.shape[0])

    @property
    def _columns(self) -> slice:
        return slice(self.corner[1], self.corner[1] + self.mask.shape[1])


def paint(
    generator: np.random.Generator, picture: Picture, kinds: Sequence[str] | None = None, count: int = 1
) -> list[PaintedDefect]:
    """At most `count` defects for one good picture, each of the next of `kinds` (None: all of them).

    Those of which nothing can be seen on it are left out.
    """
    kinds = list(synthesisers) if kinds is None else kinds
    where = product_mask(picture)
    made = (_paint_one(generator, picture.rgb, where, kinds[k % len(kinds)]) for k in range(count))
    return [one for one in made if one is not None]


def product_mask(picture: Picture) -> Mask:
    """Which pixels (H, W) show the product: its parts where they are known, else all but an even background that
    reaches around the picture; where there is none, all of them."""
    everything = np.ones(picture.size, np.bool_)
    inside = picture.parts > 0 if picture.parts is not None else ~_background(picture.rgb)
    return inside if SHOWN[0] <= inside.mean() <= SHOWN[1] else everything


def _background(rgb: NDArray[np.uint8]) -> Mask:
    """Pixels of the border's usual colour that hang together with the border; none where the border is not even."""
    width = max(1, round(RING * min(rgb.shape[:2])))
    ring = np.ones(rgb.shape[:2], np.bool_)
    ring[width:-width, width:-width] = False
    usual = np.median(rgb[ring], axis=0)
    alike = np.abs(rgb.astype(np.float32) - usual).max(axis=2) <= EVEN
    if alike[ring].mean() < EVEN_SHARE:
        return np.zeros(rgb.shape[:2], np.bool_)
    _, labels = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)
    around: Mask = np.isin(labels, np.unique(labels[ring & alike])) & alike
    return around


def _paint_one(
    generator: np.random.Generator, rgb: NDArray[np.uint8], where: Mask, kind: str
) -> PaintedDefect | None:
    """A defect inside a disc of random size on the product; None where nothing of it can be seen."""
    extent = math.sqrt(where.sum())
    least = min(extent, max(FINEST_WINDOW, SMALLEST_SHARE * extent))
    diameter = math.exp(generator.uniform(math.log(least), math.log(extent)))
    row, column = random_pixel(generator, _outline(where) if kind in AT_EDGES else where)
    reach = math.ceil(diameter / 2) + 2
    top, left = max(0, row - reach), max(0, column - reach)
    crop = np.s_[top : row + reach + 1, left : column + reach + 1]
    good = np.ascontiguousarray(rgb[crop])
    rows, columns = np.ogrid[: good.shape[0], : good.shape[1]]
    disc = np.hypot(rows + top - row, columns + left - column) <= diameter / 2
    share = math.exp(generator.uniform(math.log(FAINTEST), 0))
    try:
        defect = synthesise(generator, good, kind, where[crop] & disc)
    except SpecsightError:
        return None
    for strength in (share, 1.0):
        blended = good + strength * (defect.rgb.astype(np.float32) - good)
        pixels = np.asarray(np.rint(blended), np.uint8)
        mask = np.abs(pixels.astype(np.int16) - good).max(axis=2) >= VISIBLE
        if mask.sum() >= SMALLEST:
            return PaintedDefect(kind, (top, left), pixels, mask)
    return None


def _outline(where: Mask) -> Mask:
    """The product's pixels at its outline; all of it where the picture shows none."""
    inner = cv2.erode(where.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
    outline: Mask = where & ~inner
    return outline if outline.any() else where
