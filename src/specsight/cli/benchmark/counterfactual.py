"""The verb `benchmark counterfactuals`: the same questions of pictures whose defects are painted over."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import MAX_MEGAPIXELS, PATH


@click.command()
@click.argument("bench", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the new benchmark.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
@click.option("--limit", default=200, show_default=True, help="Original pictures at most; 0: all.")
@click.option("--seed", default=0, show_default=True, help="Which pictures, and which regions elsewhere.")
@MAX_MEGAPIXELS
def counterfactuals(bench: Path, out: Path, data: Path | None, limit: int, seed: int) -> None:
    """Paint the defects of BENCH over, and ask again: answers must follow the defect, and nothing else.

    \b
    specsight benchmark counterfactuals bench/ -o bench-counterfactuals/
    """
    from specsight.benchmark.counterfactuals import make_counterfactuals
    from specsight.benchmark.files import Benchmark
    from specsight.errors import SpecsightError
    from specsight.storage import check_output

    if limit < 0:
        raise SpecsightError(f"--limit {limit}: give a number of pictures, or 0 for all")
    check_output(out)
    made = make_counterfactuals(Benchmark(bench, data), out, limit=limit or None, seed=seed)
    for reason, count in made.left_out.most_common():
        screen.say(f"left out, {count:,}: {reason}")
    screen.say(f"{made.pictures:,} pictures, each with two edits: {out}")
    screen.say(
        f"pictures were copied under their owners' terms: {'; '.join(made.benchmark.manifest.licences)}"
    )
