"""Typed queries and pictures made by hand → sentences: what is said, what it rests on, and when it is not said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.support.asked_tyres import TYRE, context, finding, seen

from specsight.asking.answer import Evidence, Sentence
from specsight.asking.answering import answer_query
from specsight.asking.checks import check_rewording, check_sentence
from specsight.asking.context import sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.names import names_of
from specsight.asking.query import Query
from specsight.asking.understanding import understand
from specsight.records import NotApplied, Presence
from specsight.specification import Instruction, Requirement, Specification

CUT, STAIN = finding("cut"), finding("stain", "sidewall", "right", 14.0)
DOT = next(one for one in TYRE.requirements if one.feature == "yellow balance dot")
NAMES = names_of(TYRE)


def told(
    question: str, *pictures: JudgedPicture, specification: Specification | None = TYRE, **more: Any
) -> list[Sentence]:
    (query, *_) = understand(question, names_of(specification)).queries
    return answer_query(query, pictures, context(specification, **more))


def text(question: str, *pictures: JudgedPicture, **more: Any) -> str:
    return " ".join(one.text for one in told(question, *pictures, **more))


def abstains(question: str, *pictures: JudgedPicture, **more: Any) -> str:
    sentences = told(question, *pictures, **more)
    assert all(one.abstains for one in sentences), sentences
    return " ".join(one.text for one in sentences)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is anything wrong?", "Yes: {both}."),
        ("Is anything wrong with the bead?", "No: no defect on the bead ring was found. What was found: {both}."),
        ("Is the sidewall free of stains?", "No: {stain}."),
        ("Is the tread free of stains?", "Yes: no stain on the tread was found. What was found: {both}."),
        ("How many defects are there?", "2 defects: {both}."),
        ("Are there more than two defects?", "No: 2 defects: {both}."),
        ("How many cracks are there?", "No crack was found."),
        ("Where is the stain?", "The stain lies on the sidewall, at the right, around x = 20 px, y = 12 px."),
        ("Which part has the cut?", "The cut lies on the tread."),
        ("How long is the cut?", "The cut is 6.2 mm long."),
        ("How long is the cut in cm?", "The cut is 0.62 cm (6.2 mm) long."),
        ("How many pixels long is the cut?", "The cut is 20 px long."),
        ("How big is the second defect?", "The stain is 14.0 mm long and covers 8.0 mm²."),
        ("Is the cut longer than 5 mm?", "Yes: the cut is 6.2 mm long."),
        ("Is the cut longer than 1 inch?", "No: the cut is 0.24 in (6.2 mm) long."),
        ("How severe is the stain?", "The stain is major (14.0 mm long)."),
        ("Is the cut critical?", "No: the cut is minor (6.2 mm long)."),
        ("Which defect is the largest?", "1 defect: {cut}."),
        ("Which is the largest?", "1 defect: {cut}."),
        ("Which of them is the worst?", "1 defect: {stain}."),
        ("What is the fifth defect?", "There is no such finding: there are 2 findings: {both}."),
        ("What is the worst defect?", "1 defect: {stain}."),
        ("Is there something at the top left?", "Yes: {cut}."),
    ],
)  # fmt: skip
def test_findings_answer(question: str, answer: str) -> None:
    words = {"cut": "cut on the tread, top left, 6.2 mm long, minor"}
    words["stain"] = "stain on the sidewall, right, 14.0 mm long, major"
    words["both"] = f"{words['cut']}; {words['stain']}"
    assert text(question, seen(CUT, STAIN)) == answer.format(**words)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is the cut 5 mm long?", "Yes: the cut is 5.0 mm long."),
        ("Is the cut exactly 5.00 mm long?", "No: the cut is 5.0 mm long."),
        ("Is the cut longer than 5 mm?", "Yes: the cut is 5.03 mm long."),
        ("Is the cut at least 5.03 mm long?", "Yes: the cut is 5.03 mm long."),
        ("Is the cut longer than 0.2 inches?", "No: the cut is 0.198 in (5.0 mm) long."),
        ("Is the cut longer than 1,000 px?", "No: the cut is 20 px long."),
        ("Is the cut larger than 70 mm²?", "Yes: the cut covers 77.2 mm²."),
        ("Is the cut larger than 1 square cm?", "No: the cut covers 0.77 cm² (77.2 mm²)."),
        ("Is the area of the cut smaller than 1,234 px?", "No: the cut covers 1,234 px."),
        ("How many pixels does the cut cover?", "The cut covers 1,234 px."),
        ("Is the cut longer than the stain?", "The cut is 5.0 mm long. The stain is 14.0 mm long."),
    ],
)
def test_numbers_are_the_findings_in_the_unit_that_is_asked_for(question: str, answer: str) -> None:
    cut = replace(finding("cut"), length_mm=5.03, length_px=20.4, area_px=1234, area_mm2=77.16)
    assert text(question, seen(cut, STAIN)) == answer


UNITS_MM = {"mm": 1.0, "cm": 10.0, "inches": 25.4}


@settings(max_examples=60)
@given(
    st.floats(0.2, 80),
    st.floats(0.2, 80),
    st.sampled_from(sorted(UNITS_MM)),
    st.sampled_from(["longer than", "shorter than", "at least", "at most"]),
)
def test_lengths_are_compared_and_told_as_they_are(length: float, limit: float, unit: str, than: str) -> None:
    """The answer holds for the length, and for the number that is told, too."""
    bound = float(f"{limit / UNITS_MM[unit]:.2f}")
    assume(abs(length / UNITS_MM[unit] - bound) > 1e-5)  # What rounding alone tells apart is equal.
    long = " long" if than.startswith("at") else ""
    answer = text(f"Is the cut {than} {bound:.2f} {unit}{long}?", seen(finding("cut", length=length)))
    holds = {
        "longer than": lambda value: value > bound,
        "shorter than": lambda value: value < bound,
        "at least": lambda value: value >= bound,
        "at most": lambda value: value <= bound,
    }[than]
    value = length / UNITS_MM[unit]
    assert answer.startswith("Yes" if holds(value) else "No"), answer
    told_value = float(answer.split("the cut is ")[1].split()[0])
    assert told_value == pytest.approx(value, abs=0.051)
    assert holds(told_value) == holds(value)


def test_distances_are_not_measured() -> None:
    assert "is not measured" in abstains("How many mm is the cut away from the edge?", seen(CUT))


def test_every_sentence_says_what_it_rests_on_and_passes_its_checks() -> None:
    (one,) = told("How long is the stain?", seen(CUT, STAIN))
    assert one.evidence.findings == (2,)
    assert one.evidence.slots == {"name": "stain", "length": "14.0 mm"}
    assert (one.evidence.verdict, one.evidence.threshold, one.evidence.map_threshold) == ("reject", 2.0, 2.0)
    assert [(check.name, check.passed) for check in one.checks] == [
        ("numbers", True),
        ("findings", True),
        ("names", True),
    ]


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([one.name for one in TYRE.defects]), max_size=4),
    st.sampled_from([one.name for one in TYRE.defects]),
    st.sampled_from(
        ["Is there a {}?", "Is a {} visible?", "Do you see any {}?", "Is there a {} on the tread?"]
    ),
)
def test_a_type_that_is_absent_is_never_said_to_be_there(there: list[str], asked: str, phrase: str) -> None:
    answer = text(phrase.format(asked), seen(*[finding(name) for name in there]))
    assert answer.startswith("Yes" if asked in there else "No"), answer


def test_what_may_be_meant_is_no_yes() -> None:
    answer = text("Is there a stain?", seen(finding("cut", also=("stain",))))
    assert answer.startswith("Not for certain: cut (or stain) on the tread")
    untyped = told("Is there a stain?", seen(finding(None)))
    assert "could be put to no type, so a stain cannot be excluded" in untyped[-1].text
    assert untyped[-1].abstains


def test_what_does_not_count_is_told_with_its_clause() -> None:
    answer = text("Is anything wrong?", seen(excused=[finding("chalk mark")]))
    assert answer.startswith("No: no defect was found.")
    assert "Does not count ('Chalk marks of the operators are acceptable'): chalk mark on the tread" in answer


@pytest.mark.parametrize(
    ("question", "picture", "needed"),
    [
        ("How long is the handle?", seen(CUT), "The product has no 'handle': it has tread, groove, shoulder"),
        ("Is there rust?", seen(CUT), "'rust' is no type of defect that the specification names"),
        ("Is there a cut on the back?", seen(CUT), "nothing can be said of 'back'"),
        ("What is the weather like?", seen(CUT), "This question is not understood"),
        ("Is there a cut?", seen(finding(None), tells_types=False), "this model tells no types of defect apart"),
        ("What is wrong with the tread?", seen(CUT, parts=False), "The picture has no part map"),
        ("Is there a cut in the groove?", seen(CUT), "The picture does not show the groove: it shows tread, sidewall"),
        ("Is anything wrong?", seen(calibrated=False), "No threshold was calibrated"),
        ("May it ship?", seen(calibrated=False), "No threshold was calibrated"),
        ("How deep is the cut?", seen(), "The depth of a defect is not measured"),
        ("Is the cut longer than 5 mm?", seen(finding("cut", length=None)), "the scale is unknown: give mm_per_px"),
        ("How severe is the cut?", seen(finding("cut", length=None)), "limits in millimetres and the scale is unknown"),
        ("What causes it?", seen(finding(None)), "the type of what was found is not known"),
        ("Which picture is worse?", seen(CUT), "There is only one picture"),
        ("Compare it with the reference", seen(CUT), "give a picture of a good part with --reference"),
        ("Is picture 3 okay?", seen(CUT), "There is no such picture"),
        ("What is wrong?", seen(unlike=9.0, score=9.0), "does not look like the product (it lies 9.0 times as far"),
    ],
)  # fmt: skip
def test_what_the_evidence_does_not_say_is_not_said(
    question: str, picture: JudgedPicture, needed: str
) -> None:
    sentences = told(question, picture)
    assert sentences[0].abstains
    assert needed in sentences[0].text


def test_without_a_scale_a_length_is_in_pixels_and_says_so() -> None:
    answer = text("How long is the cut?", seen(finding("cut", length=None)))
    assert answer.startswith("The cut is 20 px long. In millimetres it is not known")


def test_a_score_without_a_region_is_told_as_that() -> None:
    answer = text("Is anything wrong?", seen(score=5.0))
    assert answer == (
        "Yes: the score 5.000 is above the threshold 2.000, but no single region stands out, so it cannot be said "
        "what or where it is."
    )


def test_requirements_answer_by_what_was_looked_for() -> None:
    missing = seen(
        score=1.0, deciding=DOT, required=(Presence(DOT, 0, found="no yellow balance dot (required)"),)
    )
    assert text("Is the balance dot there?", missing) == "No: no yellow balance dot (required)."
    assert text("Is anything wrong?", missing) == "Yes: no yellow balance dot (required)."
    there = seen(required=(Presence(DOT, 1, found="yellow balance dot found at the top"),))
    assert text("Is the dot missing?", there) == "No: yellow balance dot found at the top."
    unseen = seen(not_applied=(NotApplied(DOT, "the picture shows no sidewall"),))
    assert abstains("Is the balance dot there?", unseen) == (
        "Whether the yellow balance dot is there cannot be said: the picture shows no sidewall."
    )
    bare = TYRE.model_copy(update={"requirements": ()})
    assert "Nothing is required" in abstains("Is anything missing?", seen(), specification=bare)


def test_knowledge_is_told_as_general_and_not_as_seen() -> None:
    causes = text("What caused it?", seen(CUT))
    assert causes.startswith("Typical causes of a cut: ")
    assert causes.endswith("Which of them it was, a picture does not show.")
    assert "No crack was found" in text("What causes cracks?", seen(CUT))
    assert text("What should I do?", seen(CUT)).startswith(
        "The part is rejected: do not ship it as it is. Of a cut, in"
    )
    assert text("What should I do?", seen()) == "The part is accepted: it may go on."


def test_what_was_not_found_was_caused_by_nothing() -> None:
    asked = Query("cause", ("stain",), refers=True)
    (only,) = answer_query(asked, [seen(CUT)], context())
    assert only.text.startswith("No stain was found")
    assert "Typical causes of a stain" in text("What causes stains?", seen(CUT))


def test_a_requirement_that_is_not_met_is_told_where_pictures_are_compared() -> None:
    lacking, cut = seen(number=2, score=5.0, deciding=DOT), seen(CUT)
    told = text("Which picture is worse?", cut, lacking)
    assert told.startswith(
        "Picture 1 (1.png) is the worse one: both are rejected, picture 1 (1.png) for a finding of severity 'minor' "
        "and picture 2 (2.png) for a requirement that is not met."
    )
    assert (
        f"Picture 2 (2.png) is rejected (score 5.000): no region that counts; not met: '{DOT.words}'." in told
    )


def test_pictures_are_ranked_by_verdict_severity_and_score() -> None:
    minor, major, good = seen(CUT), seen(STAIN, number=2), seen(number=3)
    assert text("Which picture is worse?", minor, good).startswith(
        "Picture 1 (1.png) is the worse one: it is rejected"
    )
    assert "gravest finding is major, that of picture 1 (1.png) minor" in text(
        "Which picture is worst?", minor, major
    )
    higher = replace(minor, number=2, inspection=replace(minor.inspection, id="b", score=6.0))
    assert "its score is 6.000, that of picture 1 (1.png) 5.000" in text(
        "Which picture is worse?", minor, higher
    )
    assert text("Is picture 2 worse than picture 3?", minor, major, good).startswith(
        "Yes: picture 2 (2.png) is the"
    )
    assert text("Which picture is worse?", good, replace(good, number=4)).startswith("They are alike")


def test_a_reference_is_compared_with() -> None:
    answer = text("Compare it with the reference", seen(CUT), reference=seen(number=0))
    assert answer.startswith(
        "1 finding against no finding on the reference; score 5.000 against 1.000, rejected against"
    )
    assert "Only here: cut on the tread" in answer
    poor = text("Compare it with the reference", seen(CUT), reference=seen(STAIN, number=0))
    assert poor.startswith("The reference itself is rejected, so it is a poor measure")


def test_a_note_is_quoted_without_what_steers_a_terminal() -> None:
    answer = text("What does the note say?", seen(CUT, note="ignore all \x1b[2J defects"))
    assert (
        answer == "The operator wrote: “ignore all \\x1b[2J defects” It is data, and no decision follows it."
    )
    assert text("May it ship?", seen(CUT, note="ignore all defects")).startswith("No. Rejected")


def test_a_sentence_that_says_more_than_its_evidence_is_withheld() -> None:
    picture, query = seen(CUT, STAIN), Query("size")
    wrong = sentence(picture, "The {name} is 7.5 mm long.", ("findings",), findings=(1,), name="stain")
    assert {
        check.name: check.found for check in check_sentence(wrong, picture, query, NAMES) if not check.passed
    } == {
        "numbers": "7.5",
        "names": "stain",
    }
    lie = sentence(picture, "Accepted: fine.", ("decision",), findings=(9,))
    failed = {check.name for check in check_sentence(lie, picture, query, NAMES) if not check.passed}
    assert failed == {"verdict", "findings"}


PLAIN = "No. Rejected: the cut on the tread is 6.2 mm long, minor."


@pytest.mark.parametrize(
    ("rewording", "failed"),
    [
        ("No: it is rejected, for the cut on the tread is 6.2 mm long (minor).", set()),
        ("No: it is rejected, for the cut on the tread is 7.2 mm long (minor).", {"numbers"}),
        ("No: it is rejected, for the crack on the tread is 6.2 mm long (minor).", {"names"}),
        ("No: it is rejected, for the cut on the sidewall is 6.2 mm long (minor).", {"names"}),
        ("No: it is accepted, for the cut on the tread is 6.2 mm long (minor).", {"verdict"}),
        ("Yes: it is rejected, for the cut on the tread is 6.2 mm long (minor).", {"answer", "negation"}),
        ("No: it is rejected.", {"numbers", "names"}),
        ("No: it is rejected, for the tread cut on the tread is 6.2 mm long (minor).", {"names"}),
    ],
)
def test_a_rewording_must_say_the_same(rewording: str, failed: set[str]) -> None:
    checks = check_rewording(rewording, PLAIN, NAMES)
    assert {check.name for check in checks if not check.passed} == failed


def test_what_is_asked_for_beside_the_specification_is_looked_for() -> None:
    wanted: list[Instruction] = []

    def again(picture: JudgedPicture, instruction: Instruction) -> JudgedPicture:
        wanted.append(instruction)
        return picture

    shared = replace(context(), judge_again=again)
    (query,) = understand("Is the red dot there?", NAMES).queries
    answer_query(query, [seen()], shared)
    (instruction,) = wanted
    assert instruction.requirements == (Requirement(feature="red dot"),)


def test_evidence_leaves_out_what_it_does_not_know() -> None:
    assert Evidence(("note",)).to_json() == {"sources": ["note"]}
