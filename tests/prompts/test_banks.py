"""Prompts: a product's words become the same sentences whatever order they were written in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.prompts import damaged_prompts, defect_prompts, good_prompts, prompt_bank
from specsight.specification import DefectType, Ignore, Instruction, Knowledge, Only, Specification

BOTTLE = Specification(
    product="bottle",
    defects=(
        DefectType(name="crack", phrases=("a crack", "broken glass")),
        DefectType(name="contamination", phrases=("dirt",)),
    ),
)
PHRASES = st.lists(st.text("abcdefghij ", min_size=1).filter(str.strip), min_size=1, max_size=5)


def test_the_ensemble_has_the_papers_states_and_templates() -> None:
    assert len(good_prompts("bottle")) == 7 * 22
    assert len(damaged_prompts("bottle")) == 4 * 22
    assert "a photo of an unblemished bottle" in good_prompts("bottle")
    assert "a close-up photo of the bottle without defect" in good_prompts("bottle")
    assert "a photo of a damaged bottle for anomaly detection" in damaged_prompts("bottle")


def test_names_of_folders_become_words() -> None:
    assert "a photo of a flawless metal nut" in good_prompts("metal_nut")


@pytest.mark.parametrize(
    ("noun", "words"), [("unit", "a unit"), ("engine", "an engine"), ("used part", "a used part")]
)
def test_articles_follow_the_sound(noun: str, words: str) -> None:
    assert f"scratch on {words}" in defect_prompts(noun, ["scratch"])


@given(phrases=PHRASES, shuffled=st.randoms())
def test_the_order_case_and_repetition_of_phrases_do_not_matter(phrases: list[str], shuffled) -> None:  # type: ignore[no-untyped-def]
    other = [p.upper() for p in phrases] + phrases
    shuffled.shuffle(other)
    assert defect_prompts("tyre", phrases) == defect_prompts("tyre", other)


def test_without_an_instruction_every_type_counts_and_so_does_unnamed_damage() -> None:
    bank = prompt_bank(BOTTLE)
    assert list(bank.defects) == ["crack", "contamination"]
    assert bank.damaged == damaged_prompts("bottle")
    assert not bank.ignored
    assert any("broken glass" in sentence for sentence in bank.defects["crack"])
    assert any(sentence == "crack on a bottle" for sentence in bank.defects["crack"])


def test_only_selects_by_name_or_phrase_and_leaves_unnamed_damage_out() -> None:
    for words in ("crack", "CRACK", "Broken glass"):
        bank = prompt_bank(BOTTLE, Instruction.of([Only(defect=words)]))
        assert list(bank.defects) == ["crack"]
        assert bank.damaged == ()


def test_ignored_types_do_not_count_but_are_known() -> None:
    bank = prompt_bank(BOTTLE, Instruction.of([Ignore(defect="dirt")]))
    assert list(bank.defects) == ["crack"]
    assert list(bank.ignored) == ["contamination"]
    assert bank.damaged


def test_a_type_both_singled_out_and_ignored_is_ignored() -> None:
    bank = prompt_bank(BOTTLE, Instruction.of([Only(defect="crack"), Ignore(defect="crack")]))
    assert not bank.defects
    assert not bank.damaged


def test_an_instruction_teaches_new_types_and_new_phrases() -> None:
    instruction = Instruction.of([Knowledge(name="Crack", phrases=("fissure",)), Knowledge(name="bubble")])
    bank = prompt_bank(BOTTLE, instruction)
    assert list(bank.defects) == ["crack", "contamination", "bubble"]
    assert any("fissure" in sentence for sentence in bank.defects["crack"])
    assert set(prompt_bank(BOTTLE).defects["crack"]) < set(bank.defects["crack"])


def test_a_name_that_nobody_defined_describes_itself() -> None:
    assert list(prompt_bank(BOTTLE, Instruction.of([Only(defect="burn mark")])).defects) == ["burn mark"]


def test_the_appearance_adds_sentences_about_good_parts() -> None:
    described = BOTTLE.model_copy(update={"appearance": "Clear brown glass; smooth rim."})
    added = set(prompt_bank(described).good) - set(prompt_bank(BOTTLE).good)
    assert any("Clear brown glass" in sentence for sentence in added)
    assert any("smooth rim" in sentence for sentence in added)
