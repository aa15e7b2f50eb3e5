"""Blobs of a named colour in a picture: "yellow" → connected regions with place, size, shape and measured colour.

Colours are compared in CIELAB: a name is a range of hues, under a least chroma and a least saturation (chroma over
lightness), so that paint keeps its name in dim light. Hue ranges follow where English speakers put the eleven basic
colour terms (Berlin and Kay 1969; Lammens 1994 measured them in CIELAB).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.records import Box

WORKING_SIDE = 384
"""Shorter side, in pixels, of the picture in which blobs are looked for; smaller pictures are not enlarged."""
BLUR = 1.0
"""Sigma in pixels of the blur that takes the noise of single pixels away."""
LEAST_AREA = 12
"""Pixels, at the working size, of the smallest blob."""
MOST_BLOBS = 200
"""That are told of one colour in one picture, the largest first."""
LEAST_CHROMA = 14.0
LEAST_SATURATION = 0.4


@dataclass(frozen=True)
class Colour:
    """A colour term: hues in degrees (from, to; may pass 360), or grey levels; ranges of lightness L* in [0, 100]."""

    hues: tuple[float, float] | None
    lightness: tuple[float, float] = (0.0, 100.0)


COLOURS: Mapping[str, Colour] = {
    "red": Colour((345.0, 50.0)),
    "orange": Colour((50.0, 73.0), (45.0, 100.0)),
    "brown": Colour((35.0, 85.0), (0.0, 50.0)),
    "yellow": Colour((73.0, 112.0)),
    "green": Colour((112.0, 200.0)),
    "turquoise": Colour((180.0, 235.0)),
    "blue": Colour((225.0, 310.0)),
    "purple": Colour((295.0, 340.0)),
    "pink": Colour((325.0, 20.0), (50.0, 100.0)),
    "white": Colour(None, (65.0, 100.0)),
    "grey": Colour(None, (30.0, 70.0)),
    "black": Colour(None, (0.0, 25.0)),
}
SYNONYMS: Mapping[str, str] = {
    "gray": "grey", "violet": "purple", "magenta": "pink", "cyan": "turquoise", "teal": "turquoise", "golden": "yellow",
    "gold": "yellow", "amber": "orange", "crimson": "red", "scarlet": "red", "silver": "grey",
    "yellowish": "yellow", "reddish": "red", "bluish": "blue", "greenish": "green",
}  # fmt: skip


@dataclass(frozen=True)
class Blob:
    """A connected region of one colour; lengths and places are shares of the picture's width and height."""

    x: float
    y: float
    area: float
    """Share of the picture."""
    roundness: float
    """Shorter over longer axis of the ellipse with its moments, [0, 1]."""
    fill: float
    """Its area over that of this ellipse: 1 for a disc, less for what is hollow or bent."""
    box: Box
    """In pixels of the picture."""
    cut_off: bool
    """Whether it reaches the rim of the picture."""
    lab: tuple[float, float, float]
    """Mean colour, CIELAB."""


class Lab:
    """A picture in CIELAB at the working size, for any number of colour names.

    Parameters: `rgb` (H, W, 3) uint8.
    """

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        import cv2

        self.size = rgb.shape[0], rgb.shape[1]
        scale = min(1.0, WORKING_SIDE / min(self.size))
        if scale < 1:
            size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        blurred = cv2.GaussianBlur(rgb.astype(np.float32) / 255, (0, 0), BLUR)
        self.values: NDArray[np.float32] = np.asarray(cv2.cvtColor(blurred, cv2.COLOR_RGB2LAB), np.float32)
        lightness, a, b = (self.values[..., k] for k in range(3))
        chroma = np.hypot(a, b)
        self._chromatic = (chroma >= LEAST_CHROMA) & (chroma >= LEAST_SATURATION * lightness)
        self._hue = np.degrees(np.arctan2(b, a)) % 360

    def mask(self, name: str) -> NDArray[np.bool_]:
        """(h, w) at the working size: pixels of the colour that `name`, a key of `COLOURS`, means."""
        colour = COLOURS[name]
        low, high = colour.lightness
        inside = (self.values[..., 0] >= low) & (self.values[..., 0] <= high)
        if colour.hues is None:
            return np.asarray(inside & ~self._chromatic)
        (first, last), hue = colour.hues, self._hue
        within = (hue >= first) & (hue < last) if first < last else (hue >= first) | (hue < last)
        return np.asarray(inside & self._chromatic & within)

    def blobs(self, name: str, most: int = MOST_BLOBS) -> tuple[Blob, ...]:
        """Connected regions of a colour, the largest first, at most so many."""
        import cv2

        mask = self.mask(name)
        if not mask.any():
            return ()
        mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        order = np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:most] + 1
        return tuple(
            self._blob(labels, stats[k], int(k)) for k in order if stats[k, cv2.CC_STAT_AREA] >= LEAST_AREA
        )

    def _blob(self, labels: NDArray[np.int32], stats: NDArray[np.int32], number: int) -> Blob:
        left, top, width, height, area = (int(value) for value in stats)
        place = (slice(top, top + height), slice(left, left + width))
        rows, columns = np.nonzero(labels[place] == number)
        # A pixel is a square, whose own moment is 1/12.
        spread = np.cov(np.stack([columns, rows]), bias=True) + np.eye(2) / 12
        short, long = np.sqrt(np.linalg.eigvalsh(spread))
        rows_of_all, columns_of_all = labels.shape
        scale_y, scale_x = self.size[0] / rows_of_all, self.size[1] / columns_of_all
        mean = self.values[place][rows, columns].mean(0)
        return Blob(
            x=(left + float(columns.mean()) + 0.5) / columns_of_all,
            y=(top + float(rows.mean()) + 0.5) / rows_of_all,
            area=area / labels.size,
            roundness=float(short / long),
            fill=float(area / (4 * np.pi * short * long)),
            box=(
                int(left * scale_x),
                int(top * scale_y),
                min(self.size[1], int(np.ceil((left + width) * scale_x))),
                min(self.size[0], int(np.ceil((top + height) * scale_y))),
            ),
            cut_off=left == 0 or top == 0 or left + width == columns_of_all or top + height == rows_of_all,
            lab=(float(mean[0]), float(mean[1]), float(mean[2])),
        )
