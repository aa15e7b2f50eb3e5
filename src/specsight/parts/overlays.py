"""A picture with its parts drawn over it, for a person to check: areas tinted, borders, names beside their colours."""

from __future__ import annotations

import io
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

COLOURS = (
    (230, 80, 70), (60, 150, 230), (240, 190, 40), (80, 190, 110), (170, 100, 220), (240, 130, 40), (60, 200, 200),
    (220, 110, 170), (150, 170, 50), (120, 120, 230),
)  # fmt: skip
"""RGB of the first part, the second, …; then again."""
TINT = 0.3
LEAST_SIDE = 480
"""Pixels; smaller pictures are enlarged, so that names can be read."""


def colour_of(value: int) -> tuple[int, int, int]:
    """The colour of a part by its value in part maps, from 1."""
    return COLOURS[(value - 1) % len(COLOURS)]


def overlay(
    rgb: NDArray[np.uint8], parts: NDArray[np.uint8] | None, names: Mapping[int, str], note: str = ""
) -> bytes:
    """A PNG of a picture (H, W, 3) with its part map (H, W) over it; without one, `note` says why."""
    factor = max(1, -(-LEAST_SIDE // min(rgb.shape[:2])))
    drawn = rgb.repeat(factor, 0).repeat(factor, 1).astype(np.float32)
    legend = [("no part map", (90, 90, 90))] if parts is None else []
    if parts is not None:
        large = parts.repeat(factor, 0).repeat(factor, 1)
        for value, name in names.items():
            here = large == value
            colour = colour_of(value)
            legend.append((name if here.any() else f"{name} (none)", colour))
            drawn[here] = (1 - TINT) * drawn[here] + TINT * np.array(colour, np.float32)
        for value in names:
            here = (large == value).astype(np.uint8)
            inside = cv2.erode(here, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
            drawn[(here > 0) & (inside == 0)] = colour_of(value)
    sheet = np.concatenate([drawn.clip(0, 255).astype(np.uint8), _legend(legend, note, drawn.shape[1])])
    return png(sheet)


def png(rgb: NDArray[np.uint8]) -> bytes:
    """Pixels (H, W, 3) as a PNG file."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(rgb).save(content, "PNG")
    return content.getvalue()


def _legend(entries: list[tuple[str, tuple[int, int, int]]], note: str, width: int) -> NDArray[np.uint8]:
    """Rows below the picture: a square of each colour and the part's name, then the note."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=16)
    rows: list[list[tuple[int, str, tuple[int, int, int]]]] = [[]]
    left = 10
    for name, colour in entries:
        wide = 34 + int(font.getlength(name))
        if left + wide > width and rows[-1]:
            rows.append([])
            left = 10
        rows[-1].append((left, name, colour))
        left += wide + 12
    lines = _wrapped(note, width - 20, font)
    image = Image.new("RGB", (width, 28 * len(rows) + 22 * len(lines) + 8), (250, 250, 248))
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        top = 6 + 28 * number
        for x, name, colour in row:
            draw.rectangle((x, top + 2, x + 16, top + 18), fill=colour)
            draw.text((x + 24, top), name, fill=(27, 33, 39), font=font)
    for number, line in enumerate(lines):
        draw.text((10, 6 + 28 * len(rows) + 22 * number), line, fill=(80, 80, 80), font=font)
    return np.asarray(image, np.uint8)


def _wrapped(text: str, width: int, font: object) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:  # type: ignore[attr-defined]
            lines.append(word)
        else:
            lines[-1] = longer
    return [line for line in lines if line]
