"""Evaluate a detector on a data set under several seeds, into a run folder that survives being killed.

In: a data set and a detector (`evaluate`), or the same as an `EvaluationConfig`. Out: the run folder with predictions,
maps, models and numbers; `specsight.report.render` draws its page. Thresholds come from held-out good training
pictures; test pictures are only ever judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from specsight.calibration import ThresholdConfig
from specsight.datasets import load_dataset
from specsight.datasets.accounting import Account, merged
from specsight.datasets.parts import split_by_part
from specsight.detectors.cross_set.training import FOLDER as TRAININGS
from specsight.detectors.cross_set.training import ignored_files
from specsight.engine import LOCAL, Engine
from specsight.evaluation import summary
from specsight.evaluation.config import (
    DataConfig,
    DetectorConfig,
    EvaluationConfig,
    LearningConfig,
    MeasuringConfig,
)
from specsight.evaluation.fitting import check_other_set
from specsight.evaluation.instructions.numbers import Asked, instruction_numbers
from specsight.evaluation.measure import Measured
from specsight.evaluation.numbers import Number
from specsight.evaluation.product import Product, evaluate_product
from specsight.records import Sample
from specsight.runs import environment, protocol
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import file_name
from specsight.runs.protocol import Protocol
from specsight.storage import check_output, given_path, only_writer, remove_leftovers


@dataclass(frozen=True)
class Evaluation:
    """A finished run: where it lies, and its numbers."""

    folder: Path
    numbers: Mapping[str, float | None]
    """Metric → mean over seeds (of several products: over the products' means); None where it is undefined."""
    protocol: str
    """Under what rules the numbers came about, in one line."""

    @classmethod
    def of(cls, folder: Path) -> Evaluation:
        """Read a finished run folder."""
        run = RunFolder(folder)
        numbers = {
            name: metric["value"]
            for name, metric in run.metrics().items()
            if isinstance(metric, Mapping) and "value" in metric
        }
        return cls(folder, numbers, run.protocol().line)


def evaluate(
    data: str | Path,
    detector: str = "patchcore",
    *,
    out: str | Path,
    encoder: str = "bundled",
    device: str = "auto",
    parameters: Mapping[str, Any] | None = None,
    resolution: int | str | None = None,
    tile: int | str | None = None,
    layout: str = "auto",
    product: str | None = None,
    shots: int | None = None,
    defects: int = 0,
    specification: str | Path | None = None,
    train_on: str | Path | None = None,
    train_specification: str | Path | None = None,
    seeds: Sequence[int] = (0,),
    holdout: int | None = None,
    folds: int | None = None,
    by_place: bool | None = None,
    false_reject_rate: float = 0.05,
    confidence: float = 0.95,
    map_size: int | None = None,
    resamples: int = 1000,
) -> Evaluation:
    """Measure a detector on labelled pictures; goes on where an earlier run with the same arguments stopped.

    Parameters:
        data: a data set of any known layout, one of its products, or a manifest.
        detector: name of a detector (`specsight list detectors`).
        out: run folder; of a data set of several products it holds one run folder per product, and their mean.
        encoder: name or folder of an encoder.
        device: where it runs: "auto", "cpu", "cuda", "cuda:N" or "mps".
        parameters: hyper-parameters of the detector, by name.
        resolution: shorter side of the framed pictures in pixels, or "auto": good pictures choose; None: the detector's
            own.
        tile: side in pixels of the tiles that long pictures are looked at in, 0, or "auto"; None: the detector's own.
        layout: name of a layout (`specsight list datasets`).
        product: one product of a set that holds several; None: each of them.
        shots: good pictures to learn from, chosen under the seed; 0: none, words alone; None: all.
        defects: labelled defective pictures of each type to learn from; none of them is tested.
        specification: file with words about the product, for detectors that read.
        train_on, train_specification: another labelled set from which a cross-set detector learns, and words about it.
        seeds: one run of the detector for each; numbers are means over them.
        holdout, folds: good parts to hold out for the threshold, beside the set's validation pictures; or in how many
            folds to judge them. None: see `Inspector.fit`.
        by_place: whether maps are compared with good parts' at the same place; see `Inspector.fit`.
        false_reject_rate, confidence: what the threshold promises, both in (0, 1).
        map_size: shorter side in pixels at which pixel metrics are measured; None: the pictures' own resolution.
        resamples: bootstrap resamples behind each interval; 0: no intervals.

    Returns the run folder and its numbers. Raises `SpecsightError` for arguments that no run can have, for a folder
    that holds another run, is in use by another process or cannot be written, and for data without good training
    pictures or without labelled test pictures.
    """
    config = EvaluationConfig(
        DataConfig(given_path(data, "the data set"), layout, product),
        DetectorConfig(detector, parameters or {}, encoder, resolution, device, tile),
        LearningConfig(shots, defects, _path(specification), _path(train_on), _path(train_specification)),
        ThresholdConfig(holdout, false_reject_rate, confidence, folds, by_place),
        MeasuringConfig(map_size, resamples),
        tuple(seeds),
    )
    return run_evaluation(config, given_path(out, "the run folder"))


def run_evaluation(
    config: EvaluationConfig,
    out: Path,
    trainings: Path | None = None,
    features: Path | None = None,
    engine: Engine = LOCAL,
) -> Evaluation:
    """`evaluate` for a configuration. Runs that share the folder `trainings` find each other's trainings there; those
    that share `features`, what the encoder made of pictures. Of several products each is one worker's of `engine`; of
    one, its pictures are spread."""
    # Names, parameters and the folder are tried before anything is written.
    check_output(out)
    check_other_set(config.detector, config.learning)
    listing = split_by_part(load_dataset(config.data.path, config.data.layout, config.data.product))
    by_product: dict[str, list[Sample]] = {}
    for sample in listing.samples:
        by_product.setdefault(sample.product, []).append(sample)
    other = config.learning.train_on
    ignored = merged([listing.ignored, ignored_files(other) if other else ()])
    root = config.data.path.resolve().name
    with only_writer(out):
        if len(by_product) == 1:
            (name,) = by_product
            title = root if name == root else f"{root}/{name}"
            product = Product(
                title,
                listing.samples,
                listing.layout,
                listing.root,
                config.data.product,
                ignored,
                tuple(listing.notes),
            )
            evaluate_product(product, config, RunFolder(out), trainings, features, engine)
        else:
            products = [
                Product(f"{root}/{name}", samples, listing.layout, listing.root, name)
                for name, samples in by_product.items()
            ]
            used = f"{len(listing.samples)} pictures of {len(products)} products"
            account = Account(used, 0, ignored, tuple(listing.notes))
            _evaluate_products(
                products, config, RunFolder(out), trainings or out / TRAININGS, account, features, engine
            )
        if engine.elsewhere:
            # Of workers that were killed; a process that was removes its own when it is called again.
            remove_leftovers(out, deep=True)
    return Evaluation.of(out)


def _evaluate_products(
    products: Sequence[Product],
    config: EvaluationConfig,
    run: RunFolder,
    trainings: Path,
    account: Account,
    features: Path | None,
    engine: Engine,
) -> None:
    """Each product into a run folder of its own, and their mean; `account` is that of all files."""
    content = config.to_json(config.data.path.resolve().name, None, products[0].root)
    run.claim(content)
    measured: dict[str, dict[str, Any]] = {}
    make = partial(_evaluating, run.path, config, trainings, features)
    for product, numbers in zip(products, engine.map(make, products)):
        name = str(product.name)
        measured[name] = {"folder": file_name(name), **numbers}
    head = protocol.of_products(content, [Protocol.from_json(one["protocol"]) for one in measured.values()])
    account = replace(account, skipped=sum(int(one["account"]["skipped"]) for one in measured.values()))
    asked = _asked_of_products(run, measured, config)
    means = {**summary.over_products(measured), **asked, **summary.cost_over_products(measured)}
    run.write_metrics({**means, "products": measured, "protocol": head.under(account).to_json()})
    run.write_environment(environment.describe())


def _evaluating(
    folder: Path, config: EvaluationConfig, trainings: Path, features: Path | None
) -> Callable[[Product], dict[str, Any]]:
    """What evaluates one of several products into a folder inside `folder`."""

    def evaluate(product: Product) -> dict[str, Any]:
        inside = folder / file_name(str(product.name))
        inside.mkdir(exist_ok=True)
        return evaluate_product(product, config, RunFolder(inside), trainings, features)

    return evaluate


def _asked_of_products(
    run: RunFolder, measured: Mapping[str, Mapping[str, Any]], config: EvaluationConfig
) -> dict[str, Any]:
    """Numbers about instructions as means over products, with the intervals that means of other numbers do not have."""
    by_seed: dict[int, dict[str, Number]] = {}
    for seed in config.seeds:
        runs = {name: RunFolder(run.path / one["folder"]) for name, one in measured.items()}
        asked = {name: Asked(of.instructed(seed), of.predictions(seed)) for name, of in runs.items()}
        by_seed[seed] = instruction_numbers(asked, config.measuring.resamples)
    return summary.over_seeds({seed: Measured(values=numbers) for seed, numbers in by_seed.items()})


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
