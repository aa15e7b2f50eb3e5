"""The verb `benchmark check`: what a benchmark is held to before it is released."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import PATH
from specsight.errors import one_line

COLOURS = {"passes": "green", "warns": "yellow", "fails": "red", "not run": "red"}


@click.command()
@click.argument("bench", type=PATH)
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
@click.option(
    "--only", multiple=True, metavar="CHECK", help="Run this check alone; may be given several times."
)
def check(bench: Path, data: Path | None, only: tuple[str, ...]) -> int:
    """Check the benchmark BENCH: structure, truth, balance, duplicates, leaks, pictures, what words alone give away.

    Ends with 1 where a check fails: such a benchmark is released only with a note.

    \b
    specsight benchmark check bench/
    specsight benchmark check bench/ --only letters --only leakage
    """
    from specsight.benchmark.checks import check_benchmark, failures
    from specsight.benchmark.files import Benchmark

    results = check_benchmark(Benchmark(bench, data), only)
    for one in results:
        click.echo(
            f"{click.style(f'{one.status:8}', fg=COLOURS[one.status])} {one.title}: {one_line(one.summary)}"
        )
        for problem in one.problems:
            screen.say(f"{'':9}{problem}")
    failed = failures(results)
    if failed:
        named = [f"{one.name} ({one.status})" if one.status != "fails" else one.name for one in failed]
        screen.say(f"{len(failed)} of {len(results)} checks fail or were not run: {', '.join(named)}")
    return 1 if failed else 0
