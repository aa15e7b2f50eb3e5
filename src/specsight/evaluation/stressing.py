"""Detectors under stress: fitted once on clean good parts, their thresholds fixed, judged at every level.

In: an `EvaluationConfig`, detectors and stressors. Out: a run folder per detector on clean pictures (an ordinary
evaluation) with a folder per stressor and level inside, and the record of all (`runs.stress_record`). Every stressed
picture is looked at and judged once; a finished level is not repeated.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from specsight import metrics
from specsight.datasets import load_dataset
from specsight.datasets.parts import split_by_part
from specsight.detectors import detectors
from specsight.engine import LOCAL, Engine
from specsight.errors import SpecsightError
from specsight.evaluation import stress_sheet, summary, truth
from specsight.evaluation.cells import Cell, run_cells
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.few_shot import config_of
from specsight.evaluation.fitting import model_of
from specsight.evaluation.image_numbers import image_numbers
from specsight.evaluation.measure import Measured
from specsight.evaluation.numbers import NO_MASKS, Number
from specsight.inspector import Inspector
from specsight.records import DEPTH, RGB, Picture, Sample
from specsight.runs.folder import RunFolder
from specsight.runs.judging import SavedInspector, judge_all
from specsight.runs.predictions import Prediction
from specsight.runs.stress_record import METRICS, PARTS, SHEETS, StressPoint, StressRecord
from specsight.storage import check_output, confined, only_writer, write_bytes
from specsight.stress import Stressor, apply, hidden, seed_of, stressors

FOLDER = "stress"
"""Inside a run folder: `<seed>/<stressor>-<level>/`, a run folder each."""
UNTOUCHED = "does not look at depth: as on clean pictures"


@dataclass(frozen=True)
class _Under:
    """What one product's test pictures are judged under."""

    run: RunFolder
    """On clean pictures."""
    samples: Sequence[Sample]
    config: EvaluationConfig
    _fitted: dict[int, Inspector] = field(default_factory=dict, repr=False)

    def inspector(self, seed: int) -> Inspector:
        """The inspector that was fitted on clean good parts, with its threshold; loaded once."""
        if seed not in self._fitted:
            self._fitted[seed] = self.saved(seed)()
        return self._fitted[seed]

    def saved(self, seed: int) -> SavedInspector:
        """How that inspector is loaded, here and by workers elsewhere."""
        detector = self.config.detector
        return SavedInspector(model_of(self.run, seed), detector.reloaded_encoder, detector.device)

    @property
    def uses_depth(self) -> bool:
        """Whether the detector looks at depth, or at colours alone."""
        needs = [detectors[fit.detector].needs for fit in self.run.fits().values()]
        return any(one.depth or DEPTH in one.uses for one in needs)


def stress_curves(
    config: EvaluationConfig,
    methods: Sequence[str],
    names: Sequence[str],
    out: Path,
    middle: bool = False,
    engine: Engine = LOCAL,
) -> Iterator[StressRecord]:
    """Evaluate every detector under every stressor (none named: all) at each of its levels, or at the `middle` alone.

    A run of the middle levels can be gone on with as one of all levels. The record below `out` is written again after
    each stressor, and handed out. Raises SpecsightError for an unknown stressor and for detectors that are named twice,
    before anything is run; and as `run_evaluation` does.
    """
    chosen = {name: stressors[name] for name in names or stressors}
    if len(set(methods)) < len(methods) or not methods:
        raise SpecsightError(f"every detector must be named once, got {list(methods)}")
    check_output(out)
    return _records(config, methods, chosen, out, middle, engine)


def _records(
    config: EvaluationConfig,
    methods: Sequence[str],
    chosen: dict[str, Stressor],
    out: Path,
    middle: bool,
    engine: Engine,
) -> Iterator[StressRecord]:
    listing = split_by_part(load_dataset(config.data.path, config.data.layout, config.data.product))
    by_id = {sample.id: sample for sample in listing.samples}
    record = StressRecord(
        config.data.path.resolve().name,
        config.seeds,
        config.threshold.false_reject_rate,
        protocols={},
        synthetic=False,
        middle=middle,
    )
    configs = [config_of(method, config, alone=len(methods) == 1) for method in methods]
    cells = [Cell(own, out / method) for method, own in zip(methods, configs)]
    for method, own, clean in zip(methods, configs, run_cells(cells, engine)):
        run = RunFolder(clean)
        protocol = run.protocol()
        record = replace(
            record,
            protocols={**record.protocols, method: protocol.line},
            synthetic=record.synthetic or protocol.synthetic,
        )
        products = _products(run, by_id, own)
        _draw_sheets(out, [sample for one in products.values() for sample in one.samples], chosen)
        for name, stressor in chosen.items():
            points: list[StressPoint] = []
            for level in (0.0, *([stressor.middle] if middle else stressor.levels)):
                points += _points(method, products, name, level, engine)
            record = replace(record, points=(*record.points, *points))
            record.write(out)
            yield record


def _products(run: RunFolder, by_id: dict[str, Sample], config: EvaluationConfig) -> dict[str, _Under]:
    """By name of product ("" for the only one): the run on clean pictures, and the samples that it tested."""
    inside = run.metrics().get("products") or {"": {"folder": "."}}
    found = {}
    for name, one in inside.items():
        own = RunFolder(confined(run.path, one["folder"]) if name else run.path)
        ids = dict.fromkeys(prediction.id for prediction in own.predictions(config.seeds[0]))
        found[name] = _Under(own, [by_id[id_] for id_ in ids], config)
    return found


def _points(
    method: str, products: dict[str, _Under], name: str, level: float, engine: Engine
) -> list[StressPoint]:
    """The point of each product, and of several first that of their mean."""
    stressor = stressors[name]
    measured: dict[str, dict[str, Any]] = {}
    notes: dict[str, str] = {}
    for product, under in products.items():
        try:
            measured[product], notes[product] = _numbers(under, name, level, engine)
        except SpecsightError as error:
            measured[product], notes[product] = {}, f"not judged: {error}"
    if len(products) > 1:
        whole = all(measured.values())
        mean = summary.over_products(measured) if whole else {}
        note = next((one for one in notes.values() if one), "")
        measured, notes = {"": mean, **measured}, {"": note, **notes}
    return [
        StressPoint(
            method,
            product,
            name,
            stressor.title,
            stressor.unit,
            level,
            level == stressor.middle,
            {metric: {part: numbers.get(metric, {}).get(part) for part in PARTS} for metric in METRICS},
            notes[product],
        )
        for product, numbers in measured.items()
    ]


def _numbers(under: _Under, name: str, level: float, engine: Engine) -> tuple[dict[str, Any], str]:
    """Numbers by metric as in `metrics.json`, and a note."""
    clean = under.run.metrics()
    if level == 0:
        return clean, ""
    if RGB not in stressors[name].touches and not under.uses_depth:
        return clean, UNTOUCHED
    by_seed: dict[int, Measured] = {}
    skipped = 0
    for seed in under.config.seeds:
        run = RunFolder(under.run.path / FOLDER / str(seed) / f"{name}-{level:g}")
        if not run.metrics():
            _judge(under, run, name, level, seed, engine)
        of_seed = {metric: one for metric, one in run.metrics().items() if metric in METRICS}
        values = {
            metric: Number(_float(one["value"]), _float(one.get("low")), _float(one.get("high")))
            for metric, one in of_seed.items()
        }
        by_seed[seed] = Measured(values=values)
        skipped += len(run.skipped())
    return summary.over_seeds(by_seed), f"{skipped} pictures could not be judged" if skipped else ""


def _float(value: float | None) -> float:
    return float("nan") if value is None else value


@dataclass(frozen=True)
class _Change:
    """A picture → the same under stress."""

    stressor: str
    level: float
    seed: int
    uses_depth: bool

    def __call__(self, sample: Sample, picture: Picture) -> Picture:
        stressed = apply(picture, self.stressor, self.level, seed_of(sample.id, self.seed))
        if RGB in stressed.absent and not self.uses_depth:
            raise SpecsightError("it looks at colours alone, and there are none")
        return stressed


def _judge(under: _Under, run: RunFolder, name: str, level: float, seed: int, engine: Engine) -> None:
    """Judge the test pictures at one level into a run folder, and measure; the maps are removed afterwards."""
    run.path.mkdir(parents=True, exist_ok=True)
    with only_writer(run.path):
        run.claim({**under.run.config(), "stressor": name, "level": level})

        def behind(prediction: Prediction) -> Any:
            return hidden(prediction.size, name, level, seed_of(prediction.id, seed))

        judged = judge_all(
            run,
            under.inspector(seed),
            under.samples,
            seed=seed,
            data=under.run.data,
            change=_Change(name, level, seed, under.uses_depth),
            engine=engine,
            reload=under.saved(seed),
        )
        numbers = _measured(run, judged, under.config, behind)
        run.write_metrics(summary.over_seeds({seed: Measured(values=numbers)}))
        # A level of a stressor has as many maps as the clean run: they would fill the disk and nobody looks at them.
        shutil.rmtree(run.path / "maps", ignore_errors=True)


def _measured(
    run: RunFolder, judged: Sequence[Prediction], config: EvaluationConfig, behind: truth.Hidden
) -> dict[str, Number]:
    """`METRICS` of one level; pixels that are hidden take no part in those about pixels."""
    measuring = config.measuring
    found = image_numbers(judged, measuring.resamples).values
    values = {name: found[name] for name in METRICS if name in found}
    usable = truth.with_masks(judged, run.data).usable
    if not any(one.defects for one in usable):
        return values | {name: Number(float("nan"), reason=NO_MASKS) for name in ("pixel_auroc", "aupro_30")}
    pixels = metrics.measure(
        metrics.gather(truth.MapsWithTruth(run, usable, measuring.map_size, behind)), (0.3,)
    )
    return values | {"pixel_auroc": Number(pixels.auroc), "aupro_30": Number(pixels.aupro[0.3])}


def _draw_sheets(out: Path, samples: Sequence[Sample], chosen: dict[str, Stressor]) -> None:
    """A sheet of one defective test picture under each stressor, for the page; none where it cannot be stressed."""
    shown = next((sample for sample in samples if sample.label == "defective"), samples[0])
    for name in chosen:
        file = out / SHEETS / f"{name}.jpg"
        if not file.is_file():
            try:
                drawn = stress_sheet.encoded(shown, name)
            except SpecsightError:
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(file, drawn)
