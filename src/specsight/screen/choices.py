"""How a detector was chosen, on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from specsight.screen.printing import say, show

if TYPE_CHECKING:
    from specsight.choosing import Choice


def choice(made: Choice) -> None:
    """What was chosen and why, and every candidate with its numbers on painted defects."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from specsight.errors import printable

    compared = [one for one in made.tried if one.painted]
    if compared:
        table = Table("candidate", "AUROC", "AUPRO", "found", "ahead", "ms", "outcome", box=box.SIMPLE)
        for one in compared:
            numbers = ("" if v is None else f"{v:.3f}" for v in (one.pictures, one.pixels, one.found))
            ahead = "" if one.difference is None else f"{one.difference:+.3f} ± {one.error or 0:.3f}"
            milliseconds = "" if one.seconds is None else f"{1000 * one.seconds:.0f}"
            table.add_row(
                escape(printable(one.name)), *numbers, ahead, milliseconds, escape(printable(one.outcome))
            )
        show(table)
    names: dict[str, list[str]] = {}
    for one in made.not_tried:
        names.setdefault(one.outcome, []).append(one.name)
    for outcome, candidates in names.items():
        say(f"{outcome}: {'; '.join(candidates)}")
    say(f"chosen: {made.line}")
    if compared:
        say(
            "these numbers are of painted defects: they tell candidates apart and promise nothing of real ones"
        )


def chosen(run: Path) -> None:
    """How the detectors of a run were chosen, seed by seed; nothing where they were named."""
    from specsight.runs.folder import RunFolder

    for seed, fit in RunFolder(run).fits().items():
        if fit.choice:
            say(f"seed {seed}, chosen: {fit.choice}")
