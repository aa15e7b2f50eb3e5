"""What the store knows of an item: its seats, the decisions on them, and the one that stands.

In: rows of the tables. Out: `Entry`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from specsight.benchmark.curation import schema
from specsight.benchmark.curation.decisions import Action, Decision, Saved
from specsight.errors import SpecsightError

ADJUDICATED = 0
"""The seat whose decision stands whatever the others are."""
State = Literal["open", "decided", "disputed"]


@dataclass(frozen=True)
class Entry:
    """What the store knows of an item."""

    number: int
    id: str
    task: str
    category: str
    pair: str | None
    seats: int
    state: State
    action: Action | None
    """Of the decision that stands."""
    decisions: tuple[Saved, ...]
    """By seat."""

    @property
    def standing(self) -> Decision | None:
        """The decision that stands; None for an item that is open or disputed."""
        return self.decisions[0].decision if self.state == "decided" else None

    def seat_of(self, curator: str) -> int | None:
        """The seat that a person would save to; None where all are taken by others."""
        if self.seats == 1:
            return 1
        own = next((s.seat for s in self.decisions if s.curator == curator and s.seat > 0), None)
        taken = {s.seat for s in self.decisions}
        return own or next((k for k in range(1, self.seats + 1) if k not in taken), None)

    def at(self, seat: int | None) -> Saved | None:
        """The decision on a seat."""
        return next((s for s in self.decisions if s.seat == seat), None)

    def revision(self, seat: int) -> int:
        """What tells one state of a seat from the next. Who adjudicates rests on all decisions, not on one seat's."""
        return sum(s.revision for s in self.decisions if seat in (s.seat, ADJUDICATED))


ENTRIES = sa.select(
    schema.items.c.number, schema.items.c.id, schema.items.c.task, schema.items.c.category, schema.items.c.pair,
    schema.items.c.seats, schema.items.c.state, schema.items.c.action,
    schema.decisions.c.seat, schema.decisions.c.curator, schema.decisions.c.revision, schema.decisions.c.at,
    schema.decisions.c.decision,
).select_from(schema.items.outerjoin(schema.decisions))  # fmt: skip
"""A row for each decision, and one for each item without any."""


def read_entry(connection: sa.Connection, number: int) -> Entry:
    """The entry of one item. Raises SpecsightError where there is none."""
    query = ENTRIES.where(schema.items.c.number == number).order_by(schema.decisions.c.seat)
    for entry in read_entries(connection.execute(query)):
        return entry
    raise SpecsightError(f"there is no item number {number}")


def read_entries(rows: Any) -> Iterator[Entry]:
    """Rows of `ENTRIES`, those of one item after another, as entries."""
    first: Any = None
    held: list[Saved] = []
    for row in rows:
        if first is not None and row.number != first.number:
            yield _entry_of(first, held)
            held = []
        first = row
        if row.seat is not None:
            held.append(read_saved(row))
    if first is not None:
        yield _entry_of(first, held)


def _entry_of(row: Any, held: list[Saved]) -> Entry:
    return Entry(
        row.number, row.id, row.task, row.category, row.pair, row.seats, row.state, row.action, tuple(held)
    )


def read_saved(row: Any) -> Saved:
    """A row of decisions or of changes."""
    return Saved(
        decision=Decision.model_validate_json(row.decision),
        curator=row.curator,
        seat=row.seat,
        revision=row.revision,
        at=datetime.fromisoformat(row.at),
    )
