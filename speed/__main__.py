"""`python -m speed [name ...]`: run all benchmark modules of this folder, or the named ones, and print their rows.

A benchmark module has `TITLE` and `run() -> list[Row]`; it is found by its file name. The exit status is 1 if a
benchmark failed, not if an aim was missed.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time

from rich.console import Console
from rich.table import Table

import speed
from specsight.errors import SpecsightError, did_you_mean
from speed.rows import Row

NOT_BENCHMARKS = {"__main__", "rows", "memory_sets"}
MARKS = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}


def main(names: list[str]) -> int:
    """Run the benchmarks called `names` (all if empty); returns the exit status."""
    known = [m.name for m in pkgutil.iter_modules(speed.__path__) if m.name not in NOT_BENCHMARKS]
    for name in names:
        if name not in known:
            print(f"unknown benchmark '{name}': {did_you_mean(name, known)}", file=sys.stderr)
            return 2
    # In a log file there is no width to fit.
    console = Console(width=None if sys.stdout.isatty() else 160)
    failed = False
    for name in names or known:
        module = importlib.import_module(f"speed.{name}")
        console.print(f"{name}: {module.TITLE} ...")
        start = time.perf_counter()
        try:
            rows: list[Row] = module.run()
        except SpecsightError as error:
            console.print(f"  not measured: {error}", style="red", markup=False)
            failed = True
            continue
        console.print(table(module.TITLE, rows, time.perf_counter() - start))
    return int(failed)


def table(title: str, rows: list[Row], seconds: float) -> Table:
    """The rows of one benchmark as a table for the terminal."""
    drawn = Table(title=f"{title} (took {seconds:.0f} s)", title_justify="left")
    for column in ("what", "measured", "aim", "ratio", ""):
        drawn.add_column(column)
    for row in rows:
        drawn.add_row(row.what, row.measured, row.aim, row.ratio, MARKS[row.met])
    return drawn


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
