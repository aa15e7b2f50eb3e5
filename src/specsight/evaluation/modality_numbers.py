"""Where only one modality shows the defect: how scores rank those pictures.

In: predictions whose conditions say where each defect can be seen, as the tyre line's do (`conditions.visible`: one
entry a defect, "rgb", "depth", "rgb and depth" or "hardly", measured on noise-free pictures). Out: image AUROC of the
pictures all of whose defects show in depth alone, and of those that show in colours alone, each against every good
picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from specsight import metrics
from specsight.evaluation.numbers import ONE_CLASS, Number
from specsight.metrics.modalities import alone_name
from specsight.runs.predictions import Prediction

ALONE = ("depth", "rgb")
"""Modalities that defects may show in alone."""


def seen_in(conditions: Mapping[str, str]) -> str | None:
    """The one modality of `ALONE` that all defects of a picture show in; None: several, or nobody said it."""
    shown = set(conditions.get("visible", "").split("; "))
    return shown.pop() if len(shown) == 1 and shown <= set(ALONE) else None


def modality_numbers(labelled: Sequence[Prediction]) -> dict[str, Number]:
    """By name of metric; empty where no picture's conditions say where its defects show."""
    if not any("visible" in prediction.conditions for prediction in labelled):
        return {}
    defective = np.array([p.label == "defective" for p in labelled])
    scores = np.array([p.inspection.score for p in labelled])
    groups = np.array([p.group or p.id for p in labelled])
    where = [seen_in(p.conditions) if p.label == "defective" else None for p in labelled]
    found = {}
    for modality in ALONE:
        chosen = ~defective | np.array([one == modality for one in where])
        value = metrics.image_auroc(defective[chosen], scores[chosen])
        if np.isnan(value):
            found[alone_name(modality)] = Number(value, reason=ONE_CLASS)
        else:
            interval = metrics.auroc_interval(defective[chosen], scores[chosen], groups[chosen])
            found[alone_name(modality)] = Number(value, *interval)
    return found
