"""Which clauses hold for one inspection: those of its instruction, and what it leaves in force of the specification."""

from __future__ import annotations

from specsight.specification import (
    Clause,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Requirement,
    Specification,
    Tolerance,
)
from specsight.specification.vocabulary import Vocabulary, lacks, normal_form


def clauses_in_force(
    instruction: Instruction | None, specification: Specification | None
) -> tuple[Clause, ...]:
    """The instruction's clauses, then those of the specification.

    What is said this time comes first: a tolerance of the specification gives way to what the instruction accepts or
    ignores of the same type (on the same part, or on all of them), to being taught that the type is a defect, and,
    where it accepts that something is missing, to a requirement of that. Where the instruction names types that alone
    count, a requirement of the specification holds only if one of them is about what it requires: "missing dot",
    "wrong lettering".
    """
    given = instruction.clauses if instruction else ()
    if specification is None:
        return given
    words = Vocabulary.of((*specification.defects, *(instruction.known_defects if instruction else ())))
    parts = Vocabulary.of(specification.parts)
    tolerances = (
        tolerance
        for tolerance in specification.tolerances
        if not any(_replaces(clause, tolerance, words, parts) for clause in given)
    )
    only = [clause.defect for clause in given if isinstance(clause, Only)]
    requirements = (
        requirement
        for requirement in specification.requirements
        if not only or any(_share_a_word(type_, requirement.feature) for type_ in only)
    )
    return (*given, *tolerances, *requirements)


def _replaces(clause: Clause, specified: Tolerance, words: Vocabulary, parts: Vocabulary) -> bool:
    if isinstance(clause, Knowledge):
        # A tolerance of all parts holds beside a type that is taught on one of them.
        here = clause.part is None or (specified.part is not None and parts.same(clause.part, specified.part))
        return here and words.same(clause.name, specified.defect)
    if isinstance(clause, Requirement):
        return lacks(specified.defect, clause.feature)
    if not isinstance(clause, Tolerance | Ignore) or not words.same(clause.defect, specified.defect):
        return False
    if clause.part is None:
        return True
    return specified.part is not None and parts.same(clause.part, specified.part)


def _share_a_word(type_: str, feature: str) -> bool:
    return not set(normal_form(type_).split()).isdisjoint(normal_form(feature).split())
