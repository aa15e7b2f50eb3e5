"""One seed of a run folder → its numbers with intervals. Pure reading: nothing here judges a picture.

Every number is a `Number`; one that is undefined (a single class, no masks, no threshold) says why instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.calibration import Calibration
from specsight.evaluation import truth, types
from specsight.evaluation.numbers import NAN, Number, Resampling, rate
from specsight.metrics import PixelScores
from specsight.records import GOOD
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

LIMITS = (0.3, 0.05, 0.01)
CURVE_POINTS = 300
ONE_CLASS = "needs good and defective pictures"
NO_MASKS = "needs pictures with true masks, and good ones"
NO_THRESHOLD = "no threshold was calibrated"


@dataclass
class Measured:
    """The numbers of one seed."""

    values: dict[str, Number] = field(default_factory=dict)
    per_type: dict[str, dict[str, float]] = field(default_factory=dict)
    macro: dict[str, dict[str, float]] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    confusion: dict[str, Any] | None = None


def measure(
    run: RunFolder,
    predictions: Sequence[Prediction],
    calibration: Calibration | None,
    *,
    map_size: int | None = None,
    resamples: int = 1000,
) -> Measured:
    """All numbers of one seed's predictions. Pictures of unknown label take no part; empty where all are unknown."""
    known = [p for p in predictions if p.label != "unknown"]
    measured = Measured()
    if not known:
        return measured
    sampling = Resampling(known, resamples)
    _add_image_numbers(measured, known, sampling)
    masked = truth.with_masks(known, run.data)
    iou = _add_pixel_numbers(measured, run, masked, calibration, map_size, resamples)
    _add_types(measured, known, masked, *iou)
    numbers, columns = (
        types.measure_types(run, masked, calibration) if len(masked) == len(known) else ({}, {})
    )
    measured.values |= {name: Number(value) for name, value in numbers.items()}
    for type_, row in columns.items():
        measured.per_type.get(type_, {}).update(row)
    return measured


def _add_image_numbers(measured: Measured, known: Sequence[Prediction], sampling: Resampling) -> None:
    labels, scores = sampling.defective, np.array([p.inspection.score for p in known])
    values = measured.values
    values["image_auroc"] = sampling.number(lambda i: metrics.image_auroc(labels[i], scores[i]), ONE_CLASS)
    values["image_ap"] = sampling.number(lambda i: metrics.average_precision(labels[i], scores[i]), ONE_CLASS)
    values["image_f1_max"] = sampling.number(lambda i: metrics.f1_max(labels[i], scores[i]).f1, ONE_CLASS)
    measured.curves["roc"] = _curve(metrics.roc_curve(labels, scores), "fpr", "tpr")
    objects = _object_auroc(known, sampling) if sampling.groups else None
    # Where each object has a good and a defective picture (a tyre and its twin), objects cannot be ranked.
    if objects and not np.isnan(objects.value):
        values["object_auroc"] = objects
    if any(p.inspection.verdict is None for p in known):
        for name in ("detection_rate", "false_reject_rate", "accuracy", "image_f1"):
            values[name] = Number(NAN, reason=NO_THRESHOLD)
        return
    rejected = np.array([p.inspection.verdict == "reject" for p in known])
    made = metrics.decisions(labels, rejected)
    bad, good = int(labels.sum()), int((~labels).sum())
    values["detection_rate"] = rate(made.true_rejects, bad, "needs defective pictures")
    values["false_reject_rate"] = rate(made.false_rejects, good, "needs good pictures")
    values["accuracy"] = rate(made.true_rejects + made.true_accepts, len(known), ONE_CLASS)
    values["image_f1"] = sampling.number(lambda i: metrics.decisions(labels[i], rejected[i]).f1, ONE_CLASS)


def _object_auroc(known: Sequence[Prediction], sampling: Resampling) -> Number:
    """One score per physical object: the highest of its views; defective if any view shows a defect."""
    views: dict[str, list[int]] = {}
    for index, name in enumerate(sampling.groups or []):
        views.setdefault(name, []).append(index)
    scores = np.array([max(known[i].inspection.score for i in members) for members in views.values()])
    labels = np.array([any(known[i].label == "defective" for i in members) for members in views.values()])

    def auroc(chosen: NDArray[np.int64]) -> float:
        return metrics.image_auroc(labels[chosen], scores[chosen])

    value = auroc(np.arange(len(views)))
    if np.isnan(value) or not sampling.resamples:
        return Number(value)
    return Number(value, *metrics.bootstrap(auroc, labels, resamples=sampling.resamples))


def _add_pixel_numbers(
    measured: Measured,
    run: RunFolder,
    masked: Sequence[Prediction],
    calibration: Calibration | None,
    map_size: int | None,
    resamples: int,
) -> tuple[PixelScores | None, NDArray[np.float64] | None]:
    """Also returns what the table by type needs: scores and IoU of the pictures with masks."""
    if not any(p.defects for p in masked):
        for name in ("pixel_auroc", "pixel_ap", "pixel_f1_max", "aupro_30", "aupro_05", "aupimo", "iou"):
            measured.values[name] = Number(NAN, reason=NO_MASKS)
        return None, None
    scores = metrics.gather(truth.pairs(run, masked, map_size))
    pixel = metrics.measure(scores, LIMITS)
    saturated = any(d.saturation is not None for p in masked for d in p.defects)
    points = {"pixel_auroc": pixel.auroc, "pixel_ap": pixel.average_precision, "pixel_f1_max": pixel.f1_max}
    points |= {metrics.overlap_name(limit, saturated): value for limit, value in pixel.aupro.items()}
    sampling = Resampling(masked, resamples)
    ends = _pixel_ends(scores, sampling, saturated) if resamples else {}
    for name, value in points.items():
        measured.values[name] = Number(
            value, *ends.get(name, (NAN, NAN)), reason=NO_MASKS if np.isnan(value) else ""
        )
    measured.values["iou_oracle"] = Number(pixel.oracle_iou)
    aupimo = metrics.aupimo(scores)
    measured.values["aupimo"] = sampling.mean(aupimo.per_picture, aupimo.note or NO_MASKS)
    measured.curves["pro"] = _curve(pixel.pro, "fpr", "pro")
    if saturated:
        _add_loco(measured, masked, scores)
    return scores, _add_overlap(measured, run, masked, calibration, sampling)


def _pixel_ends(scores: PixelScores, sampling: Resampling, saturated: bool) -> dict[str, tuple[float, float]]:
    found = metrics.pixel_intervals(scores, LIMITS, sampling.groups, sampling.resamples)
    ends = {
        "pixel_auroc": found.auroc,
        "pixel_ap": found.average_precision,
        "pixel_f1_max": found.f1_max,
        **{metrics.overlap_name(limit, saturated): interval for limit, interval in found.aupro.items()},
    }
    return {name: (interval.low, interval.high) for name, interval in ends.items()}


def _add_loco(measured: Measured, masked: Sequence[Prediction], scores: PixelScores) -> None:
    """Logical and structural anomalies apart, and the mean of the two: the headline of MVTec LOCO."""
    kinds = [p.conditions.get("anomaly", "") for p in masked]
    loco = metrics.loco_metrics(scores, kinds, [p.inspection.score for p in masked])
    for kind, value in loco.image_auroc.items():
        measured.values[metrics.kind_auroc_name(kind)] = Number(value)
    for limit, by_kind in loco.au_spro.items():
        for kind, value in by_kind.items():
            measured.values[metrics.overlap_name(limit, saturated=True, kind=kind)] = Number(value)


def _add_overlap(
    measured: Measured,
    run: RunFolder,
    masked: Sequence[Prediction],
    calibration: Calibration | None,
    sampling: Resampling,
) -> NDArray[np.float64] | None:
    """Findings against truth at the calibrated threshold; returns the IoU per picture."""
    names = ("iou", "iou_good", "iou_dataset", "dice", "pixel_precision", "pixel_recall")
    if calibration is None:
        measured.values |= {name: Number(NAN, reason=NO_THRESHOLD) for name in names}
        return None
    # Both ends are drawn in turn, so no more than one picture waits in between.
    ahead, behind = itertools.tee(truth.decided(run, masked, calibration))
    overlap = metrics.iou_at((mask for mask, _ in ahead), (found for _, found in behind))
    defective = np.array([bool(p.defects) for p in masked])
    each = overlap.per_picture
    measured.values["iou"] = sampling.mean(np.where(defective, each, NAN), NO_MASKS)
    measured.values["iou_good"] = rate(
        int(each[~defective].sum()), int((~defective).sum()), "needs good pictures"
    )
    pooled = (overlap.dataset, overlap.dice, overlap.precision, overlap.recall)
    for name, value in zip(names[2:], pooled, strict=True):
        measured.values[name] = Number(value, reason="nothing was marked" if np.isnan(value) else "")
    return each


def _add_types(
    measured: Measured,
    known: Sequence[Prediction],
    masked: Sequence[Prediction],
    scores: PixelScores | None,
    iou: NDArray[np.float64] | None,
) -> None:
    """The table by type, and, where the detector names types, how often it names them right."""
    # Pixel numbers by type need masks of all pictures; where some lack them the table is about pictures only.
    whole = len(masked) == len(known)
    rejected = [p.inspection.verdict == "reject" for p in known]
    judged = all(p.inspection.verdict is not None for p in known)
    rows = metrics.per_type(
        [p.types for p in known],
        [p.inspection.score for p in known],
        scores if whole else None,
        rejected if judged else None,
        iou if whole else None,
    )
    for row in rows:
        measured.per_type[row.type] = {
            "support": row.pictures,
            "regions": row.regions,
            "image_auroc": row.image_auroc,
            "image_ap": row.image_average_precision,
            "right_verdicts": row.right_verdicts,
            "pixel_auroc": row.pixel_auroc,
            "pixel_ap": row.pixel_average_precision,
            **{metrics.overlap_name(limit): value for limit, value in row.aupro.items()},
            "iou": row.iou,
        }
    measured.macro = {
        "without_good": metrics.macro(rows, with_good=False),
        "with_good": metrics.macro(rows, with_good=True),
    }
    if any(f.type for p in known for f in p.inspection.findings):
        _add_naming(measured, known, rejected)


def _add_naming(measured: Measured, known: Sequence[Prediction], rejected: Sequence[bool]) -> None:
    """Pictures of one type against the type of their strongest finding ("good" where accepted)."""
    named = [p.inspection.findings[0].type if p.inspection.findings else None for p in known]
    answers = [name if out else GOOD for name, out in zip(named, rejected)]
    single = [i for i, p in enumerate(known) if len(p.types) == 1]
    table = metrics.classification([known[i].types[0] for i in single], [answers[i] for i in single])
    right = metrics.type_accuracy([p.types for p in known], named, rejected)
    measured.values["macro_f1"] = Number(table.macro_f1)
    measured.values["macro_f1_without_good"] = Number(table.macro_f1_without_good)
    measured.values["type_accuracy"] = Number(right.accuracy)
    measured.values["type_accuracy_detected"] = Number(right.accuracy_detected)
    measured.confusion = {
        "rows": list(table.classes),
        "columns": list(table.answers),
        "counts": table.confusion.tolist(),
    }


def _curve(curve: metrics.Curve, x: str, y: str) -> dict[str, list[float]] | None:
    """Points for drawing; None where the curve is undefined."""
    if not len(curve.x):
        return None
    thin = curve.thinned(CURVE_POINTS)
    return {x: thin.x.round(6).tolist(), y: thin.y.round(6).tolist()}
