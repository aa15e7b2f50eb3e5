"""Several evaluations, each into a folder of its own, spread over the workers of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from specsight.engine import Engine
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.run import run_evaluation


@dataclass(frozen=True)
class Cell:
    """One of the evaluations: of what, and into which run folder."""

    config: EvaluationConfig
    folder: Path


def run_cells(cells: Sequence[Cell], engine: Engine) -> Iterator[Path]:
    """Yields each run folder when it and those before it are finished.

    Of several cells each is one worker's; of a single one, its products or pictures are spread.
    """
    if len(cells) == 1:
        yield run_evaluation(cells[0].config, cells[0].folder, engine=engine).folder
    else:
        yield from engine.map(_evaluating, cells)


def _evaluating() -> Callable[[Cell], Path]:
    return lambda cell: run_evaluation(cell.config, cell.folder).folder
