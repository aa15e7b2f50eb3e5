"""What was changed behind the program's back is found, and told where."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from specsight.line import schema
from specsight.line.auditing.checking import lines_of, verify
from specsight.line.auditing.rejudging import rejudge
from specsight.line.auditing.sheet import sheet_of
from specsight.line.fleet import Fleet
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore


def tamper(store: LineStore, *statements: sa.Executable, on: str) -> None:
    """Change a table as somebody would who has the database, and its triggers, in hand."""
    with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f'ALTER TABLE "{on}" DISABLE TRIGGER ALL'))
        else:
            names = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
            for name in list(connection.execute(names, {"table": on}).scalars()):
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        for one in statements:
            connection.execute(one)


def test_records_as_they_were_written_are_whole(reviewed: JudgedPart, store: LineStore) -> None:
    assert lines_of(store) == ["", "a"]
    found = verify(store, "a")
    assert found.faults == []
    assert (found.entries, found.parts, found.contents) == (5, 4, 6)
    assert "whole; 5 entries" in found.words
    assert verify(store, "").whole


@pytest.mark.parametrize(
    ("on", "column", "value", "said"),
    [
        ("part", "verdict", "accept", "the record of part 'Prüfling 41'"),
        ("review", "reason", "a scratch", "reviews of part 'Prüfling 41'"),
        ("audit", "person", "nobody", "the trail was changed or cut at entry"),
        ("blob", "content", b"another", "was changed: its digest differs"),
    ],
)
def test_what_was_changed_is_named(
    reviewed: JudgedPart, store: LineStore, on: str, column: str, value: object, said: str
) -> None:
    table = schema.metadata.tables[on]
    key = {"part": "id", "review": "inspection", "audit": "subject", "blob": "digest"}[on]
    subject = reviewed.picture if on == "blob" else reviewed.id
    tamper(store, sa.update(table).where(table.c[key] == subject).values({column: value}), on=on)
    found = verify(store, "a")
    assert said in found.words
    assert "NOT WHOLE" in found.words
    if on != "review":
        assert sheet_of(store, reviewed.id).alert.startswith("These records are not whole")


@pytest.mark.parametrize(
    ("on", "key", "said"),
    [
        ("part", "id", "is missing; nobody deleted it on the trail"),
        ("blob", "digest", "the picture of part 'Prüfling 41'"),
        ("review", "inspection", "reviews of part"),
    ],
)
def test_what_is_missing_is_named(
    reviewed: JudgedPart, store: LineStore, on: str, key: str, said: str
) -> None:
    table = schema.metadata.tables[on]
    subject = reviewed.picture if on == "blob" else reviewed.id
    tamper(store, sa.delete(table).where(table.c[key] == subject), on=on)
    assert said in verify(store, "a").words


def test_a_trail_that_was_cut_at_its_end_is_told_by_a_digest_kept_elsewhere(
    reviewed: JudgedPart, store: LineStore
) -> None:
    head = verify(store, "a").head
    assert verify(store, "a", head).whole
    table = schema.audit
    tamper(store, sa.delete(table).where(table.c.digest == head), on="audit")
    assert "cut off" in " ".join(verify(store, "a", head).faults)


def test_the_kept_version_says_the_same_again(
    judged: list[JudgedPart], store: LineStore, fleet: Fleet
) -> None:
    for part in judged:
        found = rejudge(store, fleet, part.id)
        assert found.reproduced, found.words
        assert found.words.startswith("reproduced (exactly)")
    tamper(store, sa.update(schema.parts).values(score=99.0), on="part")
    assert "NOT REPRODUCED" in rejudge(store, fleet, judged[0].id).words
