"""Tables for spreadsheets, which would run a cell as a formula that begins like one, and back; tables in Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from specsight.errors import SpecsightError, excerpt, printable
from specsight.storage.files import write_by
from specsight.storage.reading import check_regular

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""Beginnings of text that spreadsheets take for a formula (OWASP, "CSV injection"), full-width signs among them, which
some take for the plain ones."""
SEPARATORS = (",", ";", "\t")
"""Between cells: a spreadsheet that writes commas in numbers writes semicolons between cells."""
LONGEST_CELL = 1 << 24
"""Characters."""


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table atomically, as UTF-8 with commas and line feeds, a row at a time; see `csv_text`."""

    def fill(file: BinaryIO) -> None:
        # A lone surrogate (a file name that is no Unicode) has no place in UTF-8.
        text = io.TextIOWrapper(file, "utf-8", "backslashreplace", newline="")
        _write_rows(text, header, rows)
        text.detach()

    write_by(path, fill)


def csv_text(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV. Text that begins as a formula does gets an apostrophe in front; control characters, which whoever
    shows the file on a terminal would obey, are written as on our screen (`\\x1b`); numbers stay, None is empty."""
    text = io.StringIO()
    _write_rows(text, header, rows)
    return text.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], words: int | None = None) -> str:
    """A table in Markdown, a line each. Cells are Markdown already: escape other people's (`markdown_text`).

    The first `words` columns are words, the others numbers, which stand at the right; None: all are words.
    """
    words = len(header) if words is None else words
    rule = ["---" if k < words else "---:" for k in range(len(header))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, rule, *rows))


def markdown_text(text: str) -> str:
    """Any text so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\|*_<>`\[\]])", r"\\\1", " ".join(text.split()))


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a table that has at least these columns: the number of the line and the cells as they are written there.

    UTF-8, cells separated as the header's are (`SEPARATORS`). Cells of text keep the apostrophe of `csv_text`, which
    `cell_text` takes off. Raises SpecsightError that names the file and the line that is damaged.
    """
    check_regular(path)
    csv.field_size_limit(LONGEST_CELL)
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(LONGEST_CELL)
            separator = max(SEPARATORS, key=first.count)
            header = next(csv.reader([first], delimiter=separator, strict=True), [])
            _check_header(path, header, columns)
            reader = csv.reader(file, delimiter=separator, strict=True)
            line = 2
            for cells in reader:
                if len(cells) != len(header) and any(cells):
                    raise SpecsightError(
                        f"'{path}', line {line}: {len(cells)} cells under {len(header)} columns"
                    )
                if any(cells):
                    yield line, dict(zip(header, cells))
                line = reader.line_num + 2
    except (csv.Error, UnicodeDecodeError) as error:
        reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SpecsightError(f"'{path}', at or behind line {line}: {reason}") from error
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror or error}") from error


def cell(value: object) -> object:
    """What is written for a value: text that begins as a formula does with an apostrophe in front, lines ended by line
    feeds alone, for Python's writer puts no quotes around a carriage return, which ends the row for its reader."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    text = "\t".join(map(printable, text.split("\t")))
    return f"'{text}" if _is_formula(text) else text


def cell_text(written: str) -> str:
    """The text that a cell which `cell` wrote, or a person did, stands for."""
    return written[1:] if written.startswith("'") and _is_formula(written[1:]) else written


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet may run a cell; some leave out spaces before the sign."""
    return text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)


def _check_header(path: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        raise SpecsightError(
            f"'{path}', line 1: there is no column {', '.join(missing)}; it has {excerpt(', '.join(header))}"
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise SpecsightError(f"'{path}', line 1: the column '{excerpt(twice)}' stands twice")


def _write_rows(text: Any, header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([cell(value) for value in header])
    for row in rows:
        writer.writerow([cell(value) for value in row])
