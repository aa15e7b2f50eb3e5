"""The verb `evaluate`: detectors measured on labelled pictures, alone, over shots, in suites and under stress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specsight import screen
from specsight.cli.options import MAX_MEGAPIXELS, PATH, PLACE, engines, fitting, here, output, whole_numbers
from specsight.cli.settings import parameters_of_fit
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.engine import Engine
    from specsight.evaluation import EvaluationConfig

ADAPTATION = "adaptation"
"""A suite that compares lines, not methods alone."""
EVERY = "all"
"""Value of `--stress` for every stressor."""


@dataclass(frozen=True)
class _Given:
    """The options of `evaluate`, by their names."""

    data: Path
    detector: str
    minutes: float | None
    candidates: int | None
    encoder: str
    device: str
    resolution: int | str | None
    tile: int | str | None
    settings: tuple[str, ...]
    spec: Path | None
    layout: str
    product: str | None
    shots: str | None
    defects: int
    train_on: Path | None
    train_spec: Path | None
    seeds: str
    holdout: int | None
    folds: int | None
    by_place: bool | None
    false_reject_rate: float
    confidence: float
    map_size: int | None
    resamples: int
    suite: str | None
    stress: str | None
    middle: bool
    limit: int | None
    leave_out: str | None
    target: Path | None
    rows: str | None
    instructions: bool
    explain_with: str
    out: Path | None
    engine: str
    engine_address: str | None
    engine_workers: int | None

    @property
    def methods(self) -> list[str]:
        """The detectors; of the suite on adaptation the one that it adapts, unless another is named."""
        adapted = self.suite == ADAPTATION and self.detector == "patchcore"
        return ["supervised"] if adapted else self.detector.split(",")

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of good pictures; none: all of them."""
        return whole_numbers("--shots", self.shots) if self.shots else ()

    @property
    def encoders(self) -> list[str]:
        """The encoder; of a suite those that it is compared under besides, too."""
        return self.encoder.split(",") if self.suite else [self.encoder]

    @property
    def folder(self) -> Path:
        """Where the run goes."""
        if self.out is not None:
            return self.out
        kind = "-".join([self.suite or ",".join(self.methods), *(["stress"] if self.stress else [])])
        ending = [f"{self.shots}-shot"] if self.shots else []
        name = [self.data.resolve().name, kind, Path(self.encoders[0]).name, *ending]
        return Path("runs") / "-".join(name)

    def config(self) -> EvaluationConfig:
        """The evaluation of the first detector and number of shots."""
        from specsight import evaluation

        counts = self.counts
        return evaluation.EvaluationConfig(
            evaluation.DataConfig(self.data, self.layout, self.product),
            evaluation.DetectorConfig(
                self.methods[0],
                parameters_of_fit(",".join(self.methods), self.settings, self.minutes, self.candidates),
                self.encoders[0],
                self.resolution,
                self.device,
                self.tile,
            ),
            evaluation.LearningConfig(
                counts[0] if counts else None, self.defects, self.spec, self.train_on, self.train_spec
            ),
            evaluation.ThresholdConfig(
                self.holdout, self.false_reject_rate, self.confidence, self.folds, self.by_place
            ),
            evaluation.MeasuringConfig(
                self.map_size, self.resamples, self.instructions, self.limit, self.explain_with
            ),
            whole_numbers("--seeds", self.seeds),
        )

    @property
    def stressors(self) -> list[str]:
        """The names that `--stress` gives."""
        return [name.strip() for name in (self.stress or "").split(",") if name.strip()]

    def check(self) -> None:
        """Raise SpecsightError for options that do not go together."""
        several = len(self.methods) > 1 or len(self.counts) > 1
        if self.stress is not None and not self.stressors:
            raise SpecsightError("--stress names no stressor: say all, or names such as low_light,occlusion")
        if self.middle and self.stress is None:
            raise SpecsightError("--middle chooses among the levels of --stress: add that")
        if self.leave_out and self.target:
            raise SpecsightError("--leave-out and --target each say what the other line is: give one of them")
        if (self.leave_out or self.target) and self.suite != ADAPTATION:
            raise SpecsightError(
                "--leave-out and --target are for --suite adaptation: name it, or leave them out"
            )
        if self.stress and (self.suite or self.rows or len(self.counts) > 1):
            raise SpecsightError(
                "--stress takes detectors and one number of --shots: leave --suite and --rows out"
            )
        if self.suite and several:
            raise SpecsightError(
                "--suite names its own methods: give one --detector and one number of --shots"
            )
        if self.rows and self.suite == ADAPTATION:
            raise SpecsightError(
                "--suite adaptation has one table and no rows to choose among: leave --rows out"
            )
        if self.suite == ADAPTATION and self.engine != "local":
            raise SpecsightError("--suite adaptation runs in one process: leave --engine out")
        if self.rows and not self.suite:
            raise SpecsightError("--rows chooses among the rows of a suite: name it with --suite")


@click.command()
@click.option("--data", type=PLACE, required=True, help="Data set, one of its products, or a manifest.")
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
    help="A whole comparison: clad, words, types, instructions, language, fusion, adaptation. "
    "Further encoders: --encoder A,B.",
)
@click.option(
    "--stress",
    is_flag=False,
    flag_value=EVERY,
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
@click.option("-o", "--out", type=PLACE, help="Run folder; default: under runs/.")
@engines
@MAX_MEGAPIXELS
def evaluate(**given: Any) -> None:
    """Measure a detector on labelled pictures; a stopped run goes on when called again.

    Several detectors (patchcore,subspacead) or several shots give a run folder each, one table and one chart.
    --data and --out may be addresses of object storage, such as s3://bucket/folder.
    """
    given["data"] = here(given["data"])
    of = _Given(**given)
    with output(of.out or of.folder) as folder:
        _evaluate(replace(of, out=folder))


def _evaluate(of: _Given) -> None:
    """Whichever evaluation it is."""
    from specsight.engine import opened

    config = of.config()
    of.check()
    with opened(of.engine, of.engine_address, of.engine_workers) as engine:
        if of.stress:
            _stress(config, of, engine)
        elif of.suite == ADAPTATION:
            _adaptation(config, of)
        elif of.suite:
            _suite(config, of.suite, of, engine)
        elif len(of.methods) > 1 or len(of.counts) > 1:
            _curve(config, of, engine)
        else:
            _run(config, of.folder, engine)


def _run(config: EvaluationConfig, out: Path, engine: Engine) -> None:
    """One detector: its run, its page, and its numbers on the screen."""
    from specsight import evaluation
    from specsight.report.page import render

    run = evaluation.run_evaluation(config, out, engine=engine).folder
    page = render(run)
    screen.headline(run)
    screen.instructed(run)
    screen.chosen(run)
    screen.say(f"report: {page}")


def _adaptation(config: EvaluationConfig, of: _Given) -> None:
    """Run the suite of that name, and draw the page as far as it has got after each shift and seed."""
    from specsight import evaluation
    from specsight.report.adaptation_page import render_adaptation
    from specsight.runs.adaptation_record import TABLE
    from specsight.storage import read_text

    if config.detector.name != "supervised":
        raise SpecsightError(f"--suite adaptation adapts the detector supervised, not {config.detector.name}")
    page = None
    for _ in evaluation.run_adaptation(config, of.leave_out, of.target, of.folder):
        page = render_adaptation(of.folder)
    tables = read_text(of.folder / f"{ADAPTATION}.md")
    screen.say(*tables.splitlines(), f"every number: {of.folder / TABLE}", f"report: {page}")


def _suite(config: EvaluationConfig, suite: str, of: _Given, engine: Engine) -> None:
    """Run a suite and show what there is of it, also where some rows failed; then raise their SuiteError."""
    from specsight.evaluation import SuiteError, run_suite
    from specsight.report.suite_page import render_suite

    out, failure = of.folder, None
    try:
        run_suite(config, suite, out, of.encoders[1:], of.rows.split(",") if of.rows else (), engine)
    except SuiteError as error:
        failure = error
        if not error.finished:
            raise
    page = render_suite(out)
    screen.suite(out)
    screen.say(f"report: {page}")
    if failure is not None:
        raise failure


def _curve(config: EvaluationConfig, of: _Given, engine: Engine) -> None:
    """Run every method with every number of good pictures, and draw the table as far as it has got after each."""
    from specsight.evaluation import few_shot_curve
    from specsight.report.curve_page import render_curve
    from specsight.runs.folder import PAGE

    out, pages = of.folder, []
    for run in few_shot_curve(config, of.methods, of.counts or (None,), out, engine):
        pages.append(run / PAGE)
        render_curve(out)
    screen.curve(out, pages)


def _stress(config: EvaluationConfig, of: _Given, engine: Engine) -> None:
    """Run every detector under every stressor, and draw the page as far as it has got after each."""
    from specsight.evaluation import stress_curves
    from specsight.report.stress_page import render_stress

    out = of.folder
    names = of.stressors
    for _ in stress_curves(config, of.methods, () if EVERY in names else names, out, of.middle, engine):
        render_stress(out)
    screen.stress(out)
