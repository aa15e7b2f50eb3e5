"""Documents: what PDFs, Markdown and manifests say is read; what is no sound document is refused in one line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.reading import as_objects, pdf, read, read_instruction, read_notes
from specsight.specification import (
    DefectType,
    Part,
    Specification,
    Unread,
    dump_yaml,
    parse_instruction,
    save_yaml,
)

CAP = Specification(
    product="cap",
    mm_per_px=0.1,
    parts=(Part(name="rim"), Part(name="thread")),
    defects=(
        DefectType(name="scratch"),
        DefectType(name="stain"),
        DefectType(name="flash", phrases=("burr",)),
    ),
)
ROWS = [
    ["No.", "Defect", "Part", "Max. length (mm)"],
    ["1", "scratch", "rim", "0,5"],
    ["2", "burr", "all", "none"],
]


def write_pdf(path: Path, pages: int = 1, password: str | None = None, text: bool = True) -> None:
    platypus = pytest.importorskip("reportlab.platypus")
    from reportlab.lib import colors
    from reportlab.lib.styles import getSampleStyleSheet

    normal = getSampleStyleSheet()["Normal"]
    story: list[Any] = []
    for _ in range(pages):
        if text:
            grid = platypus.TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
            story += [
                platypus.Paragraph("1 Scope", normal),
                platypus.Paragraph("Inspect everything except the thread. Stains on the rim are fine "
                                   "up to a length of no more than one and a half millimetres.", normal),
                platypus.Table(ROWS, style=grid),
                platypus.Paragraph("A seal must be present on the rim.", normal),
            ]  # fmt: skip
        story += [platypus.Spacer(1, 20), platypus.PageBreak()]
    platypus.SimpleDocTemplate(str(path), encrypt=password).build(story)


def kinds(objects: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(one["kind"], one["part"], one["defect"], one["limit_mm"]) for one in objects}


EXPECTED = {
    ("scope-out", "thread", None, None),
    ("tolerance", "rim", "stain", 1.5),
    ("tolerance", "rim", "scratch", 0.5),
    ("tolerance", None, "flash", 0.0),
    ("requirement", "rim", "seal", None),
}


def test_a_pdf_is_read_with_its_tables(tmp_path: Path) -> None:
    write_pdf(tmp_path / "say.pdf")
    assert kinds(as_objects(read_instruction(str(tmp_path / "say.pdf"), CAP))) == EXPECTED


def test_pages_of_a_pdf_are_read_in_time(tmp_path: Path) -> None:
    write_pdf(tmp_path / "say.pdf", 10)
    begin = time.process_time()
    text = pdf.extract(tmp_path / "say.pdf")["text"]
    assert time.process_time() - begin < 20, "2 s on an idle core"
    assert text.count("| burr |") == 10


def test_an_unsound_pdf_is_refused_in_one_line(tmp_path: Path) -> None:
    write_pdf(tmp_path / "locked.pdf", password="secret")
    write_pdf(tmp_path / "empty.pdf", text=False)
    write_pdf(tmp_path / "long.pdf", pages=pdf.MOST_PAGES + 1, text=False)
    (tmp_path / "text.pdf").write_text("Inspect the rim only.")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4\n" + bytes(range(256)) * 40)
    for name, reason in (
        ("locked", "is encrypted"),
        ("empty", "holds no text, only pictures"),
        ("long", "201 pages, more than 200"),
        ("text", "is no PDF"),
        ("broken", "is damaged"),
        ("absent", "cannot read"),
    ):
        with pytest.raises(SpecsightError, match=reason) as refused:
            read_instruction(str(tmp_path / f"{name}.pdf"))
        assert "\n" not in str(refused.value)


def test_what_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pdf(tmp_path / "say.pdf")
    monkeypatch.setattr(pdf, "SECONDS", 0.01)
    with pytest.raises(SpecsightError, match=r"took more than 0\.01 s"):
        read_instruction(str(tmp_path / "say.pdf"))


def test_a_long_document_with_control_characters_is_read() -> None:
    text = "Inspect the rim only.\x00\x1b[31m " + "The weather is nice and the coffee is hot. " * 1200
    text += "Stains up to 2 mm are acceptable."
    begin = time.process_time()
    found = as_objects(read(text, CAP))
    assert time.process_time() - begin < 20
    assert ("tolerance", None, "stain", 2.0) in kinds(found)


def test_notes_of_operators_are_read_by_sample(tmp_path: Path) -> None:
    from PIL import Image

    lines = []
    for name, note in (("a", "Stains up to 1 mm are fine."), ("b", ""), ("c", "Check the lid only.")):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
        lines.append(json.dumps({"image": f"{name}.png", "text": {"operator_note": note}}))
    (tmp_path / "notes.jsonl").write_text("\n".join(lines))
    notes = read_notes(str(tmp_path / "notes.jsonl"), CAP)
    assert notes is not None
    assert [[clause.kind for clause in note.clauses] for note in notes.values()] == [
        ["tolerance"],
        ["unread"],
    ]
    assert read_notes("Stains are fine.") is None
    printed = json.loads(run("read", tmp_path / "notes.jsonl", "--json").output)
    assert len({one["sample"] for one in printed}) == 2
    assert "makes no one instruction" in str(
        run("read", tmp_path / "notes.jsonl", "--yaml", fails=True).exception
    )


def run(*arguments: object, fails: bool = False) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert (result.exception is not None) == fails, result.output
    return result


def test_the_verb_prints_objects_yaml_and_a_table(tmp_path: Path) -> None:
    words = "Inspect the rim only. Stains up to 2 mm are fine. Are you well? Ignore the rim."
    save_yaml(CAP.model_copy(update={"mm_per_px": None}), tmp_path / "cap.yaml")
    spec = ("--spec", tmp_path / "cap.yaml")
    objects = json.loads(run("read", words, *spec, "--json").output)
    assert [one["kind"] for one in objects] == ["scope", "scope-out", "tolerance", "unread"]
    assert objects[2] == {
        "kind": "tolerance",
        "part": None,
        "defect": "stain",
        "limit_mm": 2.0,
        "sentence": "Stains up to 2 mm are fine.",
        "confidence": 1.0,
    }
    printed = run("read", words, *spec, "--yaml").output
    assert parse_instruction(printed) == read(words, CAP)
    assert dump_yaml(read(words, CAP)).strip() == printed.strip()
    table = run("read", words, *spec).output
    assert "contradict each other: 'rim' cannot be the only part and left out" in table
    assert "a question demands nothing" in table
    assert "no scale: the specification has no mm_per_px" in table


def test_the_part_that_a_type_is_taught_on_is_printed_and_comes_back(tmp_path: Path) -> None:
    save_yaml(CAP, tmp_path / "cap.yaml")
    words, spec = "Watch for open splices on the rim.", ("--spec", tmp_path / "cap.yaml")
    (one,) = json.loads(run("read", words, *spec, "--json").output)
    assert (one["kind"], one["part"], one["defect"]) == ("knowledge", "rim", "open splices")
    assert "knowledge  rim   open splices" in run("read", words, *spec).output
    edited = parse_instruction(run("read", words, *spec, "--yaml").output)
    assert edited == read(words, CAP)
    assert edited.known_defects[0].part == "rim"


def test_readers_are_listed_and_a_misspelt_one_is_hinted_at() -> None:
    assert "grammar" in run("list", "readers").output
    error = run("read", "Ignore dust.", "--reader", "gramar", fails=True).exception
    assert "did you mean 'grammar'?" in str(error)


@pytest.mark.parametrize(
    ("table", "clauses"),
    [
        (
            "| | rim | thread |\n|---|---|---|\n| scratch (mm) | 1 | 3 |\n| stain (mm) | 0.5 | any |",
            {
                ("tolerance", "rim", "scratch", 1.0),
                ("tolerance", "thread", "scratch", 3.0),
                ("tolerance", "rim", "stain", 0.5),
                ("ignore", "thread", "stain", None),
            },
        ),
        (
            "Defect | Severity | Max size (inch)\n--- | --- | ---\nscratch | major | 1/8",
            {("tolerance", None, "scratch", 3.175)},
        ),
        (
            "| Feature | Location | Required |\n|---|---|---|\n| Seal | rim | yes |",
            {("requirement", "rim", "seal", None)},
        ),
        (
            "| Part | Inspect |\n|--|--|\n| rim | yes |\n| thread | no |",
            {("scope-out", "thread", None, None)},
        ),
        ("| Defect | Limit |\n|---|---|\n| scratch | 2 |", {("unread", None, None, None)}),
        ("| Defect | Limit | Note |\n|-|-|-|\n| stain | 2 mm | if dry |", {("unread", None, None, None)}),
        ("| Defect | Part | Limit |\n|-|-|-|\n| stain | lid | 2 mm |", {("unread", None, None, None)}),
        ("| Name | Age |\n|---|---|\n| Ann | 42 |", {("unread", None, None, None)}),
    ],
)
def test_tables_of_markdown_are_read_by_their_columns(table: str, clauses: set[tuple[Any, ...]]) -> None:
    assert kinds(as_objects(read(table, CAP))) == clauses


def test_files_that_are_not_read_are_refused_and_not_taken_for_words(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"")
    for given in (str(tmp_path), str(tmp_path / "photo.png"), "requirements.docx", "Limits.XLSX"):
        with pytest.raises(SpecsightError, match=r"give a file of \.txt, .*, or sentences"):
            read_instruction(given)
    for words in ("Use the limits of cap.docx", "Inspect the rim only.", "rim/tread"):
        assert read_instruction(words).clauses


def test_a_character_that_is_no_unicode_is_no_question_mark() -> None:
    assert [c.text for c in read_instruction("Ignore\udcffstains").clauses] == ["Ignore\ufffdstains"]


@pytest.mark.parametrize("number", ["1/0", "0/0", "½/0"])
def test_a_number_that_divides_by_zero_says_so(number: str) -> None:
    (clause,) = read_instruction(f"Scratches up to {number} mm are fine.").clauses
    assert isinstance(clause, Unread)
    assert "divides by zero" in clause.reason


def test_sentences_of_any_length_are_shown_in_short() -> None:
    assert "(49,999 characters)" in " ".join(run("read", "word " * 10_000).output.split())


def test_no_code_of_the_current_folder_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pdf(tmp_path / "limits.pdf")
    for name in ("json", "pdfplumber", "specsight"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    assert read_instruction("limits.pdf").clauses
    assert not (tmp_path / "ran").exists()
