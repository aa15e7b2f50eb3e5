"""The command line: verbs over the rooms, nothing else. Heavy rooms are imported by the verb that needs them."""

from __future__ import annotations

import errno
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specsight import __version__, screen
from specsight.errors import SpecsightError, did_you_mean

if TYPE_CHECKING:
    from specsight.records import Sample

PATH = click.Path(path_type=Path)
ENCODER = "filters"

encoder_option = click.option(
    "--encoder", default=ENCODER, show_default=True, help="A name, a folder or a hub id."
)
detector_option = click.option(
    "--detector", default="patchcore", show_default=True, help="See: list detectors."
)
resolution_option = click.option(
    "--resolution", type=int, help="Shorter side, in pixels; default: the detector's own."
)
set_option = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Detector parameter."
)
spec_option = click.option("--spec", type=PATH, help="Specification of the product (YAML).")
rate_option = click.option(
    "--false-reject-rate", default=0.05, show_default=True, help="Wanted upper limit for good parts rejected."
)
confidence_option = click.option("--confidence", default=0.95, show_default=True, help="Of that limit.")
holdout_option = click.option("--holdout", type=int, help="Good pictures kept for the threshold.")


class Verbs(click.Group):
    """A group whose misspelt verbs get "did you mean"."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise SpecsightError(f"unknown command '{args[0]}': {did_you_mean(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="specsight")
def cli() -> None:
    """Multimodal anomaly detection for industrial products."""


@cli.command()
@click.option("--good", type=PATH, help="Folder with pictures of good parts; not needed by words alone.")
@click.option("-o", "--out", type=PATH, required=True, help="Where to save the model.")
@detector_option
@encoder_option
@resolution_option
@set_option
@spec_option
@holdout_option
@rate_option
@confidence_option
@click.option("--seed", default=0, show_default=True)
def fit(
    good: Path | None,
    out: Path,
    detector: str,
    encoder: str,
    resolution: int | None,
    settings: tuple[str, ...],
    spec: Path | None,
    holdout: int | None,
    false_reject_rate: float,
    confidence: float,
    seed: int,
) -> None:
    """Learn what good parts look like, with a threshold from parts held out.

    Detectors that read (--spec) may do without good parts, and then without a threshold.
    """
    from specsight.detectors import create_detector
    from specsight.inspector import Inspector
    from specsight.specification import load_specification

    specification = load_specification(spec) if spec else None
    size = {} if resolution is None else {"resolution": resolution}
    method = create_detector(detector, encoder=encoder, seed=seed, **size, **_parameters(settings))
    inspector = Inspector.fit(
        method,
        _good_samples(good) if good else [],
        specification,
        holdout=holdout,
        false_reject_rate=false_reject_rate,
        confidence=confidence,
        seed=seed,
    )
    inspector.save(out)
    for skipped in inspector.skipped:
        click.echo(f"skipped: {skipped.reason}", err=True)
    if inspector.calibration:
        click.echo(f"threshold: {inspector.calibration.statement()}")
    else:
        click.echo("no threshold: too few good parts to hold any out; scores and maps only, no verdicts")
    click.echo(f"saved: {out}\nnext: specsight inspect {out} PICTURES -o out/")


@cli.command()
@click.argument("model", type=PATH)
@click.argument("pictures", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Where verdicts, overlays and report go.")
@click.option("--encoder", help="Where the model's encoder lies now, if it has moved.")
def inspect(model: Path, pictures: Path, out: Path, encoder: str | None) -> None:
    """Judge a folder of pictures with a saved model."""
    from specsight.datasets import load_dataset
    from specsight.evaluation import write_inspections
    from specsight.inspector import Inspector
    from specsight.report import render

    inspector = Inspector.load(model, encoder)
    listing = load_dataset(pictures)
    write_inspections(inspector, listing.samples, out, data=pictures, model=model)
    page = render(out)
    screen.verdicts(out)
    click.echo(f"report: {page}")


@cli.command()
@click.option("--data", type=PATH, required=True, help="Data set, one of its products, or a manifest.")
@detector_option
@encoder_option
@resolution_option
@set_option
@spec_option
@click.option("--layout", default="auto", show_default=True, help="See: list datasets.")
@click.option("--product", help="One product of a set that holds several.")
@click.option(
    "--shots", help="Learn from this many good pictures only (0: from words); 1,2,4,8 draws a curve."
)
@click.option("--defects", default=0, show_default=True, help="Labelled defects of each type to learn from.")
@click.option("--train-on", type=PATH, help="Another labelled set, for detectors trained across sets.")
@click.option("--train-spec", type=PATH, help="Words about that set; default: its names.")
@click.option("--seeds", default="0", show_default=True, help="Such as 0,1,2.")
@holdout_option
@rate_option
@confidence_option
@click.option("--map-size", type=int, help="Shorter side for pixel metrics; default: the pictures' own.")
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples; 0: no intervals.")
@click.option("--out", type=PATH, help="Run folder; default: under runs/.")
def evaluate(
    data: Path,
    detector: str,
    encoder: str,
    resolution: int | None,
    settings: tuple[str, ...],
    spec: Path | None,
    layout: str,
    product: str | None,
    shots: str | None,
    defects: int,
    train_on: Path | None,
    train_spec: Path | None,
    seeds: str,
    holdout: int | None,
    false_reject_rate: float,
    confidence: float,
    map_size: int | None,
    resamples: int,
    out: Path | None,
) -> None:
    """Measure a detector on labelled pictures; a stopped run goes on when called again.

    Several detectors (patchcore,subspacead) or several shots give a run folder each, one table and one chart.
    """
    from specsight import evaluation
    from specsight.report import render

    methods, counts = detector.split(","), _whole_numbers("--shots", shots) if shots else ()
    config = evaluation.EvaluationConfig(
        data=data,
        detector=methods[0],
        parameters=_parameters(settings),
        encoder=encoder,
        resolution=resolution,
        layout=layout,
        product=product,
        shots=counts[0] if counts else None,
        defects=defects,
        train_on=train_on,
        train_specification=train_spec,
        seeds=_whole_numbers("--seeds", seeds),
        holdout=holdout,
        false_reject_rate=false_reject_rate,
        confidence=confidence,
        specification=spec,
        map_size=map_size,
        resamples=resamples,
    )
    out = out or _run_folder(data, detector, encoder, shots)
    if len(methods) > 1 or len(counts) > 1:
        runs = evaluation.few_shot_curve(config, methods, counts or (None,), out)
        screen.curve(out, [render(run) for run in runs])
        return
    run = evaluation.evaluate(config, out)
    page = render(run)
    screen.headline(run)
    click.echo(f"report: {page}")


@cli.command()
@click.argument("run", type=PATH)
def report(run: Path) -> None:
    """Draw the page of a finished run again."""
    from specsight.report import render

    click.echo(f"report: {render(run)}")


@cli.command()
@click.argument("data", type=PATH)
@click.option("--layout", default="auto", show_default=True, help="See: list datasets.")
@click.option("--product", help="One product of a set that holds several.")
def check(data: Path, layout: str, product: str | None) -> int:
    """Open every file of a data set; say what is missing, broken, double or leaking."""
    import rich

    from specsight.datasets import load_dataset
    from specsight.datasets.check import check_dataset

    found = check_dataset(load_dataset(data, layout, product))
    rich.print(found)
    return 1 if found.problems else 0


@cli.command()
@click.option("--out", type=PATH, required=True)
@click.option("--count", default=600, show_default=True, help="Square crops.")
@click.option("--strips", default=0, show_default=True, help="Whole turns, as long strips.")
@click.option("--seed", default=0, show_default=True)
@click.option("--size", default=256, show_default=True, help="Side of a crop, in pixels.")
@click.option("--zone", "zones", multiple=True, help="tread, sidewall or bead; repeatable; default: all.")
@click.option("--light", "lights", multiple=True, help="Repeatable; default: all.")
@click.option("--model", default="touring", show_default=True, help="touring, sport, winter or cargo.")
@click.option("--workers", type=int, help="Processes; default: one per processor.")
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
) -> None:
    """Make a synthetic set of tyre pictures with depth, masks and words."""
    from specsight.tyres import generate
    from specsight.tyres.conditions import LIGHTS
    from specsight.tyres.geometry import ZONES

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
    )
    click.echo(f"{made.samples} synthetic pictures, {made.defective} defective: {made.manifest}")


@cli.group(cls=Verbs)
def train() -> None:
    """Make weights: recipes that go on from their last checkpoint when called again."""


@train.command()
@click.option("--photographs", type=PATH, required=True, help="Folder with photographs to learn from.")
@click.option(
    "--teacher", type=PATH, required=True, help="Convolutional checkpoint to distil (transformers folder)."
)
@click.option("--out", type=PATH, required=True, help="Checkpoints, log and the exported encoder.")
def encoder(photographs: Path, teacher: Path, out: Path) -> None:
    """Train a small vision-language encoder; about an hour on two free processors."""
    from specsight.training import encoder as training
    from specsight.training.recipe import EncoderRecipe

    made = training.train(EncoderRecipe(), out, training.Sources(photographs, teacher))
    click.echo(f"encoder: {made}\nuse it: --encoder {made}")


@cli.command(name="list")
@click.argument("what", metavar="|".join(screen.KINDS))
def list_(what: str) -> None:
    """Names that the other commands take."""
    screen.names(what)


@cli.command()
@click.option("--encoder", default=ENCODER, show_default=True, help="The encoder to look at.")
def doctor(encoder: str) -> int:
    """What is installed, which encoder would run, threads, memory and disk."""
    from specsight.doctor import examine

    lines = examine(encoder)
    for line in lines:
        mark = click.style("ok", fg="green") if line.fine else click.style("--", fg="yellow")
        click.echo(f"{mark}  {line.what:24} {line.found}")
        if line.hint:
            click.echo(f"    {'':24} {line.hint}")
    return 0 if all(line.fine for line in lines) else 1


def main() -> None:
    """Entry point: a person's mistake is one line on standard error, never a traceback."""
    try:
        code = cli(standalone_mode=False)
    except SpecsightError as error:
        _fail(str(error), 2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail("stopped; what was finished is kept, run the same command again to go on", 130)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG):
            raise
        _fail(f"{error.strerror}: '{error.filename or 'the output folder'}'", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _parameters(settings: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE pairs with values as YAML writes them: numbers, true, [stride8, stride16]."""
    import yaml

    parameters: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not equals or not name:
            raise SpecsightError(f"--set {setting}: write NAME=VALUE, such as --set coreset_ratio=0.01")
        if name in ("encoder", "resolution", "seed"):
            raise SpecsightError(f"--set {setting}: that has an option of its own, --{name} (or --seeds)")
        parameters[name] = tuple(parsed) if isinstance(parsed, list) else parsed
    return parameters


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise SpecsightError(f"{option} {text}: write whole numbers with commas, such as 0,1,2") from error


def _good_samples(folder: Path) -> list[Sample]:
    """Every picture in the folder, taken for good; where subfolders tell good from other, only the good ones."""
    from specsight.datasets import load_dataset

    samples = load_dataset(folder).samples
    told = [s for s in samples if s.label == "good" and not s.split.startswith("test")]
    chosen = told or [s for s in samples if s.label == "unknown"]
    if not chosen:
        raise SpecsightError(f"'{folder}' holds defective parts only: point --good at pictures of good parts")
    return [replace(s, label="good", split="train") for s in chosen]


def _run_folder(data: Path, detector: str, encoder: str, shots: str | None) -> Path:
    few = [f"{shots}-shot"] if shots else []
    return Path("runs") / "-".join([data.resolve().name, detector, Path(encoder).name, *few])


def _fail(message: str, code: int) -> None:
    click.echo(f"specsight: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
