"""Verbs for labelled pictures: `evaluate`, `report`, `check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import MAX_MEGAPIXELS, PATH, fitting, whole_numbers
from specsight.cli.settings import parameters_of_fit
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.evaluation import EvaluationConfig

ADAPTATION = "adaptation"
"""A suite that compares lines, not methods alone."""


@click.command()
@click.option("--data", type=PATH, required=True, help="Data set, one of its products, or a manifest.")
@fitting
@click.option("--layout", default="auto", show_default=True, help="See: list datasets.")
@click.option("--product", help="One product of a set that holds several.")
@click.option(
    "--shots", help="Learn from this many good pictures only (0: from words); 1,2,4,8 draws a curve."
)
@click.option("--defects", default=0, show_default=True, help="Labelled defects of each type to learn from.")
@click.option("--seeds", default="0", show_default=True, help="Such as 0,1,2.")
@click.option("--map-size", type=int, help="Shorter side for pixel metrics; default: the pictures' own.")
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples; 0: no intervals.")
@click.option(
    "--suite",
    help="A whole comparison: clad, words, types, instructions, language, adaptation. Further encoders: --encoder A,B.",
)
@click.option(
    "--stress",
    is_flag=False,
    flag_value="all",
    help="Judge the test pictures under stress, too: all, or names such as low_light,occlusion. See: list stressors.",
)
@click.option("--middle", is_flag=True, help="With --stress: the middle level of each stressor alone.")
@click.option(
    "--limit", type=int, help="At most so many good and so many defective test pictures of a product."
)
@click.option(
    "--leave-out",
    help="With --suite adaptation: the condition that tells lines apart (light: each by turns; light=low: one).",
)
@click.option("--target", type=PATH, help="With --suite adaptation: a labelled set of the other line.")
@click.option("--rows", help="Rows of the suite to run, by their folders, such as patchcore,phrases.")
@click.option(
    "--instructions",
    is_flag=True,
    help="Judge the matched pairs of instructions that come with the pictures too.",
)
@click.option(
    "--explain-with",
    default="",
    help="Language model that rewrites statements, under their checks. See: list language-models.",
)
@click.option("-o", "--out", type=PATH, help="Run folder; default: under runs/.")
@MAX_MEGAPIXELS
def evaluate(
    data: Path,
    detector: str,
    minutes: float | None,
    candidates: int | None,
    encoder: str,
    device: str,
    resolution: int | str | None,
    tile: int | str | None,
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
    folds: int | None,
    by_place: bool | None,
    false_reject_rate: float,
    confidence: float,
    map_size: int | None,
    resamples: int,
    suite: str | None,
    stress: str | None,
    middle: bool,
    limit: int | None,
    leave_out: str | None,
    target: Path | None,
    rows: str | None,
    instructions: bool,
    explain_with: str,
    out: Path | None,
) -> None:
    """Measure a detector on labelled pictures; a stopped run goes on when called again.

    Several detectors (patchcore,subspacead) or several shots give a run folder each, one table and one chart.
    """
    from specsight import evaluation

    if suite == ADAPTATION and detector == "patchcore":
        detector = "supervised"
    encoder, *encoders = encoder.split(",") if suite else [encoder]
    methods, counts = detector.split(","), whole_numbers("--shots", shots) if shots else ()
    config = evaluation.EvaluationConfig(
        evaluation.DataConfig(data, layout, product),
        evaluation.DetectorConfig(
            methods[0],
            parameters_of_fit(detector, settings, minutes, candidates),
            encoder,
            resolution,
            device,
            tile,
        ),
        evaluation.LearningConfig(counts[0] if counts else None, defects, spec, train_on, train_spec),
        evaluation.ThresholdConfig(holdout, false_reject_rate, confidence, folds, by_place),
        evaluation.MeasuringConfig(map_size, resamples, instructions, limit, explain_with),
        whole_numbers("--seeds", seeds),
    )
    kind = "-".join([suite or detector, *(["stress"] if stress else [])])
    out = out or _run_folder(data, kind, encoder, shots)
    if middle and not stress:
        raise SpecsightError("--middle chooses among the levels of --stress: add that")
    if (leave_out or target) and suite != ADAPTATION:
        raise SpecsightError(
            "--leave-out and --target are for --suite adaptation: name it, or leave them out"
        )
    if stress:
        if suite or rows or len(counts) > 1:
            raise SpecsightError(
                "--stress takes detectors and one number of --shots: leave --suite and --rows out"
            )
        _stress(config, methods, () if stress == "all" else stress.split(","), out, middle)
    elif suite == ADAPTATION:
        _adaptation(config, leave_out, target, out)
    elif suite:
        if len(methods) > 1 or len(counts) > 1:
            raise SpecsightError(
                "--suite names its own methods: give one --detector and one number of --shots"
            )
        _suite(config, suite, out, encoders, rows.split(",") if rows else ())
    elif rows:
        raise SpecsightError("--rows chooses among the rows of a suite: name it with --suite")
    elif len(methods) > 1 or len(counts) > 1:
        _curve(config, methods, counts or (None,), out)
    else:
        _run(config, out)


def _run(config: EvaluationConfig, out: Path) -> None:
    """One detector: its run, its page, and its numbers on the screen."""
    from specsight import evaluation
    from specsight.report import render

    run = evaluation.run_evaluation(config, out).folder
    page = render(run)
    screen.headline(run)
    screen.instructed(run)
    screen.chosen(run)
    screen.say(f"report: {page}")


@click.command()
@click.argument("run", type=PATH)
def report(run: Path) -> None:
    """Draw the page of a finished run, or of a suite or curve as far as it has got, again."""
    from specsight.report import render, render_curve, render_stress, render_suite
    from specsight.runs.curve_table import TABLE
    from specsight.runs.stress_record import RECORD as STRESS
    from specsight.runs.suite_record import RECORD
    from specsight.storage import check_output

    if run.is_dir():
        check_output(run)
    pages = {STRESS: render_stress, RECORD: render_suite, TABLE: render_curve}
    page = next((draw for file, draw in pages.items() if (run / file).is_file()), render)(run)
    screen.files(run)
    screen.say(f"report: {page}")


@click.command()
@click.argument("data", type=PATH)
@click.option("--layout", default="auto", show_default=True, help="See: list datasets.")
@click.option("--product", help="One product of a set that holds several.")
@MAX_MEGAPIXELS
def check(data: Path, layout: str, product: str | None) -> int:
    """Open every file of a data set; say what is missing, broken, double or leaking."""
    from specsight.datasets import load_dataset
    from specsight.datasets.check import check_dataset

    found = check_dataset(load_dataset(data, layout, product))
    screen.show(found)
    return 1 if found.problems else 0


def _adaptation(config: EvaluationConfig, leave_out: str | None, target: Path | None, out: Path) -> None:
    """Run the suite of that name and show its table."""
    from specsight import evaluation
    from specsight.storage import read_text

    if config.detector.name != "supervised":
        raise SpecsightError(f"--suite adaptation adapts the detector supervised, not {config.detector.name}")
    evaluation.run_adaptation(config, leave_out, target, out)
    table = out / f"{ADAPTATION}.md"
    screen.say(f"{read_text(table)}table: {table}")


def _suite(
    config: EvaluationConfig, suite: str, out: Path, encoders: Sequence[str], rows: Sequence[str]
) -> None:
    """Run a suite and show what there is of it, also where some rows failed; then raise their SuiteError."""
    from specsight.evaluation import SuiteError, run_suite
    from specsight.report import render_suite

    failure = None
    try:
        run_suite(config, suite, out, encoders, rows)
    except SuiteError as error:
        failure = error
        if not error.finished:
            raise
    page = render_suite(out)
    screen.suite(out)
    screen.say(f"report: {page}")
    if failure is not None:
        raise failure


def _curve(config: EvaluationConfig, methods: Sequence[str], counts: Sequence[int | None], out: Path) -> None:
    """Run every method with every number of good pictures, and draw the table as far as it has got after each."""
    from specsight.evaluation import few_shot_curve
    from specsight.report import render_curve
    from specsight.runs.folder import PAGE

    pages = []
    for run in few_shot_curve(config, methods, counts, out):
        pages.append(run / PAGE)
        render_curve(out)
    screen.curve(out, pages)


def _stress(
    config: EvaluationConfig, methods: Sequence[str], names: Sequence[str], out: Path, middle: bool
) -> None:
    """Run every detector under every stressor, and draw the page as far as it has got after each."""
    from specsight.evaluation import stress_curves
    from specsight.report import render_stress

    for _ in stress_curves(config, methods, names, out, middle):
        render_stress(out)
    screen.stress(out)


def _run_folder(data: Path, detector: str, encoder: str, shots: str | None) -> Path:
    ending = [f"{shots}-shot"] if shots else []
    return Path("runs") / "-".join([data.resolve().name, detector, Path(encoder).name, *ending])
