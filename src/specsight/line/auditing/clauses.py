"""Every clause that a part was judged under, with what became of it.

In: the decision as it is on record, the words as they were given, and the specification of the version that judged.
Out: one line per clause: its sentence and its fate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specsight.detectors.saving import SPECIFICATION
from specsight.errors import SpecsightError
from specsight.explain.sentences import deciding, describe
from specsight.inspector.words import instruction_of
from specsight.records import Decision, Inspection
from specsight.specification import Clause, Specification, load_specification


@dataclass(frozen=True)
class Fate:
    """What became of one clause."""

    kind: str
    words: str
    source: str
    """ "words", "specification", or "" where only the record names it."""
    fate: str
    decides: bool = False


def specification_at(folder: Path) -> Specification | None:
    """The specification that is saved with a version; None where it has none, or the folder is not here."""
    path = folder / SPECIFICATION
    return load_specification(path) if path.is_file() else None


def fates(
    inspection: Inspection, words: str, specification: Specification | None = None
) -> tuple[list[Fate], str]:
    """One line per clause, those of the words first; and why the words can not be read again, or "".

    Clauses that acted are on record. Those that found nothing to act on are not: they are read again, from the same
    words and the same specification.
    """
    decision, problem = inspection.decision, ""
    given: dict[Clause, str] = {}
    try:
        instruction = instruction_of(words, specification) if words else None
        given = dict.fromkeys(instruction.clauses if instruction else (), "words")
    except SpecsightError as error:
        problem = str(error)
    for clause in (*specification.tolerances, *specification.requirements) if specification else ():
        given.setdefault(clause, "specification")
    for clause in _recorded(decision):
        given.setdefault(clause, "")
    return [_fate(clause, source, decision, inspection) for clause, source in given.items()], problem


def _recorded(decision: Decision) -> list[Clause]:
    return [
        *([decision.deciding] if decision.deciding else []),
        *(one.clause for one in decision.observed),
        *(one.clause for one in decision.required),
        *(one.clause for one in decision.in_part),
        *(one.clause for one in decision.not_applied),
    ]


def _fate(clause: Clause, source: str, decision: Decision, inspection: Inspection) -> Fate:
    told = []
    decides = clause == decision.deciding
    if decides:
        told.append(f"decides the verdict: {deciding(decision)}")
    excused = [one.finding for one in decision.observed if one.clause == clause]
    numbers = {id(finding): k + 1 for k, finding in enumerate(inspection.findings)}
    if excused:
        listed = "; ".join(f"{numbers.get(id(one), '?')}: {describe(one)}" for one in excused)
        told.append(f"does not let count finding {listed}")
    told += [one.found or one.reason for one in decision.required if one.clause == clause]
    told += [f"applied in part: {one.reason}" for one in decision.in_part if one.clause == clause]
    told += [f"not applied: {one.reason}" for one in decision.not_applied if one.clause == clause]
    return Fate(
        clause.kind, clause.words, source, "; ".join(told) or "applied; changed nothing here", decides
    )
