"""A comparison as one command: methods, ablations or wordings side by side on one data set.

In: an `EvaluationConfig` and the name of a suite. Out: one run folder per row (resumable as any), `suite.csv` and
`suite.json`. Every row runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from specsight.detectors import create_detector, detectors
from specsight.detectors.cross_set import CrossSetDetector
from specsight.errors import SpecsightError, did_you_mean
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.run import evaluate
from specsight.prompts.rewording import REWORDINGS, reword
from specsight.specification import load_specification, save_yaml
from specsight.storage import write_json, write_text

TABLE, RECORD = "suite.csv", "suite.json"
SHOWN = {
    "image_auroc": "image AUROC",
    "pixel_auroc": "pixel AUROC",
    "aupro_30": "AUPRO@0.3",
    "iou": "IoU",
    "pixel_precision": "precision",
    "pixel_recall": "recall",
}
"""Metric → its name in the table; the last three at the calibrated threshold."""


@dataclass(frozen=True)
class Row:
    """One line of a suite: a method, how it differs from its defaults, and how many good pictures it may see."""

    name: str
    detector: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    shots: int | None = None
    """None: as many as the run was asked for."""
    group: str = "methods"
    rewording: str | None = None
    theirs: str = ""
    """What the paper prints for its own run, with its shots: never comparable with ours."""


def clad_suite(config: EvaluationConfig) -> list[Row]:
    """The comparison and the ablations of the CLAD paper, and the two ways to localise."""
    rows = [
        Row("SPADE", "spade"),
        Row("PaDiM", "padim"),
        Row("PatchCore", "patchcore", theirs="0.992 (MVTec AD mean, full shot; PatchCore's repository)"),
        Row("WinCLIP, words alone", "winclip", shots=0, theirs="0.918 (MVTec AD mean, 0 shots; WinCLIP)"),
        Row("WinCLIP+, 1 shot", "winclip", shots=1, theirs="0.931 (MVTec AD mean, 1 shot; WinCLIP)"),
        Row(
            "CLAD",
            "clad",
            theirs="0.941 (MVTec AD mean; shots not stated, beside WinCLIP's 1-shot number; CLAD)",
        ),
    ]
    return [
        *rows,
        *(Row(f"CLAD: {name}", "clad", changed, group="ablations") for name, changed in ABLATIONS.items()),
    ]


ABLATIONS: dict[str, dict[str, Any]] = {
    "no contrastive loss": {"contrast": "none"},
    "literal loss": {"contrast": "literal"},
    "no task fine-tuning": {"task_stage": False},
    "the paper's losses and score": {"patches": 0.0, "local": 0.0, "score": "similarity"},
    "lambda 0": {"reconstruction": 0.0},
    "lambda 0.01": {"reconstruction": 0.01},
    "lambda 0.5": {"reconstruction": 0.5},
    "lambda 1": {"reconstruction": 1.0},
    "Grad-CAM": {"map": "gradcam"},
    "encoder's last block tuned": {"tune_encoder": True},
}
"""What each ablation changes of the defaults. CNN or ViT is the encoder's choice: run the suite with another one."""


def words_suite(config: EvaluationConfig) -> list[Row]:
    """Every rewording of the specification under the detector asked for; under all that read if it does not."""
    if config.specification is None:
        raise SpecsightError("the suite 'words' rewords a specification: give one with --spec")
    reading = [name for name, kind in detectors.items() if "text" in kind.needs]
    reading = [config.detector] if config.detector in reading else reading
    if config.train_on is None:
        reading = [name for name in reading if not issubclass(detectors[name], CrossSetDetector)]
    return [
        Row(
            f"{name}, {how}",
            name,
            shots=0 if not detectors[name].minimum_good else None,
            group=name,
            rewording=how,
        )
        for name in reading
        for how in REWORDINGS
    ]


SUITES = {"clad": clad_suite, "words": words_suite}


def run_suite(config: EvaluationConfig, suite: str, out: Path) -> Path:
    """Run every row of `suite` below `out`; the table is written again after each. Returns `out`.

    Raises SpecsightError for an unknown suite and whatever `evaluate` raises for a row.
    """
    if suite not in SUITES:
        raise SpecsightError(f"unknown suite '{suite}': {did_you_mean(suite, SUITES)}")
    rows = SUITES[suite](config)
    for row in rows:
        # Names and parameters are tried before the first hour is spent.
        create_detector(row.detector, encoder=config.encoder, **row.parameters)
    out.mkdir(parents=True, exist_ok=True)
    finished = []
    for row in rows:
        folder = out / _slug(row.name)
        _apart(_asked(config, row, out), folder)
        finished.append(_line(row, folder, config))
        _write(out, suite, config, finished)
    return out


def _asked(config: EvaluationConfig, row: Row, out: Path) -> EvaluationConfig:
    parameters = {**config.parameters, **row.parameters}
    shots = config.shots if row.shots is None else row.shots
    asked = replace(config, detector=row.detector, parameters=parameters, shots=shots)
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


def _apart(config: EvaluationConfig, folder: Path) -> None:
    """`evaluate` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(evaluate, config, folder).result()


def _line(row: Row, folder: Path, config: EvaluationConfig) -> dict[str, Any]:
    numbers = json.loads((folder / "metrics.json").read_text("utf-8"))
    line: dict[str, Any] = {
        "name": row.name,
        "group": row.group,
        "detector": row.detector,
        "folder": folder.name,
        "protocol": numbers["protocol"]["line"],
        "theirs": row.theirs,
    }
    for name in SHOWN:
        metric = numbers.get(name, {})
        line[name], line[f"{name}_sd"] = metric.get("value"), metric.get("sd")
    spent = numbers.get("seconds", {})
    line["fit_seconds"] = spent.get("fit")
    line["picture_ms"] = _per_picture(spent)
    line["peak_mb"] = numbers.get("peak_mb")
    line["learned"] = numbers["protocol"].get("details", {}).get("Learned from")
    return line


def _per_picture(spent: Mapping[str, Any]) -> float | None:
    """Milliseconds to read, look, judge and find, medians added up."""
    stages = [stage["median"] for name, stage in spent.items() if name != "fit"]
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


def lines_of(out: Path) -> Iterator[dict[str, Any]]:
    """The rows of a finished or half-finished suite."""
    yield from record_of(out)["rows"]


def _slug(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in ".+" else " " for c in name.casefold())
    return "-".join(kept.split())
