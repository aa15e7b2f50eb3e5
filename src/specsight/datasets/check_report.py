"""What a check has found, and how it stands on the screen: a table of counts, problems by kind, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from specsight.datasets.accounting import Ignored, said
from specsight.records import GOOD

Size = tuple[int, int]
_SHOWN = 5
"""Problems of one kind that are named; the rest is counted."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: its kind (see `KINDS`) and a sentence that names the files."""

    kind: str
    message: str


KINDS = {
    "unreadable": "unreadable files",
    "mask missing": "defective pictures without a mask",
    "mask empty": "empty masks on defective pictures",
    "mask on good": "masks with content on good pictures",
    "mask full": "masks over most of their picture",
    "mask without picture": "masks without a picture",
    "size mismatch": "masks or depth of another size than their picture",
    "constant": "pictures of one single value",
    "duplicate": "identical pictures",
    "leakage": "the same part among training and test pictures",
    "labels": "labels that contradict each other, or nothing to learn from",
}


@dataclass(frozen=True)
class CheckReport:
    """The findings of a check. A set is sound where `problems` is empty."""

    layout: str
    root: Path
    counts: dict[tuple[str, str, str], int]
    """(product, split, type) → pictures; a picture with two types counts for both, "good" and "unknown" are types."""
    pictures: dict[tuple[str, str], int]
    """(product, split) → pictures."""
    smallest: Size | None
    """(H, W) of the picture with the fewest pixels; None where none could be read."""
    largest: Size | None
    problems: list[Problem]
    notes: list[str] = field(default_factory=list)
    ignored: tuple[Ignored, ...] = ()
    """Files of the set that no sample uses."""

    def __rich__(self) -> RenderableType:
        """What `rich.print(report)` prints; plain text where the console has no colours."""
        return _renderable(self)


def _renderable(report: CheckReport) -> RenderableType:
    total = sum(report.pictures.values())
    count = f"{total} picture{'' if total == 1 else 's'}"
    lines: list[RenderableType] = [Text(f"{report.root}: {count}, layout {report.layout}")]
    if report.smallest and report.largest:
        small, large = ("{} x {}".format(*size) for size in (report.smallest, report.largest))
        span = f"all {small}" if small == large else f"from {small} to {large}"
        lines.append(Text(f"picture size (rows x columns): {span}"))
    lines += [_counts(report), *_problems(report)]
    lines += [Text(f"note: {note}") for note in report.notes]
    lines += [Text(said(report.ignored, examples=True))] if report.ignored else []
    return Group(*lines)


def _counts(report: CheckReport) -> Table:
    """One row per product and type, one column per split."""
    splits = sorted({split for _, split in report.pictures}, key=_split_order)
    table = Table("product", "type", *splits, box=None, pad_edge=False)
    rows = {(product, kind) for product, _, kind in report.counts}
    for product, kind in sorted(rows, key=lambda row: (row[0], row[1] != GOOD, row[1])):
        numbers = (report.counts.get((product, split, kind), 0) for split in splits)
        table.add_row(Text(product), Text(kind), *(str(n) if n else "-" for n in numbers))
    return table


def _split_order(split: str) -> tuple[int, str]:
    usual = ("train", "validation", "test")
    return (usual.index(split) if split in usual else len(usual)), split


def _problems(report: CheckReport) -> list[Text]:
    if not report.problems:
        return [Text("no problems found", style="green")]
    lines = []
    for kind, title in KINDS.items():
        messages = [p.message for p in report.problems if p.kind == kind]
        if messages:
            lines.append(Text(f"{len(messages)} x {title}:", style="bold red"))
            lines += [Text(f"  {message}") for message in messages[:_SHOWN]]
        if len(messages) > _SHOWN:
            lines.append(Text(f"  ... and {len(messages) - _SHOWN} more"))
    return lines
