"""Reviews of persons → what an engineer takes the parts for: good, defective, or of no use.

In: reviews, of which the last one of a part holds. Out: confirmations, of which the last one holds until a person says
otherwise, each with an entry in the audit trail; what waits for one; and how many parts of each kind were looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema, trail, verdicts
from specsight.line.records import Entry, JudgedPart, Record, Review, now
from specsight.line.store import LineStore
from specsight.storage.database import reading

Outcome = Literal["good", "defect", "unused"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""good: nothing on it that should be rejected. defect: should be rejected. unused: counts for nothing (a hand in the
picture, another product, nobody can tell)."""
How = Literal["overruled reject", "overruled accept", "agreed", "undecided"]
"""What the last review says of the verdict: a false reject, a miss, the same, or there was no verdict."""
MOST = 2000
"""Parts that one list holds."""
ALL = 1_000_000


@dataclass(frozen=True)
class Confirmation(Record):
    """What an engineer takes a reviewed part for; of several, the last one holds."""

    inspection: str
    """Id of the judged part."""
    person: str
    outcome: Outcome
    type: str = ""
    """Which defect it is; empty: not said, or none."""
    at: datetime = field(default_factory=now)
    number: int = 0


@dataclass(frozen=True)
class Reviewed:
    """A part with the review and the confirmation that hold."""

    part: JudgedPart
    review: Review
    confirmation: Confirmation | None

    @property
    def how(self) -> How:
        """What the review says of the verdict."""
        how = verdicts.how(self.part, self.review)
        if how == "overruled":
            return "overruled reject" if self.part.verdict == "reject" else "overruled accept"
        return "agreed" if how == "agreed" else "undecided"

    @property
    def outcome(self) -> str:
        """ "good" or "defect", by the confirmation and, before there is one, the review; empty: counts for nothing."""
        if self.confirmation is not None:
            return "" if self.confirmation.outcome == "unused" else self.confirmation.outcome
        return "good" if self.review.verdict == "accept" else "defect"


def confirm(
    store: LineStore,
    inspection: str,
    outcome: str,
    person: str,
    type: str = "",
) -> Confirmation:
    """Take a reviewed part for `outcome` ("good", "defect", "unused"); `type` says which defect.

    Raises SpecsightError for another outcome, for a type of what is no defect, and for a part that is not there, was
    not judged, or that nobody has reviewed.
    """
    if outcome not in OUTCOMES:
        raise SpecsightError(f"a part is confirmed as {', '.join(OUTCOMES)}, not as '{outcome}'")
    if type and outcome != "defect":
        raise SpecsightError(f"a part that is confirmed as '{outcome}' has no type of defect: leave it out")
    (found,) = reviewed(store, ids=[inspection]) or (None,)
    if found is None:
        raise SpecsightError(f"nobody has reviewed an inspection '{inspection}': accept or overrule it first")
    if found.part.error:
        raise SpecsightError("this picture could not be judged: there is nothing to confirm")
    with store.transaction([found.part.line]) as connection:
        at = store.clock()
        values: dict[str, Any] = {
            "inspection": inspection,
            "person": person,
            "outcome": outcome,
            "type": type,
            "at": at,
        }
        table = schema.confirmations
        number = connection.execute(sa.insert(table).values(**values).returning(table.c.number)).scalar_one()
        detail = {"outcome": outcome, "type": type, "how": found.how, "verdict": found.part.verdict}
        trail.write(
            connection, Entry(found.part.line, person, "engineer", "confirmed", inspection, detail, at=at)
        )
    return Confirmation(**values, number=int(number))


def reviewed(
    store: LineStore,
    model: str | None = None,
    *,
    ids: Sequence[str] | None = None,
    since: datetime | None = None,
    waiting: bool | None = None,
    limit: int = MOST,
) -> list[Reviewed]:
    """Parts that a person has reviewed, the newest first: of a model, with these ids, received at or after `since`;
    `waiting`: without (True) or with (False) a confirmation."""
    parts, last_confirmation = schema.parts, _last(schema.confirmations)
    wanted: list[sa.ColumnElement[bool]] = []
    if model is not None:
        wanted.append(parts.c.model == model)
    if ids is not None:
        wanted.append(parts.c.id.in_(list(ids)))
    if since is not None:
        wanted.append(parts.c.received >= since)
    said, taken = schema.reviews, schema.confirmations
    joined = (
        parts.join(said, sa.and_(said.c.inspection == parts.c.id, said.c.number == verdicts.STANDING))
        .outerjoin(last_confirmation, last_confirmation.c.inspection == parts.c.id)
        .outerjoin(
            taken, sa.and_(taken.c.number == last_confirmation.c.number, sa.not_(verdicts.CONTRADICTS))
        )
    )
    if waiting is not None:
        known = taken.c.number
        wanted += [known.is_(None), parts.c.error == ""] if waiting else [known.is_not(None)]
    own = _columns(schema.parts), _columns(schema.reviews), _columns(schema.confirmations)
    query = sa.select(*(column for columns in own for column in columns)).select_from(joined)
    with reading(store.engine) as connection:
        rows = connection.execute(query.where(*wanted).order_by(parts.c.number.desc()).limit(limit))
        return [_reviewed(dict(row._mapping)) for row in rows]


@dataclass(frozen=True)
class Looked:
    """How many parts of one verdict there were, and how many of them persons looked at."""

    judged: int = 0
    reviewed: int = 0
    overruled: int = 0
    confirmed: int = 0
    good: int = 0
    defects: int = 0

    @property
    def share(self) -> float:
        """Share of these parts that were confirmed as good or defective; 0 where there are none."""
        return (self.good + self.defects) / self.judged if self.judged else 0.0


def looked_at(store: LineStore, model: str, since: datetime | None = None) -> dict[str, Looked]:
    """By the verdict of the line ("accept", "reject"): which share of the parts persons chose to look at, by which
    all that is said of them must be read."""
    table = schema.parts.c
    wanted = [table.model == model, table.error == "", *([table.received >= since] if since else [])]
    with reading(store.engine) as connection:
        rows = connection.execute(
            sa.select(table.verdict, sa.func.count()).where(*wanted).group_by(table.verdict)
        )
        judged = {str(verdict): int(count) for verdict, count in rows if verdict}
    found = reviewed(store, model, since=since, limit=ALL)
    counts = {}
    for verdict in ("accept", "reject"):
        own = [one for one in found if one.part.verdict == verdict]
        taken = [one.confirmation.outcome for one in own if one.confirmation]
        counts[verdict] = Looked(
            judged.get(verdict, 0),
            len(own),
            sum(one.how.startswith("overruled") for one in own),
            len(taken),
            taken.count("good"),
            taken.count("defect"),
        )
    return counts


def _last(table: sa.Table) -> sa.Subquery:
    """The number of the last row of each inspection."""
    query = sa.select(table.c.inspection, sa.func.max(table.c.number).label("number"))
    return query.group_by(table.c.inspection).subquery()


def _columns(table: sa.Table) -> list[sa.Label[Any]]:
    """The columns of a table, their names preceded by the table's."""
    return [column.label(f"{table.name}__{column.name}") for column in table.c]


def _reviewed(row: dict[str, Any]) -> Reviewed:
    def of(table: sa.Table) -> dict[str, Any]:
        columns = [column.name for column in table.c]
        return {name: row[f"{table.name}__{name}"] for name in columns}

    taken = of(schema.confirmations)
    confirmation = Confirmation(**taken) if taken["number"] is not None else None
    return Reviewed(JudgedPart(**of(schema.parts)), Review(**of(schema.reviews)), confirmation)
