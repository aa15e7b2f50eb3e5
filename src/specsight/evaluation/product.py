"""One product of a data set through all seeds: fit, judge, measure, and write the numbers into its run folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from specsight.datasets.accounting import Account, Ignored, merged, unused_samples
from specsight.detectors import detectors
from specsight.encoders import FILTERS, Encoder, load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.engine import LOCAL, Engine
from specsight.evaluation import splits, summary
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.fitting import Fitting, fitted, model_of
from specsight.evaluation.instructions.asking import Asker
from specsight.evaluation.instructions.made_pairs import NOTE, with_made_pairs
from specsight.evaluation.instructions.numbers import Asked, instruction_numbers
from specsight.evaluation.measure import Measured, measure
from specsight.evaluation.splits import SeedSplit, Split
from specsight.language import load_language_model
from specsight.prompts.labels import spelt_as_labelled
from specsight.records import Sample
from specsight.runs import costs, environment, protocol
from specsight.runs.fit import of_parts
from specsight.runs.folder import RunFolder
from specsight.runs.judging import SavedInspector, judge_all
from specsight.runs.predictions import Prediction
from specsight.runs.rewriting import Rewriting
from specsight.specification import Specification, load_specification

FEATURES = ".features"
"""Cache inside the run folder, gone when the run is finished."""


@dataclass(frozen=True)
class Product:
    """One product of a data set."""

    title: str
    """What the run is called: "bottle", or "mvtec_ad/bottle"."""
    samples: Sequence[Sample]
    layout: str
    root: Path
    """Folder that the samples' paths are relative to."""
    name: str | None = None
    """The product's name, where it is one of several or the run names it."""
    ignored: tuple[Ignored, ...] = ()
    """Files of the set that are no samples; of several products those of all stand in the run that holds theirs."""
    notes: tuple[str, ...] = ()
    """What the reader inferred."""


def evaluate_product(
    product: Product,
    config: EvaluationConfig,
    run: RunFolder,
    trainings: Path | None = None,
    features: Path | None = None,
    engine: Engine = LOCAL,
) -> dict[str, Any]:
    """One product through all seeds; returns what stands in its `metrics.json`.

    Trainings on another set are found again in the folder `trainings`, what the encoder made of pictures in `features`;
    where that is None it is kept inside the run folder, under several seeds, until the run is finished. The model
    of each seed is fitted here, and judges by the workers of `engine`.
    """
    content = config.to_json(product.title, product.name, product.root)
    learning = config.learning
    split = splits.split(product.samples, config.data.path, needs_good=learning.shots != 0)
    run.claim(content)
    fitting = Fitting(
        config.detector,
        learning,
        config.threshold,
        _specification(product, config),
        _cached_encoder(config, run, features),
        trainings,
    )
    measured: dict[int, Measured] = {}
    predictions: list[Prediction] = []
    notes: tuple[str, ...] = ()
    pictures_of = {seed: _under_seed(product, split, config, seed) for seed in config.seeds}
    rewrite = _rewriting(config)
    for seed, pictures in pictures_of.items():
        inspector = fitted(run, fitting, pictures, seed)
        tested, ask = pictures.tested, None
        if config.measuring.instructions:
            if made := with_made_pairs(inspector, tested, seed):
                tested, notes = made, (NOTE,)
            ask = Asker.of(run, inspector, tested, seed)
        of_seed = judge_all(
            run,
            inspector,
            tested,
            seed=seed,
            data=Path(content["data"]),
            ask=ask,
            rewrite=rewrite,
            engine=engine,
            reload=SavedInspector(
                model_of(run, seed), config.detector.reloaded_encoder, config.detector.device
            ),
        )
        predictions += of_seed
        in_order = sorted(of_seed, key=lambda p: p.id)
        numbers = measure(
            run,
            in_order,
            inspector.calibration,
            map_size=config.measuring.map_size,
            resamples=config.measuring.resamples,
        )
        asked = {product.title: Asked(run.instructed(seed), in_order)}
        numbers.values.update(instruction_numbers(asked, config.measuring.resamples))
        measured[seed] = numbers
    shutil.rmtree(run.path / FEATURES, ignore_errors=True)
    first = config.seeds[0]
    account = _account(replace(product, notes=(*product.notes, *notes)), pictures_of[first], run, first)
    return _write_numbers(run, measured, predictions, config=content, layout=product.layout, account=account)


def _account(product: Product, pictures: SeedSplit, run: RunFolder, seed: int) -> Account:
    """What became of the product's files under one seed."""
    fit = run.fits()[seed]
    parts = (fit.learned_parts or 0) + (fit.held_out_parts or 0)
    fewer = fit.learned_parts is not None and parts != (fit.learned or 0) + (fit.held_out or 0)
    used = [
        *(
            [f"{(fit.learned or 0) + (fit.held_out or 0)} good pictures of {of_parts(parts)}"]
            if fewer
            else []
        ),
        f"learned from {fit.learned}",
        f"each judged unseen in one of {fit.folds} folds" if fit.folds else f"held out {fit.held_out}",
        f"tested {len(pictures.tested)}",
    ]
    chosen = [*pictures.learned, *pictures.threshold, *pictures.defects, *pictures.tested]
    return Account(
        ", ".join([*used, *([f"{fit.defects} labelled defects learned from"] if fit.defects else [])]),
        sum(skipped.seed == seed for skipped in run.skipped()),
        merged([unused_samples(product.samples, chosen), product.ignored]),
        product.notes,
    )


def _under_seed(product: Product, split: Split, config: EvaluationConfig, seed: int) -> SeedSplit:
    learning = config.learning
    defects, tested = splits.labelled_defects(product.samples, split.test, learning.defects, seed)
    learned, further = splits.few_shots(split, learning.shots, threshold=config.threshold, seed=seed)
    return SeedSplit(learned, further, defects, splits.limited(tested, config.measuring.limit))


def _specification(product: Product, config: EvaluationConfig) -> Specification | None:
    """What the detector reads: the specification given, or the product's name alone where it cannot do without.

    Defects are called as the samples' labels spell them.
    """
    if config.learning.specification:
        written = load_specification(config.learning.specification)
    elif not config.detector.chosen and detectors[config.detector.name].needs.text:
        written = Specification(product=product.name or Path(product.title).name)
    else:
        return None
    return spelt_as_labelled(written, product.samples)


def _cached_encoder(config: EvaluationConfig, run: RunFolder, features: Path | None) -> Encoder | None:
    """An encoder whose features are cached, under several seeds or in the folder `features`."""
    name = config.detector.encoder
    if (len(config.seeds) == 1 and features is None) or name == FILTERS or config.detector.chosen:
        return None
    return CachedEncoder(load_encoder(name, config.detector.device), features or run.path / FEATURES)


def _rewriting(config: EvaluationConfig) -> Rewriting | None:
    """What puts statements into a language model's words, under their checks; None where none is asked."""
    name, device = config.measuring.explain_with, config.detector.device
    return Rewriting(partial(load_language_model, name, device, words_alone=True)) if name else None


def _write_numbers(
    run: RunFolder,
    measured: Mapping[int, Measured],
    predictions: Sequence[Prediction],
    *,
    config: Mapping[str, Any],
    layout: str,
    account: Account,
) -> dict[str, Any]:
    fits = run.fits()
    numbers = summary.over_seeds(measured)
    numbers["counts"] = costs.counts(predictions, run.skipped())
    numbers["account"] = account.to_json()
    numbers["protocol"] = protocol.of_evaluation(config, layout, fits, predictions).under(account).to_json()
    # Later seeds take features from a cache: only the first one's times say how long looking takes.
    first = config["seeds"][0]
    numbers["seconds"] = costs.seconds(
        [p for p in predictions if p.seed == first],
        training=fits[first].training_seconds,
        fit=fits[first].seconds,
    )
    peaks = [environment.peak_memory_mb(), *(fit.peak_mb for fit in fits.values())]
    numbers["peak_mb"] = max((peak for peak in peaks if peak is not None), default=None)
    run.write_metrics(numbers)
    run.write_curves({seed: one.curves for seed, one in measured.items()})
    run.write_per_type(summary.per_type_csv(numbers.get("per_type", {})))
    run.write_environment(environment.describe())
    return numbers
