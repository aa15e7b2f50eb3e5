"""The verb `benchmark report`: several models' answers to one benchmark, scored and side by side on one page."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import PATH

HEADLINES = (
    ("accuracy", "accuracy"),
    ("pairs", "pairs right both ways"),
    ("scenario_pairs/S3", "pairs of panels right both ways"),
    ("counterfactual/flip", "flip"),
    ("counterfactual/stability", "stability"),
)
"""Name of a number → what it is called on the screen."""


@click.command()
@click.argument("bench", type=PATH)
@click.argument("runs", metavar="RUN...", type=PATH, nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, help="Page (HTML) to write.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
@click.option(
    "--resamples", default=1000, show_default=True, help="Bootstrap resamples; 0: Wilson's intervals."
)
def report(bench: Path, runs: tuple[Path, ...], out: Path, data: Path | None, resamples: int) -> None:
    """Score the answers in each RUN and compare the models on one page.

    \b
    specsight benchmark report bench/ runs/random runs/blind runs/patchcore -o report.html
    """
    from specsight.benchmark.files import Benchmark
    from specsight.errors import SpecsightError
    from specsight.report.benchmark_page import render_benchmark

    if out.is_dir():
        raise SpecsightError(f"--out '{out}' is a folder: name the page, such as '{out / 'report.html'}'")
    if resamples < 0:
        raise SpecsightError(f"--resamples {resamples}: give a number of resamples, or 0")
    scores = render_benchmark(Benchmark(bench, data), runs, out, resamples=resamples)
    for name, one in scores.items():
        words = [
            f"{title} {100 * figure.value:.1f} %"
            for key, title in HEADLINES
            if (figure := one.figures.get(key)) is not None and figure.value is not None
        ]
        screen.say(
            f"{name}: {', '.join(words) or 'nothing to count'} ({one.asked:,} of {one.total:,} questions)"
        )
    screen.say(f"report: {out}")
