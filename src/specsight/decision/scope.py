"""Scopes → the pixels that count, what the map may reach there, and the findings that lie outside.

A scoped picture is judged by the largest map value within the scope, which is compared with what held-out good parts
reach in the same parts: a scope can excuse a defect outside it, and reject for one inside that the score of the whole
picture does not show. A finding belongs to the scope where most of it, or its peak, lies there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from specsight.calibration import Calibration
from specsight.decision.circumstances import Circumstances
from specsight.decision.effect import Effect
from specsight.records import Finding
from specsight.specification.clauses import Clause, Scope

NO_PARTS = "the picture has no part map"
NOTHING_LEFT = "of the product nothing would be left to inspect in this picture"


def with_scope(
    circumstances: Circumstances, clauses: Sequence[Clause], calibration: Calibration | None = None
) -> Circumstances:
    """The circumstances with the pixels that the scopes among `clauses` leave to be inspected, and what held-out good
    parts reach there. Where all that the picture shows is to be inspected there is no scope."""
    scopes = scopes_in_force(clauses, circumstances)
    if not scopes or circumstances.parts is None:
        return circumstances

    def counts(part: str | None) -> bool:
        return outside(part or None, scopes, circumstances) is None

    counting = _counting(scopes, circumstances)
    if len(counting) == len(circumstances.visible):
        return circumstances
    inside = np.isin(circumstances.parts, counting)
    return replace(circumstances, inside=inside, limit=calibration.scoped(counts) if calibration else None)


def scopes_in_force(clauses: Sequence[Clause], circumstances: Circumstances) -> list[Scope]:
    """The scopes that can be applied to this picture: none where together they leave nothing of it."""
    scopes = [c for c in clauses if isinstance(c, Scope) and not _scope_reason(c, circumstances)]
    return scopes if _counting(scopes, circumstances) else []


def _counting(scopes: Sequence[Scope], circumstances: Circumstances) -> list[int]:
    """The values of the part map that are to be inspected; none where all of several named parts are left out, as what
    lies beside them is no product."""
    names = circumstances.part_names
    named = {name for name in (*names.values(), *circumstances.part_words.names) if name}
    if len(named) > 1 and all(outside(name, scopes, circumstances) for name in named):
        return []
    return [v for v in circumstances.visible if outside(names.get(v) or None, scopes, circumstances) is None]


def scope_effect(
    clause: Scope, found: Sequence[Finding], circumstances: Circumstances, scopes: Sequence[Scope]
) -> Effect:
    """The findings that a scope leaves out, or why it cannot be applied; `scopes` are all that can."""
    reason = _scope_reason(clause, circumstances)
    if reason:
        return Effect(reason=reason)
    if not scopes:
        return Effect(reason=NOTHING_LEFT)
    excused = frozenset(k for k, f in enumerate(found) if excuses(scopes, f, circumstances) is clause)
    return Effect(excused, rest=scope_rest(clause, circumstances))


def excuses(scopes: Sequence[Scope], finding: Finding, circumstances: Circumstances) -> Scope | None:
    """The scope that a finding lies outside of; None where most of it, or its peak, is to be inspected."""
    scope = outside(finding.part, scopes, circumstances)
    if finding.peak_part is not None and not outside(finding.peak_part, scopes, circumstances):
        return None
    return scope


def _scope_reason(clause: Scope, circumstances: Circumstances) -> str:
    """Why a scope cannot be applied; empty where it can: where the part map has one of its parts, and, if these alone
    are to be inspected, the picture shows one."""
    if circumstances.parts is None:
        return NO_PARTS
    known = [name for name in clause.parts if not part_reason(name, circumstances)]
    if not known:
        return part_reason(clause.parts[0], circumstances)
    if clause.exclude or any(_is_shown(name, circumstances) for name in known):
        return ""
    return f"the picture shows no '{', '.join(clause.parts)}'"


def scope_rest(clause: Scope, circumstances: Circumstances) -> str:
    """What a scope that can be applied names and the picture does not show, in words; empty for nothing. What is left
    out is missed only where the part map does not know it."""
    missing = [
        name
        for name in clause.parts
        if part_reason(name, circumstances) or not (clause.exclude or _is_shown(name, circumstances))
    ]
    if not missing:
        return ""
    held = ", ".join(name for name in clause.parts if name not in missing)
    return f"the picture shows no '{', '.join(missing)}'; it holds for {held}"


def _is_shown(name: str, circumstances: Circumstances) -> bool:
    shown = (circumstances.part_names.get(value) for value in circumstances.visible)
    return any(circumstances.same_part(one, name) for one in shown)


def part_reason(name: str, circumstances: Circumstances) -> str:
    """Why nothing can be said of a part; empty where the part map names it."""
    if circumstances.parts is None:
        return NO_PARTS
    present = list(circumstances.part_names.values())
    if circumstances.same_part(name, *present):
        return ""
    return f"the part map has no '{name}' (it has {', '.join(present) or 'no named part'})"


def outside(part: str | None, scopes: Sequence[Scope], circumstances: Circumstances) -> Scope | None:
    """The scope that leaves a part out (None: what lies on no part), or None where it is to be inspected."""
    for scope in scopes:
        if scope.exclude and circumstances.same_part(part, *scope.parts):
            return scope
    including = [scope for scope in scopes if not scope.exclude]
    if including and not any(circumstances.same_part(part, *scope.parts) for scope in including):
        return including[0]
    return None
