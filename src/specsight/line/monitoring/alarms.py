"""References of lines, alarms and what persons said to them, in the line's database.

An alarm stands until an engineer begins the watch anew (`take_reference`, `reset`); `acknowledge` says that somebody
knows. Nothing is forgotten: the last reference of a line and version holds, and each alarm names where its watch began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema, trail
from specsight.line.records import Entry, Record, Role, now
from specsight.line.store import LineStore
from specsight.storage.database import reading

SYSTEM = "specsight"
PROMISE = "promise"
"""The kind of an alarm about false rejects; all others name the feature that drifted."""
Watch = Literal["drift", "promise"]


@dataclass(frozen=True)
class Baseline:
    """What a line's parts are compared with, under one version of a model."""

    line: str
    model: str
    version: str
    person: str
    source: str
    """Which parts they are, in words."""
    values: Mapping[str, Sequence[float]] = field(repr=False)
    """By feature: of each reference part, in order."""
    words: str
    """The instruction that they were judged under: scores and rejects under another one are not compared."""
    block: int
    """Parts whose mean is compared as one value."""
    alpha: float
    """Probability of ever raising a false alarm: for all features together, and again for the promise."""
    promised: float | None
    """Largest share of good parts that may be rejected; None: none is watched."""
    drift_after: int
    """Parts with larger numbers are compared."""
    promise_after: int
    """Parts with larger numbers count towards the promise."""
    at: datetime = field(default_factory=now)
    number: int = 0

    def after(self, kind: str) -> int:
        """Where the watch of an alarm of this kind began."""
        return self.promise_after if kind == PROMISE else self.drift_after


COLUMNS = ("line", "model", "version", "person", "at", "number")
"""Fields of a baseline that are columns; all others are its content."""


@dataclass(frozen=True)
class Alarm(Record):
    """Something no longer is as it was, or as it was promised."""

    line: str
    model: str
    version: str
    kind: str
    """The feature that drifted, or `PROMISE`."""
    since: int
    """Number of the part from which on it most likely is so."""
    words: str
    evidence: Mapping[str, Any]
    """What it rests on; "after": where the watch began, "alarm": number of the part at which the evidence sufficed."""
    at: datetime = field(default_factory=now)
    number: int = 0
    acknowledged: str = ""
    """Who knows of it; empty: nobody said so."""
    note: str = ""


def save(store: LineStore, baseline: Baseline, role: Role = "engineer", why: str = "") -> Baseline:
    """Store a baseline: the watch of its line and version begins anew by it."""
    values = vars(baseline)
    row = {name: values[name] for name in COLUMNS if name != "number"}
    row["content"] = {name: value for name, value in values.items() if name not in COLUMNS}
    row["at"] = at = store.clock()
    detail = {k: v for k, v in row["content"].items() if k != "values"} | {"why": why}
    with store.transaction([baseline.line]) as connection:
        query = sa.insert(schema.baselines).values(**row).returning(schema.baselines.c.number)
        number = int(connection.execute(query).scalar_one())
        subject = f"{baseline.model} {baseline.version}"
        entry = Entry(baseline.line, baseline.person, role, "began the watch", subject, detail, at=at)
        trail.write(connection, entry)
    return replace(baseline, number=number, at=at)


def baseline_of(store: LineStore, line: str, model: str, version: str) -> Baseline | None:
    """The baseline that holds; None: none was ever taken."""
    table = schema.baselines
    wanted = (table.c.line == line, table.c.model == model, table.c.version == version)
    with reading(store.engine) as connection:
        row = connection.execute(
            sa.select(table).where(*wanted).order_by(table.c.number.desc()).limit(1)
        ).first()
    if row is None:
        return None
    return Baseline(**{name: row._mapping[name] for name in COLUMNS}, **row._mapping["content"])


def raise_alarms(store: LineStore, found: Sequence[Alarm]) -> None:
    """Store alarms of one line, each once, whichever server finds it first."""
    if not found:
        return
    with store.transaction([found[0].line]) as connection:
        for one in found:
            known = _read(connection, one.line, one.model, one.version)
            if any(_same(one, other) for other in known):
                continue
            values = {k: v for k, v in vars(one).items() if k not in ("number", "acknowledged", "note")}
            values |= {"at": store.clock(), "evidence": dict(one.evidence)}
            connection.execute(sa.insert(schema.alarms).values(**values))
            detail = {"kind": one.kind, "since": one.since, "words": one.words}
            subject = f"{one.model} {one.version}"
            trail.write(
                connection, Entry(one.line, SYSTEM, "engineer", "alarm", subject, detail, at=store.clock())
            )


def alarms_of(store: LineStore, line: str, model: str, version: str) -> list[Alarm]:
    """All alarms of a line under a version, the oldest first."""
    with reading(store.engine) as connection:
        return _read(connection, line, model, version)


def standing(alarms: Iterable[Alarm], baseline: Baseline) -> list[Alarm]:
    """Those whose watch has not begun anew since."""
    return [one for one in alarms if one.evidence["after"] == baseline.after(one.kind)]


def standing_of(store: LineStore, model: str, version: str) -> list[Alarm]:
    """Alarms that stand under a version of a model, of all lines, line by line, the oldest first."""
    with reading(store.engine) as connection:
        found = _read(connection, None, model, version)
    stand = []
    for line in sorted({one.line for one in found}):
        baseline = baseline_of(store, line, model, version)
        if baseline is not None:
            stand += standing([one for one in found if one.line == line], baseline)
    return stand


def acknowledge(store: LineStore, number: int, person: str, note: str = "", role: Role = "operator") -> None:
    """Say that `person` knows of an alarm; it stands all the same. Raises SpecsightError where there is none."""
    with reading(store.engine) as connection:
        row = connection.execute(sa.select(schema.alarms).where(schema.alarms.c.number == number)).first()
    if row is None:
        raise SpecsightError(f"there is no alarm {number}: see 'specsight line health LINE MODEL'")
    at = store.clock()
    with store.transaction([row.line]) as connection:
        values = {"alarm": number, "person": person, "note": note, "at": at}
        connection.execute(sa.insert(schema.acknowledgements).values(**values))
        detail = {"alarm": number, "kind": row.kind, "note": note}
        entry = Entry(row.line, person, role, "acknowledged", f"{row.model} {row.version}", detail, at=at)
        trail.write(connection, entry)


def _read(connection: sa.Connection, line: str | None, model: str, version: str) -> list[Alarm]:
    table, said = schema.alarms, schema.acknowledgements
    wanted = [table.c.model == model, table.c.version == version]
    if line is not None:
        wanted.append(table.c.line == line)
    rows = connection.execute(sa.select(table).where(*wanted).order_by(table.c.number)).all()
    query = sa.select(said).where(said.c.alarm.in_([row.number for row in rows])).order_by(said.c.number)
    known = {row.alarm: row for row in connection.execute(query)}
    found = []
    for row in rows:
        last = known.get(row.number)
        more = {"acknowledged": last.person, "note": last.note} if last else {}
        found.append(Alarm(**row._mapping, **more))
    return found


def _same(one: Alarm, other: Alarm) -> bool:
    """Whether both are of one watch: it raises one alarm of a kind."""
    return one.kind == other.kind and one.evidence["after"] == other.evidence["after"]
