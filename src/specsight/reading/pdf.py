"""A PDF → text with its tables as Markdown, by pdfplumber in a process of its own.

In: a path. Out: paragraphs and tables in the order of the pages. pdfplumber was chosen over pypdf because it finds
tables, the usual form of limits in requirement documents. What others' files make a PDF library do (loops, streams that
unpack to gigabytes) ends with the process: it has limits of time and memory.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError, require
from specsight.storage import check_regular

LARGEST_FILE = 50 * 1024 * 1024
"""Bytes of a file that is opened."""
MOST_PAGES = 200
LONGEST_TEXT = 200_000
"""Characters that are taken of a file."""
SECONDS = 60
"""Time for one file."""
MEMORY = 2 * 1024**3
"""Bytes of address space for one file, where the system can hold a process to it."""
PAGE_NUMBER = re.compile(r"(?i)\s*(?:page\s*)?\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?\s*")


def read_pdf(path: Path) -> str:
    """The text of a PDF. Raises SpecsightError for a file that is too large, damaged, locked or without text, and where
    the extra `documents` is missing."""
    check_regular(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begins = file.read(1024)
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror}") from error
    if size > LARGEST_FILE:
        raise SpecsightError(
            f"'{path}' has more than {LARGEST_FILE:,} bytes: give the pages that hold the requirements"
        )
    if b"%PDF-" not in begins:
        raise SpecsightError(f"'{path}' is no PDF: it does not begin as one")
    require("pdfplumber", "documents")
    return _told(_run(path), path)


def _run(path: Path) -> dict[str, Any]:
    """What the process says of a file: its text, or what is wrong with it."""
    # With the places of modules that this process has, and never the folder that happens to be the current one.
    places = json.dumps([*(place for place in sys.path if place), str(Path(__file__).parents[2])])
    start = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from specsight.reading.pdf import main; main()"
    command = [sys.executable, "-I", "-c", start, places, str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as error:
        raise SpecsightError(
            f"'{path}' took more than {SECONDS} s: give the pages that hold the requirements"
        ) from error
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    try:
        told = json.loads(lines[-1]) if lines else {}
    except ValueError:
        told = {}
    return told if isinstance(told, dict) else {}


def _told(told: dict[str, Any], path: Path) -> str:
    if told.get("locked"):
        raise SpecsightError(f"'{path}' is encrypted: save it without a password")
    if not isinstance(told.get("text"), str):
        raise SpecsightError(f"'{path}' is damaged, or too large to be unpacked: print it to a new PDF")
    if told.get("pages", 0) > MOST_PAGES:
        raise SpecsightError(
            f"'{path}' has {told['pages']:,} pages, more than {MOST_PAGES}: give those that hold the requirements"
        )
    text: str = told["text"]
    if not text.strip():
        raise SpecsightError(
            f"'{path}' holds no text, only pictures of it: run character recognition on it first"
        )
    return text


def extract(path: Path) -> dict[str, Any]:
    """Text, number of pages, and whether the file is locked; run in a process of its own."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        with pdfplumber.open(path) as document:
            pages = len(document.pages)
            if pages > MOST_PAGES:
                return {"text": "", "pages": pages}
            text = ""
            for page in document.pages:
                text += "\n".join(_blocks(page)) + "\n\n"
                page.close()
                if len(text) > LONGEST_TEXT:
                    break
    except (PdfminerException, PDFPasswordIncorrect, PDFEncryptionError) as error:
        causes = (error, *error.args)
        return {"locked": any(isinstance(one, PDFPasswordIncorrect | PDFEncryptionError) for one in causes)}
    return {"text": text[: LONGEST_TEXT + 1], "pages": pages}


def _blocks(page: Any) -> Iterator[str]:
    """Paragraphs and tables of a page, from top to bottom."""
    tables = [table for table in page.find_tables() if len(table.rows) > 1 and len(table.rows[0].cells) > 1]
    top = page.bbox[1]
    for table in sorted(tables, key=lambda one: one.bbox[1]):
        yield from _paragraphs(page, top, table.bbox[1])
        yield _markdown(table.extract())
        top = max(top, table.bbox[3])
    yield from _paragraphs(page, top, page.bbox[3])


def _paragraphs(page: Any, top: float, bottom: float) -> Iterator[str]:
    """Lines between two heights; a gap larger than that between lines is an empty line."""
    if bottom - top < 1:
        return
    lines = page.crop((page.bbox[0], top, page.bbox[2], bottom), strict=False).extract_text_lines(
        return_chars=False
    )
    before = None
    for line in lines:
        if PAGE_NUMBER.fullmatch(line["text"]):
            continue
        height = line["bottom"] - line["top"]
        if before is not None and line["top"] - before > 0.8 * height:
            yield ""
        before = line["bottom"]
        yield line["text"]
    yield ""


def _markdown(rows: list[list[str | None]]) -> str:
    """A table as Markdown; a cell that is merged with the one above holds the same."""
    filled: list[list[str]] = []
    for row in rows:
        above = filled[-1] if len(filled) > 1 else None
        filled.append(
            [
                " ".join(cell.replace("|", "/").split()) if cell is not None else (above[k] if above else "")
                for k, cell in enumerate(row)
            ]
        )
    lines = ["| " + " | ".join(row) + " |" for row in filled]
    return "\n".join(["", lines[0], "|" + "---|" * len(filled[0]), *lines[1:], ""])


def _limit_memory() -> None:
    """Hold this process to its memory where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> None:
    """Print, as JSON, what the file that is named last on the command line holds."""
    _limit_memory()
    print(json.dumps(extract(Path(sys.argv[-1]))))
