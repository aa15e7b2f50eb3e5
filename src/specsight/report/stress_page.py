"""The record of detectors under stress → a page with degradation curves, tables of what is kept, and exports.

In: `stress.json` and the sheets below `pictures/`. Out: `report.html`, `stress.md` and `stress.tex`. It shows what they
hold and computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specsight.metrics import metric_of
from specsight.report import charts, pictures
from specsight.report.export import DASH, Table, with_error, write_exports
from specsight.report.page import render, write_page
from specsight.runs.folder import CONFIG, RunFolder
from specsight.runs.stress_record import (
    FALSE_REJECTS,
    KEPT,
    METRICS,
    SHEETS,
    StressCurve,
    StressPoint,
    StressRecord,
)

NAME = "stress"


def render_stress(out: Path) -> Path:
    """Write the page of an evaluation under stress and those of its clean runs; returns its path."""
    record = StressRecord.read(out)
    for method in record.protocols:
        if (out / method / CONFIG).is_file():
            render(out / method, anew=False)
    products = list(dict.fromkeys(point.product for point in record.points))
    stressed = list(dict.fromkeys(point.stressor for point in record.points))
    # Detectors under one stressor stand below each other.
    curves = sorted(record.curves(), key=lambda curve: stressed.index(curve.stressor))
    names = [name for name in KEPT if any(curve.drops[name] is not None for curve in curves)]
    context = {
        "title": f"{', '.join(record.protocols)} under stress: {record.data}",
        "record": record,
        "promise": f"{100 * record.promise:g} %",
        "sections": [_section(out, record, name) for name in stressed],
        "series": list(record.protocols),
        "columns": [metric_of(name).column for name in names],
        "tables": [
            {
                "product": product or ("Mean of the products" if len(products) > 1 else ""),
                "rows": [_texts(curve, names) for curve in curves if curve.product == product],
            }
            for product in products
        ],
    }
    write_exports(out, NAME, {"What is kept": _kept(curves, names), "Every level": _levels(record.points)})
    return write_page(RunFolder(out), "stress.html.j2", context)


def _section(out: Path, record: StressRecord, stressor: str) -> dict[str, Any]:
    """The charts of one stressor, of the mean over products."""
    points = [point for point in record.points if point.stressor == stressor and not point.product]
    levels = sorted({point.level for point in points})
    drawn = [chart for name in METRICS if (chart := _chart(name, points, levels, list(record.protocols)))]
    sheet = out / SHEETS / f"{stressor}.jpg"
    return {
        "title": points[0].title,
        "unit": points[0].unit,
        "charts": drawn,
        "sheet": pictures.encoded_uri(sheet.read_bytes(), "jpeg") if sheet.is_file() else "",
        "levels": ", ".join(f"{level:g}" for level in levels),
        "notes": [
            f"{method}: {note}"
            for method in record.protocols
            for note in dict.fromkeys(p.note for p in points if p.detector == method and p.note)
        ],
    }


def _chart(
    name: str, points: Sequence[StressPoint], levels: Sequence[float], methods: Sequence[str]
) -> charts.Lines | None:
    series = {
        method: [
            (levels.index(point.level), point.numbers[name])
            for point in points
            if point.detector == method and point.numbers[name]["value"] is not None
        ]
        for method in methods
    }
    if not any(series.values()):
        return None
    unit = next(point.unit for point in points)
    return charts.lines(metric_of(name).column, series, [f"{level:g}" for level in levels], x_name=unit)


def _texts(curve: StressCurve, names: Sequence[str]) -> dict[str, Any]:
    return {
        "stressor": curve.title,
        "detector": curve.detector,
        "areas": [_share(curve.areas[name]) for name in names],
        "drops": [_percent(curve.drops[name]) for name in names],
        "false_rejects": _percent(curve.false_rejects),
        "note": curve.note,
    }


def _kept(curves: Sequence[StressCurve], names: Sequence[str]) -> Table:
    several = len({curve.product for curve in curves}) > 1
    header = ["Stressor", "Detector", *(["Product"] if several else [])]
    rows = [
        [
            *(curve.title, curve.detector, *([curve.product or "mean"] if several else [])),
            *(_share(curve.areas[name]) for name in names),
            *(_percent(curve.drops[name]) for name in names),
            _percent(curve.false_rejects),
        ]
        for curve in curves
    ]
    titles = [metric_of(name).column for name in names]
    return Table(
        [*header, *(f"Area, {one}" for one in titles), *(f"Drop, {one}" for one in titles), "Good rejected"],
        rows,
        len(header),
    )


def _levels(points: Sequence[StressPoint]) -> Table:
    several = len({point.product for point in points}) > 1
    header = ["Stressor", "Level", "Detector", *(["Product"] if several else [])]
    rows = [
        [
            *(point.title, f"{point.level:g} {point.unit}", point.detector),
            *([point.product or "mean"] if several else []),
            *(
                with_error(n, *(point.numbers[n][part] for part in ("value", "sd", "low", "high")))
                for n in METRICS
            ),
        ]
        for point in points
    ]
    return Table([*header, *(metric_of(name).column for name in METRICS)], rows, len(header))


def _share(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return DASH if value is None else metric_of(FALSE_REJECTS).text(value)
