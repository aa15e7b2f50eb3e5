"""JSON lines and tables: whole lines, repaired after a kill, nothing that a spreadsheet would run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.line.outlets.conftest import Make

from specsight.errors import SpecsightError
from specsight.line.outlets import OutletDown, outlet
from specsight.line.outlets.csv import COLUMNS
from specsight.line.records import JudgedPart
from specsight.storage.tables import cell_text, read_csv


def test_a_line_is_the_record(tmp_path: Path, part: Make) -> None:
    file = tmp_path / "new" / "r.jsonl"
    to = outlet(f"jsonl:{file}")
    to.open()
    sent = [part(1), part(2, verdict=None, score=None, error="no picture\nat all")]
    for one in sent:
        to.send(one)
    to.close()
    assert [JudgedPart.from_json(json.loads(line)) for line in file.read_text().splitlines()] == sent


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_half_a_line_is_cut_off_and_a_line_that_is_there_is_not_written_again(
    kind: str, tmp_path: Path, part: Make
) -> None:
    file = tmp_path / f"r.{kind}"
    to = outlet(f"{kind}:{file}")
    to.open()
    to.send(part(1))
    to.close()
    whole = file.read_bytes()
    file.write_bytes(whole + whole[-40:-20])
    to.open()
    assert file.read_bytes() == whole
    to.send(part(1))
    assert file.read_bytes() == whole
    to.send(part(2))
    to.close()
    assert file.read_bytes().startswith(whole)
    assert file.read_bytes().count(b"\n") == whole.count(b"\n") + 1


def test_no_cell_is_a_formula(tmp_path: Path, part: Make) -> None:
    file = tmp_path / "r.csv"
    to = outlet(f"csv:{file}")
    to.open()
    to.send(part(1, words="=HYPERLINK(1)\r\nand more", statement='-2+3, "quoted"', clause="＠a\x1b[2J"))
    to.close()
    ((_, row),) = read_csv(file, COLUMNS)
    assert row["words"] == "'=HYPERLINK(1) and more"
    assert cell_text(row["statement"]) == '-2+3, "quoted"'
    assert row["result"] == "reject"
    assert row["clause"] == "'＠a\\x1b[2J"


def test_a_table_of_something_else_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("name,price\nbread,2\n")
    with pytest.raises(OutletDown, match="something else"):
        outlet(f"csv:{file}").open()
    assert file.read_text() == "name,price\nbread,2\n"


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path, part: Make) -> None:
    file = tmp_path / "r.csv"
    to = outlet(f"csv:{file}")
    to.open()
    to.send(part(1))
    file.rename(tmp_path / "yesterday.csv")
    to.send(part(2))
    to.close()
    assert [row["part"] for _, row in read_csv(file, COLUMNS)] == ["p2"]


def test_a_device_is_no_file_for_records() -> None:
    with pytest.raises(SpecsightError, match="pipe or a device"):
        outlet("jsonl:/dev/full").open()


def test_a_disk_that_gets_full_leaves_no_half_line(tmp_path: Path, part: Make) -> None:
    resource = pytest.importorskip("resource")
    file = tmp_path / "r.jsonl"
    to = outlet(f"jsonl:{file}")
    to.open()
    to.send(part(1))
    whole = file.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, before[1]))
    try:
        with pytest.raises(OutletDown, match=r"cannot write .*r.jsonl"):
            to.send(part(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.read_bytes() == whole
    to.send(part(2))
    to.close()
    assert file.read_bytes().count(b"\n") == 2
