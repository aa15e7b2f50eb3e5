"""Detectors × numbers of good pictures → one table and one chart: how much each method gains from a few more parts.

In: an `EvaluationConfig`, detectors and shots. Out: one run folder per pair (`<detector>-<shots>-shot`, resumable as
any), `few_shot.csv` and `few_shot.svg`. The pictures of fewer shots are among those of more: the first ones of a
permutation drawn under the seed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.run import evaluate
from specsight.storage import write_text

TABLE = "few_shot.csv"
CHART = "few_shot.svg"
SHOWN = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "aupro_30": "AUPRO@0.3"}
COLUMNS = ("value", "low", "high", "sd")


def few_shot_curve(
    config: EvaluationConfig, detectors: Sequence[str], shots: Sequence[int | None], out: Path
) -> list[Path]:
    """Evaluate every detector with every number of shots (None: all); returns the run folders, in that order.

    The table and the chart are written again after every finished run, so that a stopped curve shows what there is.
    """
    for what, values in (("detector", detectors), ("number of shots", shots)):
        if len(set(values)) < len(values) or not values:
            raise SpecsightError(f"every {what} of a curve must be named once, got {list(values)}")
    pairs = [(detector, count) for detector in detectors for count in shots]
    runs, rows = [], []
    for detector, count in pairs:
        asked = replace(config, detector=detector, shots=count)
        runs.append(evaluate(asked, out / f"{detector}-{'full' if count is None else count}-shot"))
        rows.append(_row(detector, count, json.loads((runs[-1] / "metrics.json").read_text("utf-8"))))
        write_text(out / TABLE, _table(rows))
        write_text(out / CHART, _chart(rows))
    return runs


def _row(detector: str, shots: int | None, numbers: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"detector": detector, "shots": shots}
    for name in SHOWN:
        metric = numbers.get(name, {})
        row |= {name if c == "value" else f"{name}_{c}": metric.get(c) for c in COLUMNS}
    return row


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV; an undefined entry (no masks, a single seed) is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """One panel per metric, one line per detector with its intervals, as SVG that is the same for the same rows."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "few-shot", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4 * len(SHOWN), 3.4), layout="constrained")
        panels = figure.subplots(1, len(SHOWN), squeeze=False)[0]
        for panel, (name, title) in zip(panels, SHOWN.items()):
            _draw_panel(panel, rows, name)
            panel.set_title(title)
            panel.set_xlabel("good pictures learned from")
        panels[0].legend()
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _draw_panel(panel: Any, rows: Sequence[Mapping[str, Any]], name: str) -> None:
    counts = sorted({row["shots"] for row in rows}, key=_in_order)
    for detector in dict.fromkeys(row["detector"] for row in rows):
        mine = sorted(
            (r for r in rows if r["detector"] == detector and r[name] is not None),
            key=lambda r: _in_order(r["shots"]),
        )
        places = [counts.index(row["shots"]) for row in mine]
        # Numbers of shots double from point to point: evenly spaced, 0 included, where no logarithm would take it.
        panel.plot(places, [row[name] for row in mine], marker="o", label=detector)
        known = [(place, row) for place, row in zip(places, mine) if row[f"{name}_low"] is not None]
        if known:
            lows, highs = ([row[f"{name}_{end}"] for _, row in known] for end in ("low", "high"))
            panel.fill_between([place for place, _ in known], lows, highs, alpha=0.15, linewidth=0)
    panel.set_xticks(range(len(counts)), ["all" if count is None else str(count) for count in counts])
    panel.grid(alpha=0.3)


def _in_order(shots: int | None) -> float:
    return float("inf") if shots is None else shots
