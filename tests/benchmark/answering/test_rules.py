"""Rules answer all sixteen tasks from an inspection alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specsight.benchmark.answering import options
from specsight.benchmark.answering.beliefs import beliefs_of
from specsight.benchmark.answering.case import Case, Product
from specsight.benchmark.answering.contract import Question, Shown
from specsight.benchmark.answering.parsing import parse
from specsight.benchmark.answering.rules import answer
from specsight.benchmark.tasks import TASKS, Form, Task
from specsight.errors import SpecsightError
from specsight.records import Decision, Excused, Finding, Inspection, Presence, Verdict
from specsight.specification import DefectType, Ignore, Part, Requirement, Specification

WORDS = Specification(
    product="cap",
    parts=(Part(name="rim", phrases=("edge",)), Part(name="face")),
    defects=(
        DefectType(name="scratch", phrases=("score mark",), superclass="surface"),
        DefectType(name="dent", superclass="surface"),
        DefectType(name="stain", superclass="dirt"),
    ),
)
SCRATCH = Finding(
    (10, 10, 30, 20), (20, 15), 120, 22.0, 5.0, "top left", type="scratch", part="rim", peak_part="rim", length_mm=4.4,
    severity="major",
)  # fmt: skip
SMUDGE = Finding((70, 70, 80, 80), (75, 75), 60, 12.0, 4.0, "bottom right")


def inspection(verdict: Verdict | None, *findings: Finding, excused: tuple[Finding, ...] = ()) -> Inspection:
    heat = np.zeros((100, 100), np.float32)
    heat[40:50, 60:65] = 1
    observed = tuple(Excused(one, Ignore(defect="dent")) for one in excused)
    decision = Decision(verdict, 2.0, 1.0, counted=findings, observed=observed)
    return Inspection("p", "p.png", "cap", 2.0, decision, (*findings, *excused), map=heat)


def ask(
    found: Inspection,
    task: Task,
    question: str,
    texts: tuple[str, ...] = (),
    form: Form = "choice",
    **fields: Any,
) -> str:
    """The text of the option that is chosen, or the answer in its form."""
    letters = dict(zip("ABCDE", texts))
    asked = Question("q", task, form, "cap", question, letters, None, Shown(Path("p.png")))
    beliefs = beliefs_of(found, WORDS, instructed=False)
    said = answer(Case(asked, beliefs, Product(WORDS, {"rim": 3, "face": 1}), 0, **fields))
    given = parse(said.answer, form, letters)
    assert given is not None
    return ", ".join(letters[one] for one in given.split(", ")) if texts else given


BAD, GOOD = inspection("reject", SCRATCH, SMUDGE), inspection("accept")


@pytest.mark.parametrize(
    ("question", "of_bad"),
    [
        ("Does this cap have a defect?", "Yes"),
        ("Is this cap defective in any way?", "Yes"),
        ("Is this cap free of defects?", "No"),
        ("Does the picture show a cap without any defect?", "No"),
        ("Is it good all over?", "No"),
    ],
)
def test_yes_means_what_the_question_asks(question: str, of_bad: str) -> None:
    other = {"Yes": "No", "No": "Yes"}[of_bad]
    assert ask(BAD, "anomaly", question, ("No", "Yes")) == of_bad
    assert ask(GOOD, "anomaly", question, ("No", "Yes")) == other


@pytest.mark.parametrize("task", ["part_scope", "tolerance", "compliance"])
def test_verdicts_are_those_of_the_inspector(task: Task) -> None:
    assert ask(BAD, task, "Accept or reject?", ("Accept", "Reject")) == "Reject"
    assert ask(GOOD, task, "Accept or reject?", ("Accept", "Reject")) == "Accept"


def test_types_are_told_by_their_words_and_by_what_is_left() -> None:
    assert ask(BAD, "type", "?", ("No defect", "Dent", "Score mark", "Stain")) == "Score mark"
    assert ask(GOOD, "type", "?", ("No defect", "Dent", "Scratch")) == "No defect"
    assert ask(BAD, "type", "?", ("Dent", "Another type of defect", "Stain")) == "Another type of defect"
    # The wider kind is right for one of these alone.
    assert ask(BAD, "type", "?", ("No defect", "Dent", "Stain")) == "Dent"
    assert ask(BAD, "type", "?", ("Dent", "Scratch", "Stain"), "choices") == "Scratch"


def test_a_detector_that_tells_no_types_guesses_among_defects() -> None:
    beliefs = beliefs_of(inspection("reject", SMUDGE), WORDS, instructed=False)
    texts = dict(zip("ABC", ("No defect", "Dent", "Stain")))
    asked = [
        Question(f"q{k}", "type", "choice", "cap", "?", texts, None, Shown(Path("p"))) for k in range(20)
    ]
    said = [answer(Case(question, beliefs, Product(WORDS), 0)) for question in asked]
    assert {one.answer for one in said} == {"B", "C"}
    assert all(one.among == ("B", "C") for one in said)


def test_places_are_those_of_the_strongest_finding_or_of_the_map() -> None:
    cells = ("Nowhere, there is no defect", "In the centre", "At the top left", "At the right")
    assert ask(BAD, "location", "?", cells) == "At the top left"
    assert ask(BAD, "location", "?", ("In the centre", "At the left", "At the bottom right")) == "At the left"
    assert ask(GOOD, "location", "?", cells) == "Nowhere, there is no defect"
    assert ask(BAD, "location", "?", ("Face", "Rim")) == "Rim"
    assert json.loads(ask(BAD, "location", "?", form="box")) == [100, 100, 300, 200]
    assert json.loads(ask(BAD, "location", "?", form="point")) == [200, 150]
    assert json.loads(ask(GOOD, "location", "?", form="box")) == [600, 400, 650, 500]


def test_numbers_and_levels_go_to_the_nearest_option() -> None:
    assert ask(BAD, "count", "?", ("None", "One", "Two", "Three")) == "Two"
    assert ask(BAD, "count", "?", ("One", "Three", "Four")) == "One"
    assert ask(GOOD, "count", "?", ("None", "One")) == "None"
    assert ask(BAD, "severity", "?", ("No defect", "Minor", "Major", "Critical")) == "Major"
    assert ask(GOOD, "severity", "?", ("No defect", "Minor")) == "No defect"


def test_descriptions_are_weighed_by_type_place_and_part() -> None:
    texts = (
        "A scratch on the face, at the top left of the picture",
        "A scratch on the rim, at the top left of the picture",
        "A dent on the rim, at the top left of the picture",
        "No defect, the two differ only in what may vary",
    )
    assert ask(BAD, "comparison", "?", texts) == texts[1]
    assert ask(BAD, "description", "?", texts[:3]) == texts[1]
    assert ask(GOOD, "comparison", "?", texts) == texts[3]
    assert ask(BAD, "description", "?", form="text") == "Scratch on the rim, top left, 4.4 mm long, major."


def test_what_is_known_of_a_type_answers_why() -> None:
    def knowledge(type_: str, product: str) -> Mapping[str, tuple[str, ...]]:
        return {"cause": ("contact with a sharp tool",)} if type_ == "scratch" else {}

    texts = ("Too hot a mould", "Contact with a sharp tool", "Dirty hands")
    assert ask(BAD, "analysis", "?", texts, knowledge=knowledge) == texts[1]
    told = ask(BAD, "analysis", "?", form="text", knowledge=knowledge)
    assert told.endswith("Cause: contact with a sharp tool.")


@pytest.mark.parametrize(
    ("note", "of_bad", "of_good"),
    [
        ("There is a score mark on it.", "Yes", "No"),
        ("Set aside because of a dent.", "No", "No"),
        ("There is nothing wrong with it.", "No", "Yes"),
        ("Set aside without any defect.", "No", "Yes"),
    ],
)
def test_a_note_is_compared_with_what_was_found(note: str, of_bad: str, of_good: str) -> None:
    question = f'The operator\'s note says: "{note}" Does it agree with the picture?'
    assert ask(BAD, "contradiction", question, ("Yes", "No")) == of_bad
    assert ask(GOOD, "contradiction", question, ("Yes", "No")) == of_good


def test_products_parts_and_modalities() -> None:
    assert ask(BAD, "object", "?", ("Cap", "Capsules"), closest=("capsules", "cap")) == "Capsules"
    assert ask(BAD, "structure", "?", ("Face", "Rim")) == "Rim"
    ways = ("Neither, there is no defect", "Colour alone", "Depth alone", "Both of them")
    assert ask(GOOD, "cross_modal", "?", ways) == ways[0]
    assert ask(GOOD, "cross_modal", "?", ways[1:]) == ways[2]
    assert ask(BAD, "cross_modal", "?", ways) in (ways[1], ways[3])


def test_a_report_states_all_that_is_found() -> None:
    said = json.loads(ask(BAD, "report", "?", form="report"))
    assert said == {
        "decision": "reject", "types": ["scratch"], "cells": ["top left", "bottom right"], "parts": ["rim"],
        "boxes": [[100, 100, 300, 200], [700, 700, 800, 800]], "count": 2, "severity": "major", "length_mm": 4.4,
    }  # fmt: skip
    assert json.loads(ask(GOOD, "report", "?", form="report"))["count"] == 0


def test_standing_tolerances_excuse_a_verdict_and_no_defect() -> None:
    excused = inspection("accept", excused=(SCRATCH,))
    assert beliefs_of(excused, WORDS, instructed=False).wrong
    assert not beliefs_of(excused, WORDS, instructed=True).wrong


def test_without_a_threshold_nothing_is_answered() -> None:
    with pytest.raises(SpecsightError, match="no threshold"):
        beliefs_of(inspection(None), WORDS, instructed=False)


def test_every_task_has_a_rule_and_every_number_is_read() -> None:
    from specsight.benchmark.answering.rules import CHOICES

    assert set(CHOICES) | {"report"} == set(TASKS)
    assert [options.number_of(text) for text in ("none", "one", "3", "Two defects", "many")] == [
        0,
        1,
        3,
        2,
        None,
    ]
    assert options.cell_of("in the upper middle") is None


@pytest.mark.parametrize(
    ("instruction", "of_there", "of_missing"),
    [
        ("It must have a yellow dot, and is rejected where there is none.", "Accept", "Reject"),
        ("Make sure that a yellow dot is there: without one it is rejected.", "Accept", "Reject"),
        ("It must not have a yellow dot, and is rejected where there is one.", "Reject", "Accept"),
        ("This variant is made without a yellow dot: one that is there is a defect.", "Reject", "Accept"),
        ("Make sure that there is no yellow dot: with one it is rejected.", "Reject", "Accept"),
    ],
)
def test_what_is_required_is_answered_by_what_was_looked_for(
    instruction: str, of_there: str, of_missing: str
) -> None:
    lack = replace(SCRATCH, type="missing dot")
    texts = {"A": "Accept", "B": "Reject"}
    asked = Question("q", "compliance", "choice", "cap", "?", texts, instruction, Shown(Path("p.png")))

    def said(found: Inspection, count: int | None) -> str:
        required = (Presence(Requirement(feature="yellow dot"), count),)
        seen = replace(found, decision=replace(found.decision, required=required))
        beliefs = beliefs_of(seen, WORDS, instructed=True)
        return texts[answer(Case(asked, beliefs, Product(WORDS), 0)).answer]

    assert said(GOOD, 1) == of_there
    assert said(inspection("reject", lack), 0) == of_missing
    assert said(BAD, 1) == "Reject"  # for its other defects
    assert said(GOOD, None) == "Accept"  # what cannot be said decides nothing
