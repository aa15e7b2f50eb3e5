"""The table of a few-shot curve: one point per detector and number of good pictures, as `few_shot.csv`.

Written by the evaluation after every finished run; read by the screen and by the chart.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.storage import write_csv

TABLE = "few_shot.csv"
METRICS = ("image_auroc", "pixel_auroc", "aupro_30")
"""What a curve shows."""
PARTS = ("value", "low", "high", "sd")

Number = Mapping[str, float | None]
"""Value, ends of the interval and deviation over seeds, by `PARTS`; None where undefined."""


@dataclass(frozen=True)
class CurvePoint:
    """The numbers of one detector that learned from `shots` good pictures (None: all)."""

    detector: str
    shots: int | None
    numbers: Mapping[str, Number]
    """By name of metric."""

    @classmethod
    def of(cls, detector: str, shots: int | None, metrics: Mapping[str, Any]) -> CurvePoint:
        """From the content of a run's `metrics.json`."""
        numbers = {name: {part: metrics.get(name, {}).get(part) for part in PARTS} for name in METRICS}
        return cls(detector, shots, numbers)


def write_curve(out: Path, points: Sequence[CurvePoint]) -> None:
    """Write the table into the folder `out`; an undefined entry (no masks, a single seed) is empty."""
    header = ["detector", "shots", *(_column(name, part) for name in METRICS for part in PARTS)]
    rows = [
        [point.detector, point.shots, *(point.numbers[name][part] for name in METRICS for part in PARTS)]
        for point in points
    ]
    write_csv(out / TABLE, header, rows)


def read_curve(out: Path) -> list[CurvePoint]:
    """The points in the folder `out`. Raises `SpecsightError` where there is no table or it is damaged."""
    file = out / TABLE
    if not file.is_file():
        raise SpecsightError(f"'{out}' holds no few-shot curve: it has no {TABLE}")
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            return [_point(row) for row in csv.DictReader(handle)]
    except (ValueError, KeyError) as error:
        raise SpecsightError(f"'{file}' is damaged: run the curve again to write it anew") from error


def _point(row: Mapping[str, str]) -> CurvePoint:
    numbers = {name: {part: _number(row[_column(name, part)]) for part in PARTS} for name in METRICS}
    return CurvePoint(row["detector"], int(row["shots"]) if row["shots"] else None, numbers)


def _number(text: str) -> float | None:
    return float(text) if text else None


def _column(name: str, part: str) -> str:
    return name if part == "value" else f"{name}_{part}"
