"""What candidates would have said of recent parts of the line: who flips, and how often either version is wrong.

In: candidates of a model, its live version, and parts that are stored with their pictures. Out: a preview of each, on
the same parts, kept in the store; nothing goes live without one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema, trail
from specsight.line.feedback.candidates import made_of
from specsight.line.feedback.confirming import ALL, reviewed
from specsight.line.fleet import Fleet, LiveModel
from specsight.line.judging import judge
from specsight.line.records import Entry, JudgedPart, Record, iso
from specsight.line.requests import request_of
from specsight.line.store import LineStore
from specsight.storage.database import reading

DAYS, PARTS = 7.0, 300
SHOWN = 500
"""Flipped parts that are listed; all are counted."""

Tell = Callable[[int, int], None]
"""Told (parts done, of how many) after each part; raises to cancel."""


@dataclass(frozen=True)
class Preview(Record):
    """What one candidate would have changed against what is live."""

    model: str
    live: str
    candidate: str
    person: str
    at: datetime
    found: dict[str, Any]
    """"stored": parts of the window; "judged": of these; "sampled", "seed", "since"; "left_out": why → count; "flips":
    {"to accept", "to reject"} each {"all", "good", "defect", "unknown"}; "wrong": {"live", "candidate"} each
    {"false rejects", "misses"} each {"count", "of", "low", "high"} among parts with an outcome that the candidate was
    not made of; "made_of": how many with an outcome were left out of these; "by_clause": {"accept", "reject"}, how many
    parts both versions judge alike because a clause decides, whatever the threshold; "flipped": list of parts."""
    number: int = 0


@dataclass(frozen=True)
class _Compared:
    """One part under both versions."""

    part: JudgedPart
    before: JudgedPart
    after: JudgedPart
    outcome: str
    confirmed: bool


def preview(
    fleet: Fleet,
    model: str,
    candidates: Sequence[str],
    person: str,
    days: float = DAYS,
    most: int = PARTS,
    seed: int = 0,
    tell: Tell = lambda done, of: None,
) -> list[Preview]:
    """Judge parts of the last `days` by candidates and by what is live, under the words that they came with.

    Where there are more than `most`, so many are drawn under `seed`. Raises SpecsightError for a candidate that is not
    there or is live already, for numbers out of range, and where no part is left.
    """
    if not days > 0 or most < 1:
        raise SpecsightError("a preview takes a number of days above 0, and at least one part")
    store = fleet.store
    activation = fleet.check(model)
    if activation.version in candidates or not candidates:
        raise SpecsightError(f"name a version of '{model}' that is not live ({activation.version} is)")
    loaded = {one: fleet.load(model, one) for one in (activation.version, *candidates)}
    since = store.clock() - timedelta(days=days)
    stored = _stored(store, model, since)
    drawn = sorted(np.random.default_rng(seed).permutation(len(stored))[:most])
    outcomes = {one.part.id: one for one in reviewed(store, model, since=since, limit=ALL)}
    left_out, compared = dict[str, int](), {one: list[_Compared]() for one in candidates}
    for done, k in enumerate(drawn, 1):
        part = store.part(stored[k])
        said = _judged(store, loaded, part) if part else "deleted meanwhile"
        if isinstance(said, str):
            left_out[said] = left_out.get(said, 0) + 1
        elif part is not None:
            known = outcomes.get(part.id)
            outcome, confirmed = (known.outcome, known.confirmation is not None) if known else ("", False)
            before = said[activation.version]
            for one in candidates:
                compared[one].append(_Compared(part, before, said[one], outcome, confirmed))
        tell(done, len(drawn))
    about = {
        "stored": len(stored),
        "judged": len(drawn) - sum(left_out.values()),
        "sampled": len(drawn) < len(stored),
        "seed": seed,
        "since": iso(since),
        "left_out": left_out,
    }
    if not about["judged"]:
        raise SpecsightError(
            f"no part of '{model}' of the last {days:g} days is kept with its picture: judge some parts first, or "
            "look further back"
        )
    return [
        _kept(
            store,
            Preview(
                model,
                activation.version,
                one,
                person,
                store.clock(),
                {**about, **_found(compared[one], made_of(fleet, model, one))},
            ),
        )
        for one in candidates
    ]


def previews(
    store: LineStore, model: str, live: str | None = None, candidate: str | None = None
) -> list[Preview]:
    """Previews of a model, the newest first: against what was live, and of a candidate."""
    table = schema.previews.c
    wanted = [table.model == model]
    wanted += [
        column == value for column, value in ((table.live, live), (table.candidate, candidate)) if value
    ]
    with reading(store.engine) as connection:
        rows = connection.execute(
            sa.select(schema.previews).where(*wanted).order_by(table.number.desc()).limit(200)
        )
        return [Preview(**row._mapping) for row in rows]


def comparable(one: Preview, other: Preview) -> bool:
    """Whether two previews were made against the same version on the same parts."""
    same = ("stored", "judged", "seed", "since")
    return one.live == other.live and all(one.found[name] == other.found[name] for name in same)


def disagreeing(one: Preview, other: Preview) -> list[dict[str, Any]]:
    """Flipped parts that only one of two candidates flips, of those that are listed. Raises SpecsightError for previews
    that were not made against the same version on the same parts."""
    if not comparable(one, other):
        raise SpecsightError("these previews judged other parts: preview both candidates at once")
    first, second = ({part["id"]: part for part in each.found["flipped"]} for each in (one, other))
    return [{**first, **second}[id_] for id_ in first.keys() ^ second.keys()]


def _stored(store: LineStore, model: str, since: datetime) -> list[str]:
    """Ids of the parts of a window that were judged, in their order."""
    table = schema.parts.c
    query = sa.select(table.id).where(table.model == model, table.received >= since, table.error == "")
    with reading(store.engine) as connection:
        return [str(row.id) for row in connection.execute(query.order_by(table.number))]


def _judged(store: LineStore, loaded: dict[str, LiveModel], part: JudgedPart) -> dict[str, JudgedPart] | str:
    """The part under each version; why not, in words. What the version itself said on the line stands."""
    request = request_of(store, part)
    if request is None:
        return "the picture is kept no longer"
    said = {
        name: part if part.version == name else judge(model, request).part for name, model in loaded.items()
    }
    return next((one.error for one in said.values() if one.error), said)


def _found(compared: Sequence[_Compared], used: set[str]) -> dict[str, Any]:
    flipped = [one for one in compared if one.before.word != one.after.word]
    clause = [one.after.word for one in compared if _by_clause(one)]
    flips = {
        f"to {word}": {
            "all": sum(one.after.word == word for one in flipped),
            **{
                name or "unknown": sum(one.after.word == word and one.outcome == name for one in flipped)
                for name in ("good", "defect", "")
            },
        }
        for word in ("accept", "reject")
    }
    unseen = [one for one in compared if one.outcome and one.part.id not in used]
    wrong = {
        "live": _wrong([(one.outcome, one.before.word) for one in unseen]),
        "candidate": _wrong([(one.outcome, one.after.word) for one in unseen]),
    }
    return {
        "flips": flips,
        "wrong": wrong,
        "made_of": sum(bool(one.outcome) for one in compared) - len(unseen),
        "by_clause": {word: clause.count(word) for word in ("accept", "reject")},
        "flipped": [_listed(one, used) for one in flipped[-SHOWN:]],
    }


def _by_clause(one: _Compared) -> bool:
    return bool(one.before.clause and one.after.clause) and one.before.word == one.after.word


def _wrong(told: Sequence[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    from specsight.evaluation.numbers import rate  # a room of its own, which servers need for previews alone

    counts = {}
    for name, outcome, word in (("false rejects", "good", "reject"), ("misses", "defect", "accept")):
        own = [said for truth, said in told if truth == outcome]
        count = own.count(word)
        number = rate(count, len(own), "no such part")
        interval = (number.low, number.high) if own else (None, None)
        counts[name] = {"count": count, "of": len(own), "low": interval[0], "high": interval[1]}
    return counts


def _listed(one: _Compared, used: set[str]) -> dict[str, Any]:
    return {
        "id": one.part.id,
        "line": one.part.line,
        "part": one.part.part,
        "before": one.before.word,
        "after": one.after.word,
        "score": one.after.score,
        "threshold": one.after.threshold,
        "outcome": one.outcome,
        "confirmed": one.confirmed,
        "made_of": one.part.id in used,
    }


def _kept(store: LineStore, one: Preview) -> Preview:
    values = {name: getattr(one, name) for name in ("model", "live", "candidate", "person", "at", "found")}
    with store.transaction([""]) as connection:
        table = schema.previews
        number = connection.execute(sa.insert(table).values(**values).returning(table.c.number)).scalar_one()
        detail = {"live": one.live, "flips": one.found["flips"], "judged": one.found["judged"]}
        trail.write(
            connection,
            Entry("", one.person, "engineer", "previewed", f"{one.model} {one.candidate}", detail, at=one.at),
        )
    return Preview(**values, number=int(number))
