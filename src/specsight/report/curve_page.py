"""The table of a few-shot curve → a page that compares detectors × numbers of good pictures, a chart, and exports.

In: `few_shot.csv` and the run folders beside it. Out: `report.html`, `few_shot.svg`, `few_shot.md` and `few_shot.tex`.
It shows what they hold and computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specsight.metrics import metric_of
from specsight.report import charts
from specsight.report.export import Table, best_of, cost, with_deviation, with_error, write_exports
from specsight.report.page import fill, render, write_page
from specsight.runs.curve_table import METRICS, CurvePoint, Number, read_curve
from specsight.runs.folder import RunFolder
from specsight.runs.protocol import Protocol
from specsight.storage import confined, write_text

NAME = "few_shot"
CHART = f"{NAME}.svg"
PANEL_WIDTH, PANEL_HEIGHT = 400, 360


def render_curve(out: Path) -> Path:
    """Write the page of a curve and those of its runs that have changed; returns its path.

    The same table gives the same files. Raises `SpecsightError` where `out` holds no curve, or a run of it has gone.
    """
    points = read_curve(out)
    whole = [point for point in points if not point.product]
    for point in whole:
        if point.folder:
            render(confined(out, point.folder), anew=False)
    names = _shown(points)
    products = {
        name: [p for p in points if p.product == name] for name in dict.fromkeys(p.product for p in points)
    }
    several = len(products) > 1
    sections = [
        _section(name or (f"Mean of {len(products) - 1} products" if several else ""), ps, names)
        for name, ps in products.items()
    ]
    first = RunFolder(confined(out, whole[0].folder)).protocol() if whole and whole[0].folder else Protocol()
    context = {
        "title": _title(whole),
        "line": _line(whole, first),
        "protocol": first,
        "sections": sections,
        "columns": [metric_of(name).column for name in names],
        "has_training": any(p.costs["training_seconds"] is not None for p in points),
        "series": list(dict.fromkeys(p.detector for p in whole)),
    }
    write_exports(out, NAME, {"": _table(points, names, several)})
    panels = sections[0]["charts"] if sections else []
    write_text(
        out / CHART,
        fill("few_shot.svg.j2", {**context, "panels": panels, "w": PANEL_WIDTH, "h": PANEL_HEIGHT}),
    )
    return write_page(RunFolder(out), "curve.html.j2", context)


def _section(title: str, points: Sequence[CurvePoint], names: Sequence[str]) -> dict[str, Any]:
    """The rows and the charts of one product."""
    shots = sorted({point.shots for point in points}, key=_in_order)
    best = best_of(names, [[p.numbers[name]["value"] for name in names] for p in points], 0)
    return {
        "title": title,
        "rows": [
            _row(point, names, {column for r, column in best if r == i}) for i, point in enumerate(points)
        ],
        "charts": [chart for name in names if (chart := _chart(name, points, shots))],
    }


def _chart(name: str, points: Sequence[CurvePoint], shots: Sequence[int | None]) -> charts.Lines | None:
    series = {
        detector: [
            (shots.index(p.shots), p.numbers[name])
            for p in points
            if p.detector == detector and p.numbers[name]["value"] is not None
        ]
        for detector in dict.fromkeys(p.detector for p in points)
    }
    if not any(series.values()):
        return None
    return charts.lines(metric_of(name).column, series, [_shots(count) for count in shots])


def _row(point: CurvePoint, names: Sequence[str], best: set[int]) -> dict[str, Any]:
    return {
        "detector": point.detector,
        "shots": _shots(point.shots),
        "order": -1 if point.shots is None else point.shots,
        "folder": point.folder,
        "values": [
            (
                with_deviation(name, n["value"], n["sd"]),
                metric_of(name).interval_text(n["low"], n["high"]),
                column in best,
            )
            for column, (name, n) in enumerate((name, point.numbers[name]) for name in names)
        ],
        "training": cost(point.costs["training_seconds"]),
        "fit": cost(point.costs["fit_seconds"], 1),
        "picture": cost(point.costs["picture_ms"]),
        "peak": cost(point.costs["peak_mb"]),
    }


def _table(points: Sequence[CurvePoint], names: Sequence[str], several: bool) -> Table:
    """The exported table: all products below each other, the mean first."""
    words = 3 if several else 2
    header = [
        "Detector",
        "Shots",
        *(["Product"] if several else []),
        *(metric_of(name).column for name in names),
    ]
    rows = [
        [
            *(point.detector, _shots(point.shots), *([point.product or "mean"] if several else [])),
            *(_with_error(name, point.numbers[name]) for name in names),
            *(
                cost(point.costs["fit_seconds"], 1),
                cost(point.costs["picture_ms"]),
                cost(point.costs["peak_mb"]),
            ),
        ]
        for point in points
    ]
    best: set[tuple[int, int]] = set()
    for product in dict.fromkeys(p.product for p in points):
        of = [i for i, p in enumerate(points) if p.product == product]
        values = [[points[i].numbers[name]["value"] for name in names] for i in of]
        best |= {(of[r], column) for r, column in best_of(names, values, words)}
    return Table([*header, "Fit, s", "Picture, ms", "Peak, MB"], rows, words, frozenset(best))


def _with_error(name: str, number: Number) -> str:
    return with_error(name, number["value"], number["sd"], number["low"], number["high"])


def _shown(points: Sequence[CurvePoint]) -> list[str]:
    return [name for name in METRICS if any(p.numbers[name]["value"] is not None for p in points)]


def _title(points: Sequence[CurvePoint]) -> str:
    detectors = list(dict.fromkeys(point.detector for point in points))
    counts = list(dict.fromkeys(point.shots for point in points))
    what = detectors[0] if len(detectors) == 1 else f"{len(detectors)} detectors"
    return (
        f"{what} × {_shots(counts[0]) + '-shot' if len(counts) == 1 else f'{len(counts)} numbers of shots'}"
    )


def _line(points: Sequence[CurvePoint], first: Protocol) -> str:
    """What all runs have in common."""
    shots = ", ".join(_shots(count) for count in dict.fromkeys(point.shots for point in points))
    common = [("encoder ", "Encoder"), ("", "Resolution"), ("", "Data")]
    parts = [
        ", ".join(dict.fromkeys(point.detector for point in points)),
        f"learned from {shots} good pictures",
        *(f"{before}{first.details[name]}" for before, name in common if name in first.details),
        f"seed{'s' if len(first.seeds) > 1 else ''} {', '.join(map(str, first.seeds))}",
        "nothing tuned on test data",
    ]
    return " · ".join(parts)


def _shots(count: int | None) -> str:
    return "all" if count is None else str(count)


def _in_order(shots: int | None) -> float:
    return float("inf") if shots is None else shots
