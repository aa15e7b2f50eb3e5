"""The verb `benchmark panels`: pictures of one product → panels, which a benchmark asks about place by place."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import MAX_MEGAPIXELS, PATH


@click.command()
@click.argument("data", type=PATH)
@click.option("--spec", type=PATH, required=True, help="The product's words: its types of defects (YAML).")
@click.option("-o", "--out", type=PATH, required=True, help="New folder.")
@click.option("--layout", default="auto", show_default=True, help="Layout of the data. See: list datasets.")
@click.option("--product", help="Only this product.")
@click.option("--rows", default=2, show_default=True, help="Pictures above each other, 1 to 3.")
@click.option("--columns", default=3, show_default=True, help="Pictures beside each other, 1 to 3.")
@click.option("--cell", default=160, show_default=True, help="Side of each picture in pixels.")
@click.option("--count", default=60, show_default=True, help="Test panels; half of them show defects.")
@click.option("--seed", default=0, show_default=True)
@MAX_MEGAPIXELS
def panels(
    data: Path,
    spec: Path,
    out: Path,
    layout: str,
    product: str | None,
    rows: int,
    columns: int,
    cell: int,
    count: int,
    seed: int,
) -> None:
    """Compose pictures of DATA to non-square panels, for questions that name a place and a type (TGAD-style S3).

    Each panel brings matched pairs of instructions. Training panels are made of good training pictures alone.

    \b
    specsight benchmark panels photos/bottle --spec bottle.yaml -o panels/
    specsight benchmark build panels/manifest.jsonl --spec panels/specification.yaml -o bench-panels/
    """
    from specsight.datasets import load_dataset
    from specsight.evaluation.instructions.panels import Layout, write_panels
    from specsight.specification import load_specification
    from specsight.storage import whole_folder

    listing = load_dataset(data, layout, product)
    good = [one for one in listing.samples if one.split == "train" and one.label == "good"]
    tested = [one for one in listing.samples if one.split != "train" and one.label != "unknown"]
    with whole_folder(out) as folder:
        write_panels(
            good,
            tested,
            load_specification(spec),
            folder,
            Layout(rows, columns, (cell, cell)),
            test=count,
            seed=seed,
        )
    screen.say(
        f"{count} test panels are in '{out}'; ask about them with: specsight benchmark build {out}/manifest.jsonl"
    )
