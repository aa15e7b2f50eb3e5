"""One seed of a run folder → its numbers with intervals. Pure reading: nothing here judges a picture.

Every number is a `Number`; one that is undefined (a single class, no masks, no threshold) says why instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from specsight import metrics
from specsight.calibration import Calibration
from specsight.evaluation import truth
from specsight.evaluation.image_numbers import image_numbers
from specsight.evaluation.modality_numbers import modality_numbers
from specsight.evaluation.named_sets import named_set_numbers
from specsight.evaluation.numbers import Number
from specsight.evaluation.pixel_numbers import pixel_numbers
from specsight.evaluation.statement_numbers import statement_numbers
from specsight.evaluation.type_numbers import type_numbers
from specsight.evaluation.type_table import naming, type_table
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

CURVE_POINTS = 300
"""Points of a curve that are written for drawing."""


@dataclass(frozen=True)
class Measured:
    """The numbers of one seed."""

    values: dict[str, Number] = field(default_factory=dict)
    """By name of metric."""
    per_type: dict[str, dict[str, float]] = field(default_factory=dict)
    """Type → column → value."""
    macro: dict[str, dict[str, float]] = field(default_factory=dict)
    """"with_good" or "without_good" → column → mean over types."""
    curves: dict[str, Any] = field(default_factory=dict)
    """"roc" and "pro": x and y by name, or None where undefined."""
    confusion: dict[str, Any] | None = None
    located: dict[str, bool] = field(default_factory=dict)
    """Id of each rejected defective picture with a known mask → whether a finding touches the defect."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know about the numbers, one sentence each."""


def measure(
    run: RunFolder,
    predictions: Sequence[Prediction],
    calibration: Calibration | None,
    *,
    map_size: int | None = None,
    resamples: int = 1000,
) -> Measured:
    """All numbers of one seed's predictions. Pictures of unknown label take no part; empty where all are unknown.

    `map_size`: shorter side in pixels at which pixel metrics are measured (None: the pictures' own resolution);
    `resamples`: bootstrap resamples behind each interval (0: none).
    """
    labelled = [p for p in predictions if p.label != "unknown"]
    if not labelled:
        return Measured()
    masks = truth.with_masks(labelled, run.data)
    image = image_numbers(labelled, resamples)
    pixel = pixel_numbers(run, masks.usable, calibration, map_size=map_size, resamples=resamples)
    table = type_table(labelled, masks.usable, pixel.scores, pixel.iou)
    named = naming(labelled)
    types = type_numbers(run, labelled, masks.usable, calibration)
    curves = {"roc": _points(image.roc, "fpr", "tpr")}
    if pixel.pro is not None:
        curves["pro"] = _points(pixel.pro, "fpr", "pro")
    return Measured(
        values={
            **image.values,
            **modality_numbers(labelled),
            **pixel.values,
            **named.values,
            **{name: Number(value) for name, value in types.values.items()},
            **(named_set_numbers(labelled, resamples) if types.values and calibration else {}),
            **statement_numbers(run, labelled, masks.usable, resamples),
        },
        per_type={name: row | types.columns.get(name, {}) for name, row in table.rows.items()},
        macro=table.macro,
        curves=curves,
        confusion=named.confusion,
        located=pixel.located,
        notes=[*_without_masks(len(labelled), masks), *pixel.notes],
    )


def _without_masks(labelled: int, masks: truth.MaskedPictures) -> list[str]:
    """How many pictures count for scores and verdicts alone, and why."""
    unknown = labelled - len(masks.usable) - len(masks.unusable)
    reasons = []
    if masks.unusable:
        reasons.append(
            f"the mask of {len(masks.unusable)} cannot be used ({next(iter(masks.unusable.values()))})"
        )
    if unknown:
        reasons.append(f"{unknown} defective without a mask")
    if not reasons:
        return []
    return [f"Numbers about pixels are of {len(masks.usable)} of {labelled} pictures: {'; '.join(reasons)}."]


def _points(curve: metrics.Curve, x: str, y: str) -> dict[str, list[float]] | None:
    """Points for drawing; None where the curve is undefined."""
    if not len(curve.x):
        return None
    thin = curve.thinned(CURVE_POINTS)
    return {x: thin.x.round(6).tolist(), y: thin.y.round(6).tolist()}
