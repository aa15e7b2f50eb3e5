"""Judgement, findings, clauses and calibration → the `Decision` about one picture, the same way for every detector.

A picture is rejected where its score is above the calibrated threshold. Clauses act on what the score rests on: where
some findings are excused, the largest map value among what still counts is compared with the calibrated threshold of
map peaks instead. So scopes and tolerances can turn a rejection into an acceptance and never the reverse; a requirement
that is not met rejects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from specsight import findings
from specsight.calibration import Calibration
from specsight.decision.rules import Circumstances, Effect, effects, with_scope
from specsight.records import Decision, Excused, Finding, Judgement, NotApplied
from specsight.specification.clauses import Clause, Ignore, Only, Scope, Tolerance

NO_THRESHOLD = "no threshold was calibrated, so there is no verdict"
OTHER_PRODUCT = "the picture does not show the product"
NOWHERE = "no single region of the map stands out, so the score cannot be attributed to a part or a type"


def decide(
    judgement: Judgement,
    found: Sequence[Finding],
    calibration: Calibration | None,
    clauses: Sequence[Clause] = (),
    circumstances: Circumstances | None = None,
    unlike: float | None = None,
) -> Decision:
    """Decide about one picture.

    `found` are the findings of `judgement.map` under `calibration`; `clauses` those of the specification and of the
    instruction together; `circumstances` what is known of the picture and the detector beside the judgement (default:
    nothing). A picture that shows something else (`unlike`, see `Decision`) is rejected whatever the clauses say. Every
    clause that cannot be applied is listed in the decision with the reason.
    """
    circumstances = with_scope(circumstances or Circumstances(), clauses)
    if calibration is None:
        applied = effects(clauses, (), circumstances)
        return Decision(None, judgement.score, None, not_applied=_not_applied(clauses, applied, NO_THRESHOLD))
    applied = effects(clauses, found, circumstances)
    if unlike is not None:
        reasons = _not_applied(clauses, applied, OTHER_PRODUCT)
        threshold = calibration.score_threshold
        return Decision("reject", judgement.score, threshold, not_applied=reasons, unlike=unlike)
    excused = _excused(clauses, applied)
    counted = [finding for k, finding in enumerate(found) if k not in excused]
    over = judgement.score > calibration.score_threshold
    score, threshold, deciding = judgement.score, calibration.score_threshold, None
    if over and excused:
        score, threshold = _largest_left(judgement, counted, calibration, circumstances), calibration.map_seed
        if score <= threshold:
            deciding = _deciding(excused, applied)
    rejected = score > threshold
    unmet = next((c for c, effect in zip(clauses, applied) if effect.unmet), None)
    if unmet is not None and not rejected:
        rejected, deciding = True, unmet
    not_applied = _not_applied(clauses, applied)
    if over and not found:
        not_applied += tuple(
            NotApplied(c, NOWHERE)
            for c, effect in zip(clauses, applied)
            if isinstance(c, Scope | Tolerance | Ignore | Only) and not effect.reason
        )
    return Decision(
        verdict="reject" if rejected else "accept",
        score=score,
        threshold=threshold,
        deciding=deciding,
        counted=tuple(counted),
        observed=tuple(Excused(found[k], clause) for k, clause in sorted(excused.items())),
        not_applied=not_applied,
        required=tuple(
            seen
            for clause, effect in zip(clauses, applied)
            if not effect.reason and (seen := circumstances.presence.get(clause)) and seen.count is not None
        ),
    )


def _excused(clauses: Sequence[Clause], applied: Sequence[Effect]) -> Mapping[int, Clause]:
    """Number of each finding that does not count → the first clause that says so."""
    excused: dict[int, Clause] = {}
    for clause, effect in zip(clauses, applied):
        for number in effect.excused:
            excused.setdefault(number, clause)
    return excused


def _deciding(excused: Mapping[int, Clause], applied: Sequence[Effect]) -> Clause:
    """The clause that excuses the strongest of the findings that no other clause excuses too; else of all."""
    alone = [k for k in excused if sum(k in effect.excused for effect in applied) == 1]
    return excused[min(alone or excused)]


def _largest_left(
    judgement: Judgement,
    counted: Sequence[Finding],
    calibration: Calibration,
    circumstances: Circumstances,
) -> float:
    """The largest map value that still counts: above the threshold of map peaks where, and only where, a finding
    counts."""
    if counted:
        return max(finding.peak for finding in counted)
    map_ = judgement.map
    left = ~findings.surroundings(map_, calibration, circumstances.circular)
    if circumstances.inside is not None:
        left &= circumstances.inside
    # Where the excused findings take up all that is in the scope, nothing counts, not even the lowest value.
    return float(np.max(map_[left], initial=min(float(map_.min()), calibration.map_extent)))


def _not_applied(
    clauses: Sequence[Clause], applied: Sequence[Effect], otherwise: str = ""
) -> tuple[NotApplied, ...]:
    """Clauses without effect, with the reason; `otherwise` is that of clauses which have none of their own."""
    return tuple(
        NotApplied(clause, effect.reason or otherwise)
        for clause, effect in zip(clauses, applied)
        if effect.reason or (otherwise and not effect.in_maps)
    )
