"""Pictures and records leave a store; the trail keeps what they were: digests, who asked, and why.

In: parts, and whether they go with their record or their pictures alone. Out: what went. A picture that a part which
stays needs, stays. Each call is one short transaction, so that a line which judges never waits for long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from specsight.line import schema, trail
from specsight.line.counting import contents, counted
from specsight.line.records import Entry, JudgedPart, Role
from specsight.line.store import LineStore

What = Literal["content", "record"]
PARTS_AT_ONCE = 100
"""Parts that one transaction deletes."""


@dataclass(frozen=True)
class Order:
    """What is to go, and who wants it so."""

    what: What
    """ "content": picture, depth, signals and map; "record": those, the record, and what persons said of it."""
    person: str
    role: Role
    reason: str


@dataclass
class Gone:
    """What went."""

    records: int = 0
    contents: int = 0
    size: int = 0
    """Bytes of pictures, depth, signals and maps."""
    shared: int = 0
    """Pictures, depth, signals and maps that stay, because another part needs them."""

    @property
    def words(self) -> str:
        """What went, in one line."""
        stay = f"; {self.shared:,} {'stays' if self.shared == 1 else 'stay'}, which other parts need"
        went = f"{counted(self.records, 'record')} and {contents(self.contents)} ({self.size / 1e6:.1f} MB)"
        return went + (stay if self.shared else "")

    def __iadd__(self, other: Gone) -> Gone:
        self.records += other.records
        self.contents += other.contents
        self.size += other.size
        self.shared += other.shared
        return self


def delete(
    store: LineStore,
    parts: Sequence[JudgedPart],
    order: Order,
    stays: Callable[[sa.Connection, JudgedPart], bool] | None = None,
    dry: bool = False,
) -> Gone:
    """Delete what `order` says of parts, all in one transaction. `stays` says of any other part that has the same
    picture whether it still needs it; None: it does. `dry`: nothing is deleted; what would go is counted.
    """
    gone = Gone()
    with store.transaction(sorted({part.line for part in parts})) as connection:
        parts = _there(connection, parts)
        ids = {part.id for part in parts}
        digests = _locked(connection, parts)
        needed = {
            digest for digest in digests if _needed(connection, digest, ids, stays or (lambda *_: True))
        }
        gone.shared = len(needed)
        removed = {digest: size for digest, size in digests.items() if digest not in needed}
        gone.contents, gone.size = len(removed), sum(removed.values())
        gone.records = len(parts) if order.what == "record" else 0
        if not dry:
            _write(connection, store, parts, order, removed)
    return gone


def _there(connection: sa.Connection, parts: Sequence[JudgedPart]) -> list[JudgedPart]:
    """Those whose records nobody deleted meanwhile."""
    table = schema.parts.c
    query = sa.select(table.id).where(table.id.in_([part.id for part in parts]))
    there = set(connection.execute(query).scalars())
    return [part for part in parts if part.id in there]


def _locked(connection: sa.Connection, parts: Sequence[JudgedPart]) -> dict[str, int]:
    """Digest → bytes, of what is kept of parts; held, so that nobody comes to need it meanwhile (`LineStore._keep`)."""
    wanted = sorted({digest for part in parts for _, digest in part.contents})
    table = schema.blobs.c
    query = sa.select(table.digest, sa.func.length(table.content)).where(table.digest.in_(wanted))
    rows = connection.execute(query.order_by(table.digest).with_for_update())
    return {str(digest): int(size) for digest, size in rows}


def _needed(
    connection: sa.Connection,
    digest: str,
    going: set[str],
    stays: Callable[[sa.Connection, JudgedPart], bool],
) -> bool:
    """Whether a part that is not among `going` needs this content."""
    table, signals = schema.parts.c, schema.signals.c
    of_signals = table.id.in_(sa.select(signals.inspection).where(signals.digest == digest))
    for needs in (table.picture == digest, table.depth == digest, table.map == digest, of_signals):
        query = sa.select(schema.parts).where(needs).order_by(table.number.desc())
        for row in connection.execute(query):  # the newest first: it is the likeliest to stay
            part = JudgedPart(**row._mapping)
            if part.id not in going and stays(connection, part):
                return True
    return False


def _write(
    connection: sa.Connection,
    store: LineStore,
    parts: Sequence[JudgedPart],
    order: Order,
    removed: dict[str, int],
) -> None:
    left = dict(removed)
    for part in parts:
        mine = [digest for _, digest in part.contents if left.pop(digest, None) is not None]
        if order.what == "content" and not mine:
            continue
        detail = {"what": order.what, "reason": order.reason, "removed": mine}
        if order.what == "record":
            detail["record"] = trail.digest_of(trail.recorded(part))
        entry = Entry(part.line, order.person, order.role, "deleted", part.id, detail, at=store.clock())
        trail.write(connection, entry)
    if removed:
        connection.execute(sa.delete(schema.blobs).where(schema.blobs.c.digest.in_(list(removed))))
    if order.what == "record":
        ids = [part.id for part in parts]
        for table in (schema.signals, schema.reviews, schema.confirmations):
            connection.execute(sa.delete(table).where(table.c.inspection.in_(ids)))
        connection.execute(sa.delete(schema.parts).where(schema.parts.c.id.in_(ids)))
