"""Clauses decide: each kind turns exactly the verdicts it should, and says so where it cannot."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight import findings
from specsight.calibration import Calibration
from specsight.decision import Circumstances, clauses_in_force, decide
from specsight.decision.scope import with_scope
from specsight.records import Decision, Finding, Judgement, Presence
from specsight.specification import (
    Clause,
    DefectType,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Part,
    Requirement,
    Scope,
    Specification,
    Tolerance,
    Unread,
)
from specsight.specification.vocabulary import Vocabulary

CALIBRATION = Calibration(
    score_threshold=1.0,
    map_seed=1.0,
    map_extent=0.5,
    good_count=60,
    false_reject_rate=0.05,
    wanted_rate=0.05,
    confidence=0.95,
)
SPECIFICATION = Specification(
    product="tyre",
    mm_per_px=0.5,
    parts=(Part(name="tread", phrases=("running surface",)), Part(name="sidewall")),
    defects=(DefectType(name="stain", phrases=("oil spot",)), DefectType(name="cut")),
)
PARTS = np.repeat(np.array([[1, 2]], np.uint8), 20, axis=1).repeat(30, axis=0)
"""Tread on the left half, sidewall on the right half of a picture of 30 × 40 pixels."""
STAIN, CUT = (5, 3), (25, 32)
"""Centres (row, column) of a stain on the tread and of a cut on the sidewall."""


def judgement(*types: str, score: float | None = None) -> Judgement:
    """A map with a square of 5 × 5 pixels per type: 3 high for the stain, 2 for the cut."""
    empty = np.zeros((30, 40), np.float32)
    maps = {"stain": empty.copy(), "cut": empty.copy()}
    for type_ in types:
        row, column = STAIN if type_ == "stain" else CUT
        maps[type_][row - 2 : row + 3, column - 2 : column + 3] = 3 if type_ == "stain" else 2
    together = np.maximum(maps["stain"], maps["cut"])
    return Judgement(float(together.max()) if score is None else score, together, maps)


CIRCUMSTANCES = Circumstances(
    types=("stain", "cut"),
    parts=PARTS,
    part_names={1: "tread", 2: "sidewall"},
    defect_words=Vocabulary.of(SPECIFICATION.defects),
    part_words=Vocabulary.of(SPECIFICATION.parts),
    scale_known=True,
)


def decided(one: Judgement, *clauses: Clause, circumstances: Circumstances = CIRCUMSTANCES) -> Decision:
    found = findings.find(
        one, CALIBRATION, SPECIFICATION, parts=circumstances.parts, part_names=circumstances.part_names
    )
    return decide(one, found, CALIBRATION, clauses, circumstances)


@pytest.mark.parametrize(
    ("clause", "types", "verdict"),
    [
        (Scope(parts=("sidewall",)), ["stain"], "accept"),
        (Scope(parts=("the sidewall",)), ["stain", "cut"], "reject"),
        (Scope(parts=("running surface",)), ["cut"], "accept"),
        (Scope(parts=("tread", "sidewall")), ["stain"], "reject"),
        (Scope(parts=("tread",), exclude=True), ["stain"], "accept"),
        (Scope(parts=("tread",), exclude=True), ["cut"], "reject"),
        (Tolerance(defect="stain"), ["stain"], "accept"),
        (Tolerance(defect="oil spots", up_to_mm=4), ["stain"], "accept"),
        (Tolerance(defect="stain", up_to_mm=2), ["stain"], "reject"),
        (Tolerance(defect="stain", up_to_mm=4, part="sidewall"), ["stain"], "reject"),
        (Tolerance(defect="stain", up_to_mm=4, part="tread"), ["stain"], "accept"),
        (Tolerance(defect="cut", up_to_mm=4), ["stain", "cut"], "reject"),
        (Ignore(defect="Stain"), ["stain"], "accept"),
        (Ignore(defect="cut"), ["stain"], "reject"),
        (Only(defect="cut"), ["stain"], "accept"),
        (Only(defect="cut"), ["cut"], "reject"),
    ],
)
def test_a_clause_turns_its_own_verdicts_alone(clause: Clause, types: list[str], verdict: str) -> None:
    assert decided(judgement(*types)).verdict == "reject"
    decision = decided(judgement(*types), clause)
    assert decision.verdict == verdict
    assert decision.deciding == (clause if verdict == "accept" else None)
    assert decision.not_applied == ()
    assert decision.threshold is not None
    assert (decision.score > decision.threshold) == (verdict == "reject")
    assert len(decision.counted) + len(decision.observed) == len(types)


def test_a_defect_at_the_edge_of_a_part_counts_where_its_peak_lies() -> None:
    """The map around a defect reaches over the edge: most of the region lies on the other part, its peak does not."""
    map_ = np.zeros((30, 40), np.float32)
    map_[10:20, 18:30] = 2
    map_[14, 18] = 3
    one = Judgement(3.0, map_, {"stain": map_, "cut": np.zeros_like(map_)})
    decision = decided(one, Scope(parts=("tread",)))
    assert [(f.part, f.peak_part) for f in decision.counted] == [("sidewall", "tread")]
    assert decision.verdict == "reject"
    assert decided(one, Scope(parts=("tread",), exclude=True)).verdict == "reject"


def test_what_still_counts_is_compared_with_the_threshold_of_map_peaks() -> None:
    decision = decided(judgement("stain", "cut"), Scope(parts=("sidewall",)))
    assert (decision.score, decision.threshold) == (2.0, CALIBRATION.map_seed)
    assert [f.type for f in decision.counted] == ["cut"]
    assert [(one.finding.type, one.clause.kind) for one in decision.observed] == [("stain", "scope")]


def test_without_clauses_that_act_the_score_decides() -> None:
    decision = decided(judgement("stain", score=0.9))
    assert (decision.verdict, decision.score, decision.threshold) == ("accept", 0.9, 1.0)
    assert decided(judgement(score=1.1)).verdict == "reject"


def test_a_requirement_is_judged_by_the_defect_of_lacking_it() -> None:
    clause = Requirement(feature="yellow dot")
    lacking = replace(CIRCUMSTANCES, types=("missing yellow dot", "stain"))
    one = judgement("stain", score=0.5)
    maps = {"missing yellow dot": one.type_maps["stain"], "stain": one.type_maps["cut"]}
    decision = decided(replace(one, type_maps=maps), clause, circumstances=lacking)
    assert (decision.verdict, decision.deciding) == ("reject", clause)
    assert decided(judgement(score=0.5), clause, circumstances=lacking).verdict == "accept"


def test_a_requirement_is_judged_by_the_feature_itself() -> None:
    clause = Requirement(feature="dot", count=1)
    present = replace(CIRCUMSTANCES, types=("dot",))
    one = judgement("stain")
    decision = decided(replace(one, type_maps={"dot": one.type_maps["stain"]}), clause, circumstances=present)
    assert decision.verdict == "accept"
    assert [e.clause for e in decision.observed] == [clause]
    missing = decided(
        replace(judgement(), type_maps={"dot": one.type_maps["cut"]}), clause, circumstances=present
    )
    assert (missing.verdict, missing.deciding) == ("reject", clause)
    two = Requirement(feature="dot", count=2)
    again = decided(replace(one, type_maps={"dot": one.type_maps["stain"]}), two, circumstances=present)
    assert (again.verdict, again.deciding) == ("reject", two)


@pytest.mark.parametrize(
    ("clause", "changes", "reason"),
    [
        (Scope(parts=("tread",)), {"parts": None}, "no part map"),
        (Scope(parts=("bead",)), {}, r"no 'bead' \(it has tread, sidewall\)"),
        (Tolerance(defect="stain"), {"types": ()}, "names no defect types"),
        (Tolerance(defect="blister"), {}, "no map of 'blister'"),
        (Tolerance(defect="stain", up_to_mm=2), {"scale_known": False}, "mm_per_px"),
        (Tolerance(defect="stain", part="bead"), {}, "no 'bead'"),
        (Ignore(defect="stain"), {"types": ()}, "names no defect types"),
        (Only(defect="stain"), {"types": ()}, "names no defect types"),
        (Requirement(feature="dot"), {}, "no map of 'dot' or of 'missing dot'"),
        (Knowledge(name="blister"), {}, "does not read"),
        (Unread(text="Be careful."), {}, "not understood"),
    ],
)
def test_a_clause_that_cannot_be_applied_is_named_with_the_reason(
    clause: Clause, changes: dict[str, object], reason: str
) -> None:
    circumstances = replace(CIRCUMSTANCES, **changes)  # type: ignore[arg-type]
    decision = decided(judgement("stain"), clause, circumstances=circumstances)
    assert decision.verdict == "reject"
    ((clause_, why),) = [(one.clause, one.reason) for one in decision.not_applied]
    assert clause_ == clause
    assert re.search(reason, why)


@pytest.mark.parametrize("order", [("cut", "blister"), ("blister", "cut")])
def test_types_that_alone_count_are_applied_together_or_not_at_all(order: tuple[str, str]) -> None:
    decision = decided(judgement("stain"), *(Only(defect=name) for name in order))
    assert decision.verdict == "reject", "what is called a stain may be a blister"
    assert [one.reason for one in decision.not_applied] == ["the detector has no map of 'blister'"] * 2


@pytest.mark.parametrize(
    "clause",
    [Scope(parts=("tread",)), Tolerance(defect="stain"), Ignore(defect="stain"), Only(defect="stain")],
    ids=lambda clause: clause.kind,
)
def test_a_score_without_a_place_cannot_be_put_out_of_scope_or_to_a_type(clause: Clause) -> None:
    decision = decided(judgement(score=5.0), clause)
    assert decision.verdict == "reject"
    assert [one.clause for one in decision.not_applied] == [clause]
    assert "cannot be attributed" in decision.not_applied[0].reason


def test_a_scope_that_the_picture_does_not_show_accepts_nothing() -> None:
    elsewhere = replace(CIRCUMSTANCES, parts=np.where(PARTS == 1, 2, PARTS).astype(np.uint8))
    decision = decided(judgement("stain"), Scope(parts=("tread",)), circumstances=elsewhere)
    assert decision.verdict == "reject"
    assert decision.not_applied[0].reason == "the picture shows no 'tread'"
    other = decided(judgement("stain"), Scope(parts=("tread",), exclude=True), circumstances=elsewhere)
    assert (other.verdict, other.not_applied) == ("reject", ())


def test_where_nothing_is_left_to_count_nothing_is_above_the_threshold() -> None:
    everywhere = np.full((30, 40), 2, np.float32)
    one = Judgement(2.0, everywhere, {"stain": everywhere, "cut": np.zeros_like(everywhere)})
    decision = decided(one, Ignore(defect="stain"))
    assert (decision.verdict, decision.counted) == ("accept", ())
    assert decision.score == CALIBRATION.map_extent


def test_a_length_that_equals_the_limit_is_tolerated() -> None:
    (stain,) = findings.find(judgement("stain"), CALIBRATION, SPECIFICATION)
    three = replace(stain, length_mm=3 * 0.1)
    clause = Tolerance(defect="stain", up_to_mm=0.3)
    assert decide(judgement("stain"), [three], CALIBRATION, [clause], CIRCUMSTANCES).verdict == "accept"
    longer = replace(stain, length_mm=0.3001)
    assert decide(judgement("stain"), [longer], CALIBRATION, [clause], CIRCUMSTANCES).verdict == "reject"


def test_a_lack_that_does_not_count_leaves_its_requirement_alone() -> None:
    lacking = replace(CIRCUMSTANCES, types=("missing dot",))
    one = judgement("stain")
    one = replace(one, type_maps={"missing dot": one.type_maps["stain"]})
    required = Requirement(feature="dot")
    assert decided(one, required, circumstances=lacking).verdict == "reject"
    for clause in (
        Tolerance(defect="missing dot"),
        Ignore(defect="missing dot"),
        Scope(parts=("sidewall",)),
    ):
        decision = decided(one, required, clause, circumstances=lacking)
        assert (decision.verdict, decision.deciding, decision.not_applied) == ("accept", clause, ())
    on_the_tread = Requirement(feature="dot", part="tread")
    decision = decided(one, on_the_tread, Scope(parts=("sidewall",)), circumstances=lacking)
    assert decision.verdict == "accept"
    assert [(n.clause, "not to be inspected" in n.reason) for n in decision.not_applied] == [
        (on_the_tread, True)
    ]


def test_the_deciding_clause_is_one_without_which_the_picture_would_be_rejected() -> None:
    both, one = Tolerance(defect="stain"), Ignore(defect="cut")
    decision = decided(judgement("stain", "cut"), Ignore(defect="stain"), both, one)
    assert (decision.verdict, decision.deciding) == ("accept", one)


def test_pixels_without_a_named_part_lie_on_no_part() -> None:
    unnamed = replace(CIRCUMSTANCES, parts=np.where(PARTS == 1, 9, PARTS).astype(np.uint8))
    inside = with_scope(unnamed, [Scope(parts=("sidewall",), exclude=True)]).inside
    assert inside is not None
    assert np.array_equal(inside, PARTS == 1)


def test_a_detector_that_reads_has_applied_knowledge_itself() -> None:
    follows = replace(CIRCUMSTANCES, follows_words=True)
    assert decided(judgement(), Knowledge(name="blister"), circumstances=follows).not_applied == ()


def test_without_a_threshold_there_is_no_verdict_and_every_clause_says_so() -> None:
    clauses = (Scope(parts=("tread",)), Tolerance(defect="stain"))
    decision = decide(judgement("stain"), (), None, clauses, CIRCUMSTANCES)
    assert (decision.verdict, decision.threshold) == (None, None)
    assert [one.clause for one in decision.not_applied] == list(clauses)
    assert all("no threshold" in one.reason for one in decision.not_applied)


ANY_CLAUSES = st.lists(
    st.one_of(
        st.builds(Scope, parts=st.sampled_from([("tread",), ("sidewall",)]), exclude=st.booleans()),
        st.builds(Tolerance, defect=st.sampled_from(["stain", "cut"]), up_to_mm=st.sampled_from([None, 1.0, 4.0])),
        st.builds(Ignore, defect=st.sampled_from(["stain", "cut"])),
        st.builds(Only, defect=st.sampled_from(["stain", "cut"])),
    ),
    max_size=5,
)  # fmt: skip


@given(ANY_CLAUSES, st.sets(st.sampled_from(["stain", "cut"])))
def test_clauses_that_excuse_never_turn_an_acceptance_and_the_numbers_follow(
    clauses: list[Clause], types: set[str]
) -> None:
    bare, decision = decided(judgement(*types)), decided(judgement(*types), *clauses)
    assert not (bare.verdict == "accept" and decision.verdict == "reject")
    assert decision.threshold is not None
    assert (decision.score > decision.threshold) == (decision.verdict == "reject")
    assert (decision.verdict == "reject") == bool(decision.counted)
    shuffled = decided(judgement(*types), *reversed(clauses))
    assert (shuffled.verdict, shuffled.score) == (decision.verdict, decision.score)


def seen(clause: Requirement, count: int | None, reason: str = "") -> Circumstances:
    """The circumstances of a picture in which a feature was looked for."""
    return replace(CIRCUMSTANCES, presence={clause: Presence(clause, count, reason)})


@pytest.mark.parametrize(("count", "verdict"), [(0, "reject"), (1, "reject"), (2, "accept"), (3, "accept")])
def test_a_requirement_is_met_by_as_many_features_as_were_seen(count: int, verdict: str) -> None:
    """Whatever the detector's types say: they have no map of the feature."""
    clause = Requirement(feature="green cap", count=2)
    decision = decided(judgement(), clause, circumstances=seen(clause, count))
    assert (decision.verdict, decision.not_applied) == (verdict, ())
    assert decision.deciding == (clause if verdict == "reject" else None)
    assert [one.count for one in decision.required] == [count]
    again = Decision.from_json(decision.to_json(()), decision.verdict, decision.threshold, ())
    assert again.required == decision.required


def test_what_a_look_cannot_say_is_told() -> None:
    clause = Requirement(feature="green cap")
    decision = decided(judgement(), clause, circumstances=seen(clause, None, "the picture shows no cap"))
    assert (decision.verdict, decision.required) == ("accept", ())
    assert [one.reason for one in decision.not_applied] == ["the picture shows no cap"]


def test_an_accepted_lack_leaves_its_requirement_alone() -> None:
    clause = Requirement(feature="yellow balance dot", part="sidewall")
    circumstances = seen(clause, 0)
    accepted = Tolerance(defect="missing balance dot", text="It may lack its dot.")
    decision = decided(judgement(), clause, accepted, circumstances=circumstances)
    assert decision.verdict == "accept"
    assert "It may lack its dot." in {one.clause: one.reason for one in decision.not_applied}[clause]
    for other in (
        Tolerance(defect="missing red dot"),
        Tolerance(defect="balance dot"),
        Tolerance(defect="missing dot", up_to_mm=2),
    ):
        assert decided(judgement(), clause, other, circumstances=circumstances).verdict == "reject"


def test_a_feature_that_was_seen_on_a_part_not_inspected_says_nothing() -> None:
    clause = Requirement(feature="dot", part="tread")
    decision = decided(judgement(), clause, Scope(parts=("sidewall",)), circumstances=seen(clause, 0))
    assert decision.verdict == "accept"
    assert "not to be inspected" in decision.not_applied[0].reason


def test_a_requirement_of_this_time_goes_before_a_lack_that_the_specification_accepts() -> None:
    specified = SPECIFICATION.model_copy(update={"tolerances": (Tolerance(defect="missing dot"),)})
    required = Requirement(feature="yellow dot")
    assert clauses_in_force(Instruction(requirements=(required,)), specified) == (required,)
    other = Requirement(feature="cap")
    kept = clauses_in_force(Instruction(requirements=(other,)), specified)
    assert kept == (other, *specified.tolerances)


def test_a_limit_of_zero_accepts_nothing_and_goes_before_what_the_specification_accepts() -> None:
    accepted = Tolerance(defect="stain", up_to_mm=100.0)
    specification = SPECIFICATION.model_copy(update={"tolerances": (accepted,)})
    none = Instruction(tolerances=(Tolerance(defect="stain", up_to_mm=0),))
    assert clauses_in_force(none, specification) == none.tolerances
    decision = decided(judgement("stain"), *none.tolerances)
    assert (decision.verdict, decision.observed, decision.not_applied) == ("reject", (), ())
    assert clauses_in_force(Instruction(ignore=(Ignore(defect="stain"),)), specification) == (
        Ignore(defect="stain"),
    )


@pytest.mark.parametrize("general", [Tolerance(defect="stain", up_to_mm=100.0), Ignore(defect="stain")])
def test_what_is_said_of_one_part_goes_before_what_is_said_of_all(general: Clause) -> None:
    assert decided(judgement("stain"), general).verdict == "accept"
    none_here = Tolerance(defect="stain", up_to_mm=0, part="tread")
    assert decided(judgement("stain"), general, none_here).verdict == "reject"
    elsewhere = none_here.model_copy(update={"part": "sidewall"})
    assert decided(judgement("stain"), general, elsewhere).verdict == "accept"


def test_a_type_is_ignored_on_one_part_alone() -> None:
    assert decided(judgement("stain"), Ignore(defect="stain", part="tread")).verdict == "accept"
    assert decided(judgement("stain"), Ignore(defect="stain", part="sidewall")).verdict == "reject"


CALIBRATED_BY_PART = replace(
    CALIBRATION, part_peaks=tuple({"tread": 0.6 + k / 1000, "sidewall": 0.8} for k in range(60))
)
"""Good parts reach 0.659 on the tread and 0.8 on the sidewall."""


def decided_by_part(one: Judgement, *clauses: Clause) -> Decision:
    circumstances = with_scope(CIRCUMSTANCES, clauses, CALIBRATED_BY_PART)
    found = findings.find(
        one,
        CALIBRATED_BY_PART,
        SPECIFICATION,
        parts=PARTS,
        part_names=circumstances.part_names,
        focus=circumstances.focus,
    )
    return decide(one, found, CALIBRATED_BY_PART, clauses, CIRCUMSTANCES)


def test_a_scope_rejects_for_what_the_whole_picture_does_not_show() -> None:
    scope = Scope(parts=("tread",), text="Inspect the tread only.")
    faint = judgement("stain")
    faint = replace(faint, score=0.9, map=faint.map * np.float32(0.3))
    assert decided_by_part(faint).verdict == "accept"
    decision = decided_by_part(faint, scope)
    assert (decision.verdict, decision.deciding) == ("reject", scope)
    assert (decision.score, decision.threshold) == (pytest.approx(0.9), pytest.approx(0.659))
    assert "60 good parts that show it" in decision.promise
    assert [f.part for f in decision.counted] == ["tread"]
    elsewhere = decided_by_part(faint, Scope(parts=("sidewall",)))
    assert (elsewhere.verdict, elsewhere.threshold) == ("accept", 0.8)
    assert elsewhere.deciding is None


def test_a_scope_that_names_every_part_keeps_the_verdict_of_the_full_inspection() -> None:
    everything = Scope(parts=("tread", "sidewall"))
    for types in ((), ("stain",), ("stain", "cut")):
        one = judgement(*types)
        full, scoped = decided_by_part(one), decided_by_part(one, everything)
        assert (scoped.verdict, scoped.score, scoped.threshold) == (full.verdict, full.score, full.threshold)
        assert scoped.not_applied == ()


def test_the_halo_of_a_defect_outside_does_not_reach_into_the_scope() -> None:
    """A cut on the sidewall lifts the map on the tread above what good parts show there."""
    rows, columns = np.mgrid[0:30, 0:40]
    halo = 10 * np.exp(-((rows - 15) ** 2 + (columns - 24) ** 2) / (2 * 4.0**2))
    one = Judgement(10.0, halo.astype(np.float32), {})
    assert halo[:, :20].max() > 0.8
    assert decided_by_part(one, Scope(parts=("tread",))).verdict == "accept"
    assert decided_by_part(one, Scope(parts=("sidewall",))).verdict == "reject"


def test_where_no_good_part_had_a_part_map_the_scope_says_which_threshold_it_uses() -> None:
    decision = decided(judgement("stain", "cut"), Scope(parts=("sidewall",)))
    assert decision.threshold == CALIBRATION.map_seed
    assert "threshold of the whole picture" in decision.promise


@given(ANY_CLAUSES, st.sets(st.sampled_from(["stain", "cut"])), st.floats(0.1, 2))
def test_order_changes_nothing_and_the_numbers_follow_under_thresholds_by_part(
    clauses: list[Clause], types: set[str], strength: float
) -> None:
    one = judgement(*types)
    one = replace(one, score=one.score * strength, map=one.map * np.float32(strength))
    decision, reverse = decided_by_part(one, *clauses), decided_by_part(one, *reversed(clauses))
    assert (decision.verdict, decision.score, decision.threshold) == (
        reverse.verdict,
        reverse.score,
        reverse.threshold,
    )
    assert decision.threshold is not None
    assert (decision.score > decision.threshold) == (decision.verdict == "reject")


def test_what_is_found_where_a_feature_is_missing_is_its_lack() -> None:
    """Though the detector cannot name it: a tolerance of the lack accepts it, and nothing elsewhere."""
    required = Requirement(feature="yellow dot")
    row, column = STAIN
    place = (column - 2, row - 2, column + 3, row + 3)
    missing = Presence(required, 0, found="no yellow dot (required)", boxes=(place,))
    circumstances = replace(CIRCUMSTANCES, types=(), presence={required: missing})
    accepted = Tolerance(defect="missing dot")
    assert decided(judgement("stain"), required, circumstances=circumstances).verdict == "reject"
    decision = decided(judgement("stain"), required, accepted, circumstances=circumstances)
    assert (decision.verdict, [one.clause for one in decision.observed]) == ("accept", [accepted])
    elsewhere = decided(judgement("stain", "cut"), required, accepted, circumstances=circumstances)
    assert (elsewhere.verdict, len(elsewhere.counted)) == ("reject", 1)


def test_a_near_tie_of_types_is_meant_by_the_words_of_this_picture_and_not_by_the_specification() -> None:
    (stain,) = findings.find(judgement("stain"), CALIBRATION, SPECIFICATION)
    unsure = replace(stain, type="cut", also=("stain",), length_mm=2.0)
    clause = Tolerance(defect="stain", up_to_mm=3)

    def verdict(*clauses: Clause, found: Finding = unsure, spoken: bool = True) -> str | None:
        circumstances = replace(CIRCUMSTANCES, given=clauses if spoken else ())
        return decide(judgement("stain"), [found], CALIBRATION, clauses, circumstances).verdict

    assert verdict(clause) == "accept"
    assert verdict(clause, spoken=False) == "reject"
    assert verdict(clause, found=replace(unsure, also=())) == "reject"
    assert verdict(clause, found=replace(unsure, length_mm=4.0)) == "reject"
    assert verdict(Only(defect="stain")) == "reject", "it may be what alone counts"
    assert verdict(Only(defect="cut")) == "reject"


def test_a_finding_of_a_type_that_was_looked_for_rejects_whatever_the_score_says() -> None:
    (mark,) = findings.find(
        judgement("stain"), CALIBRATION, SPECIFICATION, parts=PARTS, part_names={1: "tread", 2: "sidewall"}
    )
    taught = Knowledge(name="chalk mark", text="From today a chalk mark counts as a defect.")
    mark = replace(mark, type="chalk mark", length_mm=5.0)
    quiet = judgement(score=0.5)

    def decision(*clauses: Clause) -> Decision:
        types = (*CIRCUMSTANCES.types, "chalk mark")
        circumstances = replace(
            CIRCUMSTANCES, types=types, follows_words=True, named={0: taught}, given=clauses
        )
        return decide(quiet, [mark], CALIBRATION, clauses, circumstances)

    found = decision(taught)
    assert (found.verdict, found.deciding, found.score) == ("reject", taught, 0.5)
    assert found.counted == (mark,)
    away = decision(taught, Scope(parts=("sidewall",)))
    assert (away.verdict, [one.finding for one in away.observed]) == ("accept", [mark])
    assert decision(taught, Tolerance(defect="chalk mark", up_to_mm=10)).verdict == "accept"
    assert decision(taught, Tolerance(defect="chalk mark", up_to_mm=4)).verdict == "reject"


ON_TREAD, ON_SIDEWALL = (Knowledge(name="chalk mark", part=part) for part in ("tread", "sidewall"))


@pytest.mark.parametrize(
    ("clauses", "deciding"),
    [
        ([ON_TREAD], ON_TREAD),
        ([ON_SIDEWALL], None),
        ([ON_SIDEWALL, ON_TREAD], ON_TREAD),
        ([ON_TREAD, Ignore(defect="chalk mark")], ON_TREAD),
        ([ON_SIDEWALL, Ignore(defect="chalk mark")], None),
    ],
)
@pytest.mark.parametrize("by_name", [True, False])
def test_a_type_that_is_taught_on_one_part_counts_there(
    clauses: list[Clause], deciding: Clause | None, by_name: bool
) -> None:
    """On the tread lies a chalk mark, which is found by its name or in the maps of a detector that was taught it."""
    one = judgement("stain", score=0.5 if by_name else 3.0)
    (mark,) = findings.find(
        one, CALIBRATION, SPECIFICATION, parts=PARTS, part_names={1: "tread", 2: "sidewall"}
    )
    mark = replace(mark, type="chalk mark")
    given = replace(CIRCUMSTANCES, types=("stain", "cut", "chalk mark"), follows_words=True, given=clauses)
    circumstances = (
        replace(given, named={0: clauses[0]}) if by_name else replace(given, taught=["chalk mark"])
    )
    decision = decide(one, [mark], CALIBRATION, clauses, circumstances)
    assert (decision.verdict, decision.not_applied) == ("reject" if deciding else "accept", ())
    assert decision.counted == ((mark,) if deciding else ())
    if by_name:
        assert decision.deciding == deciding


def test_a_type_that_is_taught_on_one_part_excuses_nothing_that_the_score_tells_of() -> None:
    follows = replace(CIRCUMSTANCES, follows_words=True)
    decision = decided(judgement("stain"), Knowledge(name="stain", part="sidewall"), circumstances=follows)
    assert (decision.verdict, len(decision.counted), decision.not_applied) == ("reject", 1, ())


@pytest.mark.parametrize(
    ("part", "more", "reason"),
    [
        ("hub", (), "the part map has no 'hub'"),
        ("tread", (Scope(parts=("sidewall",)),), "'tread' is not to be inspected"),
    ],
)
def test_a_part_that_cannot_be_told_of_leaves_what_is_taught_on_it_without_effect(
    part: str, more: tuple[Clause, ...], reason: str
) -> None:
    (mark,) = findings.find(
        judgement("stain"), CALIBRATION, SPECIFICATION, parts=PARTS, part_names={1: "tread"}
    )
    taught = Knowledge(name="chalk mark", part=part)
    circumstances = replace(CIRCUMSTANCES, follows_words=True, named={0: taught}, given=[taught])
    clauses = (taught, *more)
    decision = decide(
        judgement(score=0.5), [replace(mark, type="chalk mark")], CALIBRATION, clauses, circumstances
    )
    assert (decision.verdict, decision.counted) == ("accept", ())
    (one,) = decision.not_applied
    assert one.clause is taught
    assert reason in one.reason


@pytest.mark.parametrize("exclude", [False, True])
def test_a_scope_holds_for_those_of_its_parts_that_the_part_map_has(exclude: bool) -> None:
    known = replace(CIRCUMSTANCES, part_words=Vocabulary(("tread", "sidewall", "lettering")))
    inspected = "sidewall" if not exclude else "tread"
    one = Scope(parts=(inspected,), exclude=exclude)
    both = Scope(parts=(inspected, "lettering"), exclude=exclude)
    alone, with_it = (decided(judgement("stain"), clause, circumstances=known) for clause in (one, both))
    assert (with_it.verdict, with_it.score, with_it.not_applied) == (alone.verdict, alone.score, ())
    assert alone.verdict == "accept"
    assert [(rest.clause, rest.reason) for rest in with_it.in_part] == [
        (both, f"the picture shows no 'lettering'; it holds for {inspected}")
    ]
    assert alone.in_part == ()
    nowhere = Scope(parts=("lettering", "valve"), exclude=exclude)
    full = decided(judgement("stain"), nowhere, circumstances=known)
    assert (full.verdict, full.in_part) == ("reject", ())
    assert [rest.clause for rest in full.not_applied] == [nowhere]


def test_where_scopes_leave_nothing_the_full_inspection_holds_and_says_so() -> None:
    tread_alone = replace(CIRCUMSTANCES, parts=np.ones_like(PARTS))
    without = Scope(parts=("tread",), exclude=True)
    decision = decided(judgement("stain"), without, circumstances=tread_alone)
    assert (decision.verdict, decision.promise, len(decision.counted)) == ("reject", "", 1)
    assert [(one.clause, "nothing would be left" in one.reason) for one in decision.not_applied] == [
        (without, True)
    ]


def test_what_lies_beside_all_named_parts_is_not_inspected_alone() -> None:
    framed = replace(CIRCUMSTANCES, parts=np.pad(PARTS[1:], ((1, 0), (0, 0))))
    tread, sidewall = (Scope(parts=(name,), exclude=True) for name in ("tread", "sidewall"))
    decision = decided(judgement("stain"), tread, sidewall, circumstances=framed)
    assert (decision.verdict, len(decision.counted)) == ("reject", 1)
    assert [one.clause for one in decision.not_applied] == [tread, sidewall]
    more = replace(framed, part_words=Vocabulary(("tread", "sidewall", "bead")))
    assert decided(judgement("stain"), tread, sidewall, circumstances=more).verdict == "accept"


@given(st.sets(st.sampled_from(["stain", "cut"])), st.floats(0.1, 2))
def test_clauses_that_excuse_nothing_keep_the_verdict_of_the_full_inspection(
    types: set[str], strength: float
) -> None:
    one = judgement(*types)
    one = replace(one, score=one.score * strength, map=one.map * np.float32(strength))
    idle = [
        Scope(parts=("sidewall", "tread")),
        Tolerance(defect="cut", up_to_mm=0),
        Tolerance(defect="stain", up_to_mm=0.1),
    ]
    if "cut" not in types:
        idle.append(Ignore(defect="cut"))
    full, decision = decided_by_part(one), decided_by_part(one, *idle)
    assert (full.verdict, full.score, full.threshold) == (
        decision.verdict,
        decision.score,
        decision.threshold,
    )
    assert decision.observed == ()


def test_a_specified_tolerance_holds_beside_a_type_that_is_taught_on_one_part() -> None:
    accepted, on_tread = Tolerance(defect="stain"), Tolerance(defect="stain", part="tread")
    words = SPECIFICATION.model_copy(update={"tolerances": (accepted, on_tread)})
    taught = Knowledge(name="stain", part="running surface")
    assert clauses_in_force(Instruction.of([taught]), words) == (taught, accepted)
    everywhere = Knowledge(name="stain")
    assert clauses_in_force(Instruction.of([everywhere]), words) == (everywhere,)


def test_requirements_of_the_specification_give_way_to_types_that_alone_count() -> None:
    dot, lettering = Requirement(feature="yellow balance dot"), Requirement(feature="lettering '205/55'")
    specified = Specification(product="tyre", requirements=(dot, lettering))
    for type_, kept in (("cut", ()), ("missing balance dot", (dot,)), ("wrong lettering", (lettering,))):
        only = Only(defect=type_)
        assert clauses_in_force(Instruction(only=(only,)), specified) == (only, *kept)
    both = Instruction(only=(Only(defect="cut"),), requirements=(dot,))
    assert clauses_in_force(both, specified) == (*both.only, dot), "what is required this time holds"


def test_a_limit_that_the_model_cannot_measure_is_told() -> None:
    seen = replace(CIRCUMSTANCES, least_mm=4.8)
    clause = Tolerance(defect="stain", up_to_mm=2, text="Stains up to 2 mm are fine.")
    told = decided(judgement("stain"), clause, circumstances=seen)
    assert told.verdict == "reject"
    assert [(one.clause, one.reason) for one in told.not_applied] == [
        (
            clause,
            "limit 2 mm is below the shortest length that this model can measure here (4.8 mm): "
            "what it finds is rejected, however small",
        )
    ]
    # A limit that can be measured says nothing, nor does 0, nor one within which something was found.
    for limit, least in ((5, 4.8), (0, 4.8), (4, 4.8), (2, None)):
        clause = Tolerance(defect="stain", up_to_mm=limit)
        known = replace(CIRCUMSTANCES, least_mm=least)
        assert not decided(judgement("stain"), clause, circumstances=known).not_applied
