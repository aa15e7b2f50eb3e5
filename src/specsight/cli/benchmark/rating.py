"""The verb `benchmark rate`: persons rate what models said, on a page or in a spreadsheet, and what came of it."""

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
    from specsight.benchmark.rating.folder import RatingFolder
    from specsight.benchmark.rating.store import RatingStore


@click.command()
@click.argument("folder", metavar="BENCH|RUN|RATING", type=PATH)
@click.argument("runs", metavar="[RUN...]", type=PATH, nargs=-1)
@click.option("-o", "--out", type=PATH, help="Folder of the new rating, where RUNs are given.")
@click.option("--rater", "raters", metavar="CODE", multiple=True, help="Who rates: a code; at least two.")
@click.option("--statements", default=80, show_default=True, help="To rate, of all models together.")
@click.option("--task", "tasks", metavar="TASK", multiple=True, help="Rate answers to this task alone.")
@click.option("--seed", default=0, show_default=True, help="Of what is chosen, and of the orders.")
@click.option("--to-csv", type=PATH, help="Write one rater's statements as a table (with one --rater).")
@click.option("--from-csv", type=PATH, help="Read one rater's filled table (with one --rater).")
@click.option("--summary", is_flag=True, help="Print means, agreement and differences.")
@click.option("--port", default=0, show_default=True, help="Of the page; 0: a free one.")
@click.option("--no-browser", is_flag=True, help="Print the page's addresses and open nothing.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
def rate(
    folder: Path,
    runs: tuple[Path, ...],
    out: Path | None,
    raters: tuple[str, ...],
    statements: int,
    tasks: tuple[str, ...],
    seed: int,
    to_csv: Path | None,
    from_csv: Path | None,
    summary: bool,
    port: int,
    no_browser: bool,
    data: Path | None,
) -> None:
    """Let persons rate, from 1 to 5, what models said about pictures, without knowing which model said it.

    With RUNs over a benchmark, or with run folders of `inspect` or `evaluate`, whose statements are then rated, it
    makes a rating; with a rating it opens the page, on this machine alone.

    \b
    specsight benchmark rate bench/ run-a/ run-b/ -o rating/ --rater r1 --rater r2 --rater r3
    specsight benchmark rate inspected-a/ inspected-b/ -o rating/ --rater r1 --rater r2 --rater r3
    specsight benchmark rate rating/
    specsight benchmark rate rating/ --rater r1 --to-csv r1.csv
    specsight benchmark rate rating/ --rater r1 --from-csv r1.csv
    specsight benchmark rate rating/ --summary
    """
    require("sqlalchemy", "serve")
    from specsight.benchmark.files import Benchmark
    from specsight.benchmark.rating.folder import RatingFolder
    from specsight.benchmark.rating.inspections import plan_statements
    from specsight.benchmark.rating.planning import RatingConfig, plan_rating
    from specsight.benchmark.rating.store import RatingStore
    from specsight.runs.folder import PREDICTIONS

    inspected = (folder / PREDICTIONS).is_file()
    if runs or inspected:
        if out is None:
            raise SpecsightError("name the folder of the new rating with --out")
        config = RatingConfig(raters, statements, tasks, seed)
        if inspected:
            from specsight.report.rated import rated_sheets

            _made(plan_statements((folder, *runs), out, config, rated_sheets))
        else:
            _made(plan_rating(Benchmark(folder, data), runs, out, config))
        return
    store = RatingStore(RatingFolder(folder, data))
    if to_csv or from_csv:
        _table(store, raters, to_csv, from_csv)
    if summary:
        _summary(store)
    if not (to_csv or from_csv or summary):
        _serve(store, port, no_browser)


def _made(folder: RatingFolder) -> None:
    from specsight.asking.words import counted
    from specsight.benchmark.rating.summary import FEWEST

    rating = folder.rating
    screen.say(
        f"{counted(rating.statements, 'statement')} of {counted(len(rating.models), 'model')} for "
        f"{counted(len(rating.raters), 'rater')}, {counted(len(rating.anchors), 'example')}: {folder.path}"
    )
    if rating.left_out:
        what = (
            "items that not all models answered in words"
            if rating.kind == "answers"
            else "pictures of some runs"
        )
        screen.say(f"{rating.left_out:,} {what} are left out")
    if len(rating.raters) < FEWEST:
        screen.say(f"{len(rating.raters)} raters are few: results should rest on {FEWEST}")
    screen.say(
        "raters see their page or table and guide.md; key.jsonl says which model said what: keep it from them"
    )


def _table(store: RatingStore, raters: tuple[str, ...], to_csv: Path | None, from_csv: Path | None) -> None:
    from specsight.benchmark.rating.sheets import read_sheet, write_sheet

    if len(raters) != 1:
        raise SpecsightError("a table is one person's: name one code with --rater")
    if from_csv is not None:
        screen.say(f"{read_sheet(store, raters[0], from_csv):,} ratings new or changed: {from_csv}")
    if to_csv is not None:
        screen.say(f"{write_sheet(store, raters[0], to_csv):,} statements: {to_csv}")


def _summary(store: RatingStore) -> None:
    from specsight.benchmark.rating.folder import SUMMARY
    from specsight.benchmark.rating.summary import summarise

    found = summarise(store)
    for rater, (done, total) in found.rated.items():
        screen.say(f"{rater}: {done:,} of {total:,} rated")
    for mean in found.means:
        interval = f"{mean.low:.2f} to {mean.high:.2f}"
        screen.say(f"{mean.model}, {mean.scale}: {mean.mean:.2f} ({interval}; {mean.items:,} items)")
    for scale, alpha in found.alphas.items():
        screen.say(f"agreement on {scale} (ordinal alpha): {alpha}")
    for one in found.repeated:
        screen.say(
            f"{one.rater} the second time: {100 * one.equal:.0f} % the same, {100 * one.near:.0f} % at most one apart "
            f"({one.pairs:,} values)"
        )
    for two in found.differences:
        word = "more than chance" if two.stands else "may be chance"
        screen.say(
            f"{two.scale}, {two.first} minus {two.second}: {two.difference:+.2f}, {word} "
            f"(p {two.holm:.3g} after Holm; {two.items:,} items)"
        )
    screen.say(f"all of it: {store.folder.path / SUMMARY}")


def _serve(store: RatingStore, port: int, no_browser: bool) -> None:
    from specsight.service.access import Access
    from specsight.service.local import LocalServer
    from specsight.service.rating.application import RATER, application, prepare

    prepare(store.folder)  # what is missing is said before a page opens
    roles = dict.fromkeys(store.folder.rating.raters, RATER)
    server = LocalServer(application(store), Access(roles), port)
    for code, address in server.addresses.items():
        screen.say(f"{code}: {address}")
    screen.say("press Ctrl-C to end")
    if not no_browser:
        webbrowser.open(next(iter(server.addresses.values())))
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
