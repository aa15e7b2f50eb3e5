"""Clauses as plain objects: what `specsight read --json` prints and what readers are measured by.

In: an `Instruction`. Out: one mapping a clause `{kind, part, defect, limit_mm, sentence, confidence}`; a scope of
several parts is as many objects.
"""

from __future__ import annotations

from typing import Any

from specsight.specification import (
    Clause,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Requirement,
    Scope,
    Tolerance,
    Unread,
)

KINDS = ("scope", "scope-out", "tolerance", "ignore", "only", "requirement", "knowledge", "unread")
"""Kinds of objects, in the order in which they are listed."""


def as_objects(instruction: Instruction) -> list[dict[str, Any]]:
    """The clauses of an instruction, one object for each part or type that they name."""
    found = [one for clause in instruction.clauses for one in _objects(clause)]
    return sorted(found, key=lambda one: KINDS.index(one["kind"]))


def _objects(clause: Clause) -> list[dict[str, Any]]:
    if isinstance(clause, Scope):
        kind = "scope-out" if clause.exclude else "scope"
        return [_object(clause, kind, part, None) for part in clause.parts]
    if isinstance(clause, Tolerance):
        kind = "ignore" if clause.up_to_mm is None else "tolerance"
        return [_object(clause, kind, clause.part, clause.defect, clause.up_to_mm)]
    if isinstance(clause, Ignore):
        return [_object(clause, "ignore", clause.part, clause.defect)]
    if isinstance(clause, Only):
        return [_object(clause, "only", None, clause.defect)]
    if isinstance(clause, Requirement):
        count = {"count": clause.count} if clause.count > 1 else {}
        return [_object(clause, "requirement", clause.part, clause.feature) | count]
    if isinstance(clause, Knowledge):
        return [_object(clause, "knowledge", clause.part, clause.name)]
    if isinstance(clause, Unread):
        reason = {"reason": clause.reason} if clause.reason else {}
        return [_object(clause, "unread", None, None) | reason]
    raise TypeError(f"no object for a clause of kind {clause.kind!r}")


def _object(
    clause: Clause, kind: str, part: str | None, defect: str | None, limit: float | None = None
) -> dict[str, Any]:
    return {
        "kind": kind,
        "part": part,
        "defect": defect,
        "limit_mm": limit,
        "sentence": clause.words,
        "confidence": clause.confidence,
    }
