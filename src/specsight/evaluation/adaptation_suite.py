"""The suite `adaptation` as one command: every shift under every seed, resumable.

In: an `EvaluationConfig` and which line is left out. Out: the record (`runs.adaptation_record`), as far as it has got.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from specsight.datasets import load_dataset
from specsight.encoders import FILTERS, Encoder, load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.errors import SpecsightError
from specsight.evaluation.adaptation import Shift, ShiftConfig, measure_shift, shifts
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.product import FEATURES
from specsight.preparation import STANDARD
from specsight.progress import track
from specsight.runs.adaptation_record import RECORD, AdaptationRecord
from specsight.runs.protocol import SYNTHETIC
from specsight.specification import load_specification
from specsight.storage import check_output, only_writer

SUITE = "adaptation"
DEFECTS = 5
"""Labelled defects of every type, where a run names no number."""
GOOD = 60
"""Good training pictures of each line, where a run names no number of shots."""


def run_adaptation(
    config: EvaluationConfig, leave_out: str | None, target: Path | None, out: Path
) -> Iterator[AdaptationRecord]:
    """Measure every shift that `leave_out` or `target` names under every seed of `config`; yields the record as it
    stands at first and after each, when it is written in `out`.

    `leave_out`: see `evaluation.adaptation.shifts`. `target`: a labelled set of the other line, in place of a condition
    of the set itself. Features are cached in `out`, shared by all rows, and removed at the end. What was measured
    already, in the same way, is not measured again, so that a stopped suite goes on and seeds can be added. Raises
    SpecsightError where neither or both are given, for a folder that holds another measurement, and whatever `shifts`
    and `measure_shift` raise.
    """
    data = config.data
    samples = load_dataset(data.path, data.layout, data.product).samples
    if (leave_out is None) == (target is None):
        raise SpecsightError(
            "the suite 'adaptation' needs another line: leave one out with --leave-out light, or name a set with "
            "--target"
        )
    products = {sample.product for sample in samples}
    if len(products) > 1:
        raise SpecsightError(
            f"'{data.path}' holds {len(products)} products, and a line makes one: name it with --product"
        )
    if target is not None:
        theirs = load_dataset(target).samples
        shared = {one.image.resolve() for one in samples} & {one.image.resolve() for one in theirs}
        if shared:
            raise SpecsightError(
                f"'{target}' and '{data.path}' share {len(shared)} pictures, such as {min(shared).name}: --target "
                "names pictures of another line"
            )
        lines = [Shift(target.name, samples, theirs)]
    else:
        lines = shifts(samples, str(leave_out))
    judged = [sample for line in lines for sample in line.target]
    synthetic = any(sample.conditions.get("origin") == SYNTHETIC for sample in judged)
    check_output(out)
    with only_writer(out):
        record = _begun(out, AdaptationRecord(_protocol(config, leave_out, target), synthetic, {}))
        if record.image_auroc:
            yield record
        settings = _settings(config, out)
        # Seed by seed: a suite that is stopped has measured all lines alike.
        asked = [(line, seed) for seed in config.seeds for line in lines if not record.has(line.name, seed)]
        for line, seed in track(asked, f"suite {SUITE}"):
            record = record.having(line.name, seed, measure_shift(line, settings, seed))
            record.write(out)
            yield record
        if not (out / FEATURES).is_symlink():
            shutil.rmtree(out / FEATURES, ignore_errors=True)


def _settings(config: EvaluationConfig, out: Path) -> ShiftConfig:
    detector, learning = config.detector, config.learning
    encoder: Encoder = load_encoder(detector.encoder, detector.device)
    if detector.encoder != FILTERS:
        encoder = CachedEncoder(encoder, out / FEATURES)
    return ShiftConfig(
        encoder,
        _resolution(config),
        learning.defects or DEFECTS,
        GOOD if learning.shots is None else learning.shots,
        tuple(detector.parameters.items()),
        load_specification(learning.specification) if learning.specification else None,
        detector.device,
        config.measuring.limit,
    )


def _resolution(config: EvaluationConfig) -> int:
    """The shorter side in pixels; lines are compared under one, which good pictures of neither choose."""
    given = config.detector.resolution
    return given if isinstance(given, int) else STANDARD


def _protocol(config: EvaluationConfig, leave_out: str | None, target: Path | None) -> dict[str, str]:
    """Under what rules the numbers came about."""
    good = GOOD if config.learning.shots is None else config.learning.shots
    words, limit = config.learning.specification, config.measuring.limit
    bound = "" if limit is None else f", at most {limit} good and {limit} defective pictures of them"
    set_ = ", ".join(f"{name}={value}" for name, value in config.detector.parameters.items())
    return {
        "Data": config.data.path.name,
        "Left out": str(leave_out) if target is None else f"the set {target.name}",
        "Detector": "supervised" + (f" ({set_})" if set_ else ""),
        "Encoder": config.detector.encoder,
        "Resolution": f"{_resolution(config)} px",
        "Learned from": f"{config.learning.defects or DEFECTS} labelled defects of each type of the source, at most "
        f"{good} good pictures of each line",
        "Words": words.name if words else "none",
        "Judged": f"half of the target's test parts{bound}",
        "Seen unlabelled": f"the other half{bound}, and good training pictures of the target",
        "Tuned on labels of the target": "nothing",
    }


def _begun(out: Path, new: AdaptationRecord) -> AdaptationRecord:
    """What an earlier call has measured, else `new`. Raises SpecsightError where that was something else."""
    if not (out / RECORD).is_file():
        return new
    before = AdaptationRecord.read(out)
    if replace(before, image_auroc={}) != new:
        raise SpecsightError(f"'{out / RECORD}' holds another measurement: choose another --out")
    return before
