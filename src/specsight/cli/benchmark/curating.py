"""The verb `benchmark curate`: experts accept, edit or reject items, in a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import PATH
from specsight.errors import SpecsightError, require

if TYPE_CHECKING:
    from specsight.benchmark.curation.store import CurationStore


@click.command()
@click.argument("bench", type=PATH)
@click.option("--as", "code", metavar="CODE", help="Who decides: a code, better no name.")
@click.option("--to-csv", type=PATH, help="Write the items with this person's decisions as a table.")
@click.option("--from-csv", type=PATH, help="Read this person's decisions from such a table.")
@click.option("--status", is_flag=True, help="Print how far it is, and how far two persons agree.")
@click.option("--share", type=float, help="Of items for two persons; default: a tenth, all of the tyre line.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
def curate(
    bench: Path,
    code: str | None,
    to_csv: Path | None,
    from_csv: Path | None,
    status: bool,
    share: float | None,
    data: Path | None,
) -> None:
    """Accept, edit or reject the items of BENCH.

    \b
    specsight benchmark curate bench/ --as r1 --to-csv r1.csv
    specsight benchmark curate bench/ --as r1 --from-csv r1.csv
    specsight benchmark curate bench/ --status
    """
    if not (to_csv or from_csv or status):
        raise SpecsightError("say what is to be done: --to-csv, --from-csv or --status")
    require("sqlalchemy", "serve")
    from specsight.benchmark.curation.sheets import read_sheet, write_sheet
    from specsight.benchmark.curation.store import CurationStore
    from specsight.benchmark.files import Benchmark

    if (to_csv or from_csv) and code is None:
        raise SpecsightError("a table is one person's: name a code with --as")
    store = CurationStore(Benchmark(bench, data), share)
    if from_csv is not None and code is not None:
        screen.say(f"{read_sheet(store, code, from_csv):,} decisions new or changed: {from_csv}")
    if to_csv is not None and code is not None:
        screen.say(f"{write_sheet(store, code, to_csv):,} items: {to_csv}")
    if status:
        _state(store)


def _state(store: CurationStore) -> None:
    from specsight.benchmark.curation.agreement import agreement, severity_levels
    from specsight.benchmark.curation.queue import progress

    for task, one in progress(store).items():
        done = ", ".join(f"{count:,} {action}" for action, count in one.actions.items() if count)
        disputed = f", {one.disputed:,} disputed" if one.disputed else ""
        screen.say(f"{task}: {one.open:,} of {one.total:,} open{disputed}{'; ' if done else ''}{done}")
    for name, alpha in agreement(store, severity_levels(store)).items():
        screen.say(f"agreement on {name}: {alpha}")
