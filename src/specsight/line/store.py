"""Records of a line in its database: judged parts with their pictures, reviews, versions of models, the audit trail.

In: `records`. Out: the same, with the numbers that the store gave them. Nothing is changed once it is written; each
writing is one transaction with its entry in the audit trail. Any number of threads, processes and machines may use one
database at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema, trail
from specsight.line.connecting import open_database
from specsight.line.records import Activation, Entry, JudgedPart, Review, Role, Version, now
from specsight.storage.database import reading, writing

Kind = TypeVar("Kind", JudgedPart, Review, Version, Activation)
MOST = 1000
"""Records that one question returns."""


@dataclass(frozen=True)
class Judging:
    """A part to be stored with the bytes that belong to it."""

    part: JudgedPart
    picture: bytes
    depth: bytes | None = None
    signals: Mapping[str, bytes] = field(default_factory=dict)
    map: bytes | None = None
    person: str = ""
    role: Role = "operator"


class LineStore:
    """The store at `engine`; `clock` says what time it is."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime] = now) -> None:
        self.engine, self.clock = engine, clock

    @classmethod
    def open(cls, url: str, create: bool = True) -> LineStore:
        """The store at a URL (`connecting.open_database`); where there is none it is made, or, without `create`,
        NoDatabase is raised."""
        return cls(open_database(url, create))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    # ---- parts

    def add(self, judgings: Sequence[Judging]) -> list[JudgedPart]:
        """Store parts that were judged, all or none; returns them with their numbers.

        Where a line has a part with the same key already, that one is returned, and nothing is written. Raises
        Unavailable where the database cannot be reached, and SpecsightError where it refuses.
        """
        stored = []
        with self.transaction([one.part.line for one in judgings]) as connection:
            for one in judgings:
                key = one.part.key or one.part.id
                found = _one(connection, schema.parts, JudgedPart, line=one.part.line, key=key)
                stored.append(found or self._add(connection, one, key))
        return stored

    def _add(self, connection: sa.Connection, one: Judging, key: str) -> JudgedPart:
        picture, depth, map_ = (
            self._keep(connection, content) if content else ""
            for content in (one.picture, one.depth, one.map)
        )
        signals = {name: self._keep(connection, content) for name, content in one.signals.items()}
        kept = replace(one.part, key=key, picture=picture, depth=depth, signals=signals, map=map_)
        part = _added(connection, schema.parts, kept)
        if signals:
            rows = [{"inspection": part.id, "name": name, "digest": signals[name]} for name in signals]
            connection.execute(sa.insert(schema.signals), rows)
        detail = {
            "record": trail.digest_of(trail.recorded(part)),
            "model": part.model,
            "version": part.version,
            "words": part.words,
            "verdict": part.verdict,
            "score": part.score,
            "threshold": part.threshold,
            "picture": picture,
            "depth": depth,
            "signals": signals,
            "map": map_,
        }
        trail.write(
            connection, Entry(part.line, one.person, one.role, "judged", part.id, detail, at=self.clock())
        )
        return part

    def _keep(self, connection: sa.Connection, content: bytes) -> str:
        """Store bytes once; returns their digest."""
        digest = hashlib.sha256(content).hexdigest()
        # Held until this transaction ends: retention, which deletes what nobody needs, waits (`auditing.deleting`).
        there = sa.select(schema.blobs.c.digest).where(schema.blobs.c.digest == digest)
        if connection.execute(there.with_for_update(read=True, key_share=True)).first() is None:
            values = {"digest": digest, "content": content, "stored": self.clock()}
            connection.execute(_insert(connection, schema.blobs, values).on_conflict_do_nothing())
        return digest

    def part(self, id_: str) -> JudgedPart | None:
        """A part by its id; None where there is none."""
        with reading(self.engine) as connection:
            return _one(connection, schema.parts, JudgedPart, id=id_)

    def known(self, inspection: str) -> JudgedPart:
        """A part by its id. Raises SpecsightError where there is none."""
        part = self.part(inspection)
        if part is None:
            raise SpecsightError(f"there is no inspection '{inspection}': 'specsight line trail' lists them")
        return part

    def by_key(self, line: str, key: str) -> JudgedPart | None:
        """The part of a line that was stored under a key; None where there is none."""
        with reading(self.engine) as connection:
            return _one(connection, schema.parts, JudgedPart, line=line, key=key)

    def latest(self) -> dict[str, int]:
        """Each line's largest number of a part: what followers of lines compare with what they have."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                sa.select(schema.parts.c.line, sa.func.max(schema.parts.c.number)).group_by(
                    schema.parts.c.line
                )
            )
            return {str(line): int(number) for line, number in rows}

    def content(self, digest: str) -> bytes | None:
        """The bytes of this digest; None where they are not kept (any more)."""
        with reading(self.engine) as connection:
            query = sa.select(schema.blobs.c.content).where(schema.blobs.c.digest == digest)
            return connection.execute(query).scalar()

    # ---- what persons say

    def review(self, review: Review) -> Review:
        """Store what a person says of a part. Raises SpecsightError where there is no such part."""
        part = self.known(review.inspection)
        with self.transaction([part.line]) as connection:
            review = _added(connection, schema.reviews, replace(review, at=self.clock()))
            detail = {
                "verdict": review.verdict,
                "of": part.verdict,
                "reason": review.reason,
                "type": review.type,
                **({} if review.region is None else {"region": review.region}),
            }
            trail.write(
                connection,
                Entry(part.line, review.person, review.role, "reviewed", part.id, detail, at=review.at),
            )
        return review

    def reviews(self, inspections: Sequence[str]) -> dict[str, list[Review]]:
        """Id of a part → its reviews, the oldest first; parts without any are left out."""
        found: dict[str, list[Review]] = {}
        with reading(self.engine) as connection:
            query = sa.select(schema.reviews).where(schema.reviews.c.inspection.in_(inspections))
            for row in connection.execute(query.order_by(schema.reviews.c.number)):
                review = _read(Review, row)
                found.setdefault(review.inspection, []).append(review)
        return found

    # ---- versions of models

    def register(self, version: Version, role: Role = "engineer") -> Version:
        """Note a version of a model, once; returns what is noted of it."""
        with self.transaction([""]) as connection:
            found = _one(connection, schema.versions, Version, model=version.model, version=version.version)
            if found is None:
                found = _added(connection, schema.versions, replace(version, at=self.clock()))
                detail = {"kind": found.kind, "note": found.note, "parent": found.parent}
                subject = f"{found.model} {found.version}"
                trail.write(
                    connection, Entry("", found.person, role, "registered", subject, detail, at=found.at)
                )
        return found

    def versions(self, model: str) -> list[Version]:
        """All versions of a model, the oldest first."""
        with reading(self.engine) as connection:
            query = sa.select(schema.versions).where(schema.versions.c.model == model)
            return [
                _read(Version, row) for row in connection.execute(query.order_by(schema.versions.c.number))
            ]

    def activate(
        self,
        activation: Activation,
        role: Role = "engineer",
        first: bool = False,
        instead_of: str | None = None,
    ) -> Activation:
        """Let a version go live; with `first`, only where none of the model has before. Returns what is live then.

        Raises SpecsightError where the model has no such version, and where another one than `instead_of` is live.
        """
        with self.transaction([""]) as connection:
            known = _one(
                connection, schema.versions, Version, model=activation.model, version=activation.version
            )
            if known is None:
                raise SpecsightError(
                    f"model '{activation.model}' has no version '{activation.version}': 'specsight line live' lists "
                    "them"
                )
            last = _last(connection, activation.model)
            if first and last is not None:
                return last
            if instead_of is not None and last is not None and last.version != instead_of:
                raise SpecsightError(
                    f"meanwhile {last.person} let version {last.version} of '{last.model}' go live: look again, and "
                    "decide anew"
                )
            done = _added(connection, schema.activations, replace(activation, at=self.clock()))
            detail = {"reason": done.reason, "before": last.version if last else ""}
            subject = f"{done.model} {done.version}"
            trail.write(connection, Entry("", done.person, role, "went live", subject, detail, at=done.at))
        return done

    def live(self, model: str) -> Activation | None:
        """What is live of a model; None: nothing ever was."""
        with reading(self.engine) as connection:
            return _last(connection, model)

    def models(self) -> list[str]:
        """Models of which a version ever went live."""
        with reading(self.engine) as connection:
            found = connection.execute(sa.select(schema.activations.c.model).distinct()).scalars()
            return sorted(map(str, found))

    def activations(self, model: str) -> list[Activation]:
        """What ever went live of a model, the oldest first."""
        with reading(self.engine) as connection:
            query = sa.select(schema.activations).where(schema.activations.c.model == model)
            rows = connection.execute(query.order_by(schema.activations.c.number))
            return [_read(Activation, row) for row in rows]

    # ---- the audit trail

    def note(self, entry: Entry) -> Entry:
        """Add an entry to the audit trail."""
        with self.transaction([entry.line]) as connection:
            return trail.write(connection, replace(entry, at=self.clock()))

    def entries(
        self, line: str | None = None, subject: str | None = None, after: int = 0, limit: int = 100
    ) -> list[Entry]:
        """Entries of the audit trail, the oldest first; `line` "" holds what concerns all lines."""
        with reading(self.engine) as connection:
            return trail.read(connection, line, subject, after, min(limit, MOST))

    # ---- for modules with tables of their own

    @contextmanager
    def transaction(self, lines: Sequence[str] = ("",)) -> Iterator[sa.Connection]:
        """A transaction that writes, alone among writers of these lines.

        SQLite has one writer at a time; on PostgreSQL writers of one line wait for each other, so that numbers and the
        audit trail of a line rise in the order in which they become visible.
        """
        with writing(self.engine) as connection:
            for line in sorted(set(lines)):  # in one order, so that no two writers wait for each other
                trail.hold(connection, line)
            yield connection


def _last(connection: sa.Connection, model: str) -> Activation | None:
    table = schema.activations
    query = sa.select(table).where(table.c.model == model).order_by(table.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _read(Activation, row)


def _one(connection: sa.Connection, table: sa.Table, kind: type[Kind], **values: str) -> Kind | None:
    """The row with these values, as a record."""
    query = sa.select(table).where(*(table.c[name] == value for name, value in values.items())).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _read(kind, row)


def _added(connection: sa.Connection, table: sa.Table, record: Kind) -> Kind:
    """Insert a record; returns it with its number."""
    values = {one.name: getattr(record, one.name) for one in fields(record) if one.name != "number"}
    number = connection.execute(
        sa.insert(table).values(**_plain(values)).returning(table.c.number)
    ).scalar_one()
    return replace(record, number=int(number))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings as JSON takes them."""
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _read(kind: type[Kind], row: sa.Row[Any]) -> Kind:
    return kind(**row._mapping)


def _insert(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> Any:
    """An insert that can say what to do where the row is there already."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    return insert(table).values(**values)
