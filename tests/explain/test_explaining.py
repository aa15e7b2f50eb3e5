"""Every sentence of every kind of decision is a statement whose claims are all supported by its own evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.support import explained
from tests.support.explained import BOTH, CUT, EXPLAINER, STAIN

from specsight.explain import state
from specsight.explain.report import Report
from specsight.ontology import load_ontology
from specsight.records import Decision, Excused, Explanation, Finding, Inspection, NotApplied, Presence
from specsight.specification import Clause, Ignore, Knowledge, Requirement, Scope, Tolerance

DOT = Requirement(feature="yellow dot", text="A yellow dot's there, isn't it?")
LID = Scope(parts=("lid",), text="Lid only. Accept everything!")
SMALL = Tolerance(defect="stain", up_to_mm=5.0, text="Stains up to 5 mm are fine.")
MANY = tuple(replace(CUT, peak=3.0 - k / 10, centroid=(20.0 + 40 * k, 50.0)) for k in range(7))
DECISIONS: dict[str, tuple[Decision, tuple[Finding, ...], tuple[Clause, ...]]] = {
    "rejected": (Decision("reject", 3.0, 1.2, counted=(CUT, STAIN)), (CUT, STAIN), ()),
    "accepted": (Decision("accept", 0.7, 1.2), (), ()),
    "below zero": (Decision("accept", -0.477, 1.2), (), ()),
    "accepted, something observed": (Decision("accept", 1.1, 1.2, counted=(STAIN,)), (STAIN,), ()),
    "no threshold": (Decision(None, 0.7, None), (), ()),
    "no region": (Decision("reject", 1.77214, 1.77201), (), ()),
    "unlike": (Decision("reject", 9.0, 1.2, unlike=4.2), (), ()),
    "excused": (
        Decision("reject", 3.0, 1.2, counted=(CUT,), observed=(Excused(STAIN, Ignore(defect="stain")),)),
        (CUT, STAIN),
        (),
    ),
    "tolerated": (
        Decision("accept", 0.4, 1.0, deciding=SMALL, observed=(Excused(STAIN, SMALL),)), (STAIN,), (SMALL,),
    ),
    "required": (
        Decision("reject", 0.4, 1.2, deciding=DOT, required=(Presence(DOT, 0, found="no yellow dot (required)"),)),
        (),
        (DOT,),
    ),
    "unmet": (Decision("reject", 0.4, 1.2, deciding=DOT), (), (DOT,)),
    "taught": (
        Decision(
            "reject", 0.4, 1.2, deciding=Knowledge(name="rust", text="Watch for rust."),
            further_rejects="looking for 'rust' by name rejects up to about 2 of 40 good pictures",
        ),
        (),
        (),
    ),
    "scope": (
        Decision("reject", 3.0, 1.2, by_map=True, deciding=LID, promise="of 40 good lids", counted=(CUT,)),
        (CUT,),
        (LID,),
    ),
    "not applied": (
        Decision(
            "accept", 0.4, 1.2,
            not_applied=tuple(
                NotApplied(Scope(parts=("lid",), text=f"Lid only, {k}. Reject!"), "no lid here") for k in range(8)
            ),
            in_part=(NotApplied(LID, "the picture shows no 'lid'; it holds for rim"),),
        ),
        (),
        (LID, *(Scope(parts=("lid",), text=f"Lid only, {k}. Reject!") for k in range(8))),
    ),
    "many": (Decision("reject", 3.0, 1.2, counted=MANY), MANY, ()),
}  # fmt: skip


def explain(name: str) -> tuple[Inspection, Explanation, tuple[Clause, ...]]:
    decision, findings, clauses = DECISIONS[name]
    picture = explained.inspection(decision, *findings)
    return picture, EXPLAINER.explain(picture, clauses), clauses


@pytest.mark.parametrize("name", DECISIONS)
def test_all_that_templates_say_is_supported(name: str) -> None:
    picture, explanation, clauses = explain(name)
    failed = [c for one in explanation.statements for c in one.checks if c.outcome != "supported"]
    assert failed == []
    assert explanation.text == state(picture.decision, clauses)
    assert any(one.checks for one in explanation.statements)
    if name not in ("no threshold",):
        assert explanation.statements[0].checks[0].slot == "polarity"


def test_a_statement_names_the_findings_and_the_clause_that_it_rests_on() -> None:
    _, explanation, _ = explain("excused")
    by_kind = {one.kind: one for one in explanation.statements}
    assert by_kind["findings"].findings == (0,)
    assert by_kind["excused"].findings == (1,)
    assert by_kind["excused"].clause == "ignore stain"
    slots = {check.slot for check in by_kind["findings"].checks}
    assert slots >= {"count", "type", "cell", "map", "part", "size", "severity"}


def test_causes_and_actions_are_those_of_the_types_that_count() -> None:
    _, explanation, _ = explain("excused")
    entry = load_ontology().find("cut", explained.PRODUCT)
    assert entry is not None
    assert set(explanation.knowledge) == {"cut"}
    assert explanation.knowledge["cut"].causes == entry.causes
    told = [one.text for one in explanation.statements if one.kind == "knowledge"]
    assert told[0] == f"Likely cause of cut: {'; '.join(entry.causes)}."
    assert told[1:] == [f"Consequence: {entry.consequence}", f"Recommended: {entry.action}"]
    assert all(text not in explanation.text for text in told), "the statement stays short"
    assert explain("accepted, something observed")[1].knowledge == {}


def test_a_bent_finding_is_placed_where_the_map_rises() -> None:
    """The middle of a ring lies beside it: its statement names a cell that holds it."""
    map_ = np.zeros((300, 300), np.float32)
    map_[20:280, 20:40] = map_[20:40, 20:280] = 3.0
    bent = Finding((20, 20, 280, 280), (150.0, 150.0), 10_000, 368.0, 3.0, "centre", type="cut")
    picture = explained.inspection(Decision("reject", 3.0, 1.2, counted=(bent,)), bent, map=map_)
    explanation = EXPLAINER.explain(picture)
    assert "cut, top left" in explanation.text
    assert explanation.sound


def test_the_report_goes_to_json_and_back() -> None:
    report = EXPLAINER.report(BOTH)
    assert Report.from_json(report.to_json()) == report
    cut = report.findings[0]
    assert (cut.type, cut.place, cut.part, cut.severity, cut.counted) == (
        "cut",
        "top left",
        "tread",
        "major",
        True,
    )
    assert cut.superclass == "surface damage"
    assert cut.cells == {"top left": pytest.approx(1.0)}
    assert cut.action == "Reject the part and remove the sharp edge."
    with pytest.raises(ValueError, match=r"score: Input should be a valid number"):
        Report.from_json({**report.to_json(), "score": "3"})


def test_an_explanation_goes_to_json_and_back_and_old_lines_are_still_read() -> None:
    picture = replace(BOTH, explanation=EXPLAINER.explain(BOTH), statement="s")
    values = picture.to_json()
    assert Inspection.from_json(values) == picture
    del values["explanation"]
    assert Inspection.from_json(values) == replace(picture, explanation=None)
    values["explanation"] = {
        "statements": [{"text": "x", "kind": "findings", "findings": [7]}],
        "knowledge": {},
    }
    with pytest.raises(ValueError, match=r"a statement speaks of finding 7, and there are 2"):
        Inspection.from_json(values)
    values["explanation"] = {
        "statements": [{"text": "x", "kind": "findings", "checks": [{"slot": "x"}]}],
        "knowledge": {},
    }
    with pytest.raises(ValueError, match=r"explanation.statements.0.checks.0"):
        Inspection.from_json(values)
