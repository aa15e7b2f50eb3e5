"""The table of a few-shot curve as `few_shot.csv`: one point per detector, number of good pictures and product.

Written by the evaluation after every finished run; read by the screen and by the page that compares them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.runs.costs import milliseconds_per_picture
from specsight.storage import write_csv

TABLE = "few_shot.csv"
METRICS = (
    "image_auroc",
    "detection_rate",
    "false_reject_rate",
    "image_ap",
    "pixel_auroc",
    "pixel_ap",
    "aupro_30",
    "au_spro_05",
)
"""What a curve shows, as far as its data have it."""
PARTS = ("value", "low", "high", "sd")
COSTS = ("training_seconds", "fit_seconds", "picture_ms", "peak_mb")

Number = Mapping[str, float | None]
"""Value, ends of the interval and deviation over seeds, by `PARTS`; None where undefined."""


@dataclass(frozen=True)
class CurvePoint:
    """The numbers of one detector that learned from `shots` good pictures (None: all), and what it cost."""

    detector: str
    shots: int | None
    numbers: Mapping[str, Number]
    """By name of metric."""
    costs: Mapping[str, float | None]
    """By `COSTS`: seconds of training on other products and of a fit, milliseconds of a picture, peak memory in MB."""
    folder: str = ""
    """Run folder, relative to the curve's."""
    product: str = ""
    """One of several products; empty: the only one, or the mean over all."""

    @classmethod
    def of(
        cls, detector: str, shots: int | None, metrics: Mapping[str, Any], folder: str = "", product: str = ""
    ) -> CurvePoint:
        """From the content of a run's `metrics.json`, or of one of its products."""
        numbers = {name: {part: metrics.get(name, {}).get(part) for part in PARTS} for name in METRICS}
        spent = metrics.get("seconds", {})
        costs = {
            "training_seconds": spent.get("training"),
            "fit_seconds": spent.get("fit"),
            "picture_ms": milliseconds_per_picture(spent),
            "peak_mb": metrics.get("peak_mb"),
        }
        return cls(detector, shots, numbers, costs, folder, product)


def points_of(detector: str, shots: int | None, metrics: Mapping[str, Any], folder: str) -> list[CurvePoint]:
    """The point of a run in `folder`; where it holds several products, that of their mean and then one of each."""
    products: Mapping[str, Mapping[str, Any]] = metrics.get("products", {})
    return [
        CurvePoint.of(detector, shots, metrics, folder),
        *(
            CurvePoint.of(detector, shots, numbers, f"{folder}/{numbers['folder']}", name)
            for name, numbers in products.items()
        ),
    ]


def write_curve(out: Path, points: Sequence[CurvePoint]) -> None:
    """Write the table into the folder `out`; an undefined entry (no masks, a single seed) is empty."""
    columns = [(name, part) for name in METRICS for part in PARTS]
    header = ["detector", "shots", "product", "folder", *(_column(*one) for one in columns), *COSTS]
    rows = [
        [
            *(point.detector, point.shots, point.product, point.folder),
            *(point.numbers[name][part] for name, part in columns),
            *(point.costs[name] for name in COSTS),
        ]
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
    except (ValueError, KeyError, TypeError) as error:
        raise SpecsightError(f"'{file}' is damaged: run the curve again to write it anew") from error


def _point(row: Mapping[str, str]) -> CurvePoint:
    # A table of another version may lack a metric as a whole.
    numbers = {name: {part: _number(row.get(_column(name, part), "")) for part in PARTS} for name in METRICS}
    costs = {name: _number(row[name]) for name in COSTS}
    shots = int(row["shots"]) if row["shots"] else None
    return CurvePoint(row["detector"], shots, numbers, costs, _text(row["folder"]), _text(row["product"]))


def _text(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return cell[1:] if cell.startswith("'") else cell


def _number(text: str) -> float | None:
    return float(text) if text else None


def _column(name: str, part: str) -> str:
    return name if part == "value" else f"{name}_{part}"
