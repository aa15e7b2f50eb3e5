"""The verb `benchmark run`: one model over the items of a benchmark."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import MAX_MEGAPIXELS, PATH

SPLITS = ("train", "validation", "test", "all")


@click.command()
@click.argument("folder", metavar="BENCH", type=PATH)
@click.option("--model", required=True, help="random, majority, oracle; see: docs/benchmarks.md")
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the run.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True)
@click.option("--task", "tasks", multiple=True, help="Ask items of this task alone; may be given again.")
@click.option("--limit", type=int, help="Items of each task at most, drawn by --seed.")
@click.option("--rotations", default=1, show_default=True, help="Orders in which options are shown.")
@click.option("--shots", type=int, help="Reference pictures shown with an item at most; default: its own.")
@click.option("--seed", default=0, show_default=True)
@click.option("--retry", is_flag=True, help="Ask again what failed in an earlier call.")
@MAX_MEGAPIXELS
def run(
    folder: Path,
    model: str,
    out: Path,
    data: Path | None,
    split: str,
    tasks: tuple[str, ...],
    limit: int | None,
    rotations: int,
    shots: int | None,
    seed: int,
    retry: bool,
) -> None:
    """Ask a model every item of a benchmark; a stopped run goes on when called again."""
    from specsight.benchmark.answering.contract import AnswererConfig
    from specsight.benchmark.answering.naming import answerer_named
    from specsight.benchmark.answering.running import RunConfig, run_benchmark
    from specsight.benchmark.answering.selecting import Selection
    from specsight.benchmark.files import Benchmark

    chosen = Selection(None if split == "all" else split, tasks, limit, seed)  # type: ignore[arg-type]
    config = RunConfig(chosen, rotations, shots, retry=retry)
    answerer = answerer_named(model, AnswererConfig(seed=seed))
    tally = run_benchmark(Benchmark(folder, data), model, answerer, out, config)
    screen.say(f"{tally.answered} answers in '{out}', {tally.before} of them from earlier calls")
    if tally.invalid:
        screen.say(f"{tally.invalid} without a readable answer: they count as wrong")
    for reason, count in tally.failed.most_common(5):
        screen.say(f"{count} failed: {reason}")
    if tally.failed:
        screen.say(f"{sum(tally.failed.values())} failed in all; --retry asks them again")
    if tally.cost is not None:
        screen.say(f"{tally.tokens_read} tokens read, {tally.tokens_written} written, cost {tally.cost:.4f}")
    screen.say(f"report: specsight benchmark report {folder} {out} -o report.html")
