"""Tables as CSV for spreadsheets, which would run a cell as a formula that begins like one, and as Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from specsight.storage.files import write_text

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings of text that spreadsheets take for a formula (OWASP, "CSV injection")."""


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table atomically, as UTF-8 with commas and line feeds; see `csv_text`."""
    write_text(path, csv_text(header, rows))


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV. Text that begins as a formula does gets an apostrophe in front; numbers stay, None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([_cell(value) for value in row])
    # A lone surrogate (a file name that is no Unicode) has no place in UTF-8.
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


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
