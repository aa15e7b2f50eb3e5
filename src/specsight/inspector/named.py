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
from specsight.specification import Clause, Knowledge, Only, Tolerance
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

    A type that is taught, that alone counts or that has a limit is looked for by its own map, which has a threshold of
    its own from good pictures. What was found already is not told twice. `find` cuts a judgement under thresholds.
    """
    named = dict[int, Clause]()
    taught = [clause for clause in asked if isinstance(clause, Knowledge)]
    looked_for = list(_looked_for(asked))
    limits = reader.limits([type_ for _, type_ in looked_for]) if looked_for else {}
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
            if not any(_overlap(one.box, other.box) for other in found if _is(other, type_, words)):
                named[len(found)] = clause
                found = (*found, one)
    return found, named


def rejects_of_naming(asked: Sequence[Clause], reader: Reader) -> str:
    """What looking for types that the clauses `asked` name adds to the false rejects that the threshold promises, in
    words; empty where none is looked for."""
    types = list(dict.fromkeys(type_ for _, type_ in _looked_for(asked)))
    if not types:
        return ""
    names = f"'{types[0].name}'" if len(types) == 1 else f"{len(types)} types"
    return (
        f"looking for {names} by name rejects up to about {reader.good_with_any(types)} of {len(reader.good)} "
        "good pictures"
    )


def _looked_for(clauses: Sequence[Clause]) -> Iterator[tuple[Clause, Knowledge]]:
    """The clauses that name a type to look for, and the type."""
    for clause in clauses:
        if isinstance(clause, Knowledge):
            yield clause, clause
        elif isinstance(clause, Only) or (isinstance(clause, Tolerance) and clause.up_to_mm is not None):
            yield clause, Knowledge(name=clause.defect)


def _is(finding: Finding, type_: Knowledge, words: Vocabulary) -> bool:
    return any(words.same(name, type_.name) for name in (finding.type, *finding.also) if name)


def _overlap(first: Box, second: Box) -> bool:
    return max(first[0], second[0]) < min(first[2], second[2]) and max(first[1], second[1]) < min(
        first[3], second[3]
    )
