"""A comparison as one command: methods, ablations or wordings side by side on one data set.

In: an `EvaluationConfig` and the name of a suite. Out: one run folder per row (resumable as any), `suite.csv` and
`suite.json`. Every row runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.datasets import load_dataset
from specsight.detectors import detectors
from specsight.detectors.cross_set.training import FOLDER as TRAININGS
from specsight.engine import LOCAL, Engine
from specsight.errors import SpecsightError, did_you_mean
from specsight.evaluation.adaptation_suite import SUITE as ADAPTATION
from specsight.evaluation.config import DetectorConfig, EvaluationConfig
from specsight.evaluation.fitting import check_other_set_is_used
from specsight.evaluation.instructions.questions import check_askable, nothing_to_ask
from specsight.evaluation.own_process import RowError, evaluate_in_own_process
from specsight.evaluation.product import FEATURES
from specsight.evaluation.suite_catalogue import PICTURES, SUITES, Row, slug
from specsight.evaluation.suite_changes import Compared
from specsight.progress import track
from specsight.prompts.rewording import reword
from specsight.runs.costs import milliseconds_per_picture
from specsight.runs.folder import RunFolder
from specsight.runs.suite_record import SuiteRecord, SuiteRow
from specsight.specification import Specification, load_specification, save_yaml
from specsight.specification.vocabulary import Vocabulary
from specsight.storage import check_output, only_writer, remove_leftovers

GAP = "control_gap"


def run_suite(
    config: EvaluationConfig,
    suite: str,
    out: Path,
    encoders: Sequence[str] = (),
    only: Sequence[str] = (),
    engine: Engine = LOCAL,
) -> Path:
    """Run every row of `suite` below `out`; the table is written again after each. Returns `out`.

    `encoders` are those to compare besides the run's own; `only` names the rows to run, all where it is empty.
    Each row is one worker's of `engine`, which gives it a process of its own. What a row learns from another set is
    saved below `out` for rows that would learn the same. A row that fails does not stop the others. Raises
    SpecsightError for an unknown suite or row, for a folder that cannot be written, where a suite of instructions has
    nothing to ask of the set, and, when all rows were tried, SuiteError where some failed.
    """
    if suite not in SUITES:
        raise SpecsightError(f"unknown suite '{suite}': {did_you_mean(suite, (*SUITES, ADAPTATION))}")
    rows = _chosen(SUITES[suite].rows(config, encoders), suite, only)
    named = config.detector
    if named.parameters and named.name not in {row.detector for row in rows}:
        raise SpecsightError(f"the suite '{suite}' has no row of '{named.name}', whose parameters were set")
    check_other_set_is_used(config.learning, [row.detector for row in rows])
    for row in rows:
        # Names and parameters are tried before the first hour is spent.
        _detector_of(row, named).create(seed=0)
    check_output(out)
    asks = bool(SUITES[suite].reference)
    if asks:
        listing = load_dataset(config.data.path, config.data.layout, config.data.product)
        check_askable(listing.samples, str(config.data.path))
    record = SuiteRecord(suite, config.data.path.name, config.data.product, config.seeds)
    compared = Compared(out, config)
    with only_writer(out):
        cells = [_cell(row, config, out) for row in rows]
        failures = engine.map(_running, cells)
        for row, failure in track(zip(rows, failures), f"suite {suite}", len(rows)):
            run = RunFolder(out / slug(row.name))
            if failure:
                record = replace(record, failed={**record.failed, row.name: failure})
            else:
                finished = [compared.with_changes(row, _finished(row, run, SUITES[suite].metrics))]
                if asks and all(v is None for name, v in finished[0].values.items() if name not in PICTURES):
                    raise nothing_to_ask(str(config.data.path))
                if SUITES[suite].reference and not record.rows:
                    finished.append(_without_words(finished[0], run, SUITES[suite].reference))
                record = replace(record, rows=(*record.rows, *finished))
            record.write(out)
        if engine.elsewhere:
            remove_leftovers(out, deep=True)
        shutil.rmtree(out / FEATURES, ignore_errors=True)
    if record.failed:
        raise SuiteError(record, len(rows))
    return out


def _chosen(rows: Sequence[Row], suite: str, only: Sequence[str]) -> list[Row]:
    """The rows of these names, or of the names of their folders, in the order of the suite. Raises SpecsightError for a
    name that none of them has."""
    folders = [slug(row.name) for row in rows]
    for name in only:
        if slug(name) not in folders:
            raise SpecsightError(
                f"the suite '{suite}' has no row '{name}': {did_you_mean(name, folders)} Its rows: {', '.join(folders)}"
            )
    chosen = set(map(slug, only))
    return [row for row in rows if not only or slug(row.name) in chosen]


class SuiteError(SpecsightError):
    """Some rows of a suite failed; the table of the others, if there are any, is written."""

    def __init__(self, record: SuiteRecord, count: int) -> None:
        causes = "; ".join(f"'{name}': {cause}" for name, cause in record.failed.items())
        super().__init__(
            f"{len(record.failed)} of {count} rows failed, run the same command again to try them again: {causes}"
        )
        self.finished = len(record.rows)


@dataclass(frozen=True)
class _Cell:
    """The evaluation of one row; the fields are the arguments of `evaluate_in_own_process`."""

    config: EvaluationConfig
    folder: Path
    trainings: Path
    features: Path | None

    def run(self) -> str:
        """Evaluate; returns why it failed, or nothing."""
        try:
            evaluate_in_own_process(self.config, self.folder, self.trainings, self.features)
        except RowError as error:
            return str(error)
        return ""


def _running() -> Callable[[_Cell], str]:
    return _Cell.run


def _cell(row: Row, config: EvaluationConfig, out: Path) -> _Cell:
    # A row that is compared looks at what another one has looked at: its time is not the method's.
    features = out / FEATURES if row.compared_with else None
    return _Cell(_config_of(row, config, out), out / slug(row.name), out / TRAININGS, features)


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
    return replace(
        config,
        detector=_detector_of(row, config.detector),
        learning=learning,
        measuring=replace(
            config.measuring,
            instructions=row.instructions or config.measuring.instructions,
            # What counts of a row that is compared is the interval of the difference.
            resamples=0 if row.compared_with else config.measuring.resamples,
            explain_with="" if row.compared_with else config.measuring.explain_with,
        ),
    )


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
    if specification is None or (row.rewording is None and not row.taught):
        return specification
    words = load_specification(specification)
    file = out / "words" / f"{slug(row.rewording or row.name)}.yaml"
    file.parent.mkdir(exist_ok=True)
    save_yaml(reword(words, row.rewording) if row.rewording else _half_of_the_types(words), file)
    return file


def _half_of_the_types(specification: Specification) -> Specification:
    """The specification without its second, fourth, ... defect type and what it tolerates of them."""
    kept = specification.defects[::2]
    names = Vocabulary.of(kept)
    tolerances = tuple(one for one in specification.tolerances if one.defect in names)
    return Specification.model_validate(
        specification.model_copy(update={"defects": kept, "tolerances": tolerances}).model_dump()
    )


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
        intervals={
            name: (numbers.get(name, {}).get("low"), numbers.get(name, {}).get("high")) for name in metrics
        },
        training_seconds=spent.get("training"),
        fit_seconds=spent.get("fit"),
        picture_ms=milliseconds_per_picture(spent),
        peak_mb=numbers.get("peak_mb"),
        learned=numbers["protocol"].get("details", {}).get("Learned from"),
        shows_map=row.shows_map,
    )


def _without_words(row: SuiteRow, run: RunFolder, title: str) -> SuiteRow:
    """The row of the same run as it would be if every instruction had been ignored: a control gap of 0, no word read
    or reworded, and every other number from the decisions without instruction."""
    numbers = run.metrics()
    values: dict[str, float | None] = {}
    intervals: dict[str, tuple[float | None, float | None]] = {}
    for name in row.values:
        alone = numbers.get(f"{name.removesuffix('_clauses').removesuffix('_text')}_ignored")
        if name.startswith(GAP) and row.values[name] is not None:
            alone = {"value": 0.0}
        elif name in PICTURES:
            alone = numbers.get(name)
        values[name] = (alone or {}).get("value")
        intervals[name] = ((alone or {}).get("low"), (alone or {}).get("high"))
    return replace(
        row,
        name=f"{row.name}, {title}",
        group="reference",
        values=values,
        intervals=intervals,
        deviations=dict.fromkeys(row.values),
    )
