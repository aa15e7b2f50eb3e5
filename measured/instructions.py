"""`python -m measured instructions`: whether words decide, on the tyre set, as Markdown tables.

The set has a product for each zone; the suite runs each by itself, and numbers are means over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from measured.rows import MeasuredSet
from specsight.report.suite_page import NAME

SUITE = "instructions"


def arguments_of(of: MeasuredSet, rows: Sequence[str], encoder: str, out: Path) -> list[str]:
    """The command line of the suite on a set; `rows`: none are all."""
    return [
        "evaluate",
        *("--suite", SUITE, "--data", str(of.data), "--spec", str(of.specification)),
        *("--resolution", str(of.resolution), "--encoder", encoder),
        *(("--rows", ",".join(rows)) if rows else ()),
        *("--out", str(folder_of(of, out))),
    ]


def folder_of(of: MeasuredSet, out: Path) -> Path:
    """Where the suite of a set lies."""
    return out / f"{of.name}-{SUITE}"


def instruction_tables(of: MeasuredSet, out: Path) -> str:
    """The tables that the suite wrote for papers, under the title of the set; empty where it has not run."""
    file = folder_of(of, out) / f"{NAME}.md"
    return f"# Instructions, {of.title}\n\n{file.read_text('utf-8')}" if file.is_file() else ""
