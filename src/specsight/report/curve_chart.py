"""The table of a few-shot curve → its chart: one panel per metric, one line per detector with its intervals, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specsight.metrics import metric_of
from specsight.runs.curve_table import METRICS, CurvePoint, read_curve
from specsight.storage import write_text

CHART = "few_shot.svg"


def draw_curve(out: Path) -> Path:
    """Draw `few_shot.csv` of the folder `out` as `few_shot.svg` beside it; returns the chart's path.

    The same table gives the same file. Raises `SpecsightError` where `out` holds no curve.
    """
    write_text(out / CHART, _chart(read_curve(out)))
    return out / CHART


def _chart(points: Sequence[CurvePoint]) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "few-shot", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4 * len(METRICS), 3.4), layout="constrained")
        panels = figure.subplots(1, len(METRICS), squeeze=False)[0]
        for panel, name in zip(panels, METRICS):
            _draw_panel(panel, points, name)
            panel.set_title(metric_of(name).column)
            panel.set_xlabel("good pictures learned from")
        panels[0].legend()
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _draw_panel(panel: Any, points: Sequence[CurvePoint], name: str) -> None:
    counts = sorted({point.shots for point in points}, key=_in_order)
    for detector in dict.fromkeys(point.detector for point in points):
        line = sorted(
            (p for p in points if p.detector == detector and p.numbers[name]["value"] is not None),
            key=lambda p: _in_order(p.shots),
        )
        places = [counts.index(point.shots) for point in line]
        # Numbers of shots double from point to point: evenly spaced, 0 included, where no logarithm would take it.
        panel.plot(places, [point.numbers[name]["value"] for point in line], marker="o", label=detector)
        bounded = [(i, p.numbers[name]) for i, p in zip(places, line) if p.numbers[name]["low"] is not None]
        if bounded:
            lows, highs = ([number[end] for _, number in bounded] for end in ("low", "high"))
            panel.fill_between([place for place, _ in bounded], lows, highs, alpha=0.15, linewidth=0)
    panel.set_xticks(range(len(counts)), ["all" if count is None else str(count) for count in counts])
    panel.grid(alpha=0.3)


def _in_order(shots: int | None) -> float:
    return float("inf") if shots is None else shots
