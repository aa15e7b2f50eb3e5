"""The answers of an inspection as tables for spreadsheets: one row per picture, and one per finding.

In: a run folder. Out: two CSV files. Pictures that could not be read have a row, too, which says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.runs.folder import RunFolder
from specsight.storage import check_output, write_csv

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
    """Raise SpecsightError where the tables could not be written, before there is anything to write."""
    check_output(file.parent)
    for each in (file, findings_file(file)):
        if each.is_dir():
            raise SpecsightError(f"'{each}' is a folder: give --csv a file")


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
            "; ".join(one.notes),
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
