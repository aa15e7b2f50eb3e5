"""Moulded lettering: text → a small relief in units of its own height, with drafted flanks like a mould insert's.

The fonts come with the libraries we depend on (matplotlib ships DejaVu and STIX, Pillow ships Aileron), so that no
system font is needed.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from specsight.synthetic.fields import Field, smoothstep

_FILES = {
    "bold": "DejaVuSans-Bold.ttf",
    "bold-oblique": "DejaVuSans-BoldOblique.ttf",
    "mono": "DejaVuSansMono-Bold.ttf",
    "serif": "DejaVuSerif-Bold.ttf",
}

_OVERSAMPLING = 4
_BORDER_PX = 2
_FLANK = 0.75
"""Width of a letter's flank as a share of its height: draft and radii of an engraved insert."""


@dataclass(frozen=True)
class Inscription:
    """A text in the mould: its kind ("brand", "size", "dot code", ...), its left end and middle line in mm."""

    kind: str
    text: str
    x: float
    y: float
    cap_mm: float
    font: str
    raised_mm: float
    style: str = "solid"
    """"solid", "outline" or "hatched"."""
    stretch: float = 1.15

    def relief_mm(self, mm_per_px: float, text: str | None = None) -> Field:
        """(h, w) mm: the relief of `text` (its own if None) at a scale; zero between the letters."""
        rows = max(4, round(self.cap_mm / mm_per_px))
        flank = _FLANK * self.raised_mm / mm_per_px
        unit = relief(text or self.text, self.font, self.style, rows, self.stretch, flank)
        heights: Field = unit * np.float32(self.raised_mm)
        return heights


@lru_cache(maxsize=512)
def relief(text: str, font: str, style: str, rows: int, stretch: float, flank_px: float) -> Field:
    """(about `rows`, w) float32 in [0, 1]: `text` with capitals `rows` pixels high, 1 on top of the letters.

    `stretch` widens the letters (tyre lettering is often extended), `flank_px` is the width of the sloping flank,
    a third of it the radius of the letter's foot, outside its outline.
    """
    glyphs = _raster(text, font, rows * _OVERSAMPLING, stretch)
    flank_px = min(max(flank_px, 0.6), 0.09 * rows)
    inside = cv2.distanceTransform(glyphs, cv2.DIST_L2, 5) / np.float32(_OVERSAMPLING)
    outside = cv2.distanceTransform(1 - glyphs, cv2.DIST_L2, 5) / np.float32(_OVERSAMPLING)
    foot = np.float32(min(flank_px / 3, _BORDER_PX))
    top = _drafted((inside - outside + foot) / np.float32(flank_px + foot))
    if style == "outline":
        top *= 1 - np.float32(0.8) * smoothstep((inside - np.float32(0.07 * rows)) / np.float32(flank_px))
    elif style == "hatched":
        columns = np.arange(glyphs.shape[1], dtype=np.float32)
        period = _OVERSAMPLING * max(3.0, 0.09 * rows)
        ridges = 0.5 + 0.5 * np.cos(2 * np.pi * columns / np.float32(period))
        core = smoothstep((inside - np.float32(0.05 * rows)) / np.float32(flank_px))
        top *= 1 - np.float32(0.55) * core * (1 - ridges[None, :].astype(np.float32))
    height, width = glyphs.shape
    size = (width // _OVERSAMPLING, height // _OVERSAMPLING)
    small: Field = cv2.resize(top, size, interpolation=cv2.INTER_AREA)
    small.flags.writeable = False
    return small


def _drafted(t: Field) -> Field:
    """From 0 to 1: the straight flank of a mould insert between two radii."""
    drafted: Field = np.float32(0.5) * smoothstep(t) + np.float32(0.5) * np.clip(t, 0, 1)
    return drafted


def _raster(text: str, font: str, cap_px: int, stretch: float) -> NDArray[np.uint8]:
    """Binary picture of the text with a border of `_BORDER_PX` pixels of the final raster."""
    face = _face(font, round(cap_px / 0.73))
    left, top, right, bottom = face.getbbox(text)
    border = _BORDER_PX * _OVERSAMPLING
    canvas = Image.new("L", (int(right - left) + 2 * border, int(bottom - top) + 2 * border))
    ImageDraw.Draw(canvas).text((border - left, border - top), text, fill=255, font=face)
    image = np.asarray(canvas)
    if stretch != 1.0:
        image = cv2.resize(image, (max(1, round(image.shape[1] * stretch)), image.shape[0]))
    pad_y, pad_x = (-n % _OVERSAMPLING for n in image.shape)
    return np.pad((image > 127).astype(np.uint8), ((0, pad_y), (0, pad_x)))


def _face(font: str, size: int) -> ImageFont.FreeTypeFont:
    if font == "plain":
        face = ImageFont.load_default(size)
        if isinstance(face, ImageFont.FreeTypeFont):
            return face
        font = "bold"
    return ImageFont.truetype(str(_font_folder() / _FILES[font]), size)


@lru_cache(maxsize=1)
def _font_folder() -> Path:
    """Matplotlib's font folder, found without importing matplotlib (that takes most of a second)."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ImportError("matplotlib, a dependency of specsight, is not installed")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
