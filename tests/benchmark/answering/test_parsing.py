"""Words → answers: what counts as one, in every form."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.benchmark.answering.parsing import parse
from specsight.explain.slots import Slots, read_slots

OPTIONS = {"A": "a long scratch", "B": "a dent", "C": "no defect", "D": "defect", "E": "none of the above"}


@pytest.mark.parametrize(
    ("words", "letter"),
    [
        ("B", "B"),
        ("b)", "B"),
        ("**C**", "C"),
        ("(D)", "D"),
        ("B. a dent", "B"),
        ("The answer is B.", "B"),
        ("Answer: C because A is visible elsewhere", "C"),
        ("(A) is wrong, so it must be B", "B"),
        ("It could be A or B. Final answer: (B)", "B"),
        ("A scratch is not there. D", "D"),
        ("I choose B. A scratch would be longer.", "B"),
        ("<think>Is it A? No.</think>B", "B"),
        ("<think>it goes on about A and", None),
        ("<answer>C</answer> whatever D", "C"),
        ('{"answer": "B"}', "B"),
        ("a dent", "B"),
        ("There is a dent on it.", "B"),
        ("no defect", "C"),
        ("a long scatch", "A"),
        ("None of the above!", "E"),
        ("a dent and a long scratch", None),
        ("I cannot tell", None),
        ("F", None),
        ("", None),
        ("42", None),
    ],
)
def test_a_letter_is_found_as_people_and_models_write_it(words: str, letter: str | None) -> None:
    assert parse(words, "choice", OPTIONS) == letter


@pytest.mark.parametrize(
    ("words", "letters"),
    [
        ("A, C", "A, C"),
        ("C and A", "A, C"),
        ('["A","D"]', "A, D"),
        ("Answer: B", "B"),
        ("The answers are A, B and D.", "A, B, D"),
        ("A. a long scratch\nD. defect", "A, D"),
        ("a dent, and none of the above", "B, E"),
        ("nothing", None),
    ],
)
def test_several_letters_are_found(words: str, letters: str | None) -> None:
    assert parse(words, "choices", OPTIONS) == letters


@pytest.mark.parametrize(
    ("words", "box"),
    [
        ("[10, 20, 30, 40]", [10, 20, 30, 40]),
        ("The box is <box>(10,20),(30,40)</box>", [10, 20, 30, 40]),
        ('{"bbox_2d": [100, 200, 300, 400], "label": "dent"}', [100, 200, 300, 400]),
        ("x0=10, y0=20", None),
        ("[0.1, 0.2, 0.5, 0.75]", [100, 200, 500, 750]),
        ("first [1, 1, 2, 2], better [5, 6, 7, 8]", [5, 6, 7, 8]),
        ("[30, 20, 10, 40]", None),
        ("[10, 20, 3000, 4000]", None),
        ("[0, -5, 10, 10]", None),
        ("no box", None),
    ],
)
def test_a_box_is_found_in_thousandths(words: str, box: list[int] | None) -> None:
    found = parse(words, "box", {})
    assert (found and json.loads(found)) == box


@pytest.mark.parametrize(
    ("words", "point"),
    [("(500, 250)", [500, 250]), ('{"x": 5, "y": 6}', [5, 6]), ("at 10, 20.", [10, 20]), ("[1, 2, 3]", None)],
)
def test_a_point_is_found(words: str, point: list[int] | None) -> None:
    found = parse(words, "point", {})
    assert (found and json.loads(found)) == point


def test_a_report_is_the_last_object_that_says_something() -> None:
    words = (
        'Example: {"decision": "accept"}. Here:\n```json\n{"decision": "Reject", "types": "dent",'
        ' "cells": ["top left"], "boxes": [[1, 2, 30, 40]], "count": 1, "length_mm": 3.5,'
        ' "severity": null,"mood": {"a": "}"}}\n```'
    )
    found = parse(words, "report", {})
    assert found is not None
    assert Slots.model_validate_json(found) == Slots(
        decision="reject",
        types=("dent",),
        cells=("top left",),
        boxes=((1, 2, 30, 40),),
        count=1,
        length_mm=3.5,
    )


def test_a_value_that_a_slot_cannot_hold_is_not_said() -> None:
    said = read_slots(
        '{"decision": "perhaps", "count": "many", "boxes": [[1]], "types": [3], "length_mm": NaN}'
    )
    assert said is None
    assert read_slots('{"decision": "perhaps", "count": 2}') == Slots(count=2)
    assert parse('{"decision": "reje', "report", {}) is None


def test_an_answer_in_words_is_what_is_said_after_thinking() -> None:
    assert parse("<think>hm</think>  A dent \n on the rim. ", "text", {}) == "A dent on the rim."
    assert parse("  ", "text", {}) is None


@given(st.text(max_size=300), st.sampled_from(["choice", "choices", "box", "point", "text", "report"]))
def test_whatever_is_said_gives_an_answer_in_form_or_none(words: str, form: str) -> None:
    found = parse(words, form, OPTIONS)  # type: ignore[arg-type]
    if found is not None and form == "choice":
        assert found in OPTIONS
    if found is not None and form == "choices":
        assert set(found.split(", ")) <= set(OPTIONS)


@pytest.mark.parametrize(
    "piece", ["1", "{", '{"a":', "A ", " ", "[1,", "<think>", "1.1", "((", "A,B ", '"\\']
)
@pytest.mark.parametrize("form", ["choice", "choices", "box", "point", "report"])
def test_a_long_answer_is_read_in_no_time(piece: str, form: str) -> None:
    start = time.process_time()
    parse(piece * 30_000, form, OPTIONS)  # type: ignore[arg-type]
    assert time.process_time() - start < 2
