"""Whether the records of a line are those that were written: the trail's chain, records of parts and what persons did
(`actions`) against the trail, pictures, depth, signals and maps against their digests.

In: a store. Out: `Checked`, whose faults say in one line each what was changed or is missing, and where. What was
deleted under a rule or on request is no fault: the trail says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from specsight.errors import SpecsightError, did_you_mean
from specsight.line import schema, trail
from specsight.line.auditing.actions import (
    OF_MODELS,
    OF_PARTS,
    Told,
    differences,
    kept_of_models,
    kept_of_parts,
    tell,
)
from specsight.line.auditing.noting import noted
from specsight.line.counting import contents, counted
from specsight.line.history import Wanted, find
from specsight.line.records import Entry, JudgedPart
from specsight.line.store import LineStore
from specsight.storage.database import reading

BATCH = 1000
"""Records that are read at once."""
LISTED = 20
"""Faults that are told one by one."""
NOTED_HERE = ", which what concerns all lines has noted"
RECORD, PICTURES = "record", "content"
"""What a "deleted" entry is about."""


@dataclass
class Checked:
    """What a check of one line found."""

    line: str
    entries: int = 0
    parts: int = 0
    contents: int = 0
    deleted: int = 0
    """Records that were deleted, which the trail tells."""
    released: int = 0
    """Pictures, depth, signals and maps that were deleted, with their record or without, which the trail tells."""
    head: str = ""
    """Digest of the last entry: whoever keeps it elsewhere can tell later that nothing was cut off the end."""
    faults: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    @property
    def words(self) -> str:
        """The outcome in one line."""
        name = f"line '{self.line}'" if self.line else "what concerns all lines"
        if not self.whole:
            more = f"; and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
            return f"{name}: NOT WHOLE: {self.faults[0]}{more}"
        return (
            f"{name}: whole; {counted(self.entries, 'entry', 'entries')}, {counted(self.parts, 'record')}, "
            f"{contents(self.contents)}; deleted as the trail says: {counted(self.deleted, 'record')}, "
            f"{contents(self.released)}"
        )


def lines_of(store: LineStore) -> list[str]:
    """Lines that the trail or records name, also those that are gone; "" is what concerns all lines, always there."""
    with reading(store.engine) as connection:
        found = set(connection.execute(sa.select(schema.audit.c.line).distinct()).scalars())
        found |= set(connection.execute(sa.select(schema.parts.c.line).distinct()).scalars())
    return sorted(found | noted(store).keys() | {""})


def check_line(store: LineStore, line: str) -> None:
    """Raise SpecsightError, which says which lines there are, where nothing is on record of this one."""
    known = lines_of(store)
    if line and line not in known:
        named = [one for one in known if one]
        way = did_you_mean(line, named) if named else "there are no records of any yet"
        raise SpecsightError(f"there is no line '{line}': {way}")


def verify(store: LineStore, line: str, expected: str = "") -> Checked:
    """Check everything of a line. `expected`: the digest of an entry that was noted elsewhere, and must be there."""
    checked = Checked(line)
    judged, told = _trail(store, line, checked, expected)
    _records(store, line, checked, judged, told)
    if not line:
        _models(store, checked, told)
    return checked


@dataclass
class _Told:
    """What the trail says beside judgements."""

    deleted: set[str] = field(default_factory=set)
    """Ids of records that are gone."""
    digests: dict[str, int] = field(default_factory=dict)
    """Of content that is gone, whoever's line it was deleted on → the last entry that says so."""
    own: set[str] = field(default_factory=set)
    """Of these, what was deleted on this line."""
    actions: Told = field(default_factory=dict)


def _trail(
    store: LineStore, line: str, checked: Checked, expected: str
) -> tuple[dict[str, tuple[int, str]], _Told]:
    """Follow the chain; returns id → (entry, digest of its record), and what else is told."""
    judged: dict[str, tuple[int, str]] = {}
    told, previous = _Told(), ""
    wanted = dict.fromkeys(noted(store).get(line, ()), NOTED_HERE) | ({expected: ""} if expected else {})
    for batch in _entries(store, line):
        broken = trail.check(batch, previous)
        if broken is not None and not checked.faults:
            checked.faults.append(f"the trail was changed or cut at entry {broken}: {_about(batch, broken)}")
        previous = batch[-1].digest
        for one in batch:
            wanted.pop(one.digest, None)
        checked.entries += len(batch)
        tell(batch, told.actions)
        for one in batch:
            if one.action == "judged":
                judged[one.subject] = (one.number, str(one.detail.get("record", "")))
            elif one.action == "deleted":
                removed = one.detail.get("removed", ())
                checked.released += len(removed)
                told.own.update(removed)
                if one.detail.get("what") == RECORD:
                    told.deleted.add(one.subject)
    checked.head = previous
    if line and (broken := _broken(store, "")) is not None:
        checked.faults.append(
            f"what concerns all lines, where this one is noted, was changed at entry {broken}"
        )
    checked.faults += [
        f"no entry has the digest {digest[:16]}…{where}: the trail was cut off, or is another one"
        for digest, where in wanted.items()
    ]
    told.digests = _deleted_digests(store)
    return judged, told


def _broken(store: LineStore, line: str) -> int | None:
    """The first entry of a line's chain that does not follow from the one before it."""
    previous = ""
    for batch in _entries(store, line):
        if (broken := trail.check(batch, previous)) is not None:
            return broken
        previous = batch[-1].digest
    return None


def _about(batch: list[Entry], number: int) -> str:
    entry = next(one for one in batch if one.number == number)
    return f"'{entry.action}' of {entry.subject or 'nothing'} by {entry.person or 'nobody'}, {entry.at:%Y-%m-%d %H:%M}"


def _entries(store: LineStore, line: str) -> Iterator[list[Entry]]:
    after = 0
    while batch := store.entries(line, after=after, limit=BATCH):
        yield batch
        after = batch[-1].number


def _deleted_digests(store: LineStore) -> dict[str, int]:
    table = schema.audit.c
    query = sa.select(table.number, table.detail).where(table.action == "deleted").order_by(table.number)
    found: dict[str, int] = {}
    with reading(store.engine) as connection:
        for number, detail in connection.execute(query):
            found.update(dict.fromkeys(map(str, detail.get("removed", ())), int(number)))
    return found


def _records(
    store: LineStore, line: str, checked: Checked, judged: dict[str, tuple[int, str]], told: _Told
) -> None:
    missing = dict(judged)
    there: dict[str, bool] = {}
    after = 0
    while batch := find(store, Wanted(line=line, after=after), BATCH, oldest_first=True):
        after = batch[-1].number
        checked.parts += len(batch)
        actions = kept_of_parts(store, [one.id for one in batch])
        for part in batch:
            entry = missing.pop(part.id, None)
            if entry is None:
                checked.faults.append(
                    f"part '{part.part}' ({part.id}) is on record, and the trail does not name it"
                )
            elif trail.digest_of(trail.recorded(part)) != entry[1]:
                checked.faults.append(
                    f"the record of part '{part.part}' ({part.id}) was changed after entry {entry[0]}"
                )
            name = f"part '{part.part}' ({part.id})"
            checked.faults += differences(OF_PARTS, part.id, name, told.actions, actions)
            for name, digest in part.contents:
                entry_of = judged.get(part.id, (0, ""))[0]
                _content(store, part, entry_of, name, digest, there, told, checked)
    for id_, (number, _) in missing.items():
        if id_ in told.deleted:
            checked.deleted += 1
        else:
            checked.faults.append(
                f"the record {id_}, judged in entry {number}, is missing; nobody deleted it on the trail"
            )


def _models(store: LineStore, checked: Checked, told: _Told) -> None:
    actions = kept_of_models(store)
    subjects = dict.fromkeys(subject for action, subject in (*told.actions, *actions) if action in OF_MODELS)
    for one in subjects:
        checked.faults += differences(OF_MODELS, one, f"'{one}'", told.actions, actions)


def _content(
    store: LineStore,
    part: JudgedPart,
    entry: int,
    name: str,
    digest: str,
    there: dict[str, bool],
    told: _Told,
    checked: Checked,
) -> None:
    """Check what a part that was judged in `entry` keeps; `there` remembers what was looked at already."""
    seen = digest in there
    content = None if seen else store.content(digest)
    if not there.setdefault(digest, content is not None):
        # Judged again after it was deleted, it was kept again.
        if told.digests.get(digest, -1) <= entry:
            checked.faults.append(
                f"the {name} of part '{part.part}' ({part.id}) is missing; nobody deleted it on the trail"
            )
        elif not seen:
            checked.released += digest not in told.own
    elif content is not None:
        checked.contents += 1
        if hashlib.sha256(content).hexdigest() != digest:
            checked.faults.append(
                f"the {name} of part '{part.part}' ({part.id}) was changed: its digest differs"
            )
