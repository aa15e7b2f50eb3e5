"""Words of a feature say what is looked for: lettering, a colour, or something that only its name describes."""

from __future__ import annotations

import pytest

from specsight.presence.wording import Wanted, wanted


@pytest.mark.parametrize(
    ("feature", "colour", "kind"),
    [
        ("yellow balance dot", "yellow", "balance dot"),
        ("the red dots", "red", "dot"),
        ("a green cap", "green", "cap"),
        ("violet stripe", "purple", "stripe"),
        ("three screws", "", "three screw"),
        ("label on the neck", "", "label on the neck"),
    ],
)
def test_a_colour_is_told_from_the_noun(feature: str, colour: str, kind: str) -> None:
    asked = wanted(feature)
    assert (asked.colour, asked.kind, asked.text) == (colour, kind, "")


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        ("lettering '205/55 R16 91V'", "205/55 R16 91V"),
        ("lettering 205/55 R16", "205/55 R16"),
        ("the marking “CE”", "CE"),
        ("label that reads 'Use before'", "Use before"),
        ("size: 205/55 R16", "205/55 R16"),
        ("205/55 R16", "205/55 R16"),
        ("dot code", ""),
        ("serial number", ""),
        ("number plate", ""),
    ],
)
def test_a_text_is_told_by_quotation_marks_or_a_noun_of_writing(feature: str, text: str) -> None:
    assert wanted(feature).text == text


def test_nouns_tell_shapes() -> None:
    assert wanted("yellow balance dot").is_round
    assert wanted("blue stripe").is_long
    assert not wanted("green cap").is_round
    assert wanted("a dot") == Wanted("dot", kind="dot")


@pytest.mark.parametrize(
    ("feature", "sentence", "text"),
    [
        ("lettering 'm 12 '", "The lettering 'M 12A' is required.", "M 12A"),
        (
            "lettering '205/55 r16  \ufffc ' the tyre",
            "Without the lettering '205/55 R16 91V' it is rejected.",
            "205/55 R16 91V",
        ),
        ("marking 'ce'", "The markings 'TUV' and 'CE' are required.", "CE"),
        ("marking 'CE'", "A mark is required.", "CE"),
        ("yellow dot", "A yellow dot beside 'CE' is required.", ""),
    ],
)
def test_lettering_is_taken_as_it_stands_in_the_sentence(feature: str, sentence: str, text: str) -> None:
    assert wanted(feature, sentence).text == text


def test_the_name_of_lettering_holds_it_as_it_stands() -> None:
    assert wanted("the lettering 'r16  \ufffc '", "The lettering 'R16 91V'.").name == "lettering 'R16 91V'"
