"""A `CheckReport` for the screen: a table of counts, then problems by kind, then notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from specsight.datasets.check import KINDS
from specsight.records import GOOD

if TYPE_CHECKING:
    from specsight.datasets.check import CheckReport

_SHOWN = 5
"""Problems of one kind that are named; the rest is counted."""


def renderable(report: CheckReport) -> RenderableType:
    """What `rich` prints; plain text where the console has no colours."""
    total = sum(report.pictures.values())
    lines: list[RenderableType] = [Text(f"{report.root}: {total} pictures, layout {report.layout}")]
    if report.smallest and report.largest:
        small, large = ("{} x {}".format(*size) for size in (report.smallest, report.largest))
        span = f"all {small}" if small == large else f"from {small} to {large}"
        lines.append(Text(f"picture size (rows x columns): {span}"))
    lines += [_counts(report), *_problems(report)]
    lines += [Text(f"note: {note}") for note in report.notes]
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
