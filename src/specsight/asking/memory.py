"""What a conversation remembers: the last query and the findings last spoken of, which complete later questions.

In: a query as it was asked, the one before it. Out: the query in full: "and on the sidewall?" asks what was asked
before, there; "it" is the defect that was spoken of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from specsight.asking.answer import Sentence
from specsight.asking.context import Context
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.query import OF_FINDINGS, Kind, Query


@dataclass(frozen=True)
class Memory:
    """What was asked last, and of which findings the answer spoke: number of a picture → numbers of findings."""

    last: Query | None = None
    focus: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    listed: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The same of the last answer that spoke of several."""


def completed(query: Query, memory: Memory) -> Query:
    """The query in full."""
    last = memory.last
    if query.bare:
        return _elliptic(query, last)
    if last is None:
        return query
    if query.refers and not query.types and not any(memory.focus.values()) and not query.which:
        query = replace(query, types=last.types, parts=query.parts or last.parts)
    if not query.pictures and last.pictures and (query.refers or query.which):
        query = replace(query, pictures=last.pictures)
    return query


def _elliptic(query: Query, last: Query | None) -> Query:
    """A question that says only what it is about: of the last kind, else whether there is a defect."""
    if last is None or last.kind in ("unknown", "describe", "note"):
        if query.kind != "unknown":
            return query
        return replace(query, kind="type" if query.which or query.most else "presence")
    if query.which and last.pictures and not last.which and not query.types:
        # "Is the first picture okay?", "and the second?"
        return replace(last, pictures=query.which, refers=False)
    named = query.features and last.kind != "requirement"
    if named:
        return replace(query, kind="requirement")
    kind: Kind = last.kind
    elsewhere = query.parts or query.places
    if (kind == "requirement" and query.types) or (
        kind == "type" and last.refers and last.types and elsewhere
    ):
        kind = "presence"
    return replace(
        last,
        kind=kind,
        types=query.types or (() if query.unknown_types else last.types),
        parts=query.parts or (() if query.unknown_parts or query.unseen else last.parts),
        places=query.places or (last.places if not query.parts else ()),
        features=query.features or last.features,
        pictures=query.pictures or last.pictures,
        which=query.which,
        most=query.most or (last.most if last.kind == "compare" else ""),
        # "It" lay where it lay: on another part or at another place something else is meant.
        refers=bool(query.which) or (last.refers and not query.types and not elsewhere),
        other=query.other,
        unknown_types=query.unknown_types,
        unknown_parts=query.unknown_parts,
        unseen=query.unseen,
        guessed=query.guessed,
        reference=query.reference or last.reference,
        bare=False,
    )


def remembered(
    memory: Memory,
    query: Query,
    sentences: Sequence[Sentence],
    pictures: Sequence[JudgedPicture],
    context: Context,
) -> Memory:
    """The memory after a query was answered; what was not understood changes nothing."""
    if query.kind == "unknown":
        return memory
    numbers = {one.id: one for one in pictures}
    focus: dict[int, tuple[int, ...]] = {}
    for one in sentences:
        seen = numbers.get(one.evidence.picture)
        if seen is None or not one.evidence.findings:
            continue
        cited = [
            k
            for k in one.evidence.findings
            if not query.types
            or query.kind not in (*OF_FINDINGS, "presence")
            or query.kind == "type"
            or seen.is_of(k, query.types, context.defect_words)
            or seen.may_be(k, query.types, context.defect_words)
        ]
        focus[seen.number] = tuple(dict.fromkeys((*focus.get(seen.number, ()), *cited)))
    keeps = query.kind not in (*OF_FINDINGS, "presence") and (not focus or any(memory.focus.values()))
    several = sum(map(len, focus.values())) > 1 and not query.which
    return Memory(query, memory.focus if keeps else focus, focus if several else memory.listed)
