"""Looking back over a line: parts by what is known of them, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from specsight.line import schema, verdicts
from specsight.line.records import JudgedPart
from specsight.line.store import MOST, LineStore
from specsight.storage.database import reading


@dataclass(frozen=True)
class Wanted:
    """Which parts are looked for; what is None does not matter."""

    line: str | None = None
    model: str | None = None
    part: str | None = None
    """The part's name."""
    name: str | None = None
    """What the part's name contains."""
    words: str | None = None
    """What the instruction contains that it was judged under."""
    verdict: str | None = None
    """What holds (`verdicts.word`): "accept", "reject", "undecided" or "unreadable"."""
    judged: str | None = None
    """What the model said (`JudgedPart.word`)."""
    overruled: bool = False
    """Only those of which a person says otherwise than the model (`verdicts.how`)."""
    since: datetime | None = None
    """Received then or later."""
    until: datetime | None = None
    """Received before."""
    after: int | None = None
    """A number below all of theirs."""
    before: int | None = None
    """A number above all of theirs."""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same of rows of `schema.parts`."""
        table = schema.parts.c
        equal = (
            (table.line, self.line),
            (table.model, self.model),
            (table.part, self.part),
            (verdicts.WORD, self.verdict),
            (schema.WORD, self.judged),
        )
        contained = ((table.part, self.name), (table.words, self.words))
        return [
            *(column == value for column, value in equal if value is not None),
            *(column.contains(value, autoescape=True) for column, value in contained if value is not None),
            *([verdicts.OVERRULED] if self.overruled else []),
            *([table.received >= self.since] if self.since is not None else []),
            *([table.received < self.until] if self.until is not None else []),
            *([table.number > self.after] if self.after is not None else []),
            *([table.number < self.before] if self.before is not None else []),
        ]


ANY = Wanted()


@dataclass(frozen=True)
class Counts:
    """How many parts had which word, up to a number."""

    words: dict[str, int]
    newest: int

    def __add__(self, later: Counts) -> Counts:
        words = {one: self.words.get(one, 0) + later.words.get(one, 0) for one in self.words | later.words}
        return Counts(words, max(self.newest, later.newest))


def find(
    store: LineStore, wanted: Wanted = ANY, limit: int = 100, *, oldest_first: bool = False
) -> list[JudgedPart]:
    """Parts that are looked for, the newest first; at most `limit` (up to `MOST`) of them."""
    number = schema.parts.c.number
    query = sa.select(schema.parts).where(*wanted.conditions())
    query = query.order_by(number.asc() if oldest_first else number.desc()).limit(max(0, min(limit, MOST)))
    with reading(store.engine) as connection:
        return [JudgedPart(**row._mapping) for row in connection.execute(query)]


def counts(store: LineStore, line: str, since: datetime, after: int = 0) -> Counts:
    """Of how many parts of a line, received from `since` on and with numbers above `after`, the model said what."""
    wanted = Wanted(line=line, since=since, after=after).conditions()
    query = sa.select(schema.WORD, sa.func.count(), sa.func.max(schema.parts.c.number)).where(*wanted)
    with reading(store.engine) as connection:
        rows = connection.execute(query.group_by(schema.WORD)).all()
    return Counts(
        {str(word): int(count) for word, count, _ in rows}, max((int(n) for *_, n in rows), default=after)
    )


def overruled(store: LineStore, line: str, since: datetime) -> int:
    """Of how many parts of a line, received from `since` on, a person says otherwise than the model."""
    wanted = Wanted(line=line, since=since, overruled=True).conditions()
    with reading(store.engine) as connection:
        return int(
            connection.execute(
                sa.select(sa.func.count()).select_from(schema.parts).where(*wanted)
            ).scalar_one()
        )
