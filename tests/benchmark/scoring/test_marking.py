"""Answers of every form are right, wrong or invalid, and a guess is right as often as it should be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies
from tests.support.answered_benchmark import item

from specsight.benchmark.records import Item
from specsight.benchmark.scoring.marking import chance, mark
from specsight.explain.grounding import box_overlap
from specsight.explain.slots import Slots

FOUR = {"A": "cut", "B": "dent", "C": "stain", "D": "none of the above"}
CHOICE = item("i", "s", "type", options=FOUR, answer="C")
CHOICES = item("i", "s", "type", form="choices", options=FOUR, answer="A, C")
BOX = item("i", "s", "location", form="box", options={}, answer="[100, 100, 300, 300]")
POINT = item(
    "i", "s", "location", form="point", options={}, answer="[200, 200]",
    slots=Slots(boxes=((100, 100, 300, 300), (800, 0, 1000, 100))),
)  # fmt: skip
TEXT = item("i", "s", "description", form="text", options={}, answer="A cut.")
REPORT = item("i", "s", "report", form="report", options={}, answer='{"decision": "reject"}')


@pytest.mark.parametrize(
    ("asked", "answer", "valid", "right"),
    [
        (CHOICE, "C", True, True),
        (CHOICE, " c ", True, True),
        (CHOICE, "B", True, False),
        (CHOICE, "E", False, False),
        (CHOICE, "the third", False, False),
        (CHOICE, "", False, False),
        (CHOICE, None, False, False),
        (CHOICES, "C, A", True, True),
        (CHOICES, "A", True, False),
        (CHOICES, "A, B, C", True, False),
        (CHOICES, "A, F", False, False),
        (CHOICES, ",", False, False),
        (BOX, "[100, 100, 300, 300]", True, True),
        (BOX, "[100, 100, 300, 200]", True, True),
        (BOX, "[100, 100, 300, 199]", True, False),
        (BOX, "[300, 300, 100, 100]", False, False),
        (BOX, "[100, 100, 300, 1001]", False, False),
        (BOX, "[100, 100, 300, NaN]", False, False),
        (BOX, "[100, 100, 300, true]", False, False),
        (BOX, "here", False, False),
        (POINT, "[300, 300]", True, True),
        (POINT, "[900, 50]", True, True),
        (POINT, "[301, 300]", True, False),
        (POINT, "[1, 2, 3]", False, False),
        (TEXT, "whatever", True, False),
        (TEXT, "  ", False, False),
        (REPORT, '{"decision": "accept"}', True, False),
        (REPORT, '{"decision": "perhaps"}', False, False),
        (REPORT, "[]", False, False),
    ],
)
def test_every_form_is_marked(asked: Item, answer: str | None, valid: bool, right: bool) -> None:
    assert mark(asked, answer)[:2] == (valid, right)


def test_a_box_that_is_no_box_overlaps_nothing() -> None:
    assert mark(BOX, "here").overlap == 0.0
    assert mark(BOX, None).overlap == 0.0
    assert mark(CHOICE, "C").overlap is None


sides = strategies.integers(0, 40)
boxes = strategies.tuples(sides, sides, sides, sides).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@given(boxes, boxes)
def test_overlap_of_boxes_is_that_of_their_pixels(one: tuple, other: tuple) -> None:
    masks = []
    for x0, y0, x1, y1 in (one, other):
        mask = np.zeros((40, 40), bool)
        mask[y0:y1, x0:x1] = True
        masks.append(mask)
    union = np.sum(masks[0] | masks[1])
    expected = np.sum(masks[0] & masks[1]) / union if union else 0.0
    assert box_overlap(one, other) == pytest.approx(expected)
    assert box_overlap(one, other) == box_overlap(other, one)


def test_a_guess_is_right_as_often_as_counting_all_guesses_says() -> None:
    assert chance(CHOICE) == np.mean([mark(CHOICE, letter).right for letter in FOUR])
    subsets = [c for n in range(1, 5) for c in itertools.combinations(FOUR, n)]
    assert chance(CHOICES) == pytest.approx(np.mean([mark(CHOICES, ", ".join(c)).right for c in subsets]))
    assert chance(POINT) == pytest.approx(0.2 * 0.2 + 0.2 * 0.1)
    assert chance(BOX) == 0.0
    assert chance(TEXT) is None
    assert chance(REPORT) is None
