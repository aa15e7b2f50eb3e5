"""What persons did, on record and on the trail: reviews and confirmations of parts, versions of models, what went live.

In: entries of the trail, and the tables of these records. Out: either as tuples, in order, which are compared one by
one: who, when, and what.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa

from specsight.line import schema
from specsight.line.records import Entry, iso
from specsight.line.store import LineStore
from specsight.storage.database import reading

Action = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """Records of one table, each of which has an entry on the trail."""

    name: str
    table: sa.Table
    detail: tuple[str, ...]
    """Columns that the detail of the entry repeats."""

    def told(self, entry: Entry) -> Action:
        """The record as the trail tells it."""
        role = [entry.role] if "role" in self.table.c else []
        return (entry.person, *role, iso(entry.at), *(_text(entry.detail.get(one)) for one in self.detail))

    def kept(self, row: sa.Row[Any]) -> Action:
        """The record as it is kept."""
        values = row._mapping
        role = [values["role"]] if "role" in self.table.c else []
        return (values["person"], *role, iso(values["at"]), *(_text(values[one]) for one in self.detail))


OF_PARTS: Mapping[str, Kind] = {
    "reviewed": Kind("reviews", schema.reviews, ("verdict", "reason", "type", "region")),
    "confirmed": Kind("confirmations", schema.confirmations, ("outcome", "type")),
}
"""Action of an entry → records about a part."""
OF_MODELS: Mapping[str, Kind] = {
    "registered": Kind("registrations", schema.versions, ("kind", "note", "parent")),
    "went live": Kind("activations", schema.activations, ("reason",)),
}
"""Action of an entry → records about a version of a model."""
KINDS = {**OF_PARTS, **OF_MODELS}
Told = dict[tuple[str, str], list[Action]]
"""(action, subject) → what was done, the oldest first."""


def _text(value: object) -> str:
    """A value of either side: what is none is not told at all."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def tell(entries: Iterable[Entry], told: Told) -> None:
    """Add what entries tell, in order."""
    for one in entries:
        if one.action in KINDS:
            told.setdefault((one.action, one.subject), []).append(KINDS[one.action].told(one))


def kept_of_parts(store: LineStore, inspections: Sequence[str]) -> Told:
    """What is on record of parts."""
    found: Told = {}
    with reading(store.engine) as connection:
        for action, kind in OF_PARTS.items():
            query = sa.select(kind.table).where(kind.table.c.inspection.in_(inspections))
            for row in connection.execute(query.order_by(kind.table.c.number)):
                found.setdefault((action, row.inspection), []).append(kind.kept(row))
    return found


def kept_of_models(store: LineStore) -> Told:
    """What is on record of all models."""
    found: Told = {}
    with reading(store.engine) as connection:
        for action, kind in OF_MODELS.items():
            for row in connection.execute(sa.select(kind.table).order_by(kind.table.c.number)):
                found.setdefault((action, f"{row.model} {row.version}"), []).append(kind.kept(row))
    return found


def differences(kinds: Mapping[str, Kind], subject: str, name: str, told: Told, kept: Told) -> list[str]:
    """Which records about a subject, which is called `name`, are not as the trail tells them; empty: all are."""
    found = []
    for action, kind in kinds.items():
        pairs = zip_longest(told.get((action, subject), ()), kept.get((action, subject), ()))
        wrong = next((place for place, (one, other) in enumerate(pairs, 1) if one != other), None)
        if wrong is not None:
            found.append(f"{kind.name} of {name} are not those that the trail tells, from number {wrong} on")
    return found
