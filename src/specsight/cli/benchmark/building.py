"""The verb `benchmark build`: a data set, or the tyre recipe → a benchmark."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import DEVICE_HELP, ENCODER, MAX_MEGAPIXELS, PATH, RUNTIME
from specsight.errors import SpecsightError
from specsight.learning.device import AUTO

if TYPE_CHECKING:
    from specsight.benchmark.build import Built

TYRES = "tyres"
DATA = "data"
"""Folder in which the tyre recipe renders, beside what it builds."""
MOST_REASONS = 2


@click.command()
@click.argument("data", metavar="DATA|tyres")
@click.option("-o", "--out", type=PATH, required=True, help="New folder of the benchmark.")
@click.option(
    "--spec", type=PATH, help="The product's words (YAML); default: a first one is made of the data."
)
@click.option("--layout", default="auto", show_default=True, help="Layout of the data. See: list datasets.")
@click.option("--product", "products", multiple=True, help="Only this product; may be given again.")
@click.option("--name", help="Default: the name of the folder of the data.")
@click.option("--title", default="", help="One line for people.")
@click.option("--size", help="Of the tyre recipe: tiny, standard or large.")
@click.option(
    "--shares", nargs=3, type=float, help="New split: shares of parts in train, validation and test."
)
@click.option(
    "--hold-out", multiple=True, metavar="NAME=VALUE", help="Condition that is in the test split alone."
)
@click.option("--hold-out-product", multiple=True, help="Product that is in the test split alone.")
@click.option(
    "--ontology", "extend", type=PATH, multiple=True, help="YAML with further types; may be given again."
)
@click.option(
    "--captioner",
    "captioners",
    multiple=True,
    help="Further source of descriptions: encoder, or transformers:NAME.",
)
@click.option("--licence", help="Of the pictures, where they are not those of a public set.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--encoder", default=ENCODER, show_default=True, help="What finds outlined parts.")
@click.option("--device", default=AUTO, show_default=True, help=DEVICE_HELP)
@RUNTIME
@MAX_MEGAPIXELS
def build(
    data: str,
    out: Path,
    spec: Path | None,
    layout: str,
    products: tuple[str, ...],
    name: str | None,
    title: str,
    size: str | None,
    shares: tuple[float, float, float] | None,
    hold_out: tuple[str, ...],
    hold_out_product: tuple[str, ...],
    extend: tuple[Path, ...],
    captioners: tuple[str, ...],
    licence: str | None,
    seed: int,
    encoder: str,
    device: str,
) -> None:
    """Make a benchmark of the data set DATA, or the tyre benchmark: samples, descriptions, questions, words, card.

    A build that was stopped goes on when called again. Pictures stay where they are. A folder that is named tyres is
    given as ./tyres.

    \b
    specsight benchmark build photos/bottle --spec bottle.yaml -o bench/
    specsight benchmark build tyres --size standard -o tyre-bench/
    """
    from dataclasses import replace

    from specsight.benchmark.build import BuildPlan, build_benchmark, check_plan
    from specsight.benchmark.splits import SplitPlan
    from specsight.datasets import load_dataset
    from specsight.storage import check_output

    check_output(out)
    if data != TYRES and size is not None:
        raise SpecsightError("--size is of the tyre recipe: specsight benchmark build tyres --size standard")
    source = Path(data)
    plan = BuildPlan(
        name=name or _name(source.resolve()),
        title=title,
        specification=spec,
        licence=licence,
        splits=SplitPlan(seed, shares, hold_out_product, _conditions(hold_out)),
        extend=extend,
        captioners=captioners,
        seed=seed,
        encoder=encoder,
        device=device,
    )
    check_plan(plan, out)
    if data == TYRES:
        from specsight.benchmark.tyre_recipe import write_tyres

        if source.exists():
            screen.say(f"note: {TYRES} is the recipe; the folder of this name is ./{TYRES}")
        source, recipe = write_tyres(out.with_name(f"{out.name}-{DATA}"), size or "standard")
        plan = replace(
            plan,
            name=name or recipe.name,
            title=title or recipe.title,
            specification=spec or recipe.specification,
            licence=licence or recipe.licence,
            splits=replace(plan.splits, conditions=plan.splits.conditions or recipe.splits.conditions),
        )
    listing = load_dataset(source, layout, list(products) or None)
    _say(build_benchmark(listing, out, plan), out)


def _name(data: Path) -> str:
    """The folder's name; of a list that of the folder that it lies in."""
    return data.parent.name if data.is_file() else data.name


def _conditions(given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    conditions: dict[str, tuple[str, ...]] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise SpecsightError(f"--hold-out {one}: write NAME=VALUE, such as light=low")
        conditions[name] = (*conditions.get(name, ()), value)
    return conditions


def _say(built: Built, out: Path) -> None:
    """What was made, what was not and why, and what comes next."""
    manifest = built.benchmark.manifest
    for note in built.notes:
        screen.say(f"note: {note}")
    for lost in built.left_out:
        screen.say(f"left out: {lost.id}: {lost.reason}")
    _say_not_made(built)
    tasks = ", ".join(
        f"{name.partition('/')[2]} {count:,}" for name, count in manifest.counts.items() if "/" in name
    )
    screen.say(f"{manifest.counts['samples']:,} pictures, {manifest.counts['items']:,} items: {tasks}")
    for one in built.missing:
        screen.say(f"to complete in {out / 'specification.yaml'}: {one}")
    screen.say(f"saved: {out}", f"next: specsight benchmark check {out}")


def _say_not_made(built: Built) -> None:
    """Why tasks ask nothing, or not about all pictures: of each the reasons for most questions that were not asked."""
    from specsight.benchmark.tasks import TASKS

    counts = built.benchmark.manifest.counts
    for task in TASKS:
        reasons: Counter[str] = Counter()
        for (_, name), counter in built.not_made.items():
            if name == task:
                reasons.update(counter)
        told = "; ".join(
            f"{reason} ({count:,} {'question' if count == 1 else 'questions'})"
            for reason, count in reasons.most_common(MOST_REASONS)
        )
        if not counts.get(f"items/{task}"):
            screen.say(f"no items of {task}: {told or 'no picture is in question'}")
        elif told:
            screen.say(f"not all pictures of {task}: {told}")
