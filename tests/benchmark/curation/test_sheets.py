"""Decisions leave as a table and come back from a spreadsheet; what is damaged or too late is refused by its line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.curated_caps import item, make

from specsight.benchmark.curation.decisions import Decision, Edit
from specsight.benchmark.curation.sheets import read_sheet, write_sheet
from specsight.benchmark.curation.store import CurationStore
from specsight.errors import SpecsightError

Rows = list[dict[str, str]]
FORMULA = '=HYPERLINK("http://evil.example")'


@pytest.fixture
def store(tmp_path: Path) -> CurationStore:
    items = [
        item(0),
        item(1, question=FORMULA, options={"A": "+1", "B": "'=1"}),
        item(2, question='two\nlines; and, a "quote"', options={"A": "a", "B": "b", "C": "c"}),
        item(3, options={}, form="text", answer="x" * 200_000),
    ]
    return CurationStore(make(tmp_path / "bench", items), share=0)


def filled(store: CurationStore, path: Path, fill: Callable[[Rows], object], curator: str = "anna") -> Path:
    write_sheet(store, curator, path)
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    fill(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_what_was_filled_in_is_saved_and_what_was_not_is_left_open(
    store: CurationStore, tmp_path: Path
) -> None:
    def fill(rows: Rows) -> None:
        rows[0] |= {"action": "Accept", "severity": "minor"}
        rows[1] |= {"action": "reject", "reason": "no question"}
        rows[2] |= {"action": "edit", "question": "one line", "C": "=see"}

    assert read_sheet(store, "anna", filled(store, tmp_path / "a.csv", fill)) == 3
    assert store.entry(0).standing == Decision(action="accept", severity="minor")
    assert store.entry(1).standing == Decision(action="reject", reason="no question")
    edit = Edit(question="one line", options={"A": "a", "B": "b", "C": "=see"})
    assert store.entry(2).standing == Decision(action="edit", edit=edit)
    assert store.entry(3).state == "open"


def test_a_table_that_comes_back_as_it_left_changes_nothing(store: CurationStore, tmp_path: Path) -> None:
    for number in range(4):
        edit = Edit(instruction="-5 mm") if number == 1 else None
        store.save("anna", number, Decision(action="edit" if edit else "accept", edit=edit), 0)
    assert write_sheet(store, "anna", tmp_path / "a.csv") == 4
    text = (tmp_path / "a.csv").read_text()
    assert "'=HYPERLINK" in text
    assert "'-5 mm" in text
    assert read_sheet(store, "anna", tmp_path / "a.csv") == 0
    assert all(len(store.history(number)) == 1 for number in range(4))


def test_a_spreadsheet_may_write_semicolons_and_a_mark_in_front(store: CurationStore, tmp_path: Path) -> None:
    path = filled(store, tmp_path / "a.csv", lambda rows: rows[0].update(action="accept"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    assert read_sheet(store, "anna", path) == 1


def test_a_row_that_somebody_else_decided_meanwhile_is_refused_and_so_is_the_whole(
    store: CurationStore, tmp_path: Path
) -> None:
    def fill(rows: Rows) -> None:
        for row in rows:
            row["action"] = "accept"

    path = filled(store, tmp_path / "a.csv", fill)
    store.save("ben", 1, Decision(action="reject", reason="odd"), 0)
    with pytest.raises(SpecsightError, match=r"line 3: made on revision 0, and decided by ben, revision 1"):
        read_sheet(store, "anna", path)
    assert store.entry(0).state == "open"


def test_two_persons_sheets_say_nothing_of_each_other(tmp_path: Path) -> None:
    store = CurationStore(make(tmp_path / "bench", [item(k) for k in range(2)]), share=1)
    store.save("anna", 0, Decision(action="reject", reason="annas reason"), 0)
    write_sheet(store, "ben", tmp_path / "ben.csv")
    assert "annas reason" not in (tmp_path / "ben.csv").read_text()
    path = filled(store, tmp_path / "ben.csv", lambda rows: rows[0].update(action="accept"), "ben")
    assert read_sheet(store, "ben", path) == 1
    assert store.entry(0).state == "disputed"
    assert write_sheet(store, "carla", tmp_path / "carla.csv") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"action": "keep"}, r"line 2: action"),
        ({"action": "reject"}, r"line 2: a rejection needs a reason"),
        ({"action": "accept", "question": "Other?"}, r"line 2: accept keeps no changes.*\(question\)"),
        ({"action": "reject", "reason": "odd", "question": "Other?"}, r"line 2: reject keeps no changes"),
        ({"action": "edit"}, r"line 2: nothing is changed"),
        ({"question": "Other?"}, r"line 2: its words were changed"),
        ({"action": "edit", "answer": "Z"}, r"line 2: the answer is none of the options: 'Z'"),
        ({"action": "edit", "B": "yes."}, r"line 2: two options are the same"),
        ({"action": "accept", "revision": "two"}, r"line 2: revision 'two'"),
        ({"id": "cap-9/anomaly/0"}, r"line 2: there is no item 'cap-9"),
        ({"id": "cap-1/anomaly/0"}, r"line 3: the item of line 2 again"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(
    store: CurationStore, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    path = filled(store, tmp_path / "a.csv", lambda rows: rows[0].update(change))
    with pytest.raises(SpecsightError, match=words):
        read_sheet(store, "anna", path)
    assert store.entry(0).state == "open"


def test_a_decision_is_not_taken_back_by_an_empty_cell(store: CurationStore, tmp_path: Path) -> None:
    store.save("anna", 0, Decision(action="accept"), 0)
    path = filled(store, tmp_path / "a.csv", lambda rows: rows[0].update(action=""))
    with pytest.raises(SpecsightError, match="line 2: the action is empty"):
        read_sheet(store, "anna", path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: there is no column id"),
        ("id,task\n", "no column category"),
        ("{header},id\n", "'id' stands twice"),
        ("{header}\na,b\n", r"line 2: 2 cells under"),
        ('{header}\n"a\n', "line 2"),
        ("{header}\n\xe9\n", "not UTF-8"),
    ],
)
def test_a_damaged_table_is_named(store: CurationStore, tmp_path: Path, text: str, words: str) -> None:
    write_sheet(store, "anna", tmp_path / "a.csv")
    header = (tmp_path / "a.csv").read_text().split("\n")[0]
    (tmp_path / "b.csv").write_bytes(text.replace("{header}", header).encode("latin-1"))
    with pytest.raises(SpecsightError, match=words):
        read_sheet(store, "anna", tmp_path / "b.csv")


def test_many_damaged_lines_are_counted(tmp_path: Path) -> None:
    store = CurationStore(make(tmp_path / "bench", [item(k) for k in range(30)]), share=0)

    def fill(rows: Rows) -> None:
        for row in rows:
            row["action"] = "?"

    with pytest.raises(SpecsightError, match=r"line 11: .*and 20 more$"):
        read_sheet(store, "anna", filled(store, tmp_path / "a.csv", fill))
