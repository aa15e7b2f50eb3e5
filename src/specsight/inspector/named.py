"""Types that an instruction names → findings of them beyond what good pictures show, whatever the inspecting detector
says: it may have learned them as normal, or see them too faintly.

In: a picture that was looked at, the clauses of its instruction, a reader. Out: further findings, each with the clause
that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from specsight.calibration import Calibration
from specsight.inspector.observation import Observation
from specsight.inspector.reader import Reader
from specsight.records import Box, Finding, Judgement
from specsight.specification import Clause, Ignore, Knowledge, Only, Specification, Tolerance
from specsight.specification.vocabulary import Vocabulary


def with_named(
    found: tuple[Finding, ...],
    asked: Sequence[Clause],
    observation: Observation,
    reader: Reader,
    calibration: Calibration,
    find: Callable[[Judgement, Calibration], tuple[Finding, ...]],
) -> tuple[tuple[Finding, ...], dict[int, Clause]]:
    """The findings of a picture and those of types that the clauses `asked` name, and the clause of each of the latter
    by its number.

    A type that is taught, that alone counts or of which a clause accepts less than holds without words is looked for by
    its own map, which has a threshold of its own from good pictures. What was found already is not told twice. `find`
    cuts a judgement under thresholds.
    """
    named = dict[int, Clause]()
    taught = [clause for clause in asked if isinstance(clause, Knowledge)]
    looked_for = list(_looked_for(asked, reader.specification))
    limits = reader.limits([type_ for _, type_ in looked_for]) if looked_for else {}
    parts = Vocabulary.of(reader.specification.parts)
    for clause, type_ in looked_for:
        words = Vocabulary.of((*reader.specification.defects, *taught, type_))
        maps = reader.type_maps(observation, [*taught, type_])
        # Where two clauses name it, once in the plural, the map has the name that came first.
        map_ = next(maps[name] for name in maps if words.same(name, type_.name))
        limit = limits[type_]
        spread = replace(reader.point_spread, base=0.0) if reader.point_spread else None
        thresholds = replace(
            calibration, map_seed=limit.seed, map_extent=limit.extent, point_spread=spread, type_levels={}
        )
        for one in find(Judgement(limit.seed, map_, maps), thresholds):
            # What rejects beside the score must be of the type before all others.
            if one.type is None or not words.same(one.type, type_.name):
                continue
            if not _is_meant(one, clause, asked, words, parts):
                continue
            if not any(_overlap(one.box, other.box) for other in found if _is(other, type_, words)):
                named[len(found)] = clause
                found = (*found, one)
    return found, named


def rejects_of_naming(asked: Sequence[Clause], reader: Reader) -> str:
    """What looking for types that the clauses `asked` name adds to the false rejects that the threshold promises, in
    words; empty where none is looked for."""
    types = list(dict.fromkeys(type_ for _, type_ in _looked_for(asked, reader.specification)))
    if not types:
        return ""
    names = f"'{types[0].name}'" if len(types) == 1 else f"{len(types)} types"
    return (
        f"looking for {names} by name rejects up to about {reader.good_with_any(types)} of {len(reader.good)} "
        "good pictures"
    )


def _looked_for(
    clauses: Sequence[Clause], specification: Specification
) -> Iterator[tuple[Clause, Knowledge]]:
    """The clauses that name a type to look for, and the type.

    Who accepts a defect up to a limit wants no picture judged more strictly for it: a tolerance names a type to look
    for only where it accepts less than holds without words.
    """
    words = Vocabulary.of((*specification.defects, *(c for c in clauses if isinstance(c, Knowledge))))
    for clause in clauses:
        if isinstance(clause, Knowledge):
            yield clause, clause
        elif isinstance(clause, Only) or (
            isinstance(clause, Tolerance) and _forbids(clause, specification, words)
        ):
            yield clause, Knowledge(name=clause.defect)


def _forbids(clause: Tolerance, specification: Specification, words: Vocabulary) -> bool:
    """Whether a tolerance accepts less than holds without it: no length at all, a shorter one than the specification
    accepts of the type (there, or anywhere where the clause names no part), or a length of what the specification does
    not know as a defect."""
    limit, parts = clause.up_to_mm, Vocabulary.of(specification.parts)
    if limit is None:
        return False
    accepted = [one for one in specification.tolerances if words.same(clause.defect, one.defect)]
    here = (
        one
        for one in accepted
        if clause.part is None or one.part is None or parts.same(clause.part, one.part)
    )
    return (
        limit == 0
        or any(one.up_to_mm is None or limit < one.up_to_mm for one in here)
        or not (accepted or clause.defect in Vocabulary.of(specification.defects))
    )


def _is_meant(
    finding: Finding, clause: Clause, asked: Sequence[Clause], words: Vocabulary, parts: Vocabulary
) -> bool:
    """Whether a finding of the type lies where a tolerance holds: on its part, or where none of the others that are
    about one part holds in its place. What is taught on a part is left to the rules of decisions."""
    if not isinstance(clause, Tolerance):
        return True
    if clause.part is not None:
        return finding.part is not None and parts.same(finding.part, clause.part)
    return finding.part is None or not any(
        isinstance(one, Tolerance | Ignore)
        and one.part is not None
        and parts.same(one.part, finding.part)
        and words.same(one.defect, clause.defect)
        for one in asked
    )


def _is(finding: Finding, type_: Knowledge, words: Vocabulary) -> bool:
    return any(words.same(name, type_.name) for name in (finding.type, *finding.also) if name)


def _overlap(first: Box, second: Box) -> bool:
    return max(first[0], second[0]) < min(first[2], second[2]) and max(first[1], second[1]) < min(
        first[3], second[3]
    )
