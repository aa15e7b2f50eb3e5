"""The last entry of every line's trail, noted daily in the chain of what concerns all lines.

In: a store. Out: an entry, and what such entries say of each line. A line that is deleted as a whole, and a trail whose
end is cut off, are told by what was noted before; who keeps the digest of that one chain elsewhere has noted all lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from specsight.line import schema, trail
from specsight.line.records import Entry
from specsight.line.store import LineStore
from specsight.storage.database import reading

NOTED = "noted"
DAY = timedelta(days=1)
PERSON = "specsight"


def note_heads(store: LineStore, person: str = PERSON, daily: bool = True) -> Entry | None:
    """Note the last entry of each line; None where nothing is new, or, with `daily`, where that was done within a day.

    What was noted before and is no longer there stays noted: it is missing for ever.
    """
    with reading(store.engine) as connection:
        last = _last_noted(connection)
        if daily and (_fresh(last, store.clock()) or not _newer(connection, last)):
            return None
        heads = _heads(connection)  # it takes a while on a large trail: nobody waits for it
    with store.transaction([""]) as connection:
        last = _last_noted(connection)
        if daily and _fresh(last, store.clock()):
            return None
        before = last.detail["heads"] if last else {}
        heads |= {line: head for line, head in before.items() if not _there(connection, line, head)}
        if heads == before:
            return None
        return trail.write(
            connection, Entry("", person, "engineer", NOTED, "", {"heads": heads}, at=store.clock())
        )


def noted(store: LineStore) -> dict[str, set[str]]:
    """Line → digests of entries that it must have: its first one, and all that were ever noted. Not the last ones
    alone: whoever cut a trail could note its new end."""
    table = schema.audit.c
    query = sa.select(table.action, table.subject, table.detail)
    query = query.where(table.line == "", table.action.in_([trail.BEGAN, NOTED]))
    found: dict[str, set[str]] = {}
    with reading(store.engine) as connection:
        for action, subject, detail in connection.execute(query):
            heads = {subject: detail} if action == trail.BEGAN else detail["heads"]
            for line, head in heads.items():
                found.setdefault(line, set()).add(str(head.get("digest")))
    return found


def _fresh(last: Entry | None, now: datetime) -> bool:
    return last is not None and timedelta(0) <= now - last.at < DAY


def _newer(connection: sa.Connection, last: Entry | None) -> bool:
    """Whether any line has an entry since then: a short question, where heads are a long one."""
    table = schema.audit.c
    query = sa.select(table.number).where(table.line != "").order_by(table.number.desc()).limit(1)
    return (connection.execute(query).scalar() or 0) > (0 if last is None else last.number)


def _last_noted(connection: sa.Connection) -> Entry | None:
    table = schema.audit.c
    query = sa.select(schema.audit).where(table.line == "", table.action == NOTED)
    row = connection.execute(query.order_by(table.number.desc()).limit(1)).first()
    return None if row is None else Entry(**row._mapping)


def _heads(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    table = schema.audit.c
    last = sa.select(sa.func.max(table.number)).where(table.line != "").group_by(table.line)
    rows = connection.execute(sa.select(table.line, table.number, table.digest).where(table.number.in_(last)))
    return {str(line): {"number": int(number), "digest": str(digest)} for line, number, digest in rows}


def _there(connection: sa.Connection, line: str, head: Mapping[str, Any]) -> bool:
    table = schema.audit.c
    wanted = (table.number == head["number"], table.line == line, table.digest == head["digest"])
    return connection.execute(sa.select(table.number).where(*wanted)).first() is not None
