"""Sentences say what the findings say, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from tests.support.explained import CUT, EXPLAINER, inspection

from specsight.explain import describe, state, told_apart
from specsight.records import Decision, Excused, Finding, NotApplied, Presence
from specsight.specification import Ignore, Knowledge, Requirement, Scope, Unread


def finding(**changes: object) -> Finding:
    values: dict[str, object] = {
        "box": (1, 2, 5, 6), "centroid": (3.0, 4.0), "area_px": 12, "length_px": 6.4, "peak": 2.0, "place": "top left",
    }  # fmt: skip
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


def test_a_finding_is_described_by_type_part_place_size_and_severity() -> None:
    cut = finding(type="cut", part="tread", length_mm=6.23, severity="major")
    assert describe(cut) == "cut on the tread, top left, 6.2 mm long, major"
    assert describe(finding()) == "anomaly, top left, 6 px long"


def test_the_verdict_names_score_threshold_and_regions() -> None:
    words = state(Decision("reject", 4.2, 3.0, counted=(finding(),)))
    assert (
        words == "Rejected: score 4.200 is above the threshold 3.000. 1 region: anomaly, top left, 6 px long."
    )
    assert state(Decision("accept", 2.0, 3.0)) == "Accepted: score 2.000 is not above the threshold 3.000."
    assert "Observed without effect" in state(Decision("accept", 2.0, 3.0, counted=(finding(),)))
    assert "No single region" in state(Decision("reject", 4.0, 3.0))
    assert "no verdict" in state(Decision(None, 4.0, None))


def test_a_score_just_above_its_threshold_is_seen_to_be() -> None:
    words = state(Decision("reject", 1.77214, 1.77201))
    assert words.startswith("Rejected: score 1.7721 is above the threshold 1.7720.")
    assert told_apart(1.77214, 1.77201) == ("1.7721", "1.7720")
    assert told_apart(1.5, 1.5) == ("1.500", "1.500")
    assert told_apart(1e-9, 2e-9) == ("0.000000001", "0.000000002")
    assert told_apart(0.1 + 0.2, 0.3) == ("0.30000000000000004", "0.29999999999999999")
    assert told_apart(123456.7891, 123456.7892) == ("123456.7891", "123456.7892")


def test_a_map_value_that_was_compared_in_place_of_the_score_is_not_called_the_score() -> None:
    stains = (Excused(finding(type="stain"), Ignore(defect="stain")),)
    words = state(Decision("reject", 4.2, 3.0, by_map=True, counted=(finding(),), observed=stains))
    assert words.startswith("Rejected: what still counts reaches 4.200, which is above the threshold 3.000.")
    assert state(Decision("accept", 2.0, 3.0, observed=stains)).startswith("Accepted: score 2.000")


def test_many_findings_are_counted_after_the_first_five() -> None:
    words = state(Decision("reject", 4.0, 3.0, counted=(finding(),) * 7))
    assert words.count("top left") == 5
    assert words.endswith("; and 2 smaller ones.")


def test_clauses_of_a_long_document_that_a_picture_does_not_allow_are_counted_after_the_first_five() -> None:
    clauses = [Scope(parts=("lid",), text=f"Sentence {k}.") for k in range(8)]
    words = state(
        Decision("accept", 2.0, 3.0, not_applied=tuple(NotApplied(one, "no lid here") for one in clauses)),
        clauses,
    )
    assert words.count("(no lid here)") == 5
    assert words.endswith("; and 3 more. The picture was judged as without this.")


def test_sentences_that_were_not_understood_are_not_repeated_with_every_picture() -> None:
    """They are the same for all pictures: the decision holds them, and screen and report name each once."""
    unread, scope = Unread(text="How are you?"), Scope(parts=("lid",), text="Lid only.")
    both = (NotApplied(unread, "not understood"), NotApplied(scope, "no lid here"))
    words = state(Decision("accept", 2.0, 3.0, not_applied=both), [unread, scope])
    assert words.endswith("Not applied: 'Lid only.' (no lid here). The picture was judged as without this.")
    assert "How are you?" not in words
    assert "Not applied" not in state(Decision("accept", 2.0, 3.0, not_applied=both[:1]), [unread, scope])


def test_what_a_clause_could_not_reach_is_told() -> None:
    scope = Scope(parts=("lid", "rim"), text="Lid and rim only.")
    rest = NotApplied(scope, "the picture shows no 'lid'; it holds for rim")
    words = state(Decision("accept", 2.0, 3.0, in_part=(rest,)), [scope])
    assert words.endswith(
        "Applied in part: 'Lid and rim only.' (the picture shows no 'lid'; it holds for rim)."
    )


def test_what_was_looked_for_is_told_once() -> None:
    dot, cap = Requirement(feature="yellow dot"), Requirement(feature="cap")
    seen = (
        Presence(dot, 0, found="no yellow dot (required)"),
        Presence(cap, 1, found="cap found at the top"),
    )
    words = state(Decision("reject", 2.0, 3.0, deciding=dot, required=seen))
    assert words == "Rejected: no yellow dot (required). Looked for: cap found at the top."
    assert "Looked for: no yellow dot (required); cap found" in state(
        Decision("reject", 4.0, 3.0, required=seen)
    )
    specified = replace(seen[1], clause=Requirement(feature="cap", text="A cap is required."))
    assert state(Decision("accept", 2.0, 3.0, required=(seen[1], specified))).count("cap found") == 1


def test_what_looking_by_name_costs_is_told_where_it_rejects() -> None:
    cost = "looking for 'rust' by name rejects up to about 2 of 40 good pictures"
    named = Decision(
        "reject", 2.0, 3.0, deciding=Knowledge(name="rust", text="Watch for rust."), further_rejects=cost
    )
    assert state(named) == f"Rejected: 'Watch for rust'. Beside what the threshold promises, {cost}."
    lacking = Decision("reject", 2.0, 3.0, deciding=Requirement(feature="dot"), further_rejects=cost)
    assert cost not in state(lacking)
    assert cost not in state(Decision("reject", 4.0, 3.0, further_rejects=cost)), "the score alone rejects"


def test_the_modality_that_shows_a_finding_is_named() -> None:
    dome = finding(type="blister", seen_in=("depth",), height_mm=0.62)
    assert (
        describe(dome)
        == "blister, top left, 6 px long, seen in depth only, 0.6 mm above the surface around it"
    )
    assert describe(finding(seen_in=("rgb",))).endswith("seen in colour only")
    both = finding(seen_in=("rgb", "depth"), height_mm=-1.0)
    assert describe(both).endswith("seen in colour and depth, 1.0 mm below the surface around it")


def test_what_is_said_of_modalities_holds_under_the_checks() -> None:
    dome = replace(CUT, seen_in=("depth",), height_mm=0.62)
    shown = inspection(Decision("reject", 3.0, 1.2, counted=(dome,)), dome)
    explanation = EXPLAINER.explain(shown)
    assert "seen in depth only, 0.6 mm above the surface around it" in explanation.text
    assert all(statement.sound for statement in explanation.statements)
    wrong = EXPLAINER.check("Rejected: a cut on the tread, seen in colour only.", shown)
    assert any(check.outcome != "supported" for check in wrong)
