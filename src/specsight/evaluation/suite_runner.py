"""A comparison as one command: methods, ablations or wordings side by side on one data set.

In: an `EvaluationConfig` and the name of a suite. Out: one run folder per row (resumable as any), `suite.csv` and
`suite.json`. Every row runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from specsight.detectors import create_detector, detectors
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.cross_set.training import FOLDER as TRAININGS
from specsight.errors import SpecsightError, did_you_mean
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.run import evaluate
from specsight.evaluation.suite_catalogue import SUITES, Row
from specsight.evaluation.summary import STAGES
from specsight.prompts.rewording import reword
from specsight.specification import load_specification, save_yaml
from specsight.storage import write_json, write_text

TABLE, RECORD = "suite.csv", "suite.json"


def run_suite(config: EvaluationConfig, suite: str, out: Path, encoders: Sequence[str] = ()) -> Path:
    """Run every row of `suite` below `out`; the table is written again after each. Returns `out`.

    `encoders` are those to compare besides the run's own. What a row learns from another set is kept below `out` for
    rows that would learn the same. Raises SpecsightError for an unknown suite and whatever `evaluate` raises for a row.
    """
    if suite not in SUITES:
        raise SpecsightError(f"unknown suite '{suite}': {did_you_mean(suite, SUITES)}")
    rows = SUITES[suite].rows(config, encoders)
    if config.parameters and config.detector not in {row.detector for row in rows}:
        raise SpecsightError(
            f"the suite '{suite}' has no row of '{config.detector}', whose parameters were set"
        )
    for row in rows:
        # Names and parameters are tried before the first hour is spent.
        create_detector(row.detector, encoder=row.encoder or config.encoder, **_parameters(config, row))
    out.mkdir(parents=True, exist_ok=True)
    finished = []
    for row in rows:
        folder = out / _slug(row.name)
        _apart(_asked(config, row, out), folder, out / TRAININGS)
        finished.append(_line(row, folder, SUITES[suite].shown))
        _write(out, suite, config, finished)
    return out


def _asked(config: EvaluationConfig, row: Row, out: Path) -> EvaluationConfig:
    shots = config.shots if row.shots is None else row.shots
    asked = replace(
        config,
        detector=row.detector,
        parameters=_parameters(config, row),
        shots=shots,
        encoder=row.encoder or config.encoder,
        defects=config.defects if row.defects is None else row.defects,
    )
    if not issubclass(detectors[row.detector], CrossSetDetector):
        asked = replace(asked, train_on=None, train_specification=None)
    if not detectors[row.detector].takes_defects:
        asked = replace(asked, defects=0)
    if row.rewording is None or config.specification is None:
        return asked
    words = out / "words" / f"{_slug(row.rewording)}.yaml"
    words.parent.mkdir(exist_ok=True)
    save_yaml(reword(load_specification(config.specification), row.rewording), words)
    return replace(asked, specification=words)


def _parameters(config: EvaluationConfig, row: Row) -> dict[str, Any]:
    """Those that the run asks for are its detector's; a row's own go before them."""
    asked = config.parameters if row.detector == config.detector else {}
    return {**asked, **row.parameters}


def _apart(config: EvaluationConfig, folder: Path, kept: Path) -> None:
    """`evaluate` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(evaluate, config, folder, kept).result()


def _line(row: Row, folder: Path, shown: Mapping[str, str]) -> dict[str, Any]:
    numbers = json.loads((folder / "metrics.json").read_text("utf-8"))
    line: dict[str, Any] = {
        "name": row.name,
        "group": row.group,
        "detector": row.detector,
        "folder": folder.name,
        "protocol": numbers["protocol"]["line"],
        "theirs": row.theirs,
    }
    for name in shown:
        metric = numbers.get(name, {})
        line[name], line[f"{name}_sd"] = metric.get("value"), metric.get("sd")
    spent = numbers.get("seconds", {})
    line["training_seconds"], line["fit_seconds"] = spent.get("training"), spent.get("fit")
    line["picture_ms"] = _per_picture(spent)
    line["peak_mb"] = numbers.get("peak_mb")
    line["learned"] = numbers["protocol"].get("details", {}).get("Learned from")
    return line


def _per_picture(spent: Mapping[str, Any]) -> float | None:
    """Milliseconds to read, look, judge and find, medians added up."""
    stages = [stage["median"] for name, stage in spent.items() if name in STAGES]
    return 1000 * sum(stages) if stages else None


def _write(out: Path, suite: str, config: EvaluationConfig, lines: list[dict[str, Any]]) -> None:
    about = {"suite": suite, "data": config.data.name, "product": config.product, "seeds": config.seeds}
    write_json(out / RECORD, {**about, "rows": lines})
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_text(out / TABLE, text.getvalue())


def record_of(out: Path) -> dict[str, Any]:
    """What a finished or half-finished suite was about, and its rows. Raises SpecsightError where `out` holds none."""
    file = out / RECORD
    if not file.is_file():
        raise SpecsightError(f"'{out}' is no suite: it has no {RECORD}")
    return dict(json.loads(file.read_text("utf-8")))


def _slug(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in ".+" else " " for c in name.casefold())
    return "-".join(kept.split())
