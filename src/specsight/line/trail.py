"""The audit trail: entries that are only ever added, each chained to the one before it on its line by a digest.

Whoever changes or removes an entry behind the program's back breaks the chain from there on, and `check` says where.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from specsight.line import schema
from specsight.line.records import Entry, JudgedPart, iso


def digest_of(values: Mapping[str, Any]) -> str:
    """SHA-256 of values as JSON, keys sorted, without spaces."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def recorded(part: JudgedPart) -> dict[str, Any]:
    """What the digest of a part's record is of: its JSON, without what only later versions of this program know where
    it says nothing, so that older records keep theirs."""
    values = part.to_json()
    return values if part.signals else {name: value for name, value in values.items() if name != "signals"}


def sealed(entry: Entry, previous: str) -> Entry:
    """The entry, chained to what comes before it."""
    entry = replace(entry, previous=previous, digest="", number=0)
    values = entry.to_json()
    return replace(entry, digest=digest_of({k: values[k] for k in values if k not in ("digest", "number")}))


BEGAN = "line began"
"""In the chain of what concerns all lines: a line's first entry, so that a line that is gone as a whole leaves a trace.
"""


def hold(connection: sa.Connection, line: str) -> None:
    """Keep other writers of a line waiting until the transaction ends. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        lock = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:line, 516))")
        connection.execute(lock, {"line": line})


def write(connection: sa.Connection, entry: Entry) -> Entry:
    """Add an entry, inside a transaction that no other writer of its line shares. The first one of a line is told in
    the chain of what concerns all lines, too."""
    done = _write(connection, entry)
    if not done.previous and done.line:
        hold(connection, "")  # who holds it already waits for no line: none waits for the other
        detail = {"digest": done.digest}
        _write(connection, Entry("", done.person, done.role, BEGAN, done.line, detail, at=done.at))
    return done


def _write(connection: sa.Connection, entry: Entry) -> Entry:
    table = schema.audit
    query = (
        sa.select(table.c.digest).where(table.c.line == entry.line).order_by(table.c.number.desc()).limit(1)
    )
    entry = sealed(replace(entry, detail=_finite(entry.detail)), connection.execute(query).scalar() or "")
    values = {**vars(entry), "detail": dict(entry.detail)}
    del values["number"]
    number = connection.execute(sa.insert(table).values(**values).returning(table.c.number)).scalar_one()
    return replace(entry, number=int(number))


def read(
    connection: sa.Connection, line: str | None, subject: str | None, after: int, limit: int
) -> list[Entry]:
    """Entries of a line or about a subject, the oldest first."""
    table = schema.audit
    wanted = [table.c.number > after]
    if line is not None:
        wanted.append(table.c.line == line)
    if subject is not None:
        wanted.append(table.c.subject == subject)
    rows = connection.execute(sa.select(table).where(*wanted).order_by(table.c.number).limit(limit))
    return [Entry(**row._mapping) for row in rows]


def check(entries: Iterable[Entry], previous: str = "") -> int | None:
    """The number of the first entry of one line that does not follow from the one before it, or was changed; None: the
    chain holds. `previous`: the digest of the entry before the first."""
    for entry in entries:
        if entry.previous != previous or sealed(entry, previous).digest != entry.digest:
            return entry.number
        previous = entry.digest
    return None


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON can hold: a score that is no number is a word."""
    return {
        k: str(v) if isinstance(v, float) and v - v != 0 else iso(v) if isinstance(v, datetime) else v
        for k, v in values.items()
    }
