"""The numbers of a run, put into words and rows for the page. Formats; computes nothing but counts.

What a metric is called and how it is written stands in the catalogue of metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specsight.metrics import Group, Metric, find
from specsight.metrics import metrics as catalogue
from specsight.records import GOOD
from specsight.report import charts, gallery
from specsight.report.renderer import Shown, overlay
from specsight.runs.costs import STAGES
from specsight.runs.predictions import Prediction, SkippedPicture
from specsight.runs.protocol import Protocol

DASH = "–"


@dataclass(frozen=True)
class MetricText:
    """One metric as text. `reason` says why there is no value."""

    key: str
    name: str
    value: str
    interval: str
    meaning: str
    reason: str = ""


COMPARED = frozenset(
    {
        "image_auroc",
        "detection_rate",
        "located",
        "false_reject_rate",
        "pixel_auroc",
        "pixel_ap",
        "aupro_30",
        "aupro_05",
    }
    | {"au_spro_05", "au_spro_30"}
)
"""What products are compared by; the rest stands on their pages."""
PICTURES = ("image_auroc", "detection_rate", "false_reject_rate")
"""What stands together wherever an image AUROC does."""
TILES = (*PICTURES, "located", "pixel_auroc", "aupro_30")


def title(config: Mapping[str, Any]) -> str:
    """What the run is about, in a few words."""
    if config.get("kind") == "inspection":
        return f"Inspection of {config.get('name') or 'pictures'}"
    return f"{config.get('detector')} on {config.get('name') or 'data'}"


def first_lines(metrics: Mapping[str, Any]) -> list[MetricText]:
    """Every metric of the run, those of `PICTURES` first: what ranks pictures beside what the threshold makes of it."""
    lines = [line for group in headline(metrics).values() for line in group]
    return sorted(lines, key=lambda line: PICTURES.index(line.key) if line.key in PICTURES else len(PICTURES))


def headline(metrics: Mapping[str, Any]) -> dict[str, list[MetricText]]:
    """Every metric of the run by group, in the order of the page."""
    order = {name: position for position, name in enumerate(catalogue)}
    present = [k for k, v in metrics.items() if isinstance(v, Mapping) and "value" in v]
    present.sort(key=lambda k: (order.get(k, len(order)), k))
    groups: dict[str, list[MetricText]] = {group.value: [] for group in Group}
    for key in present:
        groups[_metric(key).group.value].append(_line(key, metrics[key]))
    return {title: lines for title, lines in groups.items() if lines}


def tiles(
    metrics: Mapping[str, Any], predictions: Sequence[Prediction], skipped: Sequence[SkippedPicture]
) -> list[tuple[str, str, str]]:
    """(name, value, note) of the few numbers a reader takes away."""
    lines = [_line(key, metrics[key]) for key in TILES if metrics.get(key, {}).get("value") is not None]
    if lines:
        return [(line.name, line.value, line.interval) for line in lines]
    counts = [("Pictures", len(predictions), "")]
    for verdict, word in (("reject", "Rejected"), ("accept", "Accepted")):
        count = sum(p.inspection.verdict == verdict for p in predictions)
        counts.append((word, count, f"{100 * count / len(predictions):.1f} %" if predictions else ""))
    undecided = sum(p.inspection.verdict is None for p in predictions)
    if undecided:
        counts = [counts[0], ("Without verdict", undecided, "no threshold was calibrated")]
    if skipped:
        counts.append(("Could not be used", len(skipped), "listed below"))
    return [(name, str(count), note) for name, count, note in counts]


def per_type(metrics: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """(column names, [(type, support, values)]): only columns in which some type has a value."""
    table: Mapping[str, Mapping[str, Any]] = metrics.get("per_type", {})
    columns = [
        (name, metric.type_title)
        for name, metric in catalogue.items()
        if metric.type_title and any(_value(row.get(name)) is not None for row in table.values())
    ]
    rows = [
        (type_, str(row.get("support", "")), [_text(_value(row.get(k)), k) for k, _ in columns])
        for type_, row in table.items()
    ]
    return [name for _, name in columns], rows


def products(metrics: Mapping[str, Any], protocol: Protocol) -> dict[str, Any]:
    """What the page over several products says."""
    lines = [line for group in headline(metrics).values() for line in group]
    columns = [
        line
        for line in lines
        if line.key in COMPARED
        and any(_value(m.get(line.key)) is not None for m in metrics["products"].values())
    ]
    return {
        "title": protocol.title,
        "protocol": protocol,
        "columns": [_metric(column.key).title for column in columns],
        "products": [
            (name, values.get("folder", ""), [_text(_value(values.get(c.key)), c.key) for c in columns])
            for name, values in metrics["products"].items()
        ],
        "mean": [_mean_of(c, metrics) for c in columns],
    }


def _mean_of(column: MetricText, metrics: Mapping[str, Any]) -> str:
    """The mean over products; over how many, where some of them lack the number."""
    of, total = metrics[column.key].get("n_products"), len(metrics["products"])
    return (
        column.value if of in (None, total) or column.value == DASH else f"{column.value} ({of} of {total})"
    )


def score_groups(predictions: Sequence[Prediction]) -> dict[str, list[float]]:
    """Scores by true type, good parts first, a picture of several types in each; one group where nothing is known."""
    groups: dict[str, list[float]] = {}
    for prediction in predictions:
        names = prediction.types or (
            ("all pictures",) if prediction.label == "unknown" else (prediction.label,)
        )
        for name in names:
            groups.setdefault(name, []).append(prediction.inspection.score)
    return {name: groups[name] for name in sorted(groups, key=lambda n: (n != GOOD, n))}


def plots(curves: Mapping[int, Any], metrics: Mapping[str, Any]) -> list[tuple[str, str, str, charts.Plot]]:
    """(title, x name, y name, plot) of the curves that exist: one line per seed."""
    charts_ = []
    rates = [_value(metrics.get(k)) for k in ("false_reject_rate", "detection_rate")]
    roc = {f"seed {s}": (c["roc"]["fpr"], c["roc"]["tpr"]) for s, c in curves.items() if c.get("roc")}
    if roc:
        marks = (
            [] if None in rates else [(float(rates[0] or 0), float(rates[1] or 0), "calibrated threshold")]
        )
        plot = charts.plot(roc, marks=marks)
        charts_.append(("ROC over pictures", "false-reject rate", "detection rate", plot))
    pro = {f"seed {s}": (c["pro"]["fpr"], c["pro"]["pro"]) for s, c in curves.items() if c.get("pro")}
    if pro:
        plot = charts.plot(pro, limit=0.3)
        charts_.append(("PRO over pixels", "false-positive pixels", "mean overlap per region", plot))
    return charts_


def noticed(predictions: Sequence[Prediction]) -> list[str]:
    """What was noticed in reading pictures: each note once, with how many pictures it holds for and one of them."""
    found: dict[str, list[str]] = {}
    for prediction in predictions:
        for note in prediction.inspection.notes:
            found.setdefault(note, []).append(prediction.inspection.image)
    return [
        f"{note} ({f'{len(paths)} pictures, such as ' if len(paths) > 1 else ''}{paths[0]})"
        for note, paths in found.items()
    ]


def ranked(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Rejects first, then by falling score."""
    return sorted(predictions, key=lambda p: (p.inspection.verdict != "reject", -p.inspection.score, p.id))


def row(prediction: Prediction, located: Mapping[str, bool], shown: Shown) -> dict[str, Any]:
    """What the table of all pictures says of one."""
    inspection = prediction.inspection
    return {
        "id": prediction.id,
        "truth": gallery.truth(prediction),
        "types": "\n".join(prediction.types or ((prediction.label,) if prediction.label == GOOD else ())),
        "named": "\n".join(dict.fromkeys(f.type for f in inspection.findings if f.type)),
        "verdict": inspection.verdict or "none",
        "badge": gallery.badge(prediction, located),
        "score": f"{inspection.score:#.4g}",
        "raw": repr(inspection.score),
        "findings": len(inspection.findings),
        "statement": inspection.statement,
        "overlay": overlay(prediction) if shown.thumbnail or shown.large or not shown.note else "",
        "shown": shown,
        "inspection": inspection,
    }


def timing(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(stage, typical, total) in words."""
    seconds: Mapping[str, Any] = metrics.get("seconds", {})
    lines = []
    if seconds.get("training") is not None:
        lines.append(("training (on other products)", DASH, _duration(seconds["training"])))
    if seconds.get("fit") is not None:
        lines.append(("fit (learn and calibrate)", DASH, _duration(seconds["fit"])))
    for stage, name in STAGES.items():
        if stage in seconds:
            lines.append((name, _duration(seconds[stage]["median"]), _duration(seconds[stage]["total"])))
    return lines


def _line(key: str, metric: Mapping[str, Any]) -> MetricText:
    words = _metric(key)
    title = f"{words.title} (oracle)" if metric.get("oracle") else words.title
    if metric.get("variant"):
        title += f" ({metric['variant']})"
    if metric.get("n_products") is not None and metric.get("value") is not None:
        title += f" (mean of {metric['n_products']} product{'' if metric['n_products'] == 1 else 's'})"
    value, deviation, count = _value(metric), metric.get("sd"), metric.get("n_seeds", 1)
    text = _text(value, key)
    if value is not None and deviation is not None and count > 1:
        text += f" ± {_text(deviation, key)}"
    low, high = metric.get("low"), metric.get("high")
    return MetricText(
        key, title, text, words.interval_text(low, high), words.description, metric.get("reason", "")
    )


def _metric(key: str) -> Metric:
    """The metric of this name; a number that only another version knows is called as it is written."""
    return find(key) or Metric(key.replace("_", " "), "")


def _value(metric: Any) -> float | None:
    """A metric is an object with a value, or a bare number, or absent."""
    value = metric.get("value") if isinstance(metric, Mapping) else metric
    return None if value is None else float(value)


def _text(value: float | None, key: str) -> str:
    return DASH if value is None else _metric(key).text(value)


def _duration(seconds: float) -> str:
    if not np.isfinite(seconds):
        return DASH
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
