"""The tables of `curation.sqlite`. An index of items and samples; the decisions that stand; every change there was."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

about = sa.Table(
    "about",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What the file was made for: benchmark, version, digests, share and seed of items that two persons decide about."""

items = sa.Table(
    "items",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),  # from 0, in the order of items.jsonl
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("offset", sa.Integer, nullable=False),
    sa.Column("sample", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("pair", sa.Text),
    sa.Column("rank", sa.Text, nullable=False),  # digest that chooses which items two persons decide about
    sa.Column("seats", sa.Integer, nullable=False),
    sa.Column("taken", sa.Integer, nullable=False, default=0),
    sa.Column("state", sa.Text, nullable=False, default="open"),  # open, decided, disputed
    sa.Column("action", sa.Text),  # of the decision that stands
    sa.Index("items_state", "state", "number"),
    sa.Index("items_task", "task", "state", "number"),
    sa.Index("items_pair", "sample", "task", "pair"),
)
samples = sa.Table(
    "samples",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("offset", sa.Integer, nullable=False),
)


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("curator", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),  # ISO 8601, UTC
        sa.Column("decision", sa.Text, nullable=False),  # `Decision` as JSON
    ]


decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("item", sa.ForeignKey("items.number"), primary_key=True),
    sa.Column("seat", sa.Integer, primary_key=True),
    *_columns(),
    sa.Index("decisions_curator", "curator", "item"),
)
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("item", sa.ForeignKey("items.number"), nullable=False),
    sa.Column("seat", sa.Integer, nullable=False),
    *_columns(),
    sa.Index("changes_item", "item"),
)
"""Every saving, in order; `APPEND_ONLY` holds the file to that."""

shown = sa.Table(
    "shown",
    metadata,
    sa.Column("item", sa.ForeignKey("items.number"), primary_key=True),
    sa.Column("curator", sa.Text, primary_key=True),
    sa.Column("until", sa.Text, nullable=False),
)
"""Who has an item before them: others are given another one meanwhile."""

APPEND_ONLY = tuple(
    f"CREATE TRIGGER IF NOT EXISTS changes_{verb.lower()} BEFORE {verb} ON changes "
    "BEGIN SELECT RAISE(ABORT, 'changes are never changed'); END"
    for verb in ("UPDATE", "DELETE")
)
