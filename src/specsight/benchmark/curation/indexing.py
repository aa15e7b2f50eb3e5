"""The index of a new store: where each item and sample lies in its file, and which items two persons decide about."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from specsight.benchmark.curation import schema
from specsight.benchmark.files import ITEMS, SAMPLES, Benchmark, read_lines_at
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.errors import SpecsightError

BATCH = 2000


def make_index(
    connection: sa.Connection, benchmark: Benchmark, share: float, seed: int, digests: Mapping[str, str]
) -> None:
    """Make all tables and fill those that never change. Raises SpecsightError for a damaged line and an id that stands
    twice."""
    schema.metadata.create_all(connection)
    for trigger in schema.APPEND_ONLY:
        connection.exec_driver_sql(trigger)
    letters: set[str] = set()
    _insert(connection, schema.samples, _samples(benchmark), SAMPLES)
    _insert(connection, schema.items, _items(benchmark, seed, letters), ITEMS)
    _choose(connection, share)
    manifest = benchmark.manifest
    values = {
        **digests,
        "name": manifest.name,
        "version": manifest.version,
        "share": repr(share),
        "seed": str(seed),
        "letters": "".join(sorted(letters)),
    }
    connection.execute(sa.insert(schema.about), [{"key": k, "value": v} for k, v in values.items()])


def _samples(benchmark: Benchmark) -> Iterator[dict[str, Any]]:
    for offset, sample in read_lines_at(benchmark.folder / SAMPLES, BenchmarkSample):
        yield {"id": sample.id, "offset": offset}


def _items(benchmark: Benchmark, seed: int, letters: set[str]) -> Iterator[dict[str, Any]]:
    for number, (offset, item) in enumerate(read_lines_at(benchmark.folder / ITEMS, Item)):
        if any(len(letter) != 1 for letter in item.options):
            raise SpecsightError(f"item '{item.id}' has an option whose name is no letter")
        letters.update(item.options)
        # The two of a matched pair have one rank: persons see both, or neither.
        ranked = f"{seed} {item.id if item.pair is None else (item.sample, item.task, item.pair)}"
        rank = hashlib.sha256(ranked.encode("utf-8", "surrogatepass")).hexdigest()
        yield {
            "number": number, "id": item.id, "offset": offset, "sample": item.sample, "task": item.task,
            "category": item.category, "pair": item.pair, "rank": rank[:16], "seats": 1, "taken": 0, "state": "open",
        }  # fmt: skip


def _insert(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]], name: str) -> None:
    rows = iter(rows)
    while batch := list(itertools.islice(rows, BATCH)):
        try:
            connection.execute(sa.insert(table), batch)
        except sa.exc.IntegrityError as error:
            raise SpecsightError(
                f"{name}: an id stands twice among {batch[0]['id']!r} and those after it"
            ) from error


def _choose(connection: sa.Connection, share: float) -> None:
    """Give a second seat to `share` of the items of each task and product, rounded up."""
    group = (schema.items.c.task, schema.items.c.category)
    ranked = sa.select(
        schema.items.c.number,
        sa.func.rank().over(partition_by=group, order_by=schema.items.c.rank).label("place"),
        sa.func.count().over(partition_by=group).label("size"),
    ).subquery()
    chosen = sa.select(ranked.c.number).where(ranked.c.place - 1 < share * ranked.c.size)
    connection.execute(sa.update(schema.items).where(schema.items.c.number.in_(chosen)).values(seats=2))
