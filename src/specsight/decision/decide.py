"""Judgement, findings, clauses and calibration → the `Decision` about one picture, the same way for every detector.

A picture is rejected where its score is above the calibrated threshold. Clauses act on what the score rests on: where
some findings are excused, the largest map value among what still counts is compared with the calibrated threshold of
map peaks instead. A scope has a threshold of its own, from what held-out good parts reach in the same parts of the
product: it can reject for what the score of the whole picture does not show. All other clauses that excuse can turn a
rejection into an acceptance and never the reverse; a requirement that is not met rejects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specsight import findings
from specsight.calibration import Calibration
from specsight.decision.circumstances import Circumstances
from specsight.decision.effect import Effect
from specsight.decision.rules import effects, teaches
from specsight.decision.scope import with_scope
from specsight.records import Decision, Excused, Finding, Judgement, NotApplied
from specsight.specification.clauses import Clause, Ignore, Knowledge, Only, Scope, Tolerance

NO_THRESHOLD = "no threshold was calibrated, so there is no verdict"
UNSCOPED = "the threshold of the whole picture: too few held-out good parts showed these parts in a part map"
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
    circumstances = circumstances or Circumstances()
    if circumstances.inside is None:
        circumstances = with_scope(circumstances, clauses, calibration)
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
    compared = _compared(judgement, found, excused, calibration, circumstances)
    rejected = compared.score > compared.threshold
    deciding = None
    if rejected != over:
        excuses_score = over and bool(excused.keys() - circumstances.named.keys())
        deciding = _deciding(excused, applied) if excuses_score else _narrowing(clauses, applied)
    against = _against(found, clauses, applied, excused, circumstances)
    if against is not None and not rejected:
        rejected, deciding = True, against
    not_applied = _not_applied(clauses, applied)
    if not compared.attributed:
        not_applied += _without_place(clauses, applied)
    return Decision(
        verdict="reject" if rejected else "accept",
        score=compared.score,
        threshold=compared.threshold,
        by_map=compared.by_map,
        deciding=deciding,
        promise=compared.promise,
        counted=tuple(counted),
        observed=tuple(Excused(found[k], clause) for k, clause in sorted(excused.items())),
        not_applied=not_applied,
        in_part=tuple(NotApplied(c, e.rest) for c, e in zip(clauses, applied) if e.rest),
        required=tuple(
            seen
            for clause, effect in zip(clauses, applied)
            if not effect.reason and (seen := circumstances.presence.get(clause)) and seen.count is not None
        ),
    )


class _Compared(NamedTuple):
    """What the verdict rests on."""

    score: float
    threshold: float
    promise: str
    by_map: bool
    """Whether that is a map value."""
    attributed: bool
    """Whether the score can be put to a part or a type."""


def _compared(
    judgement: Judgement,
    found: Sequence[Finding],
    excused: Mapping[int, Clause],
    calibration: Calibration,
    circumstances: Circumstances,
) -> _Compared:
    """The score with its threshold; where a scope has one of its own, or clauses excuse what the score tells of, the
    largest map value that still counts with that of maps."""
    over = judgement.score > calibration.score_threshold
    attributed = len(found) > len(circumstances.named) or not over or circumstances.score_of_map
    scoped = circumstances.inside is not None and attributed
    if not scoped and not (over and excused.keys() - circumstances.named.keys()):
        return _Compared(judgement.score, calibration.score_threshold, "", False, attributed)
    of_score = [f for k, f in enumerate(found) if k not in excused and k not in circumstances.named]
    left = _largest_left(judgement, of_score, calibration, circumstances)
    threshold, promise = _limit(calibration, circumstances) if scoped else (calibration.map_seed, "")
    return _Compared(left, threshold, promise, True, attributed)


def _against(
    found: Sequence[Finding],
    clauses: Sequence[Clause],
    applied: Sequence[Effect],
    excused: Mapping[int, Clause],
    circumstances: Circumstances,
) -> Clause | None:
    """The first clause that rejects whatever the score says: a requirement that is not met, or a type that was looked
    for by name."""
    unmet = (c for c, effect in zip(clauses, applied) if effect.unmet)
    named = (
        _teaching(clause, found[k], clauses, circumstances)
        for k, clause in circumstances.named.items()
        if k not in excused
    )
    return next(chain(unmet, named), None)


def _without_place(clauses: Sequence[Clause], applied: Sequence[Effect]) -> tuple[NotApplied, ...]:
    """Clauses about parts and types that could act, were the score put to one."""
    return tuple(
        NotApplied(c, NOWHERE)
        for c, effect in zip(clauses, applied)
        if isinstance(c, Scope | Tolerance | Ignore | Only) and not effect.reason
    )


def _excused(clauses: Sequence[Clause], applied: Sequence[Effect]) -> Mapping[int, Clause]:
    """Number of each finding that does not count → the first clause that says so."""
    excused: dict[int, Clause] = {}
    for clause, effect in zip(clauses, applied):
        for number in effect.excused:
            excused.setdefault(number, clause)
    return excused


def _teaching(
    clause: Clause, finding: Finding, clauses: Sequence[Clause], circumstances: Circumstances
) -> Clause:
    """The clause that a finding of a type that was looked for is there for: of several that teach the type, the one for
    its part."""
    if not isinstance(clause, Knowledge) or teaches(clause, finding, circumstances):
        return clause
    others = (c for c in clauses if isinstance(c, Knowledge) and teaches(c, finding, circumstances))
    return next(others, clause)


def _deciding(excused: Mapping[int, Clause], applied: Sequence[Effect]) -> Clause:
    """The clause that excuses the strongest of the findings that no other clause excuses too; else of all."""
    alone = [k for k in excused if sum(k in effect.excused for effect in applied) == 1]
    return excused[min(alone or excused)]


def _narrowing(clauses: Sequence[Clause], applied: Sequence[Effect]) -> Clause | None:
    """The first clause that says which parts are inspected."""
    return next(
        (c for c, effect in zip(clauses, applied) if isinstance(c, Scope) and not effect.reason), None
    )


def _limit(calibration: Calibration, circumstances: Circumstances) -> tuple[float, str]:
    """What the map may reach in the scope, and what is promised of that."""
    limit = circumstances.limit
    if limit is not None:
        return limit.threshold, limit.statement()
    return calibration.map_seed, UNSCOPED


def _largest_left(
    judgement: Judgement,
    counted: Sequence[Finding],
    calibration: Calibration,
    circumstances: Circumstances,
) -> float:
    """The largest map value that still counts: above the threshold where, and only where, a finding counts."""
    map_, inside = judgement.map, circumstances.inside
    if counted:
        return max(_reach(finding, map_, circumstances) for finding in counted)
    left = ~findings.surroundings(map_, calibration, circumstances.circular, circumstances.focus)
    if inside is not None:
        left &= inside
    # Where the excused findings take up all that is in the scope, nothing counts, not even the lowest value.
    threshold, _ = _limit(calibration, circumstances)
    return float(np.max(map_[left], initial=min(float(map_.min()), calibration.map_extent, threshold)))


def _reach(finding: Finding, map_: NDArray[np.float32], circumstances: Circumstances) -> float:
    """The largest map value of a finding that counts, within the scope."""
    inside = circumstances.inside
    if inside is None or finding.peak_part is None:
        return finding.peak
    x0, y0, x1, y1 = finding.box
    columns = np.arange(x0, x1) % map_.shape[1]
    within = map_[y0:y1, columns][inside[y0:y1, columns]]
    return min(finding.peak, float(np.max(within, initial=-np.inf)))


def _not_applied(
    clauses: Sequence[Clause], applied: Sequence[Effect], otherwise: str = ""
) -> tuple[NotApplied, ...]:
    """Clauses without effect, with the reason; `otherwise` is that of clauses which have none of their own."""
    return tuple(
        NotApplied(clause, effect.reason or otherwise)
        for clause, effect in zip(clauses, applied)
        if effect.reason or (otherwise and not effect.in_maps)
    )
