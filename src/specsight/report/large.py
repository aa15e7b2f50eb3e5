"""One drawing → the picture that opens large: photo, map and outlines as layers that a reader switches on and off.

In: a `Drawing`. Out: `data:` addresses and SVG paths, all in one frame, so that a script only has to lay them over each
other. The map is smooth and small; outlines are vectors, as sharp when enlarged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from specsight.report import pictures
from specsight.report.pictures import Drawing, Mask

AREA, LONGEST = 1_200_000, 3000
"""Pixels of the photo, and of its longest side, at most; a larger picture is scaled down."""
FRAME = 1600
"""Shortest length of the outlines' longest side, in units of the drawing: tiny pictures get fine lines, too."""
HEAT_AREA = 256 * 256
"""Pixels of the map's layer at most."""
STAND_OFF = 4
"""Units by which an outline stands off its region."""
SMOOTH = 1.2
"""Units by which an outline may depart from the staircase of pixels."""


@dataclass(frozen=True)
class Large:
    """The layers of one picture."""

    width: int
    height: int
    """Of the outlines' frame, in its units."""
    native_width: int
    native_height: int
    """Of the picture in pixels."""
    photo: str
    heat: str
    findings: str
    truth: str
    """Outlines as data of an SVG path; empty where there are none, and of the truth where it is not known."""

    @property
    def size(self) -> int:
        """Characters that it takes on the page."""
        return sum(map(len, (self.photo, self.heat, self.findings, self.truth)))


def large(drawing: Drawing) -> Large:
    """The layers of a drawing at its native size (H, W)."""
    height, width = drawing.rgb.shape[:2]
    photo = _shrunk(height, width, AREA, LONGEST)
    frame = photo if max(photo) >= FRAME else _scaled(height, width, FRAME / max(height, width))
    return Large(
        width=frame[1],
        height=frame[0],
        native_width=width,
        native_height=height,
        photo=pictures.data_uri(cv2.resize(drawing.rgb, photo[::-1], interpolation=cv2.INTER_AREA)),
        heat=pictures.data_uri(_heat_layer(drawing)),
        findings=_path(drawing.found, frame),
        truth=_path(drawing.truth, frame),
    )


def _heat_layer(drawing: Drawing) -> pictures.Pixels:
    """(h, w, 4) heat colours with their own opacity."""
    height, width = drawing.position.shape
    size = _shrunk(height, width, HEAT_AREA, LONGEST)
    return pictures.heat_colours(cv2.resize(drawing.position, size[::-1], interpolation=cv2.INTER_AREA))


def _path(mask: Mask | None, frame: tuple[int, int]) -> str:
    """Lines around the regions of a mask, in units of a frame (h, w); inside it where a region reaches its edge."""
    if mask is None or not mask.any():
        return ""
    smaller = frame[0] < mask.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    # Scaled down any share counts: a defect of a few pixels has an outline, too.
    resized = cv2.resize(mask.astype(np.float32), frame[::-1], interpolation=how) > (0 if smaller else 0.5)
    kernel = np.ones((2 * STAND_OFF + 1, 2 * STAND_OFF + 1), np.uint8)
    grown = cv2.dilate(resized.astype(np.uint8), kernel)
    contours, _ = cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    inset = 2
    limit = np.array([frame[1] - 1 - inset, frame[0] - 1 - inset])
    lines = []
    for contour in contours:
        points = np.clip(cv2.approxPolyDP(contour, SMOOTH, True)[:, 0], inset, np.maximum(limit, inset))
        lines.append("M" + " ".join(f"{x} {y}" for x, y in points.tolist()) + "Z")
    return "".join(lines)


def _shrunk(height: int, width: int, area: int, longest: int) -> tuple[int, int]:
    return _scaled(height, width, min(1.0, math.sqrt(area / (height * width)), longest / max(height, width)))


def _scaled(height: int, width: int, scale: float) -> tuple[int, int]:
    return max(1, round(height * scale)), max(1, round(width * scale))
