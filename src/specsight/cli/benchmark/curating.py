"""The verb `benchmark curate`: experts accept, edit or reject items, on a page or in a spreadsheet."""

from __future__ import annotations

import contextlib
import webbrowser
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
@click.option(
    "--as", "codes", metavar="CODE", multiple=True, help="Who decides: a code, better no name; once for each."
)
@click.option("--lead", metavar="CODE", multiple=True, help="Who adjudicates besides; once for each.")
@click.option("--to-csv", type=PATH, help="Write the items with this person's decisions as a table.")
@click.option("--from-csv", type=PATH, help="Read this person's decisions from such a table.")
@click.option("--status", is_flag=True, help="Print how far it is, and how far two persons agree.")
@click.option("--port", default=0, show_default=True, help="Of the page; 0: a free one.")
@click.option("--no-browser", is_flag=True, help="Print the page's addresses and open nothing.")
@click.option("--share", type=float, help="Of items for two persons; default: a tenth, all of the tyre line.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
def curate(
    bench: Path,
    codes: tuple[str, ...],
    lead: tuple[str, ...],
    to_csv: Path | None,
    from_csv: Path | None,
    status: bool,
    port: int,
    no_browser: bool,
    share: float | None,
    data: Path | None,
) -> None:
    """Accept, edit or reject the items of BENCH, on a page in your browser or in a spreadsheet.

    The page is served on this machine alone; each person has an address of their own. Without --as and --lead there is
    one person, a lead called "expert".

    \b
    specsight benchmark curate bench/ --as r1 --as r2 --lead r3
    specsight benchmark curate bench/ --as r1 --to-csv r1.csv
    specsight benchmark curate bench/ --as r1 --from-csv r1.csv
    specsight benchmark curate bench/ --status
    """
    require("sqlalchemy", "serve")
    from specsight.benchmark.curation.store import CurationStore
    from specsight.benchmark.files import Benchmark

    if (to_csv or from_csv) and len(codes) != 1:
        raise SpecsightError("a table is one person's: name one code with --as")
    store = CurationStore(Benchmark(bench, data), share)
    if to_csv or from_csv:
        _table(store, codes[0], to_csv, from_csv)
    if status:
        _state(store)
    if not (to_csv or from_csv or status):
        _serve(store, codes, lead, port, no_browser)


def _table(store: CurationStore, code: str, to_csv: Path | None, from_csv: Path | None) -> None:
    from specsight.benchmark.curation.sheets import read_sheet, write_sheet

    if from_csv is not None:
        screen.say(f"{read_sheet(store, code, from_csv):,} decisions new or changed: {from_csv}")
    if to_csv is not None:
        screen.say(f"{write_sheet(store, code, to_csv):,} items: {to_csv}")


def _serve(
    store: CurationStore, codes: tuple[str, ...], leads: tuple[str, ...], port: int, no_browser: bool
) -> None:
    from specsight.benchmark.curation.agreement import severity_levels
    from specsight.benchmark.persons import check_code
    from specsight.service.access import Access
    from specsight.service.curation.application import CURATOR, LEAD, application
    from specsight.service.local import LocalServer

    if not codes and not leads:
        leads = ("expert",)
    roles = dict.fromkeys(map(check_code, codes), CURATOR) | dict.fromkeys(map(check_code, leads), LEAD)
    _ = store.benchmark.data  # what is missing is said before a page opens
    server = LocalServer(application(store, severity_levels(store)), Access(roles), port)
    for code, address in server.addresses.items():
        screen.say(f"{code} ({roles[code]}): {address}")
    screen.say("press Ctrl-C to end")
    if not no_browser:
        webbrowser.open(next(iter(server.addresses.values())))
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def _state(store: CurationStore) -> None:
    from specsight.benchmark.curation.agreement import agreement, severity_levels
    from specsight.benchmark.curation.queue import progress

    for task, one in progress(store).items():
        done = ", ".join(f"{count:,} {action}" for action, count in one.actions.items() if count)
        disputed = f", {one.disputed:,} disputed" if one.disputed else ""
        screen.say(f"{task}: {one.open:,} of {one.total:,} open{disputed}{'; ' if done else ''}{done}")
    for name, alpha in agreement(store, severity_levels(store)).items():
        screen.say(f"agreement on {name}: {alpha}")
