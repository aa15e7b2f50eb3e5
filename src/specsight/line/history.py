"""Looking back over a line: parts by what is known of them, which review of a part holds, how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from specsight.line import schema
from specsight.line.records import JudgedPart, Review
from specsight.line.store import MOST, LineStore
from specsight.storage.database import reading

UNDONE = "undone"
"""Reason of a review that takes back the one before it, and says what held until then."""


@dataclass(frozen=True)
class Wanted:
    """Which parts are looked for; what is empty or None does not matter."""

    line: str = ""
    model: str = ""
    verdict: str = ""
    """A word of `JudgedPart.word`."""
    overruled: bool = False
    """Only those of which a person says otherwise than the model."""
    name: str = ""
    """What the part's name contains."""
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""
    """What the instruction contains that it was judged under."""


@dataclass(frozen=True)
class Counts:
    """How many parts had which word, up to a number."""

    words: dict[str, int]
    newest: int

    def __add__(self, later: Counts) -> Counts:
        words = {one: self.words.get(one, 0) + later.words.get(one, 0) for one in self.words | later.words}
        return Counts(words, max(self.newest, later.newest))


def find(store: LineStore, wanted: Wanted, before: int | None = None, limit: int = 50) -> list[JudgedPart]:
    """Parts that are looked for, the newest first, with numbers below `before`; at most `limit` of them."""
    table = schema.parts.c
    conditions = [
        *([table.line == wanted.line] if wanted.line else []),
        *([table.model == wanted.model] if wanted.model else []),
        *([schema.WORD.in_([wanted.verdict])] if wanted.verdict else []),
        *([table.part.contains(wanted.name, autoescape=True)] if wanted.name else []),
        *([table.words.contains(wanted.words, autoescape=True)] if wanted.words else []),
        *([table.received >= wanted.since] if wanted.since else []),
        *([table.received < wanted.until] if wanted.until else []),
        *([table.number < before] if before is not None else []),
    ]
    source: Any = _overruled() if wanted.overruled else schema.parts
    query = sa.select(schema.parts).select_from(source).where(*conditions).order_by(table.number.desc())
    with reading(store.engine) as connection:
        return [JudgedPart(**row._mapping) for row in connection.execute(query.limit(min(limit, MOST)))]


def counts(store: LineStore, line: str, since: datetime, after: int = 0) -> Counts:
    """How many parts of a line, received from `since` on and with numbers above `after`, had which word."""
    table = schema.parts.c
    query = sa.select(schema.WORD, sa.func.count(), sa.func.max(table.number)).where(
        table.line == line, table.number > after, table.received >= since
    )
    with reading(store.engine) as connection:
        rows = connection.execute(query.group_by(schema.WORD)).all()
    return Counts(
        {str(word): int(count) for word, count, _ in rows}, max((int(n) for *_, n in rows), default=after)
    )


def overruled(store: LineStore, line: str, since: datetime) -> int:
    """Of how many parts of a line, received from `since` on, a person says otherwise than the model."""
    table = schema.parts.c
    query = (
        sa.select(sa.func.count())
        .select_from(_overruled())
        .where(table.line == line, table.received >= since)
    )
    with reading(store.engine) as connection:
        return int(connection.execute(query).scalar_one())


def standing(reviews: Sequence[Review]) -> Review | None:
    """What holds of the reviews of a part, the oldest first; None: nothing was said, or all of it taken back."""
    said: list[Review] = []
    for one in reviews:
        if one.reason != UNDONE:
            said.append(one)
        elif said:
            said.pop()
    return said[-1] if said else None


def undoing(part: JudgedPart, reviews: Sequence[Review], person: str, role: Any) -> Review | None:
    """The review that takes back the last one; None where there is none, or where nothing held before it that a review
    could say."""
    if not reviews or standing(reviews) is None or reviews[-1].reason == UNDONE:
        return None
    former = standing(reviews[:-1])
    verdict = part.verdict if former is None else former.verdict
    if verdict is None:
        return None
    return Review(part.id, person, role, verdict, UNDONE, "" if former is None else former.type)


def _overruled() -> Any:
    """Parts, joined with their last review where it says otherwise."""
    said = schema.reviews.c
    last = sa.select(sa.func.max(said.number)).group_by(said.inspection)
    return schema.parts.join(
        schema.reviews,
        sa.and_(
            said.inspection == schema.parts.c.id,
            said.number.in_(last),
            said.verdict != schema.parts.c.verdict,
        ),
    )
