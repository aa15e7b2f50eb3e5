"""Any text is held against the evidence: what is true is supported, and nothing that is false is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured.explanations import about, inspection, is_supported
from tests.support import explained
from tests.support.explained import BOTH, CUT, EXPLAINER, STAIN

from specsight.explain.explaining import Explainer
from specsight.records import Decision, Excused, Inspection, Presence
from specsight.specification import Ignore, Requirement, Specification
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.product import specification as tyre_specification

STATEMENTS = Path(__file__).parent / "statements"
TOURING = Specification.model_validate(tyre_specification(MODELS["touring"]))
TYRES = Explainer(TOURING)


def outcomes(text: str, about: Inspection = BOTH) -> dict[str, str]:
    """Slot → the worst outcome of its checks."""
    order = ("supported", "unsupported", "contradicted")
    found: dict[str, str] = {}
    for one in EXPLAINER.check(text, about):
        found[one.slot] = max(found.get(one.slot, "supported"), one.outcome, key=order.index)
    return found


def supported(text: str) -> bool:
    found = outcomes(text)
    return bool(found) and set(found.values()) == {"supported"}


def lines(name: str) -> list[str]:
    return (STATEMENTS / f"{name}.txt").read_text("utf-8").splitlines()


def test_true_statements_are_supported() -> None:
    assert [text for text in lines("supported") if not supported(text)] == []


def test_false_statements_are_not_supported() -> None:
    assert [text for text in lines("not_supported") if supported(text)] == []


def test_true_statements_in_words_that_are_not_understood_are_not_supported_either() -> None:
    """They are listed for what they are; a rewrite in such words is rejected."""
    assert [text for text in lines("true_not_understood") if supported(text)] == []


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_each_falsified_slot_is_caught_and_the_true_sentence_accepted(seed: int) -> None:
    generator = np.random.default_rng(seed)
    picture = inspection(generator, TOURING)
    wrong = [one for one in about(picture, generator, TOURING) if is_supported(TYRES, one) is not one.true]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "slot", "outcome"),
    [
        ("The part is accepted.", "polarity", "contradicted"),
        ("It might be rejected.", "polarity", "unsupported"),
        ("A crack on the tread.", "type", "contradicted"),
        ("A chalk mark on the sidewall.", "type", "unsupported"),
        ("A cut at the bottom.", "cell", "contradicted"),
        ("A cut at the bottom.", "map", "contradicted"),
        ("A cut on the flange.", "part", "contradicted"),
        ("A cut of 6.4 mm.", "size", "contradicted"),
        ("A cut of 6 mm.", "size", "supported"),
        ("A minor cut.", "severity", "contradicted"),
        ("Three defects.", "count", "contradicted"),
        ("A horrible cut.", "words", "unsupported"),
        ("The threshold is 1.2.", "score", "supported"),
        ("The stain does not count.", "status", "contradicted"),
    ],
)
def test_a_check_says_which_slot_fails_and_how(text: str, slot: str, outcome: str) -> None:
    assert outcomes(text)[slot] == outcome


def test_what_the_evidence_does_not_know_is_unsupported_and_not_contradicted() -> None:
    bare = replace(CUT, type=None, part=None, severity=None, length_mm=None)
    picture = explained.inspection(Decision("reject", 3.0, 1.2, counted=(bare,)), bare)
    found = outcomes("A major cut on the tread, 6.2 mm long.", picture)
    assert {found[slot] for slot in ("type", "part", "severity", "size")} == {"unsupported"}
    assert outcomes("An anomaly at the top left, 31 px long.", picture)["cell"] == "supported"


def test_the_map_itself_must_rise_in_the_stated_cell() -> None:
    flat = replace(BOTH, map=explained.heat(CUT))
    assert outcomes("A stain at the right.", flat) == {
        "type": "supported",
        "cell": "supported",
        "map": "contradicted",
    }
    assert outcomes("A stain at the right.")["map"] == "supported"
    unseen = replace(BOTH, map=None)
    assert "map" not in outcomes("A stain at the right.", unseen)
    more = replace(BOTH, map=explained.heat(CUT, STAIN, replace(STAIN, centroid=(150.0, 150.0))))
    assert outcomes("No defect in the centre.", more) == {"map": "contradicted"}


def test_words_of_a_clause_are_no_claims_inside_quotation_marks_alone() -> None:
    """A specification that says "accept the part" is data: it may be quoted and proves nothing."""
    excused = (Excused(STAIN, Ignore(defect="stain", text="Accept the part, ignore all defects.")),)
    picture = explained.inspection(Decision("reject", 3.0, 1.2, counted=(CUT,), observed=excused), CUT, STAIN)
    assert outcomes("Does not count ('Accept the part, ignore all defects.'): stain.", picture) == {
        "clause": "supported", "type": "supported", "status": "supported",
    }  # fmt: skip
    assert outcomes("Accept the part, ignore all defects.", picture)["polarity"] == "contradicted"


def test_a_required_feature_is_there_or_not() -> None:
    dot = Requirement(feature="yellow dot")
    seen = Presence(dot, 0, found="no yellow dot (required)")
    picture = explained.inspection(Decision("reject", 0.5, 1.2, deciding=dot, required=(seen,)))
    assert outcomes("Rejected: no yellow dot (required).", picture) == {
        "polarity": "supported",
        "clause": "supported",
    }
    assert outcomes("The yellow dot was not found.", picture) == {"required": "supported"}
    assert outcomes("The yellow dot is present.", picture) == {"required": "contradicted"}


def test_slots_as_json_are_checked_with_the_words_around_them() -> None:
    said = '{"decision": "reject", "types": ["slit"], "boxes": [[117, 117, 220, 220]], "count": 2}'
    assert supported(said)
    assert outcomes(said + " It lies on the flange.")["part"] == "contradicted"
    assert outcomes('{"boxes": [[500, 500, 600, 600]]}')["cell"] == "contradicted"
    assert outcomes('{"decision": "reject", "cause": "sabotage"}')["words"] == "unsupported"


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    for one in EXPLAINER.check(text, BOTH):
        assert one.outcome in ("supported", "unsupported", "contradicted")


def test_a_text_of_ten_thousand_words_is_refused_at_once() -> None:
    assert outcomes("a cut " * 10_000) == {"words": "unsupported"}
