"""Names of defects and parts: one notion of equality, whatever the spelling; words for places."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.specification import (
    DefectType,
    Part,
    Specification,
    Tolerance,
    parse_specification,
)
from specsight.specification.synonyms import GENERAL, PHRASES
from specsight.specification.vocabulary import (
    Vocabulary,
    lacks,
    normal_form,
    normal_forms,
    place_name,
    place_phrase,
    product_form,
    same_name,
    with_article,
    without_article,
)
from specsight.synthetic.tyres.defects import KINDS

EVERY_PHRASE = sorted({phrase for name, phrases in PHRASES.items() for phrase in (name, *phrases)})
names = st.one_of(
    st.text(max_size=20),
    st.text("aAns the-_xX", max_size=14),
    st.lists(st.sampled_from(["a", "The", "an", "cracks", "ses", "thes", "-", "_", "Pins"]), max_size=5).map(
        " ".join
    ),
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Broken_Large", "a broken large"),
        ("missing-rubber", "Missing  rubber"),
        ("scratches", "a scratch"),
        ("impurities", "impurity"),
        ("glasses", "glass"),
        ("lenses", "the lens"),
        ("spots of dirt", "spot of dirt"),
        ("Gr\u00f6\u00dfe", "GRO\u0308SSE"),
        ("A\u2011pillar", "a-pillar"),
    ],
)
def test_spellings_of_one_name_are_equal(first: str, second: str) -> None:
    assert same_name(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("crack", "track"),
        ("glass", "gla"),
        ("gas pore", "ga pore"),
        ("A-pillar", "pillar"),
        ("-", "_"),
        ("a", "the"),
    ],
)
def test_other_names_differ(first: str, second: str) -> None:
    assert not same_name(first, second)


@given(names)
def test_a_normal_form_is_its_own_normal_form(name: str) -> None:
    assert normal_form(normal_form(name)) == normal_form(name)
    assert product_form(product_form(name)) == product_form(name)


@given(names, names, names)
def test_equality_of_names_is_an_equivalence(first: str, second: str, third: str) -> None:
    assert same_name(first, first)
    assert same_name(first, second) == same_name(second, first)
    if same_name(first, second) and same_name(second, third):
        assert same_name(first, third)
    assert same_name(first, normal_form(first))


@pytest.mark.parametrize("phrase", EVERY_PHRASE)
def test_case_articles_separators_and_plurals_of_known_phrases_make_no_difference(phrase: str) -> None:
    bare = without_article(phrase)
    plural = f"{bare}es" if bare.endswith(("s", "sh", "ch", "x")) else f"{bare}s"
    spellings = [
        phrase.upper(),
        bare,
        f"the {bare}",
        with_article(bare),
        bare.replace(" ", "_"),
        f" {bare}  ",
    ]
    spellings += [bare.title().replace(" ", "-"), bare.replace(" ", " \t")]
    if normal_form(bare) == bare and not bare.endswith(("y", "is")):
        spellings.append(plural)
    assert normal_forms(spellings) == {normal_form(phrase)}


def test_general_types_have_the_names_that_the_tyre_line_uses_among_their_phrases() -> None:
    types = {
        "blister": "bulge",
        "excess flash": "excess material",
        "missing balance dot": "missing mark",
    }
    assert {kind.name: GENERAL.find(kind.name) for kind in KINDS.values()} == {
        kind.name: types.get(kind.name, kind.name) for kind in KINDS.values()
    }


def test_no_phrase_means_two_types() -> None:
    forms = {name: normal_forms((name, *phrases)) for name, phrases in PHRASES.items()}
    assert not [pair for pair in combinations(forms, 2) if forms[pair[0]] & forms[pair[1]]]


def test_products_that_differ_in_number_are_two() -> None:
    assert product_form("Metal_nut") == product_form("metal nut")
    assert product_form("capsule") != product_form("capsules")


def test_a_vocabulary_prefers_the_identical_name_then_the_name_then_the_phrase() -> None:
    words = Vocabulary({"hole": ("cut",), "holes": ("a pit",), "cut": ("slit",)})
    assert [words.find(name) for name in ("holes", "Holes", "A hole", "cut", "Pits", "slits")] == [
        "holes", "hole", "hole", "cut", "holes", "cut"
    ]  # fmt: skip
    assert words.find("dent") is None
    assert "dent" not in words
    assert words.spelling("dent") == "dent"
    assert words.hint("cuts") == "did you mean 'cut'?"
    assert words.hint("zzz") == "known: cut, hole, holes"


def test_phrases_of_types_defined_twice_are_joined() -> None:
    types = [DefectType(name="cut", phrases=("slit",)), DefectType(name="cut", phrases=("gash",))]
    assert [Vocabulary.of(types).find(name) for name in ("slit", "gash")] == ["cut", "cut"]


def test_a_specification_finds_its_defects_and_parts_however_they_are_spelled() -> None:
    tyre = Specification(
        product="tyre",
        parts=(Part(name="side wall", phrases=("flank",), critical=True),),
        defects=(DefectType(name="open splice", phrases=("a gaping seam",)),),
        tolerances=(Tolerance(defect="Open_Splices", up_to_mm=2, part="the flank"),),
    )
    assert tyre.defect("gaping seams") == tyre.defect("OPEN_SPLICE") == tyre.defects[0]
    assert tyre.part("Side-walls") == tyre.part("a flank") == tyre.parts[0]
    assert tyre.part("tread") is None
    assert tyre.severity_of(None, None, 0.1, "side_wall") == "major"
    with pytest.raises(Exception, match="line 4: unknown part 'tred': known: side wall"):
        parse_specification(
            "product: x\nparts: [{name: side wall}]\nrequirements:\n - {feature: dot, part: tred}"
        )


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (0, 0, "top left"),
        (45, 15, "centre"),
        (89, 29, "bottom right"),
        (45, 0, "top"),
        (0, 15, "left"),
        (91, 15, "left"),
    ],
)
def test_places_are_cells_of_a_three_by_three_grid(x: float, y: float, words: str) -> None:
    assert place_name(x % 90 / 90, y / 30) == words


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_place_in_a_sentence_is_the_same_place(x: float, y: float) -> None:
    assert place_phrase(x, y).endswith(place_name(x, y))


def test_articles_follow_the_sound_and_come_off_again() -> None:
    assert [with_article(word) for word in ("edge", "unit", "used part")] == [
        "an edge",
        "a unit",
        "a used part",
    ]
    assert [without_article(words) for words in ("an Edge", "The rim", "a", "anode")] == [
        "Edge",
        "rim",
        "a",
        "anode",
    ]


@pytest.mark.parametrize(
    ("defect", "feature", "is_lack"),
    [
        ("missing balance dot", "yellow balance dot", True),
        ("Missing_Dots", "yellow balance dot", True),
        ("dot missing", "yellow balance dot", True),
        ("no cap", "the cap", True),
        ("missing red dot", "yellow dot", False),
        ("missing", "yellow dot", False),
        ("balance dot", "yellow balance dot", False),
        ("missing cap of the bottle", "cap", False),
    ],
)
def test_a_defect_of_lacking_something_is_told_by_its_name(defect: str, feature: str, is_lack: bool) -> None:
    assert lacks(defect, feature) is is_lack
