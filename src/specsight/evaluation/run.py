"""Evaluate a detector on a data set under several seeds, into a run folder that survives being killed.

In: an `EvaluationConfig`. Out: the run folder with predictions, maps, models and numbers (the page is drawn from it by
`specsight.report`). Thresholds come from held-out good training pictures; test pictures are only ever judged.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from specsight.datasets import DatasetListing, load_dataset
from specsight.detectors import Detector, create_detector, detectors
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.cross_set.training import FOLDER as TRAININGS
from specsight.detectors.cross_set.training import load_other_set, train_on
from specsight.encoders import FILTERS, Encoder, load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.errors import SpecsightError
from specsight.evaluation import splits, summary
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.measure import Measured, measure
from specsight.inspector import Inspector
from specsight.prompts.labels import spelt_as_labelled
from specsight.records import Sample
from specsight.runs import costs, environment, protocol
from specsight.runs.fit import describe_fit
from specsight.runs.folder import RunFolder
from specsight.runs.judging import judge_all
from specsight.runs.predictions import Prediction, SkippedPicture, file_name, relative
from specsight.runs.protocol import Protocol
from specsight.specification import Specification, load_specification
from specsight.storage import only_writer

FEATURES = ".features"
"""Cache inside the run folder, gone when the run is finished."""
TRAINING = ".training"
"""Checkpoints inside the run folder, by seed, gone when that seed's model is saved."""


def evaluate(config: EvaluationConfig, out: Path, kept: Path | None = None) -> Path:
    """Fit, judge and measure; returns `out`. Goes on where an earlier run with the same configuration stopped.

    Trainings on another set are kept in the folder `kept` and found there again by runs that share it.

    A data set of several products becomes one run folder per product inside `out`, and their mean. Raises
    `SpecsightError` for a folder that holds another run, is in use by another process or cannot be written, and for
    data without good training pictures or without labelled test pictures.
    """
    # Names and parameters are tried before anything is written.
    detector = _detector(config, config.encoder, config.seeds[0])
    if isinstance(detector, CrossSetDetector) and config.train_on is None:
        raise _names_no_other_set(config)
    listing = load_dataset(config.data, config.layout, config.product)
    products: dict[str, list[Sample]] = {}
    for sample in listing.samples:
        products.setdefault(sample.product, []).append(sample)
    root = config.data.resolve().name
    with only_writer(out):
        if len(products) == 1:
            (product,) = products
            name = root if product == root else f"{root}/{product}"
            _evaluate_product(config, listing, listing.samples, RunFolder(out), name, kept=kept)
        else:
            kept = kept or out / TRAININGS
            _evaluate_products(config, listing, products, RunFolder(out), root, kept)
    return out


def _evaluate_products(
    config: EvaluationConfig,
    listing: DatasetListing,
    products: Mapping[str, Sequence[Sample]],
    run: RunFolder,
    root: str,
    kept: Path,
) -> None:
    asked = config.to_json(root, None, listing.root)
    run.claim(asked)
    measured: dict[str, dict[str, Any]] = {}
    for product, samples in products.items():
        inside = run.path / file_name(product)
        inside.mkdir(exist_ok=True)
        name = f"{root}/{product}"
        numbers = _evaluate_product(config, listing, samples, RunFolder(inside), name, product, kept)
        measured[product] = {"folder": inside.name, **numbers}
    head = protocol.of_products(asked, [Protocol.from_json(one["protocol"]) for one in measured.values()])
    means = {**summary.over_products(measured), **summary.cost_over_products(measured)}
    run.write_metrics({**means, "products": measured, "protocol": head.to_json()})
    run.write_environment(environment.describe())


def _evaluate_product(
    config: EvaluationConfig,
    listing: DatasetListing,
    samples: Sequence[Sample],
    run: RunFolder,
    name: str,
    product: str | None = None,
    kept: Path | None = None,
) -> dict[str, Any]:
    """One product through all seeds; returns what stands in its `metrics.json`."""
    asked = config.to_json(name, product or config.product, listing.root)
    good, validation, test = splits.split(samples, config)
    run.claim(asked)
    specification = _words(config, product or config.product or Path(name).name)
    if specification is not None:
        specification = spelt_as_labelled(specification, samples)
    measured: dict[int, Measured] = {}
    predictions: list[Prediction] = []
    data = Path(asked["data"])
    encoder = _encoder(config, run)
    for seed in config.seeds:
        defects, tested = splits.labelled_defects(samples, test, config.defects, seed)
        known = [*good, *defects]
        inspector = _fitted(config, run, known, validation, tested, specification, seed, encoder, kept)
        of_seed = judge_all(run, inspector, tested, seed=seed, data=data)
        predictions += of_seed
        measured[seed] = measure(
            run,
            sorted(of_seed, key=lambda p: p.id),
            inspector.calibration,
            map_size=config.map_size,
            resamples=config.resamples,
        )
    shutil.rmtree(run.path / FEATURES, ignore_errors=True)
    return _write_numbers(run, asked, listing.layout, measured, predictions)


def _encoder(config: EvaluationConfig, run: RunFolder) -> str | Encoder:
    """The encoder to give the detectors; under several seeds with its features cached while the run lasts."""
    if len(config.seeds) == 1 or config.encoder == FILTERS:
        return config.encoder
    return CachedEncoder(load_encoder(config.encoder), run.path / FEATURES)


def _write_numbers(
    run: RunFolder,
    asked: Mapping[str, Any],
    layout: str,
    measured: Mapping[int, Measured],
    predictions: Sequence[Prediction],
) -> dict[str, Any]:
    fits = run.fits()
    numbers = summary.over_seeds(measured)
    numbers["counts"] = costs.counts(predictions, run.skipped())
    numbers["protocol"] = protocol.of_evaluation(asked, layout, fits, predictions).to_json()
    # Later seeds take features from a cache: only the first one's times say how long looking takes.
    first = asked["seeds"][0]
    fit = fits[first]
    numbers["seconds"] = costs.seconds(
        [p for p in predictions if p.seed == first], training=fit.training_seconds, fit=fit.seconds
    )
    peaks = [environment.peak_memory_mb(), *(fit.peak_mb for fit in fits.values())]
    numbers["peak_mb"] = max((peak for peak in peaks if peak is not None), default=None)
    run.write_metrics(numbers)
    run.write_curves({seed: one.curves for seed, one in measured.items()})
    run.write_per_type(summary.per_type_csv(numbers.get("per_type", {})))
    run.write_environment(environment.describe())
    return numbers


def _words(config: EvaluationConfig, product: str) -> Specification | None:
    """What the detector reads: the specification given, or the product's name alone where it cannot do without."""
    if config.specification:
        return load_specification(config.specification)
    return Specification(product=product) if "text" in detectors[config.detector].needs else None


def _detector(config: EvaluationConfig, encoder: str | Encoder, seed: int) -> Detector:
    size = {} if config.resolution is None else {"resolution": config.resolution}
    return create_detector(config.detector, encoder=encoder, seed=seed, **size, **config.parameters)


def _fitted(
    config: EvaluationConfig,
    run: RunFolder,
    known: Sequence[Sample],
    validation: Sequence[Sample],
    tested: Sequence[Sample],
    specification: Specification | None,
    seed: int,
    encoder: str | Encoder,
    kept: Path | None,
) -> Inspector:
    """The inspector of this seed: reloaded if an earlier run got as far, else fitted and kept.

    `known` are the good pictures of the training split and the labelled defects that the run asked for.
    """
    saved = run.path / "models" / str(seed)
    if saved.is_dir():
        return Inspector.load(saved, config.encoder)
    detector = _detector(config, encoder, seed)
    good = [s for s in known if s.label == "good"]
    learned, held = splits.learned(config, good, validation, seed)
    detector.checkpoints = run.path / TRAINING / str(seed)
    detector.checkpoints.mkdir(parents=True, exist_ok=True)
    if isinstance(detector, CrossSetDetector):
        _train(run, detector, config, tested, learned, kept)
    start = time.perf_counter()
    inspector = Inspector.fit(
        learned,
        detector=detector,
        specification=specification,
        defects=[s for s in known if s.label == "defective"],
        validation=held,
        holdout=splits.holdout(config, held),
        false_reject_rate=config.false_reject_rate,
        confidence=config.confidence,
        seed=seed,
    )
    spent = time.perf_counter() - start
    for skipped in inspector.skipped:
        image = relative(Path(skipped.path), run.data)
        run.skip(SkippedPicture(image, image, skipped.reason, "fit", seed))
    _note_fit(run, inspector, learned, held, len(known) - len(good), seed, spent)
    inspector.save(saved)
    shutil.rmtree(run.path / TRAINING)
    return inspector


def _train(
    run: RunFolder,
    detector: CrossSetDetector,
    config: EvaluationConfig,
    tested: Sequence[Sample],
    learned: Sequence[Sample],
    kept: Path | None,
) -> None:
    """Learn the weights from another set, and make sure that it is another one."""
    if config.train_on is None:
        raise _names_no_other_set(config)
    other = load_other_set(config.train_on, config.train_specification)
    for sample, reason in other.left_out:
        run.skip(SkippedPicture(sample.id, str(sample.image), reason, "fit", detector.seed))
    train_on(detector, other, judged=[*learned, *tested], trainings=kept, checkpoints=detector.checkpoints)


def _names_no_other_set(config: EvaluationConfig) -> SpecsightError:
    return SpecsightError(
        f"{config.detector} learns from labelled pictures of other products: name a data set with --train-on"
    )


def _note_fit(
    run: RunFolder,
    inspector: Inspector,
    learned: Sequence[Sample],
    held: Sequence[Sample],
    defects: int,
    seed: int,
    seconds: float,
) -> None:
    """Keep what the protocol and the page must know of a fit, in case the run is killed after it."""
    held_out = inspector.calibration.good_count if inspector.calibration else 0
    unused = len(inspector.skipped) + (0 if held else held_out)
    detector = inspector.detector
    trained = detector.trained_on_ if isinstance(detector, CrossSetDetector) else None
    fit = replace(
        describe_fit(inspector),
        seconds=seconds,
        training_seconds=trained.seconds if trained else None,
        defects=defects,
        trained_on=f"{trained.pictures} pictures of {', '.join(trained.products)}" if trained else None,
        learned=len(learned) - unused,
        held_out=held_out,
        peak_mb=environment.peak_memory_mb(),
    )
    run.add_fit(seed, fit)
