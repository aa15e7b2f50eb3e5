"""The suite `adaptation` as one command: every shift under every seed, resumable, with a table as far as it has got.

In: an `EvaluationConfig` and which line is left out. Out: `adaptation.json` (numbers and protocol), and the table as
CSV and Markdown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specsight.datasets import load_dataset
from specsight.encoders import FILTERS, Encoder, load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.errors import SpecsightError
from specsight.evaluation.adaptation import Shift, ShiftConfig, measure_shift, shifts
from specsight.evaluation.adaptation_table import table
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.product import FEATURES
from specsight.preparation import STANDARD
from specsight.specification import load_specification
from specsight.storage import (
    check_output,
    only_writer,
    parse_json,
    read_text,
    write_csv,
    write_json,
    write_text,
)
from specsight.storage.tables import markdown_table

SUITE = "adaptation"
DEFECTS = 5
"""Labelled defects of every type, where a run names no number."""
GOOD = 60
"""Good training pictures of each line, where a run names no number of shots."""


def run_adaptation(config: EvaluationConfig, leave_out: str | None, target: Path | None, out: Path) -> Path:
    """Measure every shift that `leave_out` or `target` names under every seed of `config`; returns `out`.

    `leave_out`: see `evaluation.adaptation.shifts`. `target`: a labelled set of the other line, in place of a condition
    of the set itself. Features are cached in `out` and shared by all rows. What was measured already, in the same way,
    is not measured again. Raises SpecsightError where neither or both are given, for a folder that holds another
    measurement, and whatever `shifts` and `measure_shift` raise.
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
        lines = [Shift(target.name, samples, load_dataset(target).samples)]
    else:
        lines = shifts(samples, str(leave_out))
    protocol = _protocol(config, leave_out, target)
    check_output(out)
    with only_writer(out):
        numbers = _measured(out, protocol)
        settings = _settings(config, out)
        for line in lines:
            for seed in config.seeds:
                name = f"{line.name}, seed {seed}"
                if name not in numbers:
                    numbers[name] = measure_shift(line, settings, seed)
                    _write(out, protocol, numbers)
        _write(out, protocol, numbers)
    return out


def _settings(config: EvaluationConfig, out: Path) -> ShiftConfig:
    detector, learning = config.detector, config.learning
    encoder: Encoder = load_encoder(detector.encoder, detector.device)
    if detector.encoder != FILTERS:
        encoder = CachedEncoder(encoder, out / FEATURES)
    return ShiftConfig(
        encoder,
        detector.resolution if isinstance(detector.resolution, int) else STANDARD,
        learning.defects or DEFECTS,
        GOOD if learning.shots is None else learning.shots,
        tuple(detector.parameters.items()),
        load_specification(learning.specification) if learning.specification else None,
        detector.device,
        config.measuring.limit,
    )


def _protocol(config: EvaluationConfig, leave_out: str | None, target: Path | None) -> dict[str, Any]:
    """Under what rules the numbers came about."""
    return {
        "suite": SUITE,
        "data": str(config.data.path),
        "left_out": leave_out if target is None else str(target),
        "detector": "supervised",
        "parameters": {name: str(value) for name, value in config.detector.parameters.items()},
        "encoder": config.detector.encoder,
        "resolution": config.detector.resolution if config.detector.resolution else STANDARD,
        "defects_per_type": config.learning.defects or DEFECTS,
        "good_pictures": GOOD if config.learning.shots is None else config.learning.shots,
        "judged": "all"
        if config.measuring.limit is None
        else f"{config.measuring.limit} good, as many defective",
        "split": "by part; half of the target's test parts are judged, the other half is seen unlabelled",
        "tuned_on_target_labels": "nothing",
    }


def _measured(out: Path, protocol: dict[str, Any]) -> dict[str, dict[str, float]]:
    """What an earlier call has measured. Raises SpecsightError where that was something else."""
    file = out / f"{SUITE}.json"
    if not file.is_file():
        return {}
    try:
        content = parse_json(read_text(file))
        before, numbers = content["protocol"], content["image_auroc"]
        found = {str(name): {str(k): float(v) for k, v in rows.items()} for name, rows in numbers.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SpecsightError(f"'{file}' is damaged: choose another --out") from error
    if before != protocol:
        raise SpecsightError(f"'{file}' holds another measurement: choose another --out")
    return found


def _write(out: Path, protocol: dict[str, Any], numbers: dict[str, dict[str, float]]) -> None:
    header, lines = table(numbers)
    write_json(out / f"{SUITE}.json", {"protocol": protocol, "image_auroc": numbers})
    write_csv(out / f"{SUITE}.csv", header, lines)
    write_text(out / f"{SUITE}.md", markdown_table(header, lines, 1))
