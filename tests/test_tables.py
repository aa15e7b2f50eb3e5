"""Tables for spreadsheets come back as they left, whatever the text."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.errors import printable
from specsight.storage.tables import cell, cell_text, csv_text, read_csv

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_a_table_of_any_text_comes_back(rows: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(csv_text(["first", "second"], rows).encode())
        back = [(cells["first"], cells["second"]) for _, cells in read_csv(path, ("first", "second"))]
    assert back == [(cell(one), cell(other)) for one, other in rows if one or other]


@given(TEXT.filter(lambda text: not text.startswith("'")))
def test_a_cell_says_its_text_but_for_line_ends_and_controls(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    assert cell_text(str(cell(text))) == "\t".join(map(printable, lines.split("\t")))


@pytest.mark.parametrize("text", ["=1+1", "＝1", "＋1", "－1", "＠a", " =1", "\u00a0＝1", "\t=1"])
def test_no_text_runs_as_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell_text(f"'{text}") == text


def test_a_table_steers_no_terminal() -> None:
    assert cell("\x1b[2Ja\x9b\tb\nc\u202e") == "\\x1b[2Ja\\x9b\tb\nc\\u202e"
