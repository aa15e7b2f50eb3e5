"""How long records and pictures of a line are kept: rules in a YAML file, applied by a verb or daily by a server.

In: rules, a store, the time. Out: what went (`deleting`). Without rules nothing is ever deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from specsight.errors import SpecsightError, did_you_mean
from specsight.line import schema
from specsight.line.auditing.deleting import PARTS_AT_ONCE, Gone, Order, What, delete
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore
from specsight.storage import parse_yaml, read_text
from specsight.storage.database import reading

LONGEST_TERM = 36500
Days = Annotated[float, Field(strict=True, ge=0, le=LONGEST_TERM)] | None
LONGEST = 1 << 20
PERSON = "retention"
"""Who deletes by rules, on the trail."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Terms(_Strict):
    """Days that parts are kept, from when they were received; None: for ever."""

    accepted: Days = None
    """Pictures, depth, signals and maps of accepted parts."""
    rejected: Days = None
    """Of rejected ones, and of those without a verdict."""
    reviewed: Days = None
    """Of parts that a person reviewed or confirmed, where that is longer."""
    records: Days = None
    """The records themselves, with what persons said of them."""


class Rules(_Strict):
    """Terms for all parts; others by line, and by model, which go before; parts that are held whatever the terms."""

    keep: Terms = Terms()
    lines: Mapping[str, Terms] = {}
    models: Mapping[str, Terms] = {}
    hold: frozenset[str] = frozenset()
    """Names or ids of parts that a dispute is about: nothing of them is deleted."""

    def terms(self, line: str, model: str) -> Terms:
        """The terms of parts of a line judged by a model: what its model says, else its line, else what holds for
        all."""
        values: dict[str, Any] = {}
        for one in (self.keep, self.lines.get(line), self.models.get(model)):
            values |= one.model_dump(exclude_unset=True) if one else {}
        return Terms(**values)

    @property
    def acts(self) -> bool:
        """Whether anything is ever deleted."""
        every = (self.keep, *self.lines.values(), *self.models.values())
        return any(days is not None for one in every for days in (one.accepted, one.rejected, one.records))


def load_rules(path: Path) -> Rules:
    """Rules from a YAML file. Raises SpecsightError, which names the value, for anything that is none."""
    try:
        values = parse_yaml(read_text(path, LONGEST))
        return Rules.model_validate(values or {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise SpecsightError(f"'{path}': {_wrong(first['type'], first['loc'])}") from error
    except (OSError, ValueError) as error:
        raise SpecsightError(f"cannot read '{path}': {error}") from error


def _wrong(kind: str, place: Sequence[int | str]) -> str:
    """What pydantic refuses, in words of rules: `kind` is its name for it, `place` the keys that lead there."""
    name = ".".join(str(one) for one in place if one != "[key]")
    if kind == "extra_forbidden":
        known = Terms if len(place) > 1 else Rules
        return f"{name}: there is no such rule; {did_you_mean(str(place[-1]), known.model_fields)}"
    if not place:
        return "the file must be a mapping such as keep: {accepted: 30}"
    if kind == "string_type":
        return f"{name} must be text: names that are numbers stand in quotes"
    if place[0] == "hold":
        return f"{name} must be a list of names or ids of parts, such as [part-4711]"
    if place[-1] in Terms.model_fields and not kind.endswith(("model_type", "dict_type", "mapping_type")):
        return f"{name} must be a number of days from 0 to {LONGEST_TERM}; leave it out to keep for ever"
    inner = "{accepted: 30}" if place[0] == "keep" or len(place) > 1 else "{NAME: {accepted: 30}}"
    return f"{name} must be a mapping such as {inner}"


@dataclass(frozen=True)
class Due:
    """What of a part is due, and under which term."""

    part: JudgedPart
    what: What
    reason: str


Older = Callable[[JudgedPart, float], bool]
"""Whether a part is older than so many days."""


class Ages:
    """How old the parts of a store are at a time, by the order in which they came where clocks went wrong.

    A part that was received while the clock was behind looks older than parts that came before it: it is as young as
    these. Times that lie ahead of `now` by more than `SLACK` tell nothing of the parts after them.
    """

    SLACK = timedelta(days=1)

    def __init__(self, store: LineStore, now: datetime) -> None:
        self.store, self.now = store, now
        self._young: dict[float, int | None] = {}

    def older(self, part: JudgedPart, days: float) -> bool:
        """Whether a part is older than so many days."""
        if self.now - part.received <= timedelta(days=days):
            return False
        if days not in self._young:
            self._young[days] = self._first_young(days)
        first = self._young[days]
        return first is None or part.number < first

    def _first_young(self, days: float) -> int | None:
        """The smallest number of a part that is younger; None: there is none."""
        table = schema.parts.c
        young = (table.received >= self.now - timedelta(days=days), table.received <= self.now + self.SLACK)
        with reading(self.store.engine) as connection:
            return connection.execute(sa.select(sa.func.min(table.number)).where(*young)).scalar()


def due(rules: Rules, part: JudgedPart, reviewed: bool, older: Older) -> Due | None:
    """What of a part may go, by its age; None: nothing."""
    if part.part in rules.hold or part.id in rules.hold:
        return None
    terms = rules.terms(part.line, part.model)
    if terms.records is not None and older(part, terms.records):
        return Due(part, "record", f"records are kept {terms.records:g} days")
    name = "accepted" if part.word == "accept" else "rejected"
    days: float | None = getattr(terms, name)
    if reviewed and days is not None:
        name, days = max(("reviewed", terms.reviewed), (name, days), key=lambda one: _length(one[1]))
    if days is not None and older(part, days):
        return Due(part, "content", f"pictures of {name} parts are kept {days:g} days")
    return None


def apply(store: LineStore, rules: Rules, dry: bool = False) -> Iterator[Gone]:
    """Delete what is due, a batch of parts at a time; yields what went with each. `dry`: nothing goes."""
    if not rules.acts:
        return
    now = store.clock()
    older = Ages(store, now).older

    def stays(connection: sa.Connection, part: JudgedPart) -> bool:
        return due(rules, part, bool(_reviewed(connection, [part.id])), older) is None

    after = 0
    while True:
        parts, reviewed = _aged(store, rules, now, after)
        if not parts:
            return
        after = parts[-1].number
        orders: dict[tuple[What, str], list[JudgedPart]] = {}
        for part in parts:
            found = due(rules, part, part.id in reviewed, older)
            if found is not None:
                orders.setdefault((found.what, found.reason), []).append(part)
        for (what, reason), members in orders.items():
            yield delete(store, members, Order(what, PERSON, "engineer", reason), stays, dry)


def _aged(store: LineStore, rules: Rules, now: datetime, after: int) -> tuple[list[JudgedPart], set[str]]:
    """The next parts that are older than the shortest term and have something left to delete; and which of them were
    reviewed."""
    every = (rules.keep, *rules.lines.values(), *rules.models.values())
    terms = [days for one in every for days in (one.accepted, one.rejected, one.records) if days is not None]
    records = [one.records for one in every if one.records is not None]
    table = schema.parts.c
    signals = schema.signals.c
    blob = schema.blobs.c.digest
    kept: sa.ColumnElement[bool] = sa.or_(
        sa.exists().where(blob.in_([table.picture, table.depth, table.map])),
        sa.exists().where(signals.inspection == table.id, signals.digest == blob),
    )
    wanted = kept
    if records:
        wanted = sa.or_(kept, table.received < now - timedelta(days=min(records)))
    query = (
        sa.select(schema.parts)
        .where(table.number > after, table.received < now - timedelta(days=min(terms)), wanted)
        .order_by(table.number)
        .limit(PARTS_AT_ONCE)
    )
    with reading(store.engine) as connection:
        parts = [JudgedPart(**row._mapping) for row in connection.execute(query)]
        return parts, _reviewed(connection, [one.id for one in parts])


def _reviewed(connection: sa.Connection, ids: list[str]) -> set[str]:
    found: set[str] = set()
    for table in (schema.reviews, schema.confirmations):
        query = sa.select(table.c.inspection).where(table.c.inspection.in_(ids))
        found |= set(connection.execute(query).scalars())
    return found


def _length(days: float | None) -> float:
    return float("inf") if days is None else days


def give_back(store: LineStore) -> int:
    """Give the room of what was deleted back to the disk; returns how many bytes the database takes then.

    SQLite rewrites its file, which takes as much room again while it lasts and lets nobody write: for the weekend.
    PostgreSQL uses the room again by itself (autovacuum), and needs none of this.
    """
    if store.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(store.engine.url.database), isolation_level=None)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return size_of(store)


def size_of(store: LineStore) -> int:
    """Bytes that the database takes."""
    query = (
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if store.engine.dialect.name == "sqlite"
        else "SELECT pg_database_size(current_database())"
    )
    with reading(store.engine) as connection:
        return int(connection.exec_driver_sql(query).scalar_one())
