"""What each kind of clause does to findings, or why it can do nothing: one rule per kind.

In: clauses, the findings of one picture, and what is known of the picture and the detector. Out: an `Effect` per
clause. Rules are exact: a scope needs a given part map, a tolerance needs types (and millimetres where it has a limit),
a requirement needs a look for the feature, or a type that tells of it or of its absence.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from specsight.decision.circumstances import Circumstances
from specsight.decision.effect import Effect
from specsight.decision.scope import outside, part_reason, scope_effect, scopes_in_force
from specsight.errors import excerpt
from specsight.records import Box, Finding
from specsight.specification.clauses import (
    Clause,
    Ignore,
    Knowledge,
    Only,
    Requirement,
    Scope,
    Tolerance,
    Unread,
)
from specsight.specification.terms import is_within
from specsight.specification.vocabulary import ABSENT, lacks

NO_TYPES = "the detector names no defect types"
NO_SCALE = "the scale is unknown: give mm_per_px in the specification or the manifest"


def effects(
    clauses: Sequence[Clause], found: Sequence[Finding], circumstances: Circumstances
) -> list[Effect]:
    """The effect of every clause on the findings, in the order of `clauses`."""
    scopes = scopes_in_force(clauses, circumstances)
    only = [c for c in clauses if isinstance(c, Only)]
    on_parts = [c for c in clauses if isinstance(c, Tolerance | Ignore | Knowledge) and c.part is not None]
    known = [c for c in clauses if isinstance(c, Knowledge)]
    others = {
        k: _effect(clause, found, circumstances, scopes, only, on_parts, known)
        for k, clause in enumerate(clauses)
        if not isinstance(clause, Requirement)
    }
    excused = frozenset[int]().union(*(effect.excused for effect in others.values()))
    return [
        _requirement(clause, found, circumstances, scopes, excused, clauses)
        if isinstance(clause, Requirement)
        else others[k]
        for k, clause in enumerate(clauses)
    ]


def _effect(
    clause: Clause,
    found: Sequence[Finding],
    circumstances: Circumstances,
    scopes: Sequence[Scope],
    only: Sequence[Only],
    on_parts: Sequence[Tolerance | Ignore | Knowledge],
    known: Sequence[Knowledge],
) -> Effect:
    if isinstance(clause, Scope):
        return scope_effect(clause, found, circumstances, scopes)
    if isinstance(clause, Only):
        return _only(clause, found, circumstances, only)
    if isinstance(clause, Tolerance | Ignore):
        return _tolerance(clause, found, circumstances, on_parts)
    if isinstance(clause, Knowledge):
        return _knowledge(clause, found, circumstances, scopes, known)
    if isinstance(clause, Unread):
        return Effect(reason=clause.reason or "the sentence was not understood")
    raise TypeError(f"no rule for a clause of kind {clause.kind!r}")


def _knowledge(
    clause: Knowledge,
    found: Sequence[Finding],
    circumstances: Circumstances,
    scopes: Sequence[Scope],
    known: Sequence[Knowledge],
) -> Effect:
    """Findings of a type that is taught on one part and that are there because of that, beside the part.

    What the score tells of counts wherever it lies: being taught on one part accepts nothing on others.
    """
    if not circumstances.follows_words:
        return Effect(reason="the detector does not read words")
    if clause.part is None:
        return Effect(in_maps=True)
    beside = frozenset(
        k
        for k, finding in enumerate(found)
        if _is_taught(k, finding, clause, circumstances)
        and not any(teaches(one, finding, circumstances) for one in known)
    )
    reason = part_reason(clause.part, circumstances)
    if not reason and (scope := outside(clause.part, scopes, circumstances)):
        reason = f"'{clause.part}' is not to be inspected ({excerpt(scope.words)})"
    return Effect(beside, reason=reason, in_maps=not reason)


def _is_taught(number: int, finding: Finding, clause: Knowledge, circumstances: Circumstances) -> bool:
    """Whether a finding is of the clause's type and is there because a clause teaches it."""
    if number in circumstances.named:
        named = circumstances.named[number]
        return isinstance(named, Knowledge) and circumstances.same_defect(named.name, clause.name)
    return circumstances.same_defect(finding.type, clause.name) and circumstances.same_defect(
        clause.name, *circumstances.taught
    )


def teaches(clause: Knowledge, finding: Finding, circumstances: Circumstances) -> bool:
    """Whether a clause teaches the type of a finding where it lies: most of it, or its peak."""
    if not circumstances.same_defect(finding.type, clause.name):
        return False
    return clause.part is None or any(
        circumstances.same_part(part, clause.part) for part in (finding.part, finding.peak_part)
    )


def _only(
    clause: Only, found: Sequence[Finding], circumstances: Circumstances, only: Sequence[Only]
) -> Effect:
    """Findings of a type that is not among those that alone count.

    Where one of the types that alone count has no map, its defects go by the names of others: no `Only` is applied.
    """
    names = [c.defect for c in only]
    if reason := next(
        (r for name in (clause.defect, *names) if (r := _type_reason(name, circumstances))), ""
    ):
        return Effect(reason=reason)
    excused = [k for k, f in enumerate(found) if f.type and not circumstances.may_be(f, *names)]
    return Effect(frozenset(excused) if clause is only[0] else frozenset())


def _type_reason(name: str, circumstances: Circumstances) -> str:
    """Why findings cannot be told to be of a type; empty where they can."""
    if not circumstances.types:
        return NO_TYPES
    if not circumstances.same_defect(name, *circumstances.types):
        return f"the detector has no map of '{name}'"
    return ""


def _tolerance(
    clause: Tolerance | Ignore,
    found: Sequence[Finding],
    circumstances: Circumstances,
    on_parts: Sequence[Tolerance | Ignore | Knowledge],
) -> Effect:
    """Findings of a type that is accepted, up to a limit or whatever their size.

    What is said of one part goes before what is said of all: there, findings of the type are left to those clauses.
    """
    limit = clause.up_to_mm if isinstance(clause, Tolerance) else None
    if limit == 0 and clause.part is None:
        return Effect()
    missed = _missed(clause.defect, circumstances) if limit is None else []
    if limit != 0 and not missed and (reason := _type_reason(clause.defect, circumstances)):
        return Effect(reason=reason)
    if limit and not circumstances.scale_known:
        return Effect(reason=NO_SCALE)
    if clause.part is not None and (reason := part_reason(clause.part, circumstances)):
        return Effect(reason=reason)
    meant = (k for k, finding in enumerate(found) if _is_about(clause, finding, circumstances))
    if clause.part is None:
        meant = (k for k in meant if not any(_is_about(c, found[k], circumstances) for c in on_parts))
    accepted = {k for k in meant if limit is None or _within(found[k], limit)}
    accepted |= {k for k, finding in enumerate(found) if any(_is_at(finding, box) for box in missed)}
    return Effect(frozenset(accepted), reason="" if accepted else _too_short(limit, circumstances))


def _too_short(limit: float | None, circumstances: Circumstances) -> str:
    """Why a limit accepts no defect, however small: the map tells no length as short; empty where it does."""
    least = circumstances.least_mm
    if not limit or least is None or is_within(least, limit):
        return ""
    return (
        f"limit {limit:g} mm is below the shortest length that this model can measure here "
        f"({least:.1f} mm): what it finds is rejected, however small"
    )


def _missed(defect: str, circumstances: Circumstances) -> list[Box]:
    """Where features belong that were looked for in vain and whose lack a type of defect names: what is found there is
    of that type, whether or not the detector can name it."""
    lack = circumstances.defect_words.spelling(defect)
    return [
        box
        for clause, seen in circumstances.presence.items()
        if isinstance(clause, Requirement) and seen.count == 0
        if lacks(defect, clause.feature) or lacks(lack, clause.feature)
        for box in seen.boxes
    ]


def _is_at(finding: Finding, box: Box) -> bool:
    """Whether a finding lies at a place: its middle within twice its sides, and hardly beyond."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    left, top, right, bottom = x0 - width, y0 - height, x1 + width, y1 + height
    x, y = finding.centroid
    return (
        x0 - width / 2 <= x <= x1 + width / 2
        and y0 - height / 2 <= y <= y1 + height / 2
        and left <= finding.box[0]
        and top <= finding.box[1]
        and finding.box[2] <= right
        and finding.box[3] <= bottom
    )


def _is_about(clause: Tolerance | Ignore | Knowledge, finding: Finding, circumstances: Circumstances) -> bool:
    """Whether a finding is of the clause's type, and on its part."""
    if isinstance(clause, Knowledge):
        return teaches(clause, finding, circumstances)
    meant = clause in circumstances.given and circumstances.may_be(finding, clause.defect)
    return (meant or circumstances.same_defect(finding.type, clause.defect)) and (
        clause.part is None or circumstances.same_part(finding.part, clause.part)
    )


def _within(finding: Finding, limit: float) -> bool:
    """Whether a finding's length is known and within a limit in millimetres; no length is within 0."""
    return limit > 0 and finding.length_mm is not None and is_within(finding.length_mm, limit)


def _requirement(
    clause: Requirement,
    found: Sequence[Finding],
    circumstances: Circumstances,
    scopes: Sequence[Scope],
    excused: Collection[int],
    clauses: Sequence[Clause],
) -> Effect:
    """Unmet where the defect of lacking the feature is found, or the feature itself is found too rarely.

    What a look for the feature found goes first. A lack that other clauses excuse, or on a part that is not to be
    inspected, does not count.
    """
    if clause.part is not None and (scope := outside(clause.part, scopes, circumstances)):
        return Effect(reason=f"'{clause.part}' is not to be inspected ({excerpt(scope.words)})")
    seen = circumstances.presence.get(clause)
    if seen is not None and seen.count is not None:
        unmet = seen.count < clause.count
        accepted = next((c for c in clauses if unmet and _accepts_lack(c, clause, circumstances)), None)
        return (
            Effect(reason=f"its absence is accepted ({excerpt(accepted.words)})")
            if accepted
            else Effect(unmet=unmet)
        )
    effect = _requirement_by_types(clause, found, circumstances, excused)
    return Effect(reason=seen.reason) if seen is not None and effect.reason else effect


def _accepts_lack(clause: Clause, required: Requirement, circumstances: Circumstances) -> bool:
    """Whether a clause says that the required feature may be missing."""
    if (isinstance(clause, Tolerance) and clause.up_to_mm is None) or isinstance(clause, Ignore):
        lack = circumstances.defect_words.spelling(clause.defect)
        return lacks(clause.defect, required.feature) or lacks(lack, required.feature)
    return False


def _requirement_by_types(
    clause: Requirement, found: Sequence[Finding], circumstances: Circumstances, excused: Collection[int]
) -> Effect:
    if not circumstances.types:
        return Effect(reason=NO_TYPES)
    if clause.part is not None and (reason := part_reason(clause.part, circumstances)):
        return Effect(reason=reason)
    here = [
        k
        for k, f in enumerate(found)
        if f.type and (clause.part is None or circumstances.same_part(f.part, clause.part))
    ]
    lacking = [f"{word} {clause.feature}" for word in ABSENT]
    if any(circumstances.same_defect(type_, *lacking) for type_ in circumstances.types):
        return Effect(
            unmet=any(circumstances.same_defect(found[k].type, *lacking) for k in here if k not in excused)
        )
    if circumstances.same_defect(clause.feature, *circumstances.types):
        present = frozenset(k for k in here if circumstances.same_defect(found[k].type, clause.feature))
        return Effect(present, unmet=len(present) < clause.count)
    return Effect(reason=f"the detector has no map of '{clause.feature}' or of 'missing {clause.feature}'")
