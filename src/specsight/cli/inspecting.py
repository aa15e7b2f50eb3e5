"""Verbs for a folder of good parts: `fit` a model, `inspect` pictures with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import (
    PATH,
    confidence_option,
    detector_option,
    encoder_option,
    holdout_option,
    parameters,
    rate_option,
    resolution_option,
    set_option,
    spec_option,
    train_on_option,
    train_spec_option,
)
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.detectors import Detector
    from specsight.records import Sample


@click.command()
@click.option("--good", type=PATH, help="Folder with pictures of good parts; not needed by words alone.")
@click.option("-o", "--out", type=PATH, required=True, help="Where to save the model.")
@detector_option
@encoder_option
@resolution_option
@set_option
@spec_option
@train_on_option
@train_spec_option
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
    train_on: Path | None,
    train_spec: Path | None,
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
    method = create_detector(detector, encoder=encoder, seed=seed, **size, **parameters(settings))
    if train_on:
        _train(method, train_on, train_spec)
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


@click.command()
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


def _train(method: Detector, train_on: Path, train_spec: Path | None) -> None:
    """Learn a cross-set detector's weights from another labelled set."""
    from specsight.detectors.cross_set import CrossSetDetector
    from specsight.evaluation.draws import other_set

    if not isinstance(method, CrossSetDetector):
        raise SpecsightError(f"{method.name} is not trained across sets: leave --train-on out")
    samples, specifications, left_out = other_set(train_on, train_spec)
    for sample, reason in left_out:
        click.echo(f"skipped: '{sample.image}': {reason}", err=True)
    method.train(samples, specifications)


def _good_samples(folder: Path) -> list[Sample]:
    """Every picture in the folder, taken for good; where subfolders tell good from other, only the good ones."""
    from specsight.datasets import load_dataset

    samples = load_dataset(folder).samples
    told = [s for s in samples if s.label == "good" and not s.split.startswith("test")]
    chosen = told or [s for s in samples if s.label == "unknown"]
    if not chosen:
        raise SpecsightError(f"'{folder}' holds defective parts only: point --good at pictures of good parts")
    return [replace(s, label="good", split="train") for s in chosen]
