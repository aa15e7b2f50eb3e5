"""What was changed behind the program's back is found, and told where."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from tests.support.factory import run

from specsight.line import schema, trail
from specsight.line.auditing.checking import lines_of, verify
from specsight.line.auditing.deleting import Order, delete
from specsight.line.auditing.noting import note_heads
from specsight.line.auditing.rejudging import rejudge
from specsight.line.auditing.sheet import sheet_of
from specsight.line.feedback.confirming import confirm
from specsight.line.fleet import Fleet
from specsight.line.records import Entry, JudgedPart, Review, now
from specsight.line.store import Judging, LineStore


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
        ("review", "at", datetime(2026, 1, 1, tzinfo=timezone.utc), "reviews of part 'Prüfling 41'"),
        ("review", "region", [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]], "reviews of part 'Prüfling 41'"),
        ("confirmation", "outcome", "defect", "confirmations of part 'Prüfling 41'"),
        ("audit", "person", "nobody", "the trail was changed or cut at entry"),
        ("blob", "content", b"another", "was changed: its digest differs"),
    ],
)
def test_what_was_changed_is_named(
    reviewed: JudgedPart, store: LineStore, on: str, column: str, value: object, said: str
) -> None:
    confirm(store, reviewed.id, "good", "anna")
    table = schema.metadata.tables[on]
    key = {"part": "id", "audit": "subject", "blob": "digest"}.get(on, "inspection")
    subject = reviewed.picture if on == "blob" else reviewed.id
    tamper(store, sa.update(table).where(table.c[key] == subject).values({column: value}), on=on)
    found = verify(store, "a")
    assert said in found.words
    assert "NOT WHOLE" in found.words
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


def test_verdicts_that_were_swapped_are_named(reviewed: JudgedPart, store: LineStore) -> None:
    store.review(Review(reviewed.id, "Anna Größer", "operator", "reject", "only a reflection & no scratch"))
    assert verify(store, "a").whole
    other = sa.case((schema.reviews.c.verdict == "accept", "reject"), else_="accept")
    tamper(store, sa.update(schema.reviews).values(verdict=other), on="review")
    (fault,) = verify(store, "a").faults
    assert "reviews of part 'Prüfling 41'" in fault
    assert "from number 1 on" in fault


def test_what_went_live_is_held_to_the_trail(judged: list[JudgedPart], store: LineStore) -> None:
    assert verify(store, "").whole
    tamper(store, sa.update(schema.activations).values(person="nobody"), on="activation")
    tamper(store, sa.delete(schema.versions), on="version")
    assert [one.partition(" are ")[0] for one in verify(store, "").faults] == [
        f"registrations of 'plate {judged[0].version}'",
        f"activations of 'plate {judged[0].version}'",
    ]


def test_a_trail_that_was_cut_at_its_end_is_told_by_a_digest_kept_elsewhere(
    reviewed: JudgedPart, store: LineStore
) -> None:
    head = verify(store, "a").head
    assert verify(store, "a", head).whole
    table = schema.audit
    tamper(store, sa.delete(table).where(table.c.digest == head), on="audit")
    assert "cut off" in " ".join(verify(store, "a", head).faults)


def without(store: LineStore, line: str, last: int = 0) -> None:
    """Remove all that is known of a line, or the last entries of its trail with their records."""
    table, parts = schema.audit.c, schema.parts
    gone = store.entries(line, limit=1000)[-last:]
    judged = [one.subject for one in gone if one.action == "judged"]
    said = [one.subject for one in gone if one.action == "reviewed"]
    tamper(store, sa.delete(parts).where(parts.c.id.in_(judged)), on="part")
    tamper(store, sa.delete(schema.reviews).where(schema.reviews.c.inspection.in_(said)), on="review")
    tamper(store, sa.delete(schema.audit).where(table.number.in_([one.number for one in gone])), on="audit")


def test_a_line_that_was_deleted_as_a_whole_is_missed(reviewed: JudgedPart, store: LineStore) -> None:
    began = next(one for one in store.entries("") if one.action == trail.BEGAN)
    assert (began.subject, began.detail["digest"]) == ("a", store.entries("a")[0].digest)
    without(store, "a")
    assert lines_of(store) == ["", "a"]
    assert "NOT WHOLE: no entry has the digest" in verify(store, "a").words
    assert note_heads(store) is None
    assert verify(store, "").whole


def test_what_was_noted_is_missed_for_ever(reviewed: JudgedPart, store: LineStore, url: str) -> None:
    assert note_heads(store) is not None
    assert note_heads(store) is None
    assert verify(store, "a").whole
    head = verify(store, "").head
    without(store, "a", last=2)
    for day in (0, 2):
        store.clock = lambda day=day: now() + timedelta(days=day)  # type: ignore[misc]
        note_heads(store)
        assert "which what concerns all lines has noted" in verify(store, "a").words
    # Whoever removes the notes, too, is found by one digest that was kept elsewhere.
    without(store, "")
    assert verify(store, "a").whole
    found = run("line", "verify", "--expect", head, "--db", url)
    assert "what concerns all lines: NOT WHOLE" in found.output
    assert "line 'a': whole" in found.output
    assert found.return_value == 1


def test_a_cut_end_that_was_noted_again_is_missed(reviewed: JudgedPart, store: LineStore, url: str) -> None:
    note_heads(store)
    head = verify(store, "").head
    without(store, "a", last=2)
    heads = {"a": {"number": store.entries("a")[-1].number, "digest": store.entries("a")[-1].digest}}
    store.note(Entry("", "specsight", "engineer", "noted", "", {"heads": heads}))
    assert verify(store, "", head).whole
    assert "which what concerns all lines has noted" in verify(store, "a").words
    for wrong in ("", head[:-1], head.upper()):
        assert "64 hexadecimal digits" in str(run("line", "verify", "--expect", wrong, "--db", url).exception)


def test_a_chain_of_all_lines_that_was_changed_vouches_for_none(
    reviewed: JudgedPart, store: LineStore
) -> None:
    tamper(store, sa.update(schema.audit).where(schema.audit.c.line == "").values(person="x"), on="audit")
    assert "what concerns all lines, where this one is noted, was changed" in verify(store, "a").words


def test_what_was_judged_again_after_it_was_deleted_is_there(store: LineStore) -> None:
    part = JudgedPart("a", "p", "plate", "0" * 12, verdict="accept")
    (first,) = store.add([Judging(part, b"picture")])
    delete(store, [first], Order("content", "eva", "engineer", "asked"))
    assert verify(store, "a").whole
    store.add([Judging(replace(part, id="again"), b"picture")])
    assert verify(store, "a").whole
    tamper(store, sa.delete(schema.blobs), on="blob")
    assert "is missing; nobody deleted it" in verify(store, "a").words


def test_the_kept_version_says_the_same_again(
    judged: list[JudgedPart], store: LineStore, fleet: Fleet
) -> None:
    for part in judged:
        found = rejudge(store, fleet, part.id)
        assert found.reproduced, found.words
        assert found.words.startswith("reproduced (exactly)")
    tamper(store, sa.update(schema.parts).values(score=99.0), on="part")
    assert "NOT REPRODUCED" in rejudge(store, fleet, judged[0].id).words
