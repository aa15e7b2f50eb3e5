"""Verbs that make things: pictures of `tyres`, a set under `stress`, weights (`train`)."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import ENCODER, MAX_MEGAPIXELS, PATH, REPLACE, Command, Verbs
from specsight.errors import SpecsightError
from specsight.learning.device import AUTO


@click.command()
@click.option("--out", type=PATH, required=True)
@click.option("--count", default=600, show_default=True, help="Square crops.")
@click.option("--strips", default=0, show_default=True, help="Whole turns, as long strips.")
@click.option("--seed", default=0, show_default=True)
@click.option("--size", default=256, show_default=True, help="Side of a crop, in pixels.")
@click.option("--zone", "zones", multiple=True, help="tread, sidewall or bead; repeatable; default: all.")
@click.option("--light", "lights", multiple=True, help="Repeatable; default: all.")
@click.option(
    "--model",
    default="touring",
    show_default=True,
    help="touring, sport, winter, cargo, invented:NUMBER, or invented: many of them, 24 samples each.",
)
@click.option("--workers", type=int, help="Processes; default: one per processor.")
@REPLACE
def tyres(
    out: Path,
    count: int,
    strips: int,
    seed: int,
    size: int,
    zones: tuple[str, ...],
    lights: tuple[str, ...],
    model: str,
    workers: int | None,
    replace: bool,
) -> None:
    """Make a synthetic set of tyre pictures with depth, masks and words."""
    from specsight.synthetic.tyres import generate
    from specsight.synthetic.tyres.conditions import LIGHTS
    from specsight.synthetic.tyres.geometry import ZONES

    made = generate(
        out,
        count,
        seed,
        size,
        strips,
        zones=zones or ZONES,
        lights=lights or LIGHTS,
        model=model,
        workers=workers,
        replace=replace,
    )
    screen.say(f"{made.samples} synthetic pictures, {made.defective} defective: {made.manifest}")


@click.command()
@click.argument("data", type=PATH)
@click.option("--name", required=True, help="See: list stressors.")
@click.option("--level", type=float, help="In the stressor's unit; default: its middle level.")
@click.option("--out", type=PATH, required=True, help="Folder of the stressed copy.")
@click.option("--seed", default=0, show_default=True)
@click.option("--layout", default="auto", show_default=True, help="See: list datasets.")
@click.option("--product", help="One product of a set that holds several.")
@click.option("--all", "every", is_flag=True, help="Stress training pictures too, not only test pictures.")
@MAX_MEGAPIXELS
def stress(
    data: Path,
    name: str,
    level: float | None,
    out: Path,
    seed: int,
    layout: str,
    product: str | None,
    every: bool,
) -> None:
    """Write a copy of a data set whose test pictures are darkened, blurred, hidden in part or otherwise stressed."""
    from specsight.stress import stressors, write_stressed

    asked = stressors[name].middle if level is None else level
    made = write_stressed(data, name, asked, out, seed=seed, layout=layout, product=product, every=every)
    screen.account(made.account.line, made.account.notes)
    screen.say(f"{stressors[name].title}, {asked:g} ({stressors[name].unit}): {made.manifest}")


@click.group(cls=Verbs)
def train() -> None:
    """Make weights: recipes that go on from their last checkpoint when called again."""


MINUTES = click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Time for training, in place of the recipe's steps; rendering its examples takes time besides.",
)


def _refused(_context: click.Context, _parameter: click.Parameter, runtime: str | None) -> None:
    if runtime is not None:
        raise SpecsightError(
            "--runtime: training runs by torch, which alone computes gradients; leave it out"
        )


def on_device(command: Command) -> Command:
    """Give a recipe its `--device`, and a refusal of `--runtime` that says why."""
    runtime = click.option("--runtime", hidden=True, expose_value=False, callback=_refused)
    device = click.option(
        "--device",
        default=AUTO,
        show_default=True,
        help="auto (a GPU where there is one), cpu, cuda, cuda:N or mps.",
    )
    return device(runtime(command))


@train.command()
@click.option("--photographs", type=PATH, required=True, help="Folder with photographs to learn from.")
@click.option(
    "--teacher", type=PATH, required=True, help="Convolutional checkpoint to distil (transformers folder)."
)
@click.option("--out", type=PATH, required=True, help="Checkpoints, log and the exported encoder.")
@click.option("--start", type=PATH, help="An encoder of this recipe whose weights are to learn on.")
@MINUTES
@on_device
def encoder(
    photographs: Path, teacher: Path, out: Path, start: Path | None, minutes: float | None, device: str
) -> None:
    """Train a small vision-language encoder: half an hour on a GPU, about two on two free processors."""
    from specsight.learning.device import choose_device
    from specsight.recipes.encoder import train as training
    from specsight.recipes.encoder.recipe import EncoderRecipe
    from specsight.recipes.run import RunOptions

    recipe = EncoderRecipe(RunOptions(device=device))
    if choose_device(device).type != "cpu":
        recipe = recipe.for_gpu()
    if minutes is not None:
        recipe = recipe.within(minutes, training.GOING_ON if start else training.STAGES)
    made = training.train(recipe, out, training.Sources(photographs, teacher, start=start))
    screen.say(f"encoder: {made}", f"use it: --encoder {made}")


@train.command()
@click.option("--photographs", type=PATH, required=True, help="Folder with photographs to learn from.")
@click.option("--teacher", default=ENCODER, show_default=True, help="An encoder that reads.")
@click.option("--out", type=PATH, required=True, help="Checkpoints, log and the exported encoder.")
@MINUTES
@on_device
def transformer(photographs: Path, teacher: str, out: Path, minutes: float | None, device: str) -> None:
    """Teach a small ViT to see what another encoder sees, to compare architectures; 20 minutes on two processors."""
    from specsight.recipes import transformer as training
    from specsight.recipes.run import RunOptions

    recipe = training.TransformerRecipe(RunOptions(device=device))
    recipe = recipe if minutes is None else recipe.within(minutes)
    made = training.train(recipe, out, photographs, teacher)
    screen.say(f"encoder: {made}", f"use it: --encoder {made}")


@train.command()
@click.option("--photographs", type=PATH, required=True, help="Folder with photographs to learn from.")
@click.option("--out", type=PATH, required=True, help="Pictures, checkpoints, log and the exported model.")
@click.option(
    "--language-model",
    default="bundled",
    show_default=True,
    help="bundled: a small one from scratch; smollm2, or a causal checkpoint's folder or hub id: with adapters.",
)
@click.option("--encoder", default=ENCODER, show_default=True, help="What the language model sees with.")
@click.option(
    "--start",
    type=PATH,
    help="A finished model whose heads are to learn on; of one from scratch, its language model too.",
)
@MINUTES
@on_device
def language(
    photographs: Path,
    out: Path,
    language_model: str,
    encoder: str,
    start: Path | None,
    minutes: float | None,
    device: str,
) -> None:
    """Train a language model that points: within an hour and a half on two free processors."""
    from specsight.learning.device import choose_device
    from specsight.recipes.language import train as training
    from specsight.recipes.language.recipe import BUNDLED, LanguageRecipe
    from specsight.recipes.run import RunOptions

    recipe = LanguageRecipe(RunOptions(device=device), language_model, encoder)
    if choose_device(device).type != "cpu":
        recipe = recipe.for_gpu()
    elif language_model != BUNDLED:
        recipe = recipe.for_adapters()
    if minutes is not None:
        recipe = recipe.within(minutes)
    made = training.train(recipe, out, photographs, start=start)
    screen.say(f"language model: {made}", f"use it: --detector llava-ads --set language_model={made}")


@train.command()
@click.option(
    "--gallery",
    type=PATH,
    required=True,
    help="The --out of `specsight train language`: its pictures are learned from.",
)
@click.option("--out", type=PATH, required=True, help="Checkpoint, log and the exported model.")
@click.option(
    "--start",
    default="bundled",
    show_default=True,
    help="The language model that points with which it begins: bundled, or a folder; or a model of this verb.",
)
@MINUTES
@on_device
def anomalygpt(gallery: Path, out: Path, start: str, minutes: float | None, device: str) -> None:
    """Train a language model that reads maps: twenty minutes on one free processor."""
    from specsight.recipes.anomalygpt import train as training
    from specsight.recipes.anomalygpt.recipe import AnomalyGptRecipe
    from specsight.recipes.run import RunOptions

    recipe = AnomalyGptRecipe(RunOptions(device=device, workers=0))
    recipe = recipe if minutes is None else recipe.within(minutes)
    made = training.train(recipe, out, gallery, start)
    screen.say(f"language model: {made}", f"use it: --detector anomalygpt --set language_model={made}")


@train.command()
@click.option(
    "--photographs",
    type=PATH,
    required=True,
    help="Folder of photographs whose surfaces defects are painted on.",
)
@click.option("--out", type=PATH, required=True, help="Episodes, checkpoint, log and the exported head.")
@MINUTES
@on_device
def fusion(photographs: Path, out: Path, minutes: float | None, device: str) -> None:
    """Train the head that reads deviations and obeys clauses: half an hour on one free processor, pictures and all."""
    from specsight.recipes.fusion import train as training
    from specsight.recipes.fusion.recipe import FusionRecipe
    from specsight.recipes.run import RunOptions

    recipe = FusionRecipe(RunOptions(device=device, workers=0))
    recipe = recipe if minutes is None else recipe.within(minutes)
    made = training.train(recipe, out, photographs)
    screen.say(f"head: {made}", f"use it: --detector fusion --set head={made}")
