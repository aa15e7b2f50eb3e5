"""Rewordings keep or lose meaning as their names say, and always leave a valid specification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.prompts import prompt_bank
from specsight.prompts.rewording import NO_NOUN, REWORDINGS, WRONG_NOUN, reword
from specsight.specification import DefectType, Specification, dump_yaml, parse_specification
from specsight.specification.synonyms import PHRASES
from specsight.specification.vocabulary import normal_form

TYRE = Specification(
    product="car tyre",
    appearance="black rubber. fine vent spews",
    defects=(
        DefectType(name="cut", phrases=("a knife cut",)),
        DefectType(name="foreign body", phrases=("an embedded particle", "a foreign body")),
    ),
)


def test_paraphrases_use_other_names_of_the_same_kind() -> None:
    cut, foreign = reword(TYRE, "paraphrase").defects
    assert {cut.name, *cut.phrases} < {"cut", *PHRASES["cut"]}
    assert not {cut.name, *cut.phrases} & {"cut", "a cut", "a knife cut"}
    assert foreign.name in PHRASES["foreign body"]
    assert foreign.name != "a foreign body"


def test_a_plural_is_another_wording() -> None:
    specification = Specification(
        product="tyre", defects=(DefectType(name="scratch", phrases=("a scrape",)),)
    )
    (scratch,) = reword(specification, "paraphrase").defects
    assert (scratch.name, *scratch.phrases) == ("scratches", "a score mark", "an abrasion")


def test_lost_and_wrong_words_are_lost_and_wrong() -> None:
    assert reword(TYRE, "noun removed").product == NO_NOUN
    assert reword(TYRE, "wrong noun").product == WRONG_NOUN
    assert reword(TYRE, "wrong noun").defects == TYRE.defects
    assert not {d.name for d in reword(TYRE, "wrong defect list").defects} & {"cut", "foreign body"}
    short = reword(TYRE, "one word")
    assert (short.product, [d.name for d in short.defects]) == ("tyre", ["cut", "body"])
    assert next(d.phrases for d in reword(TYRE, "truncation").defects) == ("a kni",)
    prose = reword(TYRE, "full prose")
    assert "a knife cut must not be found anywhere on the car tyre" in prose.defects[0].phrases[0]
    assert prose.appearance.endswith("fine vent spews")


@given(
    st.text("abc xyz-", min_size=1, max_size=30).filter(str.strip),
    st.lists(
        st.text("abc xyz-", min_size=1, max_size=30).filter(str.strip), max_size=4, unique_by=normal_form
    ),
)
@pytest.mark.parametrize("how", sorted(REWORDINGS))
def test_every_rewording_is_a_valid_specification_with_prompts(
    how: str, product: str, names: list[str]
) -> None:
    names = [" ".join(name.split()) for name in names]
    written = Specification(product=product, defects=tuple(DefectType(name=name) for name in names))
    reworded = reword(written, how)
    assert parse_specification(dump_yaml(reworded), "reworded") == reworded
    assert prompt_bank(reworded, None).good
