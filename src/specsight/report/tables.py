"""The numbers of a run, put into words and rows for the page. Formats; computes nothing but counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specsight.metrics import metrics as catalogue
from specsight.records import GOOD
from specsight.report import charts, gallery
from specsight.runs.predictions import Prediction, SkippedPicture

DASH = "–"


@dataclass(frozen=True)
class Line:
    """One metric as text. `reason` says why there is no value."""

    key: str
    name: str
    value: str
    interval: str
    meaning: str
    reason: str = ""


GROUPS: Mapping[str, Mapping[str, str]] = {
    "Pictures, ranked by score": {
        "image_auroc": "Image AUROC",
        "image_ap": "Image AP",
        "image_f1_max": "Image F1-max",
        "object_auroc": "Object AUROC",
    },
    "Pictures, at the calibrated threshold": {
        "detection_rate": "Detection rate",
        "false_reject_rate": "False-reject rate",
        "accuracy": "Accuracy",
        "image_f1": "Image F1",
    },
    "Pixels, ranked by map": {
        "pixel_auroc": "Pixel AUROC",
        "pixel_ap": "Pixel AP",
        "pixel_f1_max": "Pixel F1-max",
        "iou_oracle": "Best IoU",
        "aupro_30": "AUPRO@0.3",
        "aupro_05": "AUPRO@0.05",
        "aupro_01": "AUPRO@0.01",
        "aupimo": "AUPIMO",
        "au_spro_30": "AU-sPRO@0.3",
        "au_spro_05": "AU-sPRO@0.05",
    },
    "Findings, at the calibrated threshold": {
        "iou": "IoU",
        "iou_good": "IoU on good pictures",
        "iou_dataset": "IoU, pooled",
        "dice": "Dice (pixel F1)",
        "pixel_precision": "Pixel precision",
        "pixel_recall": "Pixel recall",
    },
    "Types": {
        "type_accuracy": "Type accuracy",
        "type_accuracy_detected": "Type accuracy, rejected",
        "macro_f1": "Type F1, macro",
        "macro_f1_without_good": "Type F1, macro without good",
        "type_pixel_auroc": "Types' own maps: pixel AUROC",
        "type_pixel_ap": "Types' own maps: pixel AP",
        "type_miou": "Types' pixels: mIoU without good",
        "type_miou_with_good": "Types' pixels: mIoU with good",
        "type_pixel_f1": "Types' pixels: F1 without good",
        "type_image_auroc": "Types shown: AUROC",
        "type_image_ap": "Types shown: AP",
        "type_f1": "Types named: F1",
        "exact_set": "Types named: exact set",
        "exact_set_without_good": "Types named: exact set, defective pictures",
    },
    "Pictures with several types": {
        "several_types_pictures": "Pictures",
        "several_types_type_image_auroc": "Types shown: AUROC",
        "several_types_type_image_ap": "Types shown: AP",
        "several_types_type_f1": "Types named: F1",
        "several_types_exact_set": "Types named: exact set",
    },
}
"""What the page calls the metrics, in its order; what they mean stands in the catalogue of metrics."""
OTHERS = "Further numbers"
NAMES = {key: name for group in GROUPS.values() for key, name in group.items()}
MORE_MEANINGS = {"object_auroc": "a part shown in several views counts once, with its highest score"}
SHARES = frozenset({"detection_rate", "false_reject_rate", "accuracy", "right_verdicts"})
"""Shares of pictures are told in percent."""
COMPARED = frozenset(
    {"image_auroc", "detection_rate", "false_reject_rate", "pixel_auroc", "pixel_ap", "aupro_30", "aupro_05"}
    | {"au_spro_05", "au_spro_30"}
)
"""What products are compared by; the rest stands on their pages."""
TILES = ("image_auroc", "detection_rate", "false_reject_rate", "pixel_auroc", "aupro_30")
PER_TYPE = (
    ("image_auroc", "Image AUROC"),
    ("right_verdicts", "Right verdicts"),
    ("pixel_auroc", "Pixel AUROC"),
    ("pixel_ap", "Pixel AP"),
    ("aupro_30", "AUPRO@0.3"),
    ("iou", "IoU"),
    ("type_pixel_auroc", "Own map: pixel AUROC"),
    ("type_pixel_ap", "Own map: pixel AP"),
    ("type_iou", "Own pixels: IoU"),
    ("type_image_ap", "Shown: AP"),
    ("type_f1", "Named: F1"),
)
STAGES = {"read": "read the file", "look": "look (encode)", "judge": "judge", "find": "find and word"}


def title(config: Mapping[str, Any]) -> str:
    """What the run is about, in a few words."""
    if config.get("kind") == "inspection":
        return f"Inspection of {config.get('name') or 'pictures'}"
    return f"{config.get('detector')} on {config.get('name') or 'data'}"


def headline(metrics: Mapping[str, Any]) -> dict[str, list[Line]]:
    """Every metric of the run by group, in the order of the page."""
    present = [k for k, v in metrics.items() if isinstance(v, Mapping) and "value" in v]
    groups = {title: [k for k in names if k in present] for title, names in GROUPS.items()}
    groups[OTHERS] = sorted(k for k in present if k not in NAMES)
    return {title: [_line(k, metrics[k]) for k in keys] for title, keys in groups.items() if keys}


def tiles(
    metrics: Mapping[str, Any], shown: Sequence[Prediction], skipped: Sequence[SkippedPicture]
) -> list[tuple[str, str, str]]:
    """(name, value, note) of the few numbers a reader takes away."""
    known = [_line(key, metrics[key]) for key in TILES if metrics.get(key, {}).get("value") is not None]
    if known:
        return [(line.name, line.value, line.interval) for line in known]
    counts = [("Pictures", len(shown), "")]
    for verdict, word in (("reject", "Rejected"), ("accept", "Accepted")):
        count = sum(p.inspection.verdict == verdict for p in shown)
        counts.append((word, count, f"{100 * count / len(shown):.1f} %" if shown else ""))
    undecided = sum(p.inspection.verdict is None for p in shown)
    if undecided:
        counts = [counts[0], ("Without verdict", undecided, "no threshold was calibrated")]
    if skipped:
        counts.append(("Could not be used", len(skipped), "listed below"))
    return [(name, str(count), note) for name, count, note in counts]


def per_type(metrics: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """(column names, [(type, support, values)]): only columns in which some type has a value."""
    table: Mapping[str, Mapping[str, Any]] = metrics.get("per_type", {})
    columns = [
        (k, name) for k, name in PER_TYPE if any(_value(row.get(k)) is not None for row in table.values())
    ]
    rows = [
        (type_, str(row.get("support", "")), [_text(_value(row.get(k)), k) for k, _ in columns])
        for type_, row in table.items()
    ]
    return [name for _, name in columns], rows


def products(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What the page over several products says."""
    lines = [line for group in headline(metrics).values() for line in group]
    columns = [
        line
        for line in lines
        if line.key in COMPARED
        and any(_value(m.get(line.key)) is not None for m in metrics["products"].values())
    ]
    return {
        "title": metrics["protocol"]["title"],
        "protocol": metrics["protocol"],
        "columns": columns,
        "products": [
            (name, values.get("folder", ""), [_text(_value(values.get(c.key)), c.key) for c in columns])
            for name, values in metrics["products"].items()
        ],
        "mean": [c.value for c in columns],
    }


def score_groups(shown: Sequence[Prediction]) -> dict[str, list[float]]:
    """Scores by true type, good parts first, a picture of several types in each; one group where nothing is known."""
    groups: dict[str, list[float]] = {}
    for prediction in shown:
        names = prediction.types or (
            ("all pictures",) if prediction.label == "unknown" else (prediction.label,)
        )
        for name in names:
            groups.setdefault(name, []).append(prediction.inspection.score)
    return {name: groups[name] for name in sorted(groups, key=lambda n: (n != GOOD, n))}


def plots(curves: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[tuple[str, str, str, charts.Plot]]:
    """(title, x name, y name, plot) of the curves that exist: one line per seed."""
    seeds: Mapping[str, Any] = curves.get("seeds", {})
    drawn = []
    rates = [_value(metrics.get(k)) for k in ("false_reject_rate", "detection_rate")]
    roc = {f"seed {s}": (c["roc"]["fpr"], c["roc"]["tpr"]) for s, c in seeds.items() if c.get("roc")}
    if roc:
        marks = (
            [] if None in rates else [(float(rates[0] or 0), float(rates[1] or 0), "calibrated threshold")]
        )
        plot = charts.plot(roc, marks=marks)
        drawn.append(("ROC over pictures", "false-reject rate", "detection rate", plot))
    pro = {f"seed {s}": (c["pro"]["fpr"], c["pro"]["pro"]) for s, c in seeds.items() if c.get("pro")}
    if pro:
        plot = charts.plot(pro, limit=0.3)
        drawn.append(("PRO over pixels", "false-positive pixels", "mean overlap per region", plot))
    return drawn


def rows(shown: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row per picture: rejects first, then by falling score."""
    ranked = sorted(shown, key=lambda p: (p.inspection.verdict != "reject", -p.inspection.score, p.id))
    return [
        {
            "id": p.id,
            "truth": gallery.truth(p),
            "types": "\n".join(p.types),
            "verdict": p.inspection.verdict or "none",
            "outcome": gallery.outcome(p),
            "score": f"{p.inspection.score:#.4g}",
            "raw": repr(p.inspection.score),
            "findings": len(p.inspection.findings),
            "statement": p.inspection.statement,
            "overlay": gallery.overlay(p),
        }
        for p in ranked
    ]


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


def _line(key: str, metric: Mapping[str, Any]) -> Line:
    meaning = catalogue[key].description if key in catalogue else MORE_MEANINGS.get(key, "")
    name = NAMES.get(key, key.replace("_", " "))
    if metric.get("oracle"):
        name += " (oracle)"
    value, deviation, count = _value(metric), metric.get("sd"), metric.get("n_seeds", 1)
    text = _text(value, key)
    if value is not None and deviation is not None and count > 1:
        text += f" ± {_text(deviation, key)}"
    low, high = metric.get("low"), metric.get("high")
    interval = f"{_text(low, key)} to {_text(high, key)}" if low is not None and high is not None else ""
    return Line(key, name, text, interval, meaning, metric.get("reason", ""))


def _value(metric: Any) -> float | None:
    """A metric is an object with a value, or a bare number, or absent."""
    value = metric.get("value") if isinstance(metric, Mapping) else metric
    return None if value is None else float(value)


def _text(value: float | None, key: str) -> str:
    if value is None:
        return DASH
    return f"{100 * value:.1f} %" if key in SHARES else f"{value:.3f}"


def _duration(seconds: float) -> str:
    if not np.isfinite(seconds):
        return DASH
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
