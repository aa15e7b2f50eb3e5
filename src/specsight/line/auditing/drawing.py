"""A part's picture and map → the two pictures of its sheet: as it was judged, and with map and findings marked.

Heat colours as on every page: half-way up the scale lies the threshold of the map. Findings carry their number.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.line.auditing.evidence import Evidence
from specsight.line.kept_pictures import NotKept, kept_map, pixels_of
from specsight.line.store import LineStore
from specsight.records import Inspection
from specsight.report.pictures import PREDICTION, HeatScale, encode, fitted, heat, outline
from specsight.storage.database import Unavailable

SIDE = 900
"""Longest side of a picture on a sheet, in pixels; smaller ones are not enlarged by more than `GROWN`."""
GROWN = 3
EXCUSED = (255, 255, 255)


@dataclass(frozen=True)
class Drawn:
    """One picture of a sheet."""

    caption: str
    content: bytes
    """JPEG."""
    size: tuple[int, int]
    """(H, W) in pixels."""


def draw(store: LineStore, evidence: Evidence) -> tuple[list[Drawn], str]:
    """The pictures of a sheet, and why some are not there; empty where they are."""
    try:
        rgb = pixels_of(store, evidence.part)
    except Unavailable:
        raise
    except SpecsightError as error:
        return [], str(error)
    height, width = rgb.shape[:2]
    size = fitted(height, width, min(SIDE, GROWN * max(height, width)))
    shown = _resized(rgb, size)
    first = Drawn(f"As it was judged, {width} × {height} px", encode(shown, ".jpg"), size)
    if evidence.inspection is None:
        return [first], ""
    try:
        map_ = kept_map(store, evidence.part)
    except NotKept as error:
        return [first], str(error)
    marked = marks(shown, map_, evidence.inspection, (height, width))
    limit = evidence.inspection.map_threshold
    caption = "Map over the picture, findings outlined" + (
        "" if limit is None else f"; the middle of the heat scale is the threshold of the map, {limit:.4g}"
    )
    return [first, Drawn(caption, encode(marked, ".jpg"), size)], ""


def marks(
    rgb: NDArray[np.uint8], map_: NDArray[np.float32], inspection: Inspection, native: tuple[int, int]
) -> NDArray[np.uint8]:
    """`rgb` (H, W, 3) under the map (h, w), with outlines: amber where findings count, white where they do not.

    `native`: (H, W) of the pixels that boxes of findings are in.
    """
    height, width = rgb.shape[:2]
    limit = inspection.map_threshold
    resized = np.asarray(cv2.resize(map_, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    drawn = heat(rgb, HeatScale.of(map_, limit)(resized))
    excused = {id(one.finding) for one in inspection.decision.observed}
    for number, finding in enumerate(inspection.findings, 1):
        colour = EXCUSED if id(finding) in excused else PREDICTION
        x0, y0, x1, y1 = finding.box
        left, right = (int(x * width / native[1]) for x in (x0, x1))
        top, bottom = (int(y * height / native[0]) for y in (y0, y1))
        box = np.zeros((height, width), np.bool_)
        box[top : max(bottom, top + 1), left : max(right, left + 1)] = True
        region = box if limit is None else box & (resized >= limit)
        # A finding of another map, of a type that was looked for by name, lies below this map's threshold.
        drawn = outline(drawn, region if region.any() else box, colour)
        _label(drawn, str(number), (left, top), colour)
    return drawn


def _label(
    drawn: NDArray[np.uint8], text: str, corner: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 2)
    x = int(np.clip(corner[0], 2, max(drawn.shape[1] - wide - 4, 2)))
    y = int(np.clip(corner[1] - 6, high + 4, drawn.shape[0] - 4))
    cv2.rectangle(drawn, (x - 2, y - high - 3), (x + wide + 2, y + 4), (0, 0, 0), -1)
    cv2.putText(drawn, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, 2, cv2.LINE_AA)


def _resized(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    growth = size[0] / rgb.shape[0]
    how = cv2.INTER_AREA if growth < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size[::-1], interpolation=how), np.uint8)
