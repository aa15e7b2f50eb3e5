"""The fitted inspector of one seed: loaded where an earlier run got as far, else fitted and saved in the run folder.

In: the pictures of a seed and what to fit. Out: an `Inspector`, and in the run folder its model, what could not be
read, and what the protocol must say of the fit.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.calibration import ThresholdConfig
from specsight.choosing import AUTO
from specsight.detectors import Detector, detectors
from specsight.detectors.cross_set.training import load_other_set, train_on, training_of
from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.evaluation.config import DetectorConfig, LearningConfig
from specsight.evaluation.splits import SeedSplit
from specsight.inspector import Inspector
from specsight.records import Sample
from specsight.runs import environment
from specsight.runs.folder import RunFolder
from specsight.runs.judging import describe_fit
from specsight.runs.predictions import SkippedPicture, relative
from specsight.specification import Specification

TRAINING = ".training"
"""Checkpoints inside the run folder, by seed, gone when that seed's model is saved."""


@dataclass(frozen=True)
class Fitting:
    """What is fitted, the same under every seed."""

    detector: DetectorConfig
    learning: LearningConfig
    threshold: ThresholdConfig
    specification: Specification | None = None
    """What the detector reads."""
    encoder: Encoder | None = None
    """In place of loading it by its name."""
    trainings: Path | None = None
    """Folder in which trainings on another set are found again; None: nothing is looked up and nothing written."""


def fitted(run: RunFolder, fitting: Fitting, pictures: SeedSplit, seed: int) -> Inspector:
    """The inspector of this seed. A killed training goes on from its checkpoint inside the run folder."""
    saved = model_of(run, seed)
    if saved.is_dir():
        return Inspector.load(saved, fitting.detector.reloaded_encoder, fitting.detector.device)
    detector = fitting.detector.create(seed, fitting.encoder)
    checkpoints = run.path / TRAINING / str(seed)
    checkpoints.mkdir(parents=True, exist_ok=True)
    if isinstance(detector, Detector):
        detector.checkpoints = checkpoints
        if detector.needs.other_sets:
            _train(run, detector, fitting, [*pictures.learned, *pictures.tested])
    start = time.perf_counter()
    inspector = Inspector.fit(
        pictures.learned,
        detector=detector,
        specification=fitting.specification,
        defects=pictures.defects,
        validation=pictures.threshold,
        # Few shots are all learned from; `splits.few_shots` has chosen other parts for the threshold.
        holdout=fitting.threshold.holdout if fitting.learning.shots is None else 0,
        folds=fitting.threshold.folds if fitting.learning.shots is None else None,
        by_place=fitting.threshold.by_place,
        false_reject_rate=fitting.threshold.false_reject_rate,
        confidence=fitting.threshold.confidence,
        seed=seed,
    )
    spent = time.perf_counter() - start
    for skipped in inspector.skipped:
        image = relative(Path(skipped.path), run.data)
        run.skip(SkippedPicture(image, image, skipped.reason, "fit", seed))
    _add_fit(run, inspector, pictures, seed=seed, seconds=spent)
    inspector.save(saved, replace=True)
    shutil.rmtree(run.path / TRAINING)
    return inspector


def model_of(run: RunFolder, seed: int) -> Path:
    """Where a run folder holds the fitted model of a seed."""
    return run.path / "models" / str(seed)


def check_other_set(detector: DetectorConfig, learning: LearningConfig) -> None:
    """Raise `SpecsightError` for an unknown detector or parameter, and for another set that is missing or not used."""
    created = detector.create(seed=0)
    if isinstance(created, Detector) and created.needs.other_sets and learning.train_on is None:
        raise _names_no_other_set(detector.name)
    check_other_set_is_used(learning, [detector.name])


def check_other_set_is_used(learning: LearningConfig, methods: Sequence[str]) -> None:
    """Raise `SpecsightError` where another set is named and none of the detectors learns from one."""
    named = [name for name in methods if name != AUTO]
    if learning.train_on is not None and not any(detectors[name].needs.other_sets for name in named):
        raise SpecsightError(
            f"{', '.join(dict.fromkeys(methods))}: not trained across sets: leave --train-on out"
        )


def _train(run: RunFolder, detector: Detector, fitting: Fitting, judged: Sequence[Sample]) -> None:
    """Learn the weights from another set, and make sure that it is another one."""
    if fitting.learning.train_on is None:
        raise _names_no_other_set(detector.name)
    other = load_other_set(fitting.learning.train_on, fitting.learning.train_specification)
    for sample, reason in other.left_out:
        run.skip(SkippedPicture(sample.id, str(sample.image), reason, "fit", detector.seed))
    train_on(detector, other, judged=judged, trainings=fitting.trainings, checkpoints=detector.checkpoints)


def _names_no_other_set(detector: str) -> SpecsightError:
    return SpecsightError(
        f"{detector} learns from labelled pictures of other products: name a data set with --train-on"
    )


def _add_fit(run: RunFolder, inspector: Inspector, pictures: SeedSplit, *, seed: int, seconds: float) -> None:
    """Write what the protocol and the page must know of a fit, in case the run is killed after it."""
    counts = inspector.counts
    detector = inspector.detector
    trained = training_of(detector)
    fit = replace(
        describe_fit(inspector),
        seconds=seconds,
        training_seconds=trained.seconds if trained else None,
        defects=len(pictures.defects),
        trained_on=f"{trained.pictures} pictures of {', '.join(trained.products)}" if trained else None,
        learned=counts.learned if counts else None,
        learned_parts=counts.learned_parts if counts else None,
        held_out=counts.held_out if counts else None,
        held_out_parts=counts.held_out_parts if counts else None,
        folds=counts.folds if counts else 0,
        peak_mb=environment.peak_memory_mb(),
    )
    run.add_fit(seed, fit)
