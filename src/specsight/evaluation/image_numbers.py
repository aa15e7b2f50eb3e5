"""Numbers about whole pictures: how scores rank them, and how the verdicts compare with the truth.

In: the predictions of one seed whose label is known. Out: numbers with intervals, and the ROC curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.evaluation.numbers import NAN, NO_THRESHOLD, ONE_CLASS, Number, Resampling, rate
from specsight.runs.predictions import Prediction


@dataclass(frozen=True)
class ImageNumbers:
    """Numbers by name, and the ROC curve over pictures (empty where one class is missing)."""

    values: dict[str, Number]
    roc: metrics.Curve


def image_numbers(predictions: Sequence[Prediction], resamples: int) -> ImageNumbers:
    """Every metric of scores in the catalogue, objects seen in several views, and the verdicts."""
    sampling = Resampling(predictions, resamples)
    labels = sampling.defective
    scores = np.array([p.inspection.score for p in predictions])
    values = {
        name: _ranking(metric.of_scores, metric.interval_of_scores, labels, scores, sampling)
        for name, metric in metrics.metrics.items()
        if metric.of_scores
    }
    objects = _object_auroc(predictions, sampling) if sampling.groups else None
    # Where each object has a good and a defective picture (a tyre and its twin), objects cannot be ranked.
    if objects and not np.isnan(objects.value):
        values["object_auroc"] = objects
    return ImageNumbers({**values, **_verdicts(predictions, sampling)}, metrics.roc_curve(labels, scores))


def _ranking(
    metric: metrics.OfScores,
    interval: metrics.IntervalOfScores | None,
    labels: NDArray[np.bool_],
    scores: NDArray[np.float64],
    sampling: Resampling,
) -> Number:
    if interval is None:
        return sampling.number(lambda chosen: metric(labels[chosen], scores[chosen]), ONE_CLASS)
    value = metric(labels, scores)
    if np.isnan(value):
        return Number(NAN, reason=ONE_CLASS)
    if not sampling.resamples:
        return Number(value)
    groups = None if sampling.groups is None else np.array(sampling.groups)
    return Number(value, *interval(labels, scores, groups))


def _verdicts(predictions: Sequence[Prediction], sampling: Resampling) -> dict[str, Number]:
    if any(p.inspection.verdict is None for p in predictions):
        names = ("detection_rate", "miss_rate", "false_reject_rate", "accuracy", "image_f1")
        return {name: Number(NAN, reason=NO_THRESHOLD) for name in names}
    labels = sampling.defective
    rejected = np.array([p.inspection.verdict == "reject" for p in predictions])
    made = metrics.decisions(labels, rejected)
    bad, good = int(labels.sum()), int((~labels).sum())
    right = made.true_rejects + made.true_accepts
    return {
        "detection_rate": rate(made.true_rejects, bad, "needs defective pictures"),
        "miss_rate": rate(made.misses, bad, "needs defective pictures"),
        "false_reject_rate": rate(made.false_rejects, good, "needs good pictures"),
        "accuracy": rate(right, len(predictions), ONE_CLASS),
        "image_f1": sampling.number(lambda i: metrics.decisions(labels[i], rejected[i]).f1, ONE_CLASS),
    }


def _object_auroc(predictions: Sequence[Prediction], sampling: Resampling) -> Number:
    """One score per physical object: the highest of its views; defective if any view shows a defect."""
    views: dict[str, list[Prediction]] = {}
    for prediction, name in zip(predictions, sampling.groups or [], strict=True):
        views.setdefault(name, []).append(prediction)
    scores = np.array([max(p.inspection.score for p in of_object) for of_object in views.values()])
    labels = np.array([any(p.label == "defective" for p in of_object) for of_object in views.values()])
    value = metrics.image_auroc(labels, scores)
    if np.isnan(value) or not sampling.resamples:
        return Number(value)
    return Number(value, *metrics.auroc_interval(labels, scores))
