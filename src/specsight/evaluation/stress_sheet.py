"""Contact sheets: one picture under a stressor at every level, side by side, the clean one first, each labelled.

In: a sample or picture. Out: (H, W, 3) uint8, and JPEG. What stresses depth alone is shown on its relief, unknown
pixels hatched.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.features import shading
from specsight.records import RGB, Picture, Sample
from specsight.stress import apply, seed_of, stressors

SIDE, LONG = 192, 576
"""Height of a picture on a sheet in pixels, and the width that a longer one is drawn with."""
GAP = 4
LINE, MARGIN = 20, 3
"""Height of a line of text, and the room left of it."""
LARGEST, SMALLEST = 0.45, 0.3
"""Of the letters: what is too long for a row is written smaller, and cut off below that."""


def encoded(sample: Sample, name: str, seed: int = 0) -> bytes:
    """The sheet of a sample on disk as JPEG. Raises SpecsightError where it cannot be read or stressed."""
    drawn = of_picture(images.load_picture(sample), name, seed_of(sample.id, seed))
    return cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def of_picture(
    picture: Picture, name: str, seed: int, levels: Sequence[float] | None = None
) -> NDArray[np.uint8]:
    """The picture at level 0 and at `levels` (None: those of the stressor), from left to right.

    Above them stand the stressor with its unit, and the level of each.
    """
    stressor = stressors[name]
    told = stressor.unit in stressor.title  # "RGB missing" says it all
    columns = []
    for level in (0.0, *(stressor.levels if levels is None else levels)):
        one = apply(picture, name, level, seed)
        shown = _small(one.rgb if RGB in stressor.touches else _relief(one))
        label = (stressor.unit if told else f"{level:g}") if level else "clean"
        columns.append(np.concatenate([_line(label, shown.shape[1]), shown]))
    gap = np.full((columns[0].shape[0], GAP, 3), 255, np.uint8)
    row = np.concatenate([one for column in columns for one in (column, gap)][:-1], axis=1)
    title = stressor.title if told else f"{stressor.title}, {stressor.unit}"
    return np.concatenate([_line(title, row.shape[1]), row])


def _relief(picture: Picture) -> NDArray[np.uint8]:
    """Its depth as relief, (H, W, 3); black where it has none."""
    if picture.depth is None or np.isnan(picture.depth).all():
        return np.zeros_like(picture.rgb)
    drawn = shading.relief(picture.depth)
    return shading.hatched(drawn.rgb, drawn.unknown)


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    size = (min(LONG, max(1, round(width * SIDE / height))), SIDE)
    if size[0] == LONG:
        size = (LONG, max(1, round(height * LONG / width)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _line(text: str, width: int) -> NDArray[np.uint8]:
    """A line of text, (LINE, width, 3), black on white."""
    drawn = np.full((LINE, width, 3), 255, np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    length = cv2.getTextSize(text, font, LARGEST, 1)[0][0]
    size = max(SMALLEST, LARGEST * min(1, (width - 2 * MARGIN) / max(length, 1)))
    cv2.putText(drawn, text, (MARGIN, LINE - 6), font, size, (20, 20, 20), 1, cv2.LINE_AA)
    return drawn
