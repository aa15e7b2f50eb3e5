"""One part as a page and as a PDF: the same content, the same bytes each time, safe to open."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

pytest.importorskip("reportlab")
pdfplumber = pytest.importorskip("pdfplumber")

from specsight.errors import SpecsightError
from specsight.line.auditing.exporting import exported
from specsight.line.auditing.fonts import BOLD, CHINESE, JAPANESE, KOREAN, runs, width
from specsight.line.auditing.pdf import render
from specsight.line.auditing.sheet import page, sheet_of
from specsight.line.fleet import Fleet
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore


def text_of(pdf: bytes) -> str:
    """Words of a PDF, without the breaks of lines and cells."""
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        return re.sub(r"\s+", "", "".join(one.extract_text() or "" for one in document.pages))


def test_a_sheet_says_who_judged_what_with_what(reviewed: JudgedPart, store: LineStore, plates: Path) -> None:
    sheet = sheet_of(store, reviewed.id, plates / "models")
    html, pdf = page(sheet).decode(), text_of(render(sheet))
    assert reviewed.threshold is not None
    wanted = [
        "Prüfling 41",
        reviewed.version,
        f"{reviewed.threshold:.6g}",
        reviewed.picture,
        reviewed.map,
        "kamera (operator)",
        "Anna Größer (operator)",
        "Judged in entry",
        "holds.",
        "accepted by Anna Größer (operator); the model said: rejected",
        "the first version",
    ]
    for one in wanted:
        assert one in html
        assert re.sub(r"\s+", "", one) in pdf
    assert "only a reflection &amp; no scratch" in html
    assert "onlyareflection&noscratch" in pdf
    assert html.count("data:image/jpeg") == 2
    assert not sheet.bad
    assert sheet.lead.startswith("Rejected: score")
    verdict = {row[0]: row[1] for one in sheet.sections if one.title == "Verdict" for row in one.rows}
    assert (verdict["the model said"], verdict["decided by"]) == ("rejected", "the score")
    assert verdict["holds"].startswith("accepted, by Anna Größer (operator): only a reflection")
    assert sheet.alert == ""


def test_the_same_record_gives_the_same_bytes(reviewed: JudgedPart, store: LineStore) -> None:
    for kind in ("pdf", "html"):
        first = exported(store, reviewed.id, kind, "ben", "auditor")
        assert exported(store, reviewed.id, kind, "ben", "auditor") == first
    assert [one.action for one in store.entries(subject=reviewed.id)] == [
        "judged",
        "reviewed",
        *["exported"] * 4,
    ]


def test_names_in_any_script_are_shown_and_never_run(judged: list[JudgedPart], store: LineStore) -> None:
    sheet = sheet_of(store, judged[3].id)
    html = page(sheet).decode()
    assert "подшипник 中 &lt;b&gt;41&lt;/b&gt;" in html
    assert "<script" not in html
    assert "http" not in re.sub(r'http-equiv="', "", html)
    pdf = text_of(render(sheet))
    assert "подшипник中<b>41</b>" in pdf
    assert "fontsthatthisfiledoesnothold" in pdf
    assert "fontsthatthisfiledoesnothold" not in text_of(render(sheet_of(store, judged[0].id)))
    clauses = next(one for one in sheet.sections if one.title == "Clauses")
    assert any("not applied" in row[-1] for row in clauses.rows)


def test_each_script_has_a_font_or_stands_as_code_points() -> None:
    assert runs("轴承 7") == [(CHINESE, "轴承"), ("", " 7")]
    assert runs("軸受けの傷") == [(JAPANESE, "軸受けの傷")]
    assert runs("베어링 中") == [(KOREAN, "베어링"), ("", " "), (KOREAN, "中")]
    assert runs("a\n𠀀") == [("", "a\n[U+20000]")]
    assert width("中", BOLD, 8) == 8


def test_a_picture_that_is_none_has_a_sheet_too(store: LineStore, fleet: Fleet) -> None:
    from specsight.line.judging import PartJudge
    from specsight.line.requests import PartRequest

    judge = PartJudge(fleet, store)
    part = judge.submit(PartRequest("a", "p1", "plate", b"no picture")).result(30)
    judge.close()
    sheet = sheet_of(store, part.id)
    assert (sheet.verdict, sheet.bad, sheet.pictures) == ("unreadable", True, [])
    assert "not a picture" in page(sheet).decode()
    assert render(sheet).startswith(b"%PDF")


def test_a_part_that_never_was_is_told(store: LineStore) -> None:
    with pytest.raises(SpecsightError, match="no inspection 'x'"):
        sheet_of(store, "x")
