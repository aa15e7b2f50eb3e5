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
from specsight.evaluation.numbers import Number
from specsight.evaluation.pixel_numbers import pixel_numbers
from specsight.evaluation.type_numbers import TypeNumbers, type_numbers
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
    masked = truth.with_masks(labelled, run.data)
    # Pixel numbers by type need masks of all pictures; where some lack them the table is about pictures only.
    complete = len(masked) == len(labelled)
    image = image_numbers(labelled, resamples)
    pixel = pixel_numbers(run, masked, calibration, map_size=map_size, resamples=resamples)
    table = type_table(labelled, pixel.scores if complete else None, pixel.iou if complete else None)
    named = naming(labelled)
    types = type_numbers(run, masked, calibration) if complete else TypeNumbers()
    curves = {"roc": _points(image.roc, "fpr", "tpr")}
    if pixel.pro is not None:
        curves["pro"] = _points(pixel.pro, "fpr", "pro")
    return Measured(
        values={
            **image.values,
            **pixel.values,
            **named.values,
            **{name: Number(value) for name, value in types.values.items()},
        },
        per_type={name: row | types.columns.get(name, {}) for name, row in table.rows.items()},
        macro=table.macro,
        curves=curves,
        confusion=named.confusion,
    )


def _points(curve: metrics.Curve, x: str, y: str) -> dict[str, list[float]] | None:
    """Points for drawing; None where the curve is undefined."""
    if not len(curve.x):
        return None
    thin = curve.thinned(CURVE_POINTS)
    return {x: thin.x.round(6).tolist(), y: thin.y.round(6).tolist()}
