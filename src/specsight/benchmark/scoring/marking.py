"""One answer → right, wrong or invalid, by the form of its item; and how far a box or a point is off.

In: an item and `Answer.given`. Out: `Mark`. An answer that its form cannot hold is invalid, and counts as wrong:
MMAD's own scorer drops some of these, which raises its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from specsight.benchmark.records import Item
from specsight.explain.grounding import area, box_overlap
from specsight.explain.slots import Slots
from specsight.storage.reading import parse_json

OVERLAP = 0.5
"""A box is right from this intersection over union on."""
SIDE = 1000
"""Coordinates are thousandths of the picture's width and height."""
Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1), x1 and y1 exclusive."""


class Mark(NamedTuple):
    """What became of one answer."""

    valid: bool
    right: bool
    overlap: float | None = None
    """Intersection over union of a box with the true one; 0 for an invalid answer, None for other forms."""


INVALID = Mark(False, False)


def mark(item: Item, given: str | None) -> Mark:
    """The mark of one answer. Free text and reports are never "right": `text_quality` and `grounding` measure them."""
    if given is None or not given.strip():
        return INVALID._replace(overlap=0.0) if item.form == "box" else INVALID
    if item.form == "choice":
        letter = given.strip().upper()
        return Mark(letter in item.options, letter == item.answer.strip().upper())
    if item.form == "choices":
        letters = letters_of(given)
        return Mark(bool(letters) and letters <= set(item.options), letters == letters_of(item.answer))
    if item.form == "box":
        box = numbers_of(given, 4)
        overlap = box_overlap(box, _true_numbers(item, 4)) if _is_box(box) else 0.0
        return Mark(_is_box(box), overlap >= OVERLAP, overlap)
    if item.form == "point":
        point = numbers_of(given, 2)
        return Mark(point is not None, point is not None and _hit(point, item))
    return Mark(item.form == "text" or slots_of(given) is not None, False)


def letters_of(text: str) -> frozenset[str]:
    """The letters of "A, C"."""
    return frozenset(letter.strip().upper() for letter in text.split(",") if letter.strip())


def numbers_of(text: str, count: int) -> tuple[float, ...] | None:
    """`count` thousandths from a JSON list; None where the text holds something else or leaves the picture."""
    try:
        values = parse_json(text)
    except ValueError:
        return None
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(type(value) in (int, float) and 0 <= value <= SIDE for value in values):
        return None
    return tuple(float(value) for value in values)


def slots_of(text: str) -> Slots | None:
    """The statement of a report; None where the text is no JSON object of `Slots`."""
    try:
        return Slots.model_validate(parse_json(text))
    except ValueError:
        return None


def chance(item: Item) -> float | None:
    """How likely a guess is right: one option, or one non-empty set of options, drawn evenly; a point drawn evenly lies
    in a true box; a box drawn without a look is counted as never right. None for text and reports."""
    if item.form == "choice":
        return 1.0 / len(item.options) if item.options else 0.0
    if item.form == "choices":
        return 1.0 / (2 ** len(item.options) - 1) if item.options else 0.0
    if item.form == "box":
        return 0.0
    if item.form == "point":
        return min(sum(area(box) for box in item.slots.boxes or ()) / SIDE**2, 1.0)
    return None


def _true_numbers(item: Item, count: int) -> tuple[float, ...] | None:
    return numbers_of(item.answer, count)


def _is_box(box: tuple[float, ...] | None) -> bool:
    return box is not None and box[0] < box[2] and box[1] < box[3]


def _hit(point: Sequence[float], item: Item) -> bool:
    """Whether a point lies in a true box, edges included: the pointing game (Zhang et al., IJCV 2018) on boxes."""
    return any(x0 <= point[0] <= x1 and y0 <= point[1] <= y1 for x0, y0, x1, y1 in item.slots.boxes or ())
