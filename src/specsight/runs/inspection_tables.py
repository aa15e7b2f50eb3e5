"""The answers of an inspection as tables for spreadsheets: one row per picture, and one per finding.

In: a run folder. Out: two CSV files. Pictures that could not be read have a row, too, which says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specsight import explain
from specsight.errors import SpecsightError
from specsight.runs.folder import RunFolder
from specsight.storage import CHECKSUMS, check_output, csv_text, write_csv

PICTURES = (
    "picture",
    "verdict",
    "score",
    "threshold",
    "findings",
    "counted",
    "shows the product",
    "statement",
    "notes",
)
FINDINGS = (
    "picture",
    "finding",
    "counts",
    "excused by",
    "type",
    "part",
    "place",
    "severity",
    "x0",
    "y0",
    "x1",
    "y1",
    "length_px",
    "length_mm",
    "area_px",
    "area_mm2",
    "peak",
)
UNREADABLE = "unreadable"
"""Verdict of a picture that could not be judged."""


def findings_file(file: Path) -> Path:
    """Where the table of findings lies: beside that of the pictures."""
    return file.with_name(f"{file.stem}-findings{file.suffix}")


def check_tables(file: Path) -> None:
    """Raise SpecsightError where the tables could not be written, before there is anything to write: names that end in
    something else than .csv, a place inside a model, and files that are no such tables and would be lost."""
    if file.suffix.lower() != ".csv":
        raise SpecsightError(f"--csv '{file}': give a file that ends in .csv")
    check_output(file.parent)
    if (file.parent / CHECKSUMS).is_file():
        raise SpecsightError(f"--csv '{file}' lies inside a saved model: choose a place outside it")
    for each, header in ((file, PICTURES), (findings_file(file), FINDINGS)):
        if each.is_dir():
            raise SpecsightError(f"'{each}' is a folder: give --csv a file")
        if each.exists() and _begins(each) not in ("", csv_text(header, ())):
            raise SpecsightError(
                f"'{each}' holds something else than this table: choose another name for --csv"
            )


def _begins(file: Path) -> str:
    """The first line of a file, as far as the longest header reaches; a special file begins with its name."""
    if not file.is_file():
        return str(file)
    try:
        with file.open(encoding="utf-8", errors="replace", newline="") as opened:
            return opened.readline(1000)
    except OSError as error:
        raise SpecsightError(f"cannot read '{file}': {error.strerror}") from error


def write_tables(run: Path, file: Path) -> None:
    """Write the table of pictures to `file` and that of findings beside it; paths are relative to the data."""
    folder = RunFolder(run)
    write_csv(file, PICTURES, _pictures(folder))
    write_csv(findings_file(file), FINDINGS, _findings(folder))


def _pictures(run: RunFolder) -> Iterator[tuple[object, ...]]:
    for prediction in run.predictions():
        one = prediction.inspection
        yield (
            one.image,
            one.verdict or "",
            one.decision.score,
            one.threshold,
            len(one.findings),
            len(one.decision.counted),
            "yes" if one.decision.unlike is None else "no",
            one.statement,
            "; ".join(
                (*one.notes, *([explain.operator_note(one.operator_note)] if one.operator_note else []))
            ),
        )
    for picture in run.skipped():
        yield (picture.image, UNREADABLE, None, None, None, None, None, picture.reason, "")


def _findings(run: RunFolder) -> Iterator[tuple[object, ...]]:
    for prediction in run.predictions():
        one = prediction.inspection
        excused = {id(other.finding): other.clause.words for other in one.decision.observed}
        for number, finding in enumerate(one.findings, 1):
            clause = excused.get(id(finding))
            yield (
                one.image,
                number,
                "yes" if clause is None else "no",
                clause,
                finding.type,
                finding.part,
                finding.place,
                finding.severity,
                *finding.box,
                finding.length_px,
                finding.length_mm,
                finding.area_px,
                finding.area_mm2,
                finding.peak,
            )
