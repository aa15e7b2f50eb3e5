"""Lines of lettering in a picture, as a text recogniser sees them: printed, painted, or raised from the surface.

In: a picture, with its depth where there is one. Out: lines, each with class probabilities step by step, so that a
required text can be compared with what would be read in its place.
The recogniser is PP-OCRv4 (Apache-2.0; 15 MB, inside the wheel of `rapidocr-onnxruntime`), the extra `lettering`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import require
from specsight.presence.ctc import Symbol, greedy
from specsight.records import Box, Picture

EXTRA = "lettering"
LONGEST_SIDE = 1280
"""Pixels of a tile; larger pictures are read whole at this size, then tile by tile at their own."""
SMALLEST_SIDE = 448
"""Pixels that the shorter side of a tile is enlarged to: small letters are read as if nearer."""
OVERLAP = 0.4
"""Share of a tile that the next one shows again."""
MOST_TILES = 16
LONG = 3.0
"""Sides in this ratio make a strip, which is cut into tiles before it is read."""
LOCAL = 0.08
"""Sigma of the surroundings that contrast and height are compared with, as a share of the shorter side."""
BLURS = (0.7, 0.0)
"""Sigmas in pixels under which brightness is read."""
GAP = 3.0
"""Pieces of a line stand at most so many times their height apart."""
RIM = 0.6
"""A line that ends nearer to the rim of the picture, in its heights, may go on beyond it."""
LEAST_LEGIBLE = 0.5
"""Mean probability of the characters of a piece below which it is no lettering."""


@dataclass(frozen=True)
class Line:
    """Pieces of lettering that stand in one row."""

    probabilities: NDArray[np.float32]
    """(steps, classes) from left to right."""
    boxes: tuple[Box, ...]
    """Of its pieces, in pixels of the picture."""
    cut_off: tuple[bool, bool]
    """Whether its beginning and its end reach the rim of the picture."""
    text: str
    """What is read."""

    @property
    def box(self) -> Box:
        """Around all of it."""
        x0, y0, x1, y1 = zip(*self.boxes)
        return min(x0), min(y0), max(x1), max(y1)


TURNS = {"upside down": (True, True), "mirrored": (False, True)}
"""How lettering may stand that is not legible as it is → whether rows and columns are reversed to read it."""


def readings(picture: Picture) -> Iterator[tuple[Line, ...]]:
    """Lines of a picture as they are read in one way after another, each worked out when it is asked for.

    From height where there is depth; from brightness against its surroundings; where nothing is legible so, upside down
    and mirrored. Raises MissingExtra where the recogniser is not installed.
    """
    require("rapidocr_onnxruntime", EXTRA)
    legible = False
    first = _local_contrast(picture.rgb, BLURS[0])
    ways = [] if picture.depth is None else [_relief(picture.depth)]
    for way in [*ways, first, *(_local_contrast(picture.rgb, blur) for blur in BLURS[1:])]:
        lines = lines_of(way)
        legible = legible or bool(lines)
        yield lines
    for rows, columns in [] if legible else TURNS.values():
        turned = np.ascontiguousarray(first[:: -1 if rows else 1, :: -1 if columns else 1])
        yield tuple(_turned(line, turned.shape, rows, columns) for line in lines_of(turned))


def symbols(text: str) -> list[Symbol] | None:
    """A required text for `ctc.align`, in either letter case; None where a character is not in the recogniser's set."""
    classes = _recogniser().classes
    found: list[Symbol] = []
    for word in text.split():
        for place, character in enumerate(word):
            cases = {classes[c] for c in (character, character.upper(), character.lower()) if c in classes}
            if not cases:
                return None
            is_sign = not character.isalnum()
            found.append(Symbol(tuple(sorted(cases)), place == 0 and bool(found), is_sign))
    return found


def empty_classes() -> tuple[int, ...]:
    """The classes of no character and of a space."""
    return 0, _recogniser().classes[" "]


def sign_classes() -> tuple[int, ...]:
    """The classes of punctuation."""
    classes = _recogniser().classes
    return tuple(classes[sign] for sign in ".,·-_:;'`|~*" if sign in classes)


def lines_of(image: NDArray[np.uint8]) -> tuple[Line, ...]:
    """Lines of an image (H, W) or (H, W, 3), in pixels of it; those that tiles share are told by each."""
    found: list[Line] = []
    for left, top, tile, scale in _tiles(image):
        pieces = [_moved(piece, left, top, scale, image.shape) for piece in _recogniser().read(tile)]
        found += _joined(pieces, image.shape)
    return tuple(found)


@dataclass(frozen=True)
class _Piece:
    box: Box
    probabilities: NDArray[np.float32]


class _Recogniser:
    """The models of `rapidocr_onnxruntime`, on one thread: the same answer on every run."""

    def __init__(self) -> None:
        engine = require("rapidocr_onnxruntime", EXTRA).RapidOCR(
            intra_op_num_threads=1, inter_op_num_threads=1, det_limit_side_len=SMALLEST_SIDE
        )
        self._engine: Any = engine
        self.characters: list[str] = engine.text_rec.postprocess_op.character
        self.classes = {character: number for number, character in enumerate(self.characters)}

    def read(self, image: NDArray[np.uint8]) -> list[_Piece]:
        """Pieces of lettering in an image (H, W, 3)."""
        boxes, _ = self._engine.auto_text_det(image)
        if boxes is None:
            return []
        pieces = []
        for corners, crop in zip(boxes, self._engine.get_crop_img_list(image, boxes)):
            recogniser = self._engine.text_rec
            framed = recogniser.resize_norm_img(crop, max(crop.shape[1] / crop.shape[0], 1.0))
            probabilities = np.asarray(recogniser.session(framed[None].astype(np.float32))[0][0], np.float32)
            read = greedy(probabilities)
            if read and np.mean([one[2] for one in read]) >= LEAST_LEGIBLE:
                (x0, y0), (x1, y1) = np.floor(corners.min(0)), np.ceil(corners.max(0))
                pieces.append(_Piece((int(x0), int(y0), int(x1), int(y1)), probabilities))
        return pieces

    def text(self, probabilities: NDArray[np.float32]) -> str:
        """What is read."""
        return "".join(self.characters[one[0]] for one in greedy(probabilities)).strip()


@cache
def _recogniser() -> _Recogniser:
    return _Recogniser()


def _tiles(image: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8], float]]:
    """(left, top, pixels (h, w, 3), scale) of what is read at once."""
    height, width = image.shape[:2]
    short, long = min(height, width), max(height, width)
    side = (
        max(short, min(LONGEST_SIDE, long))
        if long <= LONG * short
        else min(round(LONG * short), LONGEST_SIDE)
    )
    if long <= LONG * short:
        yield 0, 0, *_scaled(image)
        if long <= LONGEST_SIDE:
            return
        side = LONGEST_SIDE
    tiles = [(top, left) for top in _starts(height, side) for left in _starts(width, side)]
    for top, left in tiles[:MOST_TILES]:
        yield left, top, *_scaled(image[top : top + side, left : left + side])


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1 - OVERLAP)))) + 1
    return [int(start) for start in np.linspace(0, length - side, count).round()]


def _scaled(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """An image of three channels at a size to be read, and its scale."""
    import cv2

    height, width = image.shape[:2]
    scale = min(max(1.0, SMALLEST_SIDE / min(height, width)), LONGEST_SIDE / max(height, width))
    if scale != 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(
            cv2.resize(image, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA), np.uint8
        )
    return np.ascontiguousarray(image if image.ndim == 3 else np.stack([image] * 3, 2)), scale


def _moved(piece: _Piece, left: int, top: int, scale: float, size: tuple[int, ...]) -> _Piece:
    """A piece of a tile in pixels of the image."""
    x0, y0, x1, y1 = (value / scale for value in piece.box)
    box = (
        max(0, int(x0) + left),
        max(0, int(y0) + top),
        min(size[1], int(np.ceil(x1)) + left),
        min(size[0], int(np.ceil(y1)) + top),
    )
    return _Piece(box, piece.probabilities)


def _joined(pieces: list[_Piece], size: tuple[int, ...]) -> list[Line]:
    """Pieces that stand in one row as one line."""
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda one: one.box[0]):
        row = next((row for row in rows if _follows(row[-1].box, piece.box)), None)
        if row is None:
            rows.append([piece])
        else:
            row.append(piece)
    return [_line(row, size) for row in rows]


def _follows(first: Box, second: Box) -> bool:
    """Whether the second of two boxes stands behind the first in its row, in letters of about its height."""
    height = first[3] - first[1], second[3] - second[1]
    shared = min(first[3], second[3]) - max(first[1], second[1])
    if shared < 0.6 * min(height) or max(height) > 1.6 * min(height):
        return False
    return -0.5 * min(height) <= second[0] - first[2] <= GAP * max(height)


def _line(row: list[_Piece], size: tuple[int, ...]) -> Line:
    recogniser = _recogniser()
    space = np.zeros((1, len(recogniser.characters)), np.float32)
    space[0, recogniser.classes[" "]] = 1
    parts = [piece.probabilities for piece in row]
    joined = np.concatenate([part for one in parts for part in (one, space)][:-1])
    height = max(piece.box[3] - piece.box[1] for piece in row)
    cut_off = row[0].box[0] <= RIM * height, row[-1].box[2] >= size[1] - RIM * height
    return Line(joined, tuple(piece.box for piece in row), cut_off, recogniser.text(joined))


def _local_contrast(rgb: NDArray[np.uint8], blur: float) -> NDArray[np.uint8]:
    """Brightness less that of the surroundings, in their deviations: what raking light tells of relief. `blur` is the
    sigma in pixels of what takes the noise of dim pictures away first; 0: nothing does."""
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if blur:
        grey = cv2.GaussianBlur(grey, (0, 0), blur)
    sigma = LOCAL * min(grey.shape)
    away = grey - cv2.GaussianBlur(grey, (0, 0), sigma)
    deviation = np.sqrt(cv2.GaussianBlur(away * away, (0, 0), sigma)) + 3
    return np.asarray(np.clip(128 + 50 * away / deviation, 0, 255), np.uint8)


def _relief(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Height above the surroundings, whose usual deviation is a fifth of the range; unknown height is level."""
    import cv2

    known = np.isfinite(depth)
    height = -np.where(known, depth, np.median(depth[known]) if known.any() else 0).astype(np.float32)
    away = height - cv2.GaussianBlur(height, (0, 0), LOCAL * min(height.shape))
    scale = float(np.quantile(np.abs(away[known]), 0.95)) if known.any() else 0.0
    if scale == 0:
        return np.full(depth.shape, 128, np.uint8)
    return np.asarray(np.clip(96 + 96 * away / scale, 0, 255), np.uint8)


def _turned(line: Line, size: tuple[int, ...], rows: bool, columns: bool) -> Line:
    """A line of a turned image, with the boxes that it has in the image as it was."""
    height, width = size[:2]
    boxes = tuple(
        (
            width - x1 if columns else x0,
            height - y1 if rows else y0,
            width - x0 if columns else x1,
            height - y0 if rows else y1,
        )
        for x0, y0, x1, y1 in line.boxes
    )
    return replace(line, boxes=boxes)
