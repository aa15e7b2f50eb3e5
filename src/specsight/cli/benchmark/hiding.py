"""The verb `benchmark hide`: a benchmark for others to answer, without the answers of its test split."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import PATH
from specsight.errors import SpecsightError


@click.command()
@click.argument("bench", type=PATH)
@click.option(
    "--key", type=PATH, required=True, help="File with the secret key; made where there is none. Keep it."
)
@click.option("-o", "--out", type=PATH, required=True, help="New folder.")
@click.option(
    "--open",
    "run",
    type=PATH,
    help="A run over the hidden benchmark: write it as one over BENCH, to report on.",
)
def hide(bench: Path, key: Path, out: Path, run: Path | None) -> None:
    """Write the benchmark BENCH for others, without the answers and the truth of its test split.

    In the place of each answer stands a commitment under the key: it shows later that no answer was changed.

    \b
    specsight benchmark hide bench/ --key bench.key -o public/
    specsight benchmark hide bench/ --key bench.key --open their-run/ -o run/
    specsight benchmark report bench/ run/ -o page.html
    """
    from specsight.benchmark.files import Benchmark
    from specsight.benchmark.hiding import hide_answers, open_run, read_key

    if run is None:
        manifest = hide_answers(Benchmark(bench), out, read_key(key))
        screen.say(f"{manifest.build['hidden']:,} answers are hidden in '{out}'; keep '{key}' to yourself")
        return
    if not key.is_file():
        raise SpecsightError(f"there is no key '{key}': give the one that BENCH was hidden with")
    opened = open_run(run, Benchmark(bench), out, read_key(key))
    screen.say(f"the answers of '{opened.model}' are in '{out}', to be scored against '{bench}'")
