"""A part's id → everything that is known of it, gathered from the store: what a sheet shows.

In: a store, and where models lie, for what the words were read against. Out: `Evidence`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema, trail, verdicts
from specsight.line.auditing import actions
from specsight.line.records import Activation, Entry, JudgedPart, Review, Version
from specsight.line.store import LineStore
from specsight.records import Inspection
from specsight.storage.database import reading

CHECKED = 10_000
"""Entries before a part's own to which a sheet follows the chain; `checking.verify` follows all of it."""
EXPORTED = "exported"
"""What is noted of every sheet that is handed out, and stands on none: the same record gives the same sheet."""


@dataclass(frozen=True)
class Chain:
    """Where a part stands in the trail of its line."""

    position: int
    """Its entry is the so-manieth of the line, from 1; 0: the trail does not name it."""
    followed: int
    """Entries that were followed, up to and including it."""
    broken: int | None
    """Number of the first of them that does not follow from the one before it; None: all do."""
    entry: Entry | None
    record_holds: bool
    """Whether the record is the one that the entry speaks of, by its digest."""


@dataclass(frozen=True)
class Content:
    """Bytes that belong to a part, by their digest."""

    name: str
    """As `JudgedPart.contents` has it."""
    digest: str
    size: int | None
    """In bytes; None: they are kept no longer."""
    holds: bool
    """Whether the bytes have the digest; False where there are none."""


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of one part."""

    part: JudgedPart
    inspection: Inspection | None
    version: Version | None
    activation: Activation | None
    """What had made the version live when the part was judged."""
    reviews: Sequence[Review]
    confirmations: Sequence[tuple[str, str, str, str]]
    """(person, outcome, type, time)."""
    entries: Sequence[Entry]
    """Of the trail, about this part, but for exports."""
    chain: Chain
    contents: Sequence[Content]
    record: str
    """Digest of the record."""
    differences: Sequence[str]
    """What persons say on record and otherwise on the trail."""

    @property
    def said(self) -> Review | None:
        """The review that holds (`verdicts.standing`)."""
        return verdicts.standing(self.reviews)


def gather(store: LineStore, id_: str, within: int = CHECKED) -> Evidence:
    """The evidence on a part; the chain is followed over the last `within` entries up to it.

    Raises SpecsightError where there is no such part; the error says so where it was deleted, by whom and why.
    """
    part = store.part(id_)
    about = [one for one in store.entries(subject=id_, limit=1000) if one.action != EXPORTED]
    if part is None:
        raise SpecsightError(_absent(id_, about))
    record = trail.digest_of(trail.recorded(part))
    chain = _chain(store, part, about, record, within)
    version = next((one for one in store.versions(part.model) if one.version == part.version), None)
    live = [
        one
        for one in store.activations(part.model)
        if one.version == part.version and one.at <= max(part.judged, part.received)
    ]
    return Evidence(
        part=part,
        inspection=part.answer() if part.inspection else None,
        version=version,
        activation=live[-1] if live else None,
        reviews=store.reviews([id_]).get(id_, []),
        confirmations=_confirmations(store, id_),
        entries=about,
        chain=chain,
        contents=[_content(store, name, digest) for name, digest in part.contents],
        record=record,
        differences=_differences(store, part, about),
    )


def _differences(store: LineStore, part: JudgedPart, about: Sequence[Entry]) -> list[str]:
    told: actions.Told = {}
    actions.tell(about, told)
    return actions.differences(
        actions.OF_PARTS, part.id, "the part", told, actions.kept_of_parts(store, [part.id])
    )


def _absent(id_: str, about: Sequence[Entry]) -> str:
    gone = [one for one in about if one.action == "deleted"]
    if not gone:
        return f"there is no inspection '{id_}': 'specsight line trail' lists them"
    last = gone[-1]
    reason = last.detail.get("reason", "")
    return f"inspection '{id_}' was deleted on {last.at:%Y-%m-%d} by {last.person}: {reason}"


def _chain(store: LineStore, part: JudgedPart, about: Sequence[Entry], record: str, within: int) -> Chain:
    entry = next((one for one in about if one.action == "judged" and one.line == part.line), None)
    if entry is None:
        return Chain(0, 0, None, None, False)
    table = schema.audit
    before = (table.c.line == part.line, table.c.number <= entry.number)
    with reading(store.engine) as connection:
        position = int(connection.execute(sa.select(sa.func.count()).where(*before)).scalar_one())
        query = sa.select(table).where(*before).order_by(table.c.number.desc()).limit(within + 1)
        rows = [Entry(**row._mapping) for row in connection.execute(query)][::-1]
    previous = ""
    if len(rows) > within:
        previous, rows = rows[0].digest, rows[1:]
    return Chain(
        position, len(rows), trail.check(rows, previous), entry, entry.detail.get("record") == record
    )


def _content(store: LineStore, name: str, digest: str) -> Content:
    content = store.content(digest)
    if content is None:
        return Content(name, digest, None, False)
    return Content(name, digest, len(content), hashlib.sha256(content).hexdigest() == digest)


def _confirmations(store: LineStore, id_: str) -> list[tuple[str, str, str, str]]:
    table = schema.confirmations
    query = sa.select(table).where(table.c.inspection == id_).order_by(table.c.number)
    with reading(store.engine) as connection:
        return [
            (row.person, row.outcome, row.type, f"{row.at:%Y-%m-%d %H:%M:%S} UTC")
            for row in connection.execute(query)
        ]


def latest_entries(
    store: LineStore, line: str | None, about: str | None, before: int, limit: int
) -> list[Entry]:
    """Entries of the trail with numbers below `before`, the newest first; where given, of a line, about a subject."""
    table = schema.audit
    wanted = [
        table.c.number < before,
        *([table.c.line == line] if line is not None else []),
        *([table.c.subject == about] if about is not None else []),
    ]
    query = sa.select(table).where(*wanted).order_by(table.c.number.desc()).limit(limit)
    with reading(store.engine) as connection:
        return [Entry(**row._mapping) for row in connection.execute(query)]
