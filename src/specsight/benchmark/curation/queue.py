"""Which item a person decides about next: an open one that nobody else has before them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from specsight.benchmark.curation import schema
from specsight.benchmark.curation.store import CurationStore
from specsight.storage.database import reading, writing

BEFORE_SOMEBODY = timedelta(minutes=10)
"""How long an item that was given to one person is given to no other."""


def next_item(store: CurationStore, curator: str, after: int = -1, task: str | None = None) -> int | None:
    """The number of the next open item behind `after` that the person has a seat on, from the first one on again
    behind the last; None where there is none. Items of one `task` alone where it is given.

    For the next ten minutes it is given to nobody else who could take the same seat.
    """
    items, shown = schema.items.c, schema.shown.c
    with writing(store.engine) as connection:
        now = store.clock()
        moment, until = (t.isoformat(timespec="milliseconds") for t in (now, now + BEFORE_SOMEBODY))
        connection.execute(
            sa.delete(schema.shown).where(sa.or_(shown.until < moment, shown.curator == curator))
        )
        others = sa.select(sa.func.count()).where(shown.item == items.number).correlate(schema.items)
        own = sa.exists().where(
            schema.decisions.c.item == items.number, schema.decisions.c.curator == curator
        )
        open_ = sa.select(items.number).where(
            items.state == "open",
            items.taken + others.scalar_subquery() < items.seats,
            sa.not_(own),
        )
        if task is not None:
            open_ = open_.where(items.task == task)
        for query in (open_.where(items.number > after), open_.where(items.number <= after)):
            number = connection.execute(query.order_by(items.number).limit(1)).scalar()
            if number is not None:
                connection.execute(sa.insert(schema.shown).values(item=number, curator=curator, until=until))
                return int(number)
    return None


@dataclass
class Progress:
    """How many items are where."""

    open: int = 0
    disputed: int = 0
    actions: dict[str, int] = field(default_factory=lambda: {"accept": 0, "edit": 0, "reject": 0})
    """Of decided items."""

    @property
    def total(self) -> int:
        """All items."""
        return self.open + self.disputed + sum(self.actions.values())


def progress(store: CurationStore) -> dict[str, Progress]:
    """Task → how far it is."""
    items = schema.items.c
    query = sa.select(items.task, items.state, items.action, sa.func.count().label("count")).group_by(
        items.task, items.state, items.action
    )
    tasks: dict[str, Progress] = {}
    with reading(store.engine) as connection:
        for task, state, action, count in connection.execute(query.order_by(sa.func.min(items.number))):
            one = tasks.setdefault(task, Progress())
            if state == "decided":
                one.actions[action] += count
            elif state == "disputed":
                one.disputed += count
            else:
                one.open += count
    return tasks
