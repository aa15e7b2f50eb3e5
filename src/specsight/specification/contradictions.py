"""Clauses that cannot hold together: an instruction → sentences that name what contradicts what.

Whoever decides must not pick one of two contradictory clauses: it judges the full inspection, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from specsight.errors import excerpt
from specsight.specification.clauses import Clause, Ignore, Instruction, Scope, Tolerance
from specsight.specification.model import Specification
from specsight.specification.vocabulary import Vocabulary

MOST = 10
"""Lines that a person reads; of a long text, there may be as many as there are pairs of sentences."""


def contradictions(instruction: Instruction, specification: Specification | None = None) -> list[str]:
    """What in an instruction cannot hold together, one line each; empty where everything can.

    Names are compared as the specification's vocabulary means them. Contradictory are: parts that alone are to be
    inspected and are not; two sentences that each leave another part alone to be inspected; leaving out every part
    of a product that has several; types that alone count, or are looked for, and are ignored; two limits for one type
    on the same part, or one beside being ignored there. A clause for one part beside a clause for all of them is an
    exception and no contradiction. After `MOST` lines the last one says that there are more.
    """
    parts = Vocabulary.of(specification.parts if specification else ())
    defects = Vocabulary.of((*(specification.defects if specification else ()), *instruction.known_defects))
    found = chain(
        _scopes(instruction.scope, parts),
        _nothing_left(instruction.scope, parts),
        _types(instruction, defects, parts),
        _limits(instruction, defects, parts),
    )
    told: list[str] = []
    for line in found:
        if len(told) == MOST and line not in told:
            return [*told, "more of the kind: shorten the instruction"]
        if line not in told:
            told.append(line)
    return told


def _scopes(scopes: Sequence[Scope], parts: Vocabulary) -> Iterator[str]:
    including = [scope for scope in scopes if not scope.exclude]
    for scope in scopes:
        if not scope.exclude:
            continue
        for other in including:
            if all(any(parts.same(part, out) for out in scope.parts) for part in other.parts):
                yield _both(other, scope, f"'{', '.join(other.parts)}' cannot be the only part and left out")
    for first, second in combinations(including, 2):
        if _same_sentence(first, second):
            continue
        if not any(parts.same(one, other) for one in first.parts for other in second.parts):
            yield _both(first, second, "each says that its part is the only one")


def _nothing_left(scopes: Sequence[Scope], parts: Vocabulary) -> Iterator[str]:
    """Sentences that together leave no part to be inspected.

    What lies beside the only named part may be the product; what lies beside all of several is its surroundings.
    """
    inspected = list(dict.fromkeys(part for scope in scopes if not scope.exclude for part in scope.parts))
    inspected = inspected or list(parts.names)
    excluding = [scope for scope in scopes if scope.exclude]
    out = [part for scope in excluding for part in scope.parts]
    if len(inspected) < 2 or not all(any(parts.same(part, one) for one in out) for part in inspected):
        return
    said = list(dict.fromkeys(excerpt(scope.words) for scope in excluding))
    quoted = " and ".join(f"'{words}'" for words in said)
    verb = "leaves" if len(said) == 1 else "leave"
    reason = f"{', '.join(inspected)} are all that is named, so name what else there is in the specification"
    yield f"{quoted} {verb} no part to inspect: {reason}"


def _types(instruction: Instruction, defects: Vocabulary, parts: Vocabulary) -> Iterator[str]:
    for clause in _accepting(instruction):
        if _limit(clause) is not None:
            continue
        for only in instruction.only:
            if not clause.part and defects.same(only.defect, clause.defect):
                yield _both(only, clause, f"'{only.defect}' cannot be what alone counts and be ignored")
        for known in instruction.known_defects:
            if defects.same(known.name, clause.defect) and _same_place(known.part, clause.part, parts):
                yield _both(known, clause, f"'{known.name}' cannot be looked for and be ignored")
    if not instruction.only:
        return
    for tolerance in instruction.tolerances:
        if tolerance.up_to_mm is not None and not any(
            defects.same(tolerance.defect, only.defect) for only in instruction.only
        ):
            reason = f"a limit of '{tolerance.defect}' means nothing where it does not count"
            yield _both(instruction.only[0], tolerance, reason)


def _limits(instruction: Instruction, defects: Vocabulary, parts: Vocabulary) -> Iterator[str]:
    for first, second in combinations(_accepting(instruction), 2):
        if _limit(first) == _limit(second) or not defects.same(first.defect, second.defect):
            continue
        if _same_place(first.part, second.part, parts):
            where = f" on '{first.part}'" if first.part else ""
            yield _both(first, second, f"two limits of '{first.defect}'{where}")


def _same_place(first: str | None, second: str | None, parts: Vocabulary) -> bool:
    """Whether two clauses are about the same part, or both about all of them."""
    if first is None or second is None:
        return first is second
    return parts.same(first, second)


def _accepting(instruction: Instruction) -> list[Tolerance | Ignore]:
    return [*instruction.ignore, *instruction.tolerances]


def _limit(clause: Tolerance | Ignore) -> float | None:
    return clause.up_to_mm if isinstance(clause, Tolerance) else None


def _same_sentence(first: Clause, second: Clause) -> bool:
    return bool(first.text) and first.text == second.text


def _both(first: Clause, second: Clause, reason: str) -> str:
    if _same_sentence(first, second):
        return f"'{excerpt(first.words)}' contradicts itself: {reason}"
    return f"'{excerpt(first.words)}' and '{excerpt(second.words)}' contradict each other: {reason}"
