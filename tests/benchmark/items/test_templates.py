"""The words of questions: at least five paraphrases of each kind, well-formed with any words filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from specsight.benchmark.items.description import named
from specsight.benchmark.items.making import ASKERS
from specsight.benchmark.items.templates import LEAST, SLOTS, fill, malformed, read_templates, templates
from specsight.errors import SpecsightError

WORDS = {name: "iron item" for name in SLOTS if not name.startswith("a_")}
QUESTIONS = [
    (asker.task, name, text)
    for asker in ASKERS
    for name, variant in templates(asker.task).items()
    for text in variant.questions
]


@pytest.mark.parametrize("asker", ASKERS, ids=lambda asker: asker.task)
def test_each_kind_has_paraphrases_enough(asker) -> None:  # type: ignore[no-untyped-def]
    for variant in templates(asker.task).values():
        assert len(variant.questions) >= LEAST


@pytest.mark.parametrize(("task", "name", "text"), QUESTIONS)
def test_filled_questions_are_well_formed(task: str, name: str, text: str) -> None:
    said = fill(text, WORDS)
    assert "{" not in said
    assert said[0].isupper()
    assert said.endswith(("?", ".", ":"))
    assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou\W]|\s[,.?]|\b(\w+) \1\b", said), said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("is it good?", "capital"),
        ("Is  it good?", "white space"),
        ("Is it good", "question mark"),
        ("Is a {product} good?", "article"),
        ("Is {this} good?", "placeholder"),
    ],
)
def test_malformed_templates_are_named(text: str, problem: str) -> None:
    assert problem in (malformed(text) or "")


@pytest.mark.parametrize(
    ("type_", "words"),
    [("open splice", "an open splice"), ("excess_flash", "excess flash"), ("broken teeth", "broken teeth")],
)
def test_types_take_an_article_where_they_can_be_counted(type_: str, words: str) -> None:
    assert named(type_) == words


def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "count.yaml"
    file.write_text("task: count\nvariants: {number: {questions: ['How many are there?']}}\n")
    with pytest.raises(SpecsightError, match=r"count\.yaml.*variants\.number\.questions"):
        read_templates(file)
