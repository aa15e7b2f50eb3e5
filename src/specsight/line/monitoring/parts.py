"""Records of a line as the watch needs them: in the order of their numbers, whatever clocks said."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from specsight.line import schema, verdicts
from specsight.line.monitoring.features import FEATURES
from specsight.line.records import Verdict
from specsight.line.store import LineStore
from specsight.storage.database import reading

SCORE, REJECTED = "score", "rejected"
WATCHED = (SCORE, REJECTED, *FEATURES)
CHUNK = 2000
"""Records that are read at once."""
OUTCOMES = {"good": True, "defect": False}
"""What an engineer may have confirmed, of what says whether a part is good."""


@dataclass(frozen=True)
class WatchedPart:
    """What the watch reads of a judged part."""

    number: int
    id: str
    words: str
    verdict: Verdict | None
    score: float | None
    measured: Mapping[str, float]

    def value(self, feature: str, words: str) -> float | None:
        """A feature of it, where it is compared with parts that were judged under `words`; None: it is not.

        The score counts of accepted parts alone, as those of defects say nothing of good parts; `rejected` (0 or 1)
        says how many there are of the others. What is no number is not known.
        """
        found: float | None = None
        if feature in FEATURES:
            found = self.measured.get(feature)
        elif self.words == words and self.verdict is not None:
            accepted = self.verdict == "accept"
            found = float(not accepted) if feature == REJECTED else self.score if accepted else None
        return found if found is not None and math.isfinite(found) else None

    def tie(self, feature: str) -> float:
        """A number in (0, 1), drawn for this part and feature: by its id, so that everyone draws the same."""
        drawn = hashlib.blake2b(f"{self.id} {feature}".encode(), digest_size=6).digest()
        return (int.from_bytes(drawn, "big") + 0.5) / 2**48


def watched_parts(
    store: LineStore, line: str, model: str, version: str, after: int, until: int | None = None
) -> Iterator[WatchedPart]:
    """Parts of a line that a version judged, with numbers above `after` and up to `until`, in order."""
    table = schema.parts.c
    columns = (table.number, table.id, table.words, table.verdict, table.score, table.measured)
    wanted = [table.line == line, table.model == model, table.version == version, table.error == ""]
    if until is not None:
        wanted.append(table.number <= until)
    while True:
        with reading(store.engine) as connection:
            query = sa.select(*columns).where(*wanted, table.number > after).order_by(table.number)
            rows = connection.execute(query.limit(CHUNK)).all()
        for row in rows:
            yield WatchedPart(**row._mapping)
        if len(rows) < CHUNK:
            return
        after = rows[-1].number


def said_of_parts(store: LineStore, line: str, model: str, version: str) -> dict[str, bool]:
    """Id of a part → whether it is good: by the last review that stands, or the last engineer who confirmed what it
    is, where nobody said otherwise since; parts of which nobody said are left out."""
    parts, said = schema.parts.c, schema.reviews.c
    wanted = (parts.line == line, parts.model == model, parts.version == version)
    with reading(store.engine) as connection:
        held = sa.and_(said.inspection == parts.id, said.number == verdicts.STANDING)
        query = sa.select(parts.id, said.verdict).select_from(schema.parts).join(schema.reviews, held)
        found = {str(id_): verdict == "accept" for id_, verdict in connection.execute(query.where(*wanted))}
        table = schema.confirmations
        joined = table.join(schema.parts, parts.id == table.c.inspection).outerjoin(schema.reviews, held)
        query = sa.select(table.c.inspection, table.c.outcome).select_from(joined)
        stands = sa.not_(sa.func.coalesce(verdicts.CONTRADICTS, sa.false()))
        for id_, outcome in connection.execute(query.where(*wanted, stands).order_by(table.c.number)):
            if outcome in OUTCOMES:
                found[id_] = OUTCOMES[outcome]
    return found


def span(store: LineStore, line: str, model: str, version: str) -> tuple[int, int, int]:
    """How many parts of a line a version judged, and their first and last number; 0, 0, 0: none."""
    table = schema.parts.c
    query = sa.select(sa.func.count(), sa.func.min(table.number), sa.func.max(table.number)).where(
        table.line == line, table.model == model, table.version == version, table.error == ""
    )
    with reading(store.engine) as connection:
        count, first, last = connection.execute(query).one()
    return int(count), int(first or 0), int(last or 0)


def last_number(store: LineStore, line: str) -> int:
    """The largest number of a part of the line; 0: it has none."""
    return store.latest().get(line, 0)


def received(store: LineStore, number: int) -> datetime | None:
    """When a part came, by the clock of its server."""
    with reading(store.engine) as connection:
        query = sa.select(schema.parts.c.received).where(schema.parts.c.number == number)
        return connection.execute(query).scalar()
