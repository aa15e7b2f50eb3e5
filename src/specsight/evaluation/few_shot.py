"""Detectors × numbers of good pictures → one table: how much each method gains from a few more parts.

In: an `EvaluationConfig`, detectors and shots. Out: one run folder per pair (`<detector>-<shots>-shot`, resumable as
any) and `few_shot.csv`. The pictures of fewer shots are among those of more: the first of a permutation under the seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from specsight.choosing import AUTO, LIMITS
from specsight.detectors import detectors as registry
from specsight.engine import LOCAL, Engine
from specsight.errors import SpecsightError
from specsight.evaluation.cells import Cell, run_cells
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.fitting import check_other_set_is_used
from specsight.runs.curve_table import CurvePoint, points_of, write_curve
from specsight.runs.folder import RunFolder


def few_shot_curve(
    config: EvaluationConfig,
    detectors: Sequence[str],
    shots: Sequence[int | None],
    out: Path,
    engine: Engine = LOCAL,
) -> Iterator[Path]:
    """Evaluate every detector with every number of shots (None: all); yields each run folder when it is finished.

    Each pair is one worker's of `engine`; a single pair is spread by its products or pictures. The table is written
    again before each is handed out, so that a stopped curve shows what there is. Raises
    `SpecsightError` where a detector or a number of shots is named twice or none is, before anything is run.
    """
    for what, values in (("detector", detectors), ("number of shots", shots)):
        if len(set(values)) < len(values) or not values:
            raise SpecsightError(f"every {what} of a curve must be named once, got {list(values)}")
    check_other_set_is_used(config.learning, detectors)
    return _runs(config, [(detector, count) for detector in detectors for count in shots], out, engine)


def _runs(
    config: EvaluationConfig, pairs: Sequence[tuple[str, int | None]], out: Path, engine: Engine
) -> Iterator[Path]:
    points: list[CurvePoint] = []
    cells = []
    methods = {detector for detector, _ in pairs}
    for detector, count in pairs:
        name = f"{detector}-{'full' if count is None else count}-shot"
        own = config_of(detector, config, alone=len(methods) == 1)
        cells.append(Cell(replace(own, learning=replace(own.learning, shots=count)), out / name))
    for (detector, count), run in zip(pairs, run_cells(cells, engine)):
        points += points_of(detector, count, RunFolder(run).metrics(), run.name)
        write_curve(out, points)
        yield run


def config_of(detector: str, config: EvaluationConfig, alone: bool) -> EvaluationConfig:
    """The configuration of one of several detectors, or of the only one (`alone`): what is not for it is left out."""
    learning = config.learning
    if detector == AUTO or not registry[detector].needs.other_sets:
        learning = replace(learning, train_on=None, train_specification=None)
    parameters = {
        name: value
        for name, value in config.detector.parameters.items()
        # Several methods: the limits of a choice are its own, and other parameters those of the others.
        if alone or (name in LIMITS) == (detector == AUTO)
    }
    named = replace(config.detector, name=detector, parameters=parameters)
    return replace(config, detector=named, learning=learning)
