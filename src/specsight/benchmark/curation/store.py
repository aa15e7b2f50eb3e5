"""Decisions of several persons about the items of one benchmark, in `curation.sqlite` beside it.

An item has one seat, or two where two persons decide about it without seeing each other's decision. Whoever saves says
which revision the decision was made on; where another one lies there meanwhile, nothing is written and `Conflict`
holds it (optimistic locking). The store belongs to one `items.jsonl`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from specsight.benchmark.curation import schema
from specsight.benchmark.curation.decisions import Action, Decision, Saved, applied
from specsight.benchmark.curation.entries import (
    ADJUDICATED,
    ENTRIES,
    Entry,
    State,
    read_entries,
    read_entry,
    read_saved,
)
from specsight.benchmark.curation.indexing import make_index
from specsight.benchmark.files import ITEMS, SAMPLES, Benchmark, read_line
from specsight.benchmark.persons import check_code
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.errors import SpecsightError
from specsight.storage.database import database, now, reading, writing
from specsight.storage.files import sha256

FILE = "curation.sqlite"


class Conflict(SpecsightError):
    """Another decision lies where one was to be saved; `current` is that, or None where it may not be seen."""

    def __init__(self, message: str, current: Saved | None) -> None:
        super().__init__(message)
        self.current = current


class Saving(NamedTuple):
    """One decision to be saved: on which item, and on which revision it was made."""

    number: int
    decision: Decision
    revision: int


class CurationStore:
    """The store of a benchmark, made where there is none; any number of threads and processes may use it at once.

    `share`: of items that two persons decide about, in each task of each product, in [0, 1]; None: that of the store,
    for a new one all of the (synthetic) tyre line's, a tenth of others'. `seed` chooses which. Raises SpecsightError
    where the store belongs to other items, or has another share.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        share: float | None = None,
        seed: int = 0,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.benchmark, self.clock = benchmark, clock
        self.path = benchmark.folder / FILE
        manifest = benchmark.manifest
        wanted = {
            "items": sha256(_there(benchmark.folder / ITEMS)),
            "samples": sha256(_there(benchmark.folder / SAMPLES)),
        }
        self.engine = database(self.path)
        if share is not None and not 0 <= share <= 1:
            raise SpecsightError(f"share {share:g} of items for two persons: give a number from 0 to 1")
        default = 1.0 if manifest.synthetic else 0.1
        with writing(self.engine) as connection:
            if not sa.inspect(connection).has_table("about"):
                make_index(connection, benchmark, share if share is not None else default, seed, wanted)
            rows = connection.execute(sa.select(schema.about)).all()
        self.about = {str(key): str(value) for key, value in rows}
        if any(self.about.get(name) != digest for name, digest in wanted.items()):
            raise SpecsightError(
                f"'{self.path}' belongs to version {self.about.get('version')} of other items than lie beside it: "
                "release its decisions where its items are, or move it away"
            )
        if share is not None and float(self.about["share"]) != share:
            raise SpecsightError(
                f"'{self.path}' was begun with --share {float(self.about['share']):g}: leave --share out"
            )

    @property
    def options(self) -> tuple[str, ...]:
        """Letters of options that occur."""
        return tuple(self.about["letters"])

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def item(self, number: int) -> Item:
        """An item as it lies in `items.jsonl`. Raises SpecsightError where there is none."""
        with reading(self.engine) as connection:
            offset = connection.execute(
                sa.select(schema.items.c.offset).where(schema.items.c.number == number)
            ).scalar()
        if offset is None:
            raise SpecsightError(f"there is no item number {number}")
        return read_line(self.benchmark.folder / ITEMS, offset, Item)

    def sample(self, id_: str) -> BenchmarkSample:
        """A sample by its id. Raises SpecsightError where there is none."""
        with reading(self.engine) as connection:
            offset = connection.execute(
                sa.select(schema.samples.c.offset).where(schema.samples.c.id == id_)
            ).scalar()
        if offset is None:
            raise SpecsightError(f"'{self.benchmark.folder / SAMPLES}' has no sample '{id_}'")
        return read_line(self.benchmark.folder / SAMPLES, offset, BenchmarkSample)

    def entry(self, number: int) -> Entry:
        """What was decided about an item. Raises SpecsightError where there is none."""
        with reading(self.engine) as connection:
            return read_entry(connection, number)

    def entries(self, state: State | None = None, shared: bool = False) -> Iterator[Entry]:
        """Of all items, or those in one state, in order; one at a time, all of one state of the file. `shared`: only
        those that two persons decide about."""
        query = ENTRIES.order_by(schema.items.c.number, schema.decisions.c.seat)
        if shared:
            query = query.where(schema.items.c.seats > 1)
        if state is not None:
            query = query.where(schema.items.c.state == state)
        with reading(self.engine) as connection:
            yield from read_entries(connection.execution_options(yield_per=1000).execute(query))

    def number_of(self, id_: str) -> int | None:
        """The number of an item by its id."""
        with reading(self.engine) as connection:
            return connection.execute(
                sa.select(schema.items.c.number).where(schema.items.c.id == id_)
            ).scalar()

    def history(self, number: int) -> list[Saved]:
        """Every saving of an item's decisions, the first one first."""
        query = sa.select(schema.changes).where(schema.changes.c.item == number).order_by(schema.changes.c.id)
        with reading(self.engine) as connection:
            return [read_saved(row) for row in connection.execute(query)]

    def save(
        self, curator: str, number: int, decision: Decision, revision: int, adjudicate: bool = False
    ) -> Saved:
        """Save a decision that was made on `revision` of the person's seat (`Entry.revision`), 0 where it is free.

        `adjudicate`: it stands whatever the others are. Raises Conflict where another decision lies there, and
        SpecsightError for a code that is none and an edit that leaves no item.
        """
        return self.save_all(curator, [Saving(number, decision, revision)], adjudicate)[0]

    def save_all(self, curator: str, savings: Sequence[Saving], adjudicate: bool = False) -> list[Saved]:
        """Save several decisions, all or none; see `save`."""
        check_code(curator)
        for number, decision, _ in savings:
            if decision.edit is not None:
                applied(self.item(number), decision)
        with writing(self.engine) as connection:
            return [
                _save(connection, curator, one, self.clock(), ADJUDICATED if adjudicate else None)
                for one in savings
            ]


def _save(connection: sa.Connection, curator: str, saving: Saving, now: datetime, seat: int | None) -> Saved:
    entry = read_entry(connection, saving.number)
    if seat is None:
        if (final := entry.at(ADJUDICATED)) is not None:
            raise Conflict(f"item '{entry.id}' was adjudicated by {final.curator} meanwhile", final)
        seat = entry.seat_of(curator)
    if seat is None:
        raise Conflict(f"item '{entry.id}' was decided by {entry.seats} others meanwhile", None)
    there = entry.at(seat)
    if entry.revision(seat) != saving.revision:
        current = there or max(entry.decisions, key=lambda one: one.at, default=None)
        who = f"by {current.curator} " if current else ""
        raise Conflict(f"item '{entry.id}' was decided {who}meanwhile", current)
    revision = there.revision + 1 if there else 1
    saved = Saved(decision=saving.decision, curator=curator, seat=seat, revision=revision, at=now)
    values = {
        "item": saving.number,
        "seat": seat,
        "curator": curator,
        "revision": revision,
        "at": now.isoformat(timespec="milliseconds"),
        "decision": saving.decision.model_dump_json(exclude_defaults=True),
    }
    connection.execute(sa.insert(schema.decisions).prefix_with("OR REPLACE").values(values))
    connection.execute(sa.insert(schema.changes).values(values))
    rows = sorted([s for s in entry.decisions if s.seat != seat] + [saved], key=lambda one: one.seat)
    state, action = _state(rows, entry.seats)
    connection.execute(
        sa.update(schema.items)
        .where(schema.items.c.number == saving.number)
        .values(taken=sum(one.seat > 0 for one in rows), state=state, action=action)
    )
    connection.execute(
        sa.delete(schema.shown).where(schema.shown.c.item == saving.number, schema.shown.c.curator == curator)
    )
    return saved


def _state(rows: Sequence[Saved], seats: int) -> tuple[State, Action | None]:
    """State of an item with these decisions, by seat, and the action that stands."""
    first = rows[0].decision
    if rows[0].seat == ADJUDICATED:
        return "decided", first.action
    if len(rows) < seats:
        return "open", None
    if all(first.agrees_with(one.decision) for one in rows[1:]):
        return "decided", first.action
    return "disputed", None


def _there(path: Path) -> Path:
    if not path.is_file():
        raise SpecsightError(
            f"'{path.parent}' has no {path.name}; make a benchmark with: specsight benchmark build"
        )
    return path
