"""Verbs for what was measured, and for labelled pictures: `report`, `check`."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import MAX_MEGAPIXELS, PATH


@click.command()
@click.argument("run", type=PATH)
def report(run: Path) -> None:
    """Draw the page of a finished run, or of a suite or curve as far as it has got, again."""
    from specsight.report.adaptation_page import render_adaptation
    from specsight.report.curve_page import render_curve
    from specsight.report.page import render
    from specsight.report.stress_page import render_stress
    from specsight.report.suite_page import render_suite
    from specsight.runs.adaptation_record import RECORD as LINES
    from specsight.runs.curve_table import TABLE
    from specsight.runs.stress_record import RECORD as STRESS
    from specsight.runs.suite_record import RECORD
    from specsight.storage import check_output

    if run.is_dir():
        check_output(run)
    pages = {LINES: render_adaptation, STRESS: render_stress, RECORD: render_suite, TABLE: render_curve}
    page = next((draw for file, draw in pages.items() if (run / file).is_file()), render)(run)
    screen.files(run)
    screen.say(f"report: {page}")


@click.command()
@click.argument("data", type=PATH)
@click.option("--layout", default="auto", show_default=True, help="See: list datasets.")
@click.option("--product", help="One product of a set that holds several.")
@MAX_MEGAPIXELS
def check(data: Path, layout: str, product: str | None) -> int:
    """Open every file of a data set; say what is missing, broken, double or leaking."""
    from specsight.datasets import load_dataset
    from specsight.datasets.check import check_dataset

    found = check_dataset(load_dataset(data, layout, product))
    screen.show(found)
    return 1 if found.problems else 0
