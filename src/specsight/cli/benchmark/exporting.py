"""The verb `benchmark export`: a benchmark in the form that others read."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import PATH


@click.command()
@click.argument("bench", type=PATH)
@click.option("--to", required=True, help="mmad, hf, coco, llava, croissant or labelstudio.")
@click.option("-o", "--out", type=PATH, required=True, help="Folder to write.")
@click.option("--data", type=PATH, help="Where the pictures are, if not where the benchmark says.")
@click.option("--pictures", is_flag=True, help="Copy the pictures too, for your own use: see their licences.")
@click.option("--replace", is_flag=True, help="Replace an export that is there.")
def export(bench: Path, to: str, out: Path, data: Path | None, pictures: bool, replace: bool) -> None:
    """Write the benchmark BENCH in the form of another tool.

    \b
    specsight benchmark export bench/ --to coco -o coco/
    """
    from specsight.benchmark.export import export_benchmark
    from specsight.benchmark.files import Benchmark
    from specsight.storage import check_output

    check_output(out)
    benchmark = Benchmark(bench, data)
    exported = export_benchmark(benchmark, to, out, pictures=pictures, replace=replace)
    for reason, count in exported.left_out.most_common():
        screen.say(f"left out, {count:,}: {reason}")
    screen.say(f"{exported.count:,} written: {out}")
    if not pictures:
        screen.say("pictures were not copied: paths are relative to the data folder")
    else:
        screen.say(
            f"pictures were copied under their owners' terms: {'; '.join(benchmark.manifest.licences)}"
        )
