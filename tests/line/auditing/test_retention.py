"""What goes when its time has come or somebody asks, what stays, and what the trail tells of it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.factory import refused, specsight

from specsight.errors import SpecsightError
from specsight.line.auditing.checking import verify
from specsight.line.auditing.deleting import Gone, Order, delete
from specsight.line.auditing.evidence import gather
from specsight.line.auditing.retention import Rules, Terms, apply, give_back, load_rules, size_of
from specsight.line.auditing.sheet import sheet_of
from specsight.line.history import find
from specsight.line.records import JudgedPart, now
from specsight.line.store import LineStore

ORDER = Order("record", "eva", "engineer", "the customer asked for it")


def applied(store: LineStore, rules: Rules, days: float, dry: bool = False) -> Gone:
    store.clock = lambda: now() + timedelta(days=days)
    gone = Gone()
    for step in apply(store, rules, dry):
        gone += step
    return gone


def test_nothing_goes_without_rules(judged: list[JudgedPart], store: LineStore) -> None:
    assert applied(store, Rules(), 36500) == Gone()


def test_pictures_go_when_their_time_has_come_and_records_stay(
    reviewed: JudgedPart, judged: list[JudgedPart], store: LineStore
) -> None:
    rules = Rules(keep=Terms(accepted=30, rejected=365, reviewed=730))
    accepted = [one for one in judged if one.verdict == "accept"]
    assert applied(store, rules, 29) == Gone()
    planned = applied(store, rules, 31, dry=True)
    assert store.content(accepted[0].picture) is not None
    assert applied(store, rules, 31) == planned
    assert planned.contents == 2 * len(accepted)
    assert store.content(accepted[0].picture) is None
    assert store.part(accepted[0].id) == accepted[0]
    assert applied(store, rules, 32) == Gone()
    found = verify(store, "a")
    assert found.whole, found.words
    assert found.released == planned.contents
    sheet = sheet_of(store, accepted[0].id)
    assert sheet.alert == ""
    assert "kept no longer" in sheet.sections[-2].text[0]
    # Plate 41 was judged twice: the reviewed one needs its picture longer than the other.
    assert applied(store, rules, 366).contents < 2
    assert store.content(reviewed.picture) is not None
    applied(store, rules, 731)
    assert store.content(reviewed.picture) is None
    assert verify(store, "a").whole


def test_records_go_with_what_persons_said_and_the_trail_stays(
    reviewed: JudgedPart, store: LineStore
) -> None:
    entries = len(store.entries("a"))
    gone = applied(store, Rules(keep=Terms(records=10)), 11)
    assert (gone.records, gone.contents) == (4, 6)
    assert find(store) == []
    assert store.reviews([reviewed.id]) == {}
    assert len(store.entries("a")) == entries + 4
    found = verify(store, "a")
    assert (found.whole, found.deleted) == (True, 4)
    with pytest.raises(SpecsightError, match=r"was deleted on .* by retention: records are kept 10 days"):
        gather(store, reviewed.id)


def test_terms_of_a_model_go_before_those_of_its_line_and_held_parts_stay(
    judged: list[JudgedPart], store: LineStore
) -> None:
    rules = Rules(keep=Terms(records=10), lines={"a": Terms(records=20)}, models={"plate": Terms(records=30)})
    assert applied(store, rules, 25, dry=True) == Gone()
    held = rules.model_copy(update={"hold": frozenset({judged[0].part, judged[1].id})})
    assert applied(store, held, 31).records == 2
    assert {one.id for one in find(store)} == {judged[0].id, judged[1].id}


def test_who_asks_is_on_the_trail_and_what_others_need_stays(
    judged: list[JudgedPart], store: LineStore
) -> None:
    gone = delete(store, [judged[3]], ORDER)
    assert (gone.records, gone.shared) == (1, 2)
    assert store.content(judged[1].picture) is not None
    (entry,) = [one for one in store.entries("a") if one.action == "deleted"]
    assert (entry.person, entry.detail["reason"]) == ("eva", ORDER.reason)
    assert delete(store, [judged[1]], ORDER).contents == 2
    assert verify(store, "a").whole


def test_room_is_given_back(judged: list[JudgedPart], store: LineStore) -> None:
    delete(store, judged, ORDER)
    assert 0 < give_back(store) <= size_of(store)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keep: {accepted: -1}", "keep.accepted must be a number of days from 0 to 36500"),
        ("keep: {accepted: .nan}", "keep.accepted must be a number of days from 0 to 36500"),
        ("keep: {accepted: yes}", "keep.accepted must be a number of days from 0 to 36500"),
        (
            "lines: {accepted: {records: soon}}",
            "lines.accepted.records must be a number of days from 0 to 36500",
        ),
        ("lines: {accepted: 3}", "lines.accepted must be a mapping"),
        ("- a", "the file must be a mapping such as keep: {accepted: 30}"),
        ("keep: 3", "keep must be a mapping such as {accepted: 30}"),
        ("models: [a]", "models must be a mapping such as {NAME: {accepted: 30}}"),
        ("lines: {1: {accepted: 3}}", "lines.1 must be text: names that are numbers stand in quotes"),
        ("hold: [4711]", "hold.0 must be text"),
        ("hold: a", "hold must be a list of names or ids of parts"),
        ("keep: {acepted: 3}", "keep.acepted: there is no such rule; did you mean 'accepted'?"),
        ("accepted: 3", "accepted: there is no such rule; known: "),
        ("keep: [", "cannot read"),
        ("lines: {a: 3}", "lines.a must be a mapping such as {accepted: 30}"),
    ],
)
def test_rules_that_are_none_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(SpecsightError, match=re.escape(said)):
        load_rules(tmp_path / "rules.yaml")


def test_verbs_over_a_line(judged: list[JudgedPart], store: LineStore, url: str, tmp_path: Path) -> None:
    db = ("--db", url)
    assert "SHA-256" in specsight("line", "export", judged[1].id, "-o", tmp_path / "p.pdf", *db)
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")
    assert "line 'a': whole" in specsight("line", "verify", *db)
    assert "exported" in specsight("line", "trail", "--about", judged[1].id, *db)
    rules = tmp_path / "rules.yaml"
    rules.write_text("keep: {accepted: 30, records: 3650}\nhold: [p7]\n")
    assert "would delete 0 records" in specsight("line", "retain", "--rules", rules, "--dry-run", *db)
    assert "deleted 1 record and 2 pictures and maps" in specsight(
        "line", "delete", "Prüfling 40", "--reason", "asked by mail", *db
    )
    assert "is called 'Prüfling 40'" in refused("line", "delete", "Prüfling 40", "--reason", "x", *db)
    assert ".pdf or an .html" in refused("line", "export", judged[1].id, "-o", tmp_path / "p.txt", *db)
