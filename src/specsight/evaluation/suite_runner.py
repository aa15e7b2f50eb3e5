"""A comparison as one command: methods, ablations or wordings side by side on one data set.

In: an `EvaluationConfig` and the name of a suite. Out: one run folder per row (resumable as any), `suite.csv` and
`suite.json`. Every row runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from specsight.detectors import detectors
from specsight.detectors.cross_set.training import FOLDER as TRAININGS
from specsight.errors import SpecsightError, did_you_mean
from specsight.evaluation.config import DetectorConfig, EvaluationConfig
from specsight.evaluation.fitting import check_other_set_is_used
from specsight.evaluation.run import run_evaluation
from specsight.evaluation.suite_catalogue import SUITES, Row
from specsight.prompts.rewording import reword
from specsight.runs.costs import milliseconds_per_picture
from specsight.runs.folder import RunFolder
from specsight.runs.suite_record import SuiteRecord, SuiteRow
from specsight.specification import load_specification, save_yaml


def run_suite(config: EvaluationConfig, suite: str, out: Path, encoders: Sequence[str] = ()) -> Path:
    """Run every row of `suite` below `out`; the table is written again after each. Returns `out`.

    `encoders` are those to compare besides the run's own. What a row learns from another set is saved below `out` for
    rows that would learn the same. Raises SpecsightError for an unknown suite and whatever `evaluate` raises for a row.
    """
    if suite not in SUITES:
        raise SpecsightError(f"unknown suite '{suite}': {did_you_mean(suite, SUITES)}")
    rows = SUITES[suite].rows(config, encoders)
    named = config.detector
    if named.parameters and named.name not in {row.detector for row in rows}:
        raise SpecsightError(f"the suite '{suite}' has no row of '{named.name}', whose parameters were set")
    check_other_set_is_used(config.learning, [row.detector for row in rows])
    for row in rows:
        # Names and parameters are tried before the first hour is spent.
        _detector_of(row, named).create(seed=0)
    out.mkdir(parents=True, exist_ok=True)
    finished: list[SuiteRow] = []
    for row in rows:
        run = RunFolder(out / _slug(row.name))
        _in_own_process(_config_of(row, config, out), run.path, out / TRAININGS)
        finished.append(_finished(row, run, SUITES[suite].metrics))
        SuiteRecord(suite, config.data.path.name, config.data.product, config.seeds, tuple(finished)).write(
            out
        )
    return out


def _config_of(row: Row, config: EvaluationConfig, out: Path) -> EvaluationConfig:
    """The configuration of one row: the suite's, with what the row changes."""
    kind, learning = detectors[row.detector], config.learning
    learning = replace(
        learning,
        shots=learning.shots if row.shots is None else row.shots,
        defects=learning.defects if row.defects is None else row.defects,
        specification=_reworded(row, learning.specification, out),
    )
    if not kind.needs.other_sets:
        learning = replace(learning, train_on=None, train_specification=None)
    if not kind.needs.takes_defects:
        learning = replace(learning, defects=0)
    return replace(config, detector=_detector_of(row, config.detector), learning=learning)


def _detector_of(row: Row, named: DetectorConfig) -> DetectorConfig:
    """The row's detector. Parameters that the run sets are those of the detector it names; a row's own go before."""
    given = named.parameters if row.detector == named.name else {}
    return replace(
        named,
        name=row.detector,
        parameters={**given, **row.parameters},
        encoder=row.encoder or named.encoder,
    )


def _reworded(row: Row, specification: Path | None, out: Path) -> Path | None:
    """The specification as the row rewords it, below `out`; the same where it does not."""
    if row.rewording is None or specification is None:
        return specification
    file = out / "words" / f"{_slug(row.rewording)}.yaml"
    file.parent.mkdir(exist_ok=True)
    save_yaml(reword(load_specification(specification), row.rewording), file)
    return file


def _in_own_process(config: EvaluationConfig, folder: Path, trainings: Path) -> None:
    """`run_evaluation` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(run_evaluation, config, folder, trainings).result()


def _finished(row: Row, run: RunFolder, metrics: Sequence[str]) -> SuiteRow:
    """The row of the record, from the numbers of its run folder."""
    numbers = run.metrics()
    spent = numbers.get("seconds", {})
    return SuiteRow(
        name=row.name,
        group=row.group,
        detector=row.detector,
        folder=run.path.name,
        protocol=numbers["protocol"]["line"],
        published=row.published,
        values={name: numbers.get(name, {}).get("value") for name in metrics},
        deviations={name: numbers.get(name, {}).get("sd") for name in metrics},
        training_seconds=spent.get("training"),
        fit_seconds=spent.get("fit"),
        picture_ms=milliseconds_per_picture(spent),
        peak_mb=numbers.get("peak_mb"),
        learned=numbers["protocol"].get("details", {}).get("Learned from"),
        shows_map=row.shows_map,
    )


def _slug(name: str) -> str:
    words = "".join(c if c.isalnum() or c in ".+" else " " for c in name.casefold())
    return "-".join(words.split())
