"""Tables of a line's database, the same on SQLite and PostgreSQL.

Records are only ever added: triggers refuse to change one (`line.migrations`). `number` rises with every record; on one
line it rises in the order in which records become visible, because writers of a line wait for each other.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa

DIGEST = sa.String(64)
SHORT = sa.String(200)
"""Names and codes."""


class Utc(sa.TypeDecorator[datetime]):
    """A time in UTC, also where the database knows no zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """To the database."""
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """From the database."""
        if value is None or value.tzinfo is not None:
            return None if value is None else value.astimezone(timezone.utc)
        return value.replace(tzinfo=timezone.utc)


def _number() -> sa.Column[Any]:
    """A number that is never given twice."""
    return sa.Column(
        "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
    )


metadata = sa.MetaData()

blobs = sa.Table(
    "blob",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("stored", Utc, nullable=False),
)
"""Pictures, depth and signals as they were given, and maps, each once, by what they hold."""

parts = sa.Table(
    "part",
    metadata,
    _number(),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("line", SHORT, nullable=False),
    sa.Column("key", SHORT, nullable=False),
    sa.Column("part", SHORT, nullable=False),
    sa.Column("model", SHORT, nullable=False),
    sa.Column("version", sa.String(12), nullable=False),
    sa.Column("received", Utc, nullable=False),
    sa.Column("judged", Utc, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("picture", DIGEST, nullable=False),
    sa.Column("depth", DIGEST, nullable=False),
    sa.Column("signals", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("map", DIGEST, nullable=False),
    sa.Column("verdict", sa.String(6)),
    sa.Column("score", sa.Double),
    sa.Column("threshold", sa.Double),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("findings", sa.Integer, nullable=False),
    sa.Column("seconds", sa.JSON, nullable=False),
    sa.Column("measured", sa.JSON, nullable=False),
    sa.Column("inspection", sa.JSON, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.UniqueConstraint("line", "key", name="part_once"),
    sa.Index("part_of_line", "line", "number"),
    sa.Index("part_of_model", "model", "number"),
    sa.Index("part_by_name", "part"),
    sa.Index("part_received", "received"),
    sa.Index("part_picture", "picture"),
    sa.Index("part_depth", "depth"),
    sa.Index("part_map", "map"),
    sqlite_autoincrement=True,
)

signals = sa.Table(
    "part_signal",
    metadata,
    _number(),
    sa.Column("inspection", sa.String(32), nullable=False, index=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("digest", DIGEST, nullable=False, index=True),
    sqlite_autoincrement=True,
)
"""What `part.signals` holds, by digest: who needs a content is asked before it is deleted."""

WORD: sa.ColumnElement[str] = sa.case(
    (parts.c.error != "", "unreadable"), (parts.c.verdict.is_(None), "undecided"), else_=parts.c.verdict
)
"""`JudgedPart.word`; one expression, for PostgreSQL groups by nothing that only looks the same."""

reviews = sa.Table(
    "review",
    metadata,
    _number(),
    sa.Column("inspection", sa.String(32), nullable=False, index=True),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("role", SHORT, nullable=False),
    sa.Column("verdict", sa.String(6), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("type", SHORT, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("region", sa.JSON(none_as_null=True)),
    sqlite_autoincrement=True,
)

confirmations = sa.Table(
    "confirmation",
    metadata,
    _number(),
    sa.Column("inspection", sa.String(32), nullable=False, index=True),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("outcome", sa.String(6), nullable=False),  # "good", "defect", or "unused": what it is taken for
    sa.Column("type", SHORT, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sqlite_autoincrement=True,
)
"""What an engineer takes a reviewed part for; of several the last one holds."""

versions = sa.Table(
    "version",
    metadata,
    _number(),
    sa.Column("model", SHORT, nullable=False),
    sa.Column("version", sa.String(12), nullable=False),
    sa.Column("kind", SHORT, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("parent", sa.String(12), nullable=False),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.UniqueConstraint("model", "version", name="version_once"),
    sqlite_autoincrement=True,
)

activations = sa.Table(
    "activation",
    metadata,
    _number(),
    sa.Column("model", SHORT, nullable=False, index=True),
    sa.Column("version", sa.String(12), nullable=False),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sqlite_autoincrement=True,
)

previews = sa.Table(
    "preview",
    metadata,
    _number(),
    sa.Column("model", SHORT, nullable=False),
    sa.Column("live", sa.String(12), nullable=False),
    sa.Column("candidate", sa.String(12), nullable=False),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("found", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""What a candidate would have said of parts that were judged already."""

baselines = sa.Table(
    "baseline",
    metadata,
    _number(),
    sa.Column("line", SHORT, nullable=False),
    sa.Column("model", SHORT, nullable=False),
    sa.Column("version", sa.String(12), nullable=False),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""What recent parts of a line are compared with; of several the last one holds."""

alarms = sa.Table(
    "alarm",
    metadata,
    _number(),
    sa.Column("line", SHORT, nullable=False),
    sa.Column("model", SHORT, nullable=False),
    sa.Column("version", sa.String(12), nullable=False),
    sa.Column("kind", SHORT, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),  # number of the part at which it rose
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.UniqueConstraint("line", "model", "version", "kind", "since", name="alarm_once"),
    sqlite_autoincrement=True,
)

acknowledgements = sa.Table(
    "acknowledgement",
    metadata,
    _number(),
    sa.Column("alarm", sa.BigInteger, nullable=False, index=True),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sqlite_autoincrement=True,
)

tokens = sa.Table(
    "token",
    metadata,
    _number(),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("role", SHORT, nullable=False),
    sa.Column("digest", DIGEST, nullable=False, unique=True),
    sa.Column("made", Utc, nullable=False),
    sa.Column("expires", Utc),
    sa.Column("revoked", Utc),
    sqlite_autoincrement=True,
)
"""Digests of tokens: the tokens themselves are shown once and kept nowhere. They are random, 192 bits long, so that a
plain digest can not be searched."""

audit = sa.Table(
    "audit",
    metadata,
    _number(),
    sa.Column("line", SHORT, nullable=False),
    sa.Column("person", SHORT, nullable=False),
    sa.Column("role", SHORT, nullable=False),
    sa.Column("action", SHORT, nullable=False),
    sa.Column("subject", SHORT, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("previous", DIGEST, nullable=False),
    sa.Column("digest", DIGEST, nullable=False),
    sa.Index("audit_of_line", "line", "number"),
    sa.Index("audit_of_subject", "subject"),
    sqlite_autoincrement=True,
)

APPEND_ONLY = (
    "part",
    "part_signal",
    "review",
    "confirmation",
    "activation",
    "version",
    "preview",
    "baseline",
    "alarm",
    "acknowledgement",
    "audit",
)
"""Tables whose rows are never changed; rows of `audit` are never deleted either, others by retention alone."""
