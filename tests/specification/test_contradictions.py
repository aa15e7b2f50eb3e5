"""Clauses that cannot hold together are named; exceptions for one part are no contradiction."""

from __future__ import annotations

import pytest

from specsight.specification import (
    Clause,
    DefectType,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Part,
    Scope,
    Specification,
    Tolerance,
    contradictions,
)

TYRE = Specification(
    product="tyre",
    parts=(Part(name="tread", phrases=("running surface",)), Part(name="sidewall"), Part(name="bead")),
    defects=(DefectType(name="stain", phrases=("smear",)), DefectType(name="crack")),
)


@pytest.mark.parametrize(
    ("clauses", "reason"),
    [
        (
            [Scope(parts=("tread",)), Scope(parts=("running surface",), exclude=True)],
            "cannot be the only part and left out",
        ),
        (
            [Scope(parts=("tread",), text="tread only"), Scope(parts=("bead",), text="bead only")],
            "its part is the only one",
        ),
        ([Only(defect="stain"), Ignore(defect="smears")], "alone counts and be ignored"),
        ([Knowledge(name="stain"), Tolerance(defect="smear")], "looked for and be ignored"),
        (
            [Knowledge(name="stain", part="running surface"), Ignore(defect="stain", part="tread")],
            "looked for and be ignored",
        ),
        ([Only(defect="stain"), Tolerance(defect="crack", up_to_mm=1)], "means nothing"),
        ([Tolerance(defect="stain", up_to_mm=1), Tolerance(defect="smear", up_to_mm=2)], "two limits"),
        ([Ignore(defect="stain"), Tolerance(defect="stain", up_to_mm=0)], "two limits of 'stain'"),
        (
            [
                Ignore(defect="stain", part="tread"),
                Tolerance(defect="stain", up_to_mm=0, part="running surface"),
            ],
            "two limits of 'stain' on 'tread'",
        ),
        (
            [Scope(parts=("running surface", "sidewalls", "the bead"), exclude=True, text="Ignore all.")],
            "'Ignore all.' leaves no part to inspect: tread, sidewall, bead are all that is named",
        ),
        (
            [
                Scope(parts=("tread",), exclude=True, text="No tread."),
                Scope(parts=("sidewall", "bead"), exclude=True, text="Nor the rest."),
            ],
            "'No tread.' and 'Nor the rest.' leave no part to inspect",
        ),
        (
            [
                Scope(parts=("tread", "bead"), text="Tread and bead only."),
                Scope(parts=("tread",), exclude=True, text="No tread."),
                Scope(parts=("bead",), exclude=True, text="No bead."),
            ],
            "leave no part to inspect: tread, bead",
        ),
    ],
)
def test_what_cannot_hold_together_is_named(clauses: list[Clause], reason: str) -> None:
    (line,) = contradictions(Instruction.of(clauses), TYRE)
    assert reason in line


@pytest.mark.parametrize(
    "clauses",
    [
        [Scope(parts=("tread",)), Scope(parts=("sidewall",), exclude=True)],
        [Scope(parts=("tread", "sidewall")), Scope(parts=("sidewall",), exclude=True)],
        [Scope(parts=("tread", "sidewall"), exclude=True)],
        [Tolerance(defect="stain", up_to_mm=0), Tolerance(defect="stain", up_to_mm=1, part="tread")],
        [Ignore(defect="stain"), Tolerance(defect="stain", up_to_mm=0, part="tread")],
        [Knowledge(name="blister"), Tolerance(defect="blister", up_to_mm=2)],
        [Knowledge(name="stain", part="tread"), Ignore(defect="stain")],
        [Knowledge(name="stain", part="tread"), Ignore(defect="stain", part="sidewall")],
        [Only(defect="crack"), Only(defect="stain"), Tolerance(defect="stain", up_to_mm=2)],
        [Tolerance(defect="stain", up_to_mm=1), Tolerance(defect="stain", up_to_mm=1)],
    ],
)
def test_exceptions_and_repetitions_contradict_nothing(clauses: list[Clause]) -> None:
    assert contradictions(Instruction.of(clauses), TYRE) == []


def test_beside_the_only_named_part_there_is_a_product_to_inspect() -> None:
    bottle = Specification(product="bottle", parts=(Part(name="label"),))
    assert contradictions(Instruction.of([Scope(parts=("label",), exclude=True)]), bottle) == []


def test_a_long_text_of_contradictions_is_told_in_a_few_lines() -> None:
    limits = [Tolerance(defect="stain", up_to_mm=k / 100, text="x" * 5000) for k in range(1, 80)]
    lines = contradictions(Instruction.of(limits), TYRE)
    assert len(lines) == 1
    assert max(map(len, lines)) < 1000
    named = [Tolerance(defect="stain", up_to_mm=k / 100, text=f"stain {k}") for k in range(1, 800)]
    told = contradictions(Instruction.of(named), TYRE)
    assert len(told) == 11
    assert told[-1] == "more of the kind: shorten the instruction"
