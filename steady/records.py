"""Whether a line's database holds what its clients were told: every acknowledged part once, in a whole trail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from specsight.line import schema, trail
from specsight.line.history import Wanted, find
from specsight.line.records import Entry, JudgedPart
from specsight.line.store import MOST, LineStore
from steady.clients import LINE


def check_records(db: str, told: Mapping[str, str]) -> dict[str, int]:
    """Counts of what is wrong, all 0 where nothing is: acknowledged parts that are lost or on record under another id,
    keys that are there twice, parts without their entry in the trail, breaks of the trail, damage of the file."""
    store = LineStore.open(db)
    try:
        parts = list(_parts(store))
        by_key = {part.key: part for part in parts}
        entries = list(_entries(store))
        judged = {entry.subject: entry.detail["record"] for entry in entries if entry.action == "judged"}
        return {
            "lost": sum(key not in by_key for key in told),
            "under another id": sum(by_key[key].id != id_ for key, id_ in told.items() if key in by_key),
            "twice": sum(count > 1 for count in Counter(part.key for part in parts).values()),
            "parts without their entry": sum(
                judged.get(part.id) != trail.digest_of(trail.recorded(part)) for part in parts
            ),
            "entries without their part": len(judged.keys() - {part.id for part in parts}),
            "breaks of the trail": int(trail.check(entries) is not None),
            "pictures missing": sum(not _kept(store, part.picture) for part in parts),
            "damage": _damage(store),
        }
    finally:
        store.close()


def _parts(store: LineStore) -> Iterator[JudgedPart]:
    after = 0
    while found := find(store, Wanted(LINE, after=after), MOST, oldest_first=True):
        yield from found
        after = found[-1].number


def _entries(store: LineStore) -> Iterator[Entry]:
    after = 0
    while found := store.entries(LINE, after=after, limit=MOST):
        yield from found
        after = found[-1].number


def _kept(store: LineStore, digest: str) -> bool:
    with store.engine.connect() as connection:
        query = sa.select(schema.blobs.c.digest).where(schema.blobs.c.digest == digest)
        return connection.execute(query).first() is not None


def _damage(store: LineStore) -> int:
    if store.engine.dialect.name != "sqlite":
        return 0
    with store.engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok")
