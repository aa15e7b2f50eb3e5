"""What a line shows of a part: its picture as it was given, turned upright, and the map as a layer to lay over it.

Heat colours mean the same on every part of a version: half-way up the scale lies the threshold of the map. How they are
drawn is imported with the first picture that is shown: a server judges half a second earlier.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.line.kept_pictures import kept_map, pixels_of
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore
from specsight.storage.database import Unavailable

SIDE = 1024
"""Longest side that is shown, in pixels."""
THUMBNAIL = 160


def kept_picture(store: LineStore, part: JudgedPart, side: int = SIDE) -> bytes:
    """The picture for a browser: WebP, its longest side at most `side` pixels. Raises as `pixels_of`."""
    from specsight.report.pictures import encode

    return encode(_smaller(pixels_of(store, part), side), ".webp")


def overlay(store: LineStore, part: JudgedPart, side: int = SIDE, opacity: float = 1) -> bytes:
    """The map in heat colours, `opacity` of its own, and the outlines of what lies above its threshold, transparent
    elsewhere, in the proportions of the picture: WebP. Raises NotKept."""
    from specsight.report.pictures import PREDICTION, HeatScale, heat_colours

    map_ = kept_map(store, part)
    inspection = part.answer()
    scale = HeatScale.of(map_, inspection.map_threshold)
    colours = heat_colours(scale(map_))
    colours[..., 3] = np.round(colours[..., 3] * opacity)
    size = shown_size(store, part, side)
    layer = np.ascontiguousarray(cv2.resize(colours, size[::-1], interpolation=cv2.INTER_LINEAR))
    if inspection.map_threshold is not None:
        larger = cv2.resize(map_, size[::-1], interpolation=cv2.INTER_LINEAR) >= inspection.map_threshold
        contours, _ = cv2.findContours(larger.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(layer, contours, -1, (0, 0, 0, 255), 4, cv2.LINE_AA)
        cv2.drawContours(layer, contours, -1, (*PREDICTION, 255), 2, cv2.LINE_AA)
    done, data = cv2.imencode(
        ".webp", cv2.cvtColor(layer, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_WEBP_QUALITY, 80]
    )
    if not done:
        raise SpecsightError("the overlay cannot be encoded")
    return bytes(data.tobytes())


def shown_size(store: LineStore, part: JudgedPart, side: int = SIDE) -> tuple[int, int]:
    """The size of the picture as it is shown; that of the map where the picture is kept no longer."""
    from specsight.report.pictures import fitted

    try:
        height, width = pixels_of(store, part).shape[:2]
    except Unavailable:
        raise
    except SpecsightError:
        height, width = kept_map(store, part).shape
    return fitted(height, width, min(side, max(height, width)))


def _smaller(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    from specsight.report.pictures import fitted

    height, width = rgb.shape[:2]
    if max(height, width) <= side:
        return rgb
    return np.asarray(
        cv2.resize(rgb, fitted(height, width, side)[::-1], interpolation=cv2.INTER_AREA), np.uint8
    )
