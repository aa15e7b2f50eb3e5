"""Verbs for a folder of good parts: `fit` a model, `inspect` pictures with it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import PATH, fitting, parameters
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.detectors import Detector
    from specsight.records import Sample


@click.command()
@click.option("--good", type=PATH, help="Folder with pictures of good parts; not needed by words alone.")
@click.option("-o", "--out", type=PATH, required=True, help="Where to save the model.")
@click.option("--labelled", type=PATH, help="Labelled set whose defects are learned from too (clad).")
@fitting
@click.option("--seed", default=0, show_default=True)
def fit(
    good: Path | None,
    out: Path,
    labelled: Path | None,
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

    Detectors that read (--spec) may do without good parts, and then without a threshold. A training that was killed
    goes on when called again.
    """
    from specsight.detectors import create_detector
    from specsight.detectors.training_digest import digest
    from specsight.inspector import Inspector
    from specsight.specification import load_specification

    specification = load_specification(spec) if spec else None
    size = {} if resolution is None else {"resolution": resolution}
    method = create_detector(detector, encoder=encoder, seed=seed, **size, **parameters(settings))
    known = _good_samples(good) if good else []
    defects = _defective_samples(method, labelled) if labelled else []
    trainings = out.with_name(f"{out.name}.training")
    words = {} if specification is None else {specification.product: specification}
    place: Path | None = None
    if train_on:
        place = _train(method, train_on, train_spec, known, trainings)
    elif method.trains:
        place = method.checkpoints = trainings / digest(method, [*known, *defects], words)
    inspector = Inspector.fit(
        method,
        known,
        specification,
        defects=defects,
        holdout=holdout,
        false_reject_rate=false_reject_rate,
        confidence=confidence,
        seed=seed,
    )
    inspector.save(out)
    if place is not None:
        # What others have left there stays: a killed training of something else, or files of the user's.
        shutil.rmtree(place, ignore_errors=True)
        with contextlib.suppress(OSError):
            trainings.rmdir()
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
    from specsight.inspector import Inspector
    from specsight.report import render
    from specsight.runs.inspections import write_inspections

    inspector = Inspector.load(model, encoder)
    listing = load_dataset(pictures)
    write_inspections(inspector, listing.samples, out, data=pictures, model=model)
    page = render(out)
    screen.verdicts(out)
    click.echo(f"report: {page}")


def _train(
    method: Detector, data: Path, train_spec: Path | None, good: Sequence[Sample], trainings: Path
) -> Path:
    """Learn a cross-set detector's weights from another labelled set; returns the folder of its checkpoint, which lies
    below `trainings`."""
    from specsight.detectors.cross_set.detector import CrossSetDetector
    from specsight.detectors.cross_set.training import load_other_set, train_on
    from specsight.detectors.training_digest import digest

    if not isinstance(method, CrossSetDetector):
        raise SpecsightError(f"{method.name} is not trained across sets: leave --train-on out")
    other = load_other_set(data, train_spec)
    for sample, reason in other.left_out:
        click.echo(f"skipped: '{sample.image}': {reason}", err=True)
    place = trainings / digest(method, other.samples, other.specifications)
    train_on(method, other, judged=good, checkpoints=place)
    return place


def _defective_samples(method: Detector, labelled: Path) -> list[Sample]:
    """The defective pictures of a set of which it is known where their defects are."""
    from specsight.datasets import load_dataset
    from specsight.images import masks_known

    if not method.takes_defects:
        raise SpecsightError(f"{method.name} learns nothing from defects: leave --labelled out")
    samples = load_dataset(labelled).samples
    chosen = [s for s in samples if s.label == "defective" and masks_known(s)]
    if not chosen:
        raise SpecsightError(f"'{labelled}' has no defective picture with a mask to learn from")
    return chosen


def _good_samples(folder: Path) -> list[Sample]:
    """Every picture in the folder, taken for good; where subfolders tell good from other, only the good ones."""
    from specsight.datasets import load_dataset

    samples = load_dataset(folder).samples
    told = [s for s in samples if s.label == "good" and not s.split.startswith("test")]
    chosen = told or [s for s in samples if s.label == "unknown"]
    if not chosen:
        raise SpecsightError(f"'{folder}' holds defective parts only: point --good at pictures of good parts")
    return [replace(s, label="good", split="train") for s in chosen]
