"""The record of detectors under stress: one point per detector, product, stressor and level, and what is kept.

In and out: `stress.json`, and for spreadsheets `stress.csv` (every point) and `stress_summary.csv` (every curve).
Written again by the evaluation after every stressor; read by the page and the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.metrics import kept_area, relative_drop
from specsight.storage import parse_json, read_text, write_csv, write_json

RECORD, TABLE, SUMMARY = "stress.json", "stress.csv", "stress_summary.csv"
SHEETS = "pictures"
"""Folder with one test picture under every stressor."""
METRICS = ("image_auroc", "pixel_auroc", "aupro_30", "detection_rate", "false_reject_rate")
"""What is measured at every level; the last two at the threshold that clean good parts gave."""
KEPT = METRICS[:3]
"""Those of which less is worse at any threshold; whoever rejects everything keeps all of its detection rate."""
FALSE_REJECTS = "false_reject_rate"
PARTS = ("value", "low", "high", "sd")

Number = Mapping[str, float | None]
"""By `PARTS`: value, ends of the interval and deviation over seeds; None where undefined."""


@dataclass(frozen=True)
class StressPoint:
    """The numbers of one detector on one product under one stressor at one level (0: the clean pictures)."""

    detector: str
    product: str
    """Empty: the only product, or the mean over all."""
    stressor: str
    title: str
    unit: str
    level: float
    middle: bool
    """Whether this is the stressor's middle level."""
    numbers: Mapping[str, Number]
    """By name of metric."""
    note: str = ""
    """Why numbers are missing, or are those of the clean pictures."""


@dataclass(frozen=True)
class StressCurve:
    """What one detector keeps under one stressor, from its points at rising levels."""

    detector: str
    product: str
    stressor: str
    title: str
    areas: Mapping[str, float | None]
    """Metric → area under its degradation curve, 1 where nothing is lost (`metrics.kept_area`)."""
    drops: Mapping[str, float | None]
    """Metric → relative drop at the middle level."""
    false_rejects: float | None
    """Share of good parts rejected at the middle level."""
    note: str = ""


@dataclass(frozen=True)
class StressRecord:
    """An evaluation under stress as far as it has got."""

    data: str
    seeds: tuple[int, ...]
    promise: float
    """The share of good parts rejected that the threshold promises to stay below."""
    protocols: Mapping[str, str]
    """Detector → the protocol of its run on clean pictures, in one line."""
    synthetic: bool
    middle: bool
    """Whether only the middle level of each stressor was judged: then there are drops, and no areas."""
    points: tuple[StressPoint, ...] = ()

    def curves(self) -> list[StressCurve]:
        """One of each detector, product and stressor, in the order of the points."""
        groups: dict[tuple[str, str, str], list[StressPoint]] = {}
        for point in self.points:
            groups.setdefault((point.detector, point.product, point.stressor), []).append(point)
        curves = [_curve(sorted(points, key=lambda p: p.level)) for points in groups.values()]
        return [replace(one, areas=dict.fromkeys(one.areas)) for one in curves] if self.middle else curves

    def write(self, out: Path) -> None:
        """Write the record and its tables into the folder `out`."""
        write_json(out / RECORD, {**asdict(self), "curves": [asdict(curve) for curve in self.curves()]})
        columns = [(name, part) for name in METRICS for part in PARTS]
        head = ["detector", "product", "stressor", "level", "unit"]
        write_csv(
            out / TABLE,
            [*head, *(name if part == "value" else f"{name}_{part}" for name, part in columns), "note"],
            [
                [
                    *(getattr(point, name) for name in head),
                    *(point.numbers.get(name, {}).get(part) for name, part in columns),
                    point.note,
                ]
                for point in self.points
            ],
        )
        write_csv(
            out / SUMMARY,
            [
                *head[:3],
                *(f"{name}_area" for name in KEPT),
                *(f"{name}_drop" for name in KEPT),
                "false_rejects",
                "note",
            ],
            [
                [
                    *(getattr(curve, name) for name in head[:3]),
                    *(curve.areas[name] for name in KEPT),
                    *(curve.drops[name] for name in KEPT),
                    *(curve.false_rejects, curve.note),
                ]
                for curve in self.curves()
            ],
        )

    @classmethod
    def read(cls, out: Path) -> StressRecord:
        """The record in the folder `out`. Raises `SpecsightError` where there is none or it is damaged."""
        file = out / RECORD
        if not file.is_file():
            raise SpecsightError(f"'{out}' holds no evaluation under stress: it has no {RECORD}")
        try:
            content: dict[str, Any] = dict(parse_json(read_text(file)))
            content.pop("curves")
            points = tuple(_point(point) for point in content.pop("points"))
            return cls(**{**content, "seeds": tuple(content["seeds"])}, points=points)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SpecsightError(f"'{file}' is damaged: run the evaluation again to write it anew") from error


def _point(content: Mapping[str, Any]) -> StressPoint:
    numbers = {
        str(name): {part: None if one[part] is None else float(one[part]) for part in PARTS}
        for name, one in content["numbers"].items()
    }
    return StressPoint(**{**content, "level": float(content["level"]), "numbers": numbers})


def _curve(points: Sequence[StressPoint]) -> StressCurve:
    first = points[0]
    middle = next((point for point in points if point.middle), None)
    values = {name: [point.numbers.get(name, {}).get("value") for point in points] for name in METRICS}
    at_middle = {
        name: middle.numbers.get(name, {}).get("value") if middle is not None else None for name in METRICS
    }
    # A curve that is still being measured has no middle or no end yet.
    return StressCurve(
        first.detector,
        first.product,
        first.stressor,
        first.title,
        {name: kept_area(values[name]) for name in KEPT},
        {name: relative_drop(values[name][0], at_middle[name]) for name in KEPT},
        at_middle[FALSE_REJECTS],
        next((point.note for point in points if point.note), ""),
    )
