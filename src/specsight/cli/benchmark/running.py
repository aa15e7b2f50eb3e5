"""The verb `benchmark run`: one model over the items of a benchmark."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import DEVICE_HELP, MAX_MEGAPIXELS, PLACE, RUNTIME, engines, here, output
from specsight.cli.settings import parameters

if TYPE_CHECKING:
    from specsight.storage.addresses import Address

SPLITS = ("train", "validation", "test", "all")


@click.command()
@click.argument("folder", metavar="BENCH", type=PLACE)
@click.option(
    "--model",
    required=True,
    help="random, majority, blind, oracle, detector:NAME, pointing:NAME, the folder of a saved model, "
    "endpoint:URL#MODEL, transformers:FOLDER (a vision-language checkpoint), text:NAME (a language model without "
    "pictures).",
)
@click.option("-o", "--out", type=PLACE, required=True, help="Folder of the run.")
@click.option("--data", type=PLACE, help="Where the pictures are, if not where the benchmark says.")
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True)
@click.option("--task", "tasks", multiple=True, help="Ask items of this task alone; may be given again.")
@click.option("--limit", type=int, help="Items of each task at most, drawn by --seed.")
@click.option("--no-scenarios", is_flag=True, help="Leave out the items of scenarios.")
@click.option("--rotations", default=1, show_default=True, help="Orders in which options are shown.")
@click.option(
    "--shots",
    default=0,
    show_default=True,
    help="Good train parts shown with every question, or that a detector is fitted on (0: all).",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help=DEVICE_HELP)
@RUNTIME
@click.option("--encoder", help="Of detectors: a name, a folder or a hub id.")
@click.option("--resolution", type=int, help="Of detectors: shorter side in pixels.")
@click.option("--part-maps", is_flag=True, help="Hand detectors the part maps of the set.")
@click.option(
    "--clauses", is_flag=True, help="Hand detectors the typed clauses of instructions, not the words."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the model.")
@click.option("--max-tokens", default=256, show_default=True, help="Longest answer of a language model.")
@click.option(
    "--image-size", default=512, show_default=True, help="Longer side of pictures it is shown, at most."
)
@click.option("--workers", default=1, show_default=True, help="Questions to an endpoint under way at once.")
@click.option("--retry", is_flag=True, help="Ask again what failed in an earlier call.")
@engines
@MAX_MEGAPIXELS
def run(
    folder: Path | Address,
    model: str,
    out: Path | Address,
    data: Path | Address | None,
    split: str,
    tasks: tuple[str, ...],
    limit: int | None,
    no_scenarios: bool,
    rotations: int,
    shots: int,
    seed: int,
    device: str,
    encoder: str | None,
    resolution: int | None,
    part_maps: bool,
    clauses: bool,
    settings: tuple[str, ...],
    max_tokens: int,
    image_size: int,
    workers: int,
    retry: bool,
    engine: str,
    engine_address: str | None,
    engine_workers: int | None,
) -> int:
    """Ask a model every item of a benchmark; a stopped run goes on when called again.

    Ends with 1 where every question failed.
    """
    from specsight.benchmark.answering.contract import AnswererConfig
    from specsight.benchmark.answering.naming import answerer_named
    from specsight.benchmark.answering.running import RunConfig, run_benchmark
    from specsight.benchmark.answering.selecting import Selection
    from specsight.benchmark.files import Benchmark
    from specsight.engine import opened

    chosen = Selection(None if split == "all" else split, tasks, limit, seed, not no_scenarios)  # type: ignore[arg-type]
    config = RunConfig(chosen, rotations, shots, workers, retry)
    given = AnswererConfig(
        shots=shots,
        max_tokens=max_tokens,
        image_size=image_size,
        seed=seed,
        device=device,
        part_maps=part_maps,
        clauses=clauses,
        settings=parameters(settings),
        encoder=encoder,
        resolution=resolution,
    )
    answerer = answerer_named(model, given)
    again = partial(answerer_named, model, given)
    benchmark = Benchmark(here(folder), here(data) if data else None)
    with output(out) as written, opened(engine, engine_address, engine_workers) as spread:
        tally = run_benchmark(benchmark, model, answerer, written, config, spread, again)
    screen.say(f"{tally.answered} answers in '{out}', {tally.before} of them from earlier calls")
    if tally.invalid:
        screen.say(f"{tally.invalid} without a readable answer: they count as wrong")
    for reason, count in tally.failed.most_common(5):
        screen.say(f"{count} failed: {reason}")
    if tally.failed:
        screen.say(f"{sum(tally.failed.values())} failed in all; --retry asks them again")
    if tally.cost is not None:
        screen.say(f"{tally.tokens_read} tokens read, {tally.tokens_written} written, cost {tally.cost:.4f}")
    if tally.uncounted and "price_read" in given.settings:
        screen.say(
            f"of {tally.uncounted} answers the endpoint did not count the tokens: their cost is not known"
        )
    screen.say(f"report: specsight benchmark report {folder} {out} -o report.html")
    return 1 if tally.failed and sum(tally.failed.values()) == tally.answered else 0
