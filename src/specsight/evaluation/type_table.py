"""The table by defect type, and how often a detector that names types names them right.

In: predictions of one seed, the scores of their pixels and their overlap. Out: rows by type, their means, numbers over
all pictures and the confusion of types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.evaluation.numbers import Number
from specsight.metrics import PixelScores
from specsight.records import GOOD
from specsight.runs.predictions import Prediction


@dataclass(frozen=True)
class TypeTable:
    """`rows[type][column]`; `macro["with_good" or "without_good"][column]` the unweighted mean over types."""

    rows: dict[str, dict[str, float]]
    macro: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Naming:
    """How often types were named right; empty where the detector names none."""

    values: dict[str, Number] = field(default_factory=dict)
    confusion: dict[str, Any] | None = None
    """"rows" (true types), "columns" (answers), "counts"."""


def type_table(
    predictions: Sequence[Prediction],
    masked: Sequence[Prediction],
    scores: PixelScores | None,
    iou: NDArray[np.float64] | None,
) -> TypeTable:
    """Each type against the good pictures; pixel columns over those of them with known masks.

    `scores` and `iou` (N,) are of the pictures `masked`; None: no such columns.
    """
    decided = all(p.inspection.verdict is not None for p in predictions)
    rows = metrics.per_type(
        [p.types for p in predictions],
        [p.inspection.score for p in predictions],
        rejected=_rejected(predictions) if decided else None,
    )
    pixels = {
        row.type: row
        for row in metrics.per_type(
            [p.types for p in masked], [p.inspection.score for p in masked], scores, iou=iou
        )
    }
    rows = [_with_pixels(row, pixels[row.type]) if row.type in pixels else row for row in rows]
    return TypeTable(
        {row.type: _columns(row) for row in rows},
        {
            "without_good": metrics.macro(rows, with_good=False),
            "with_good": metrics.macro(rows, with_good=True),
        },
    )


def naming(predictions: Sequence[Prediction]) -> Naming:
    """Pictures of one type against the type of their strongest finding ("good" where accepted)."""
    if not any(f.type for p in predictions for f in p.inspection.findings):
        return Naming()
    rejected = _rejected(predictions)
    named = [p.inspection.findings[0].type if p.inspection.findings else None for p in predictions]
    answers = [name if out else GOOD for name, out in zip(named, rejected)]
    single = [i for i, p in enumerate(predictions) if len(p.types) == 1]
    table = metrics.classification([predictions[i].types[0] for i in single], [answers[i] for i in single])
    right = metrics.type_accuracy([p.types for p in predictions], named, rejected)
    values = {
        "macro_f1": Number(table.macro_f1),
        "macro_f1_without_good": Number(table.macro_f1_without_good),
        "type_accuracy": Number(right.accuracy),
        "type_accuracy_detected": Number(right.accuracy_detected),
    }
    confusion = {
        "rows": list(table.classes),
        "columns": list(table.answers),
        "counts": table.confusion.tolist(),
    }
    return Naming(values, confusion)


def _rejected(predictions: Sequence[Prediction]) -> list[bool]:
    return [p.inspection.verdict == "reject" for p in predictions]


def _with_pixels(row: metrics.TypeRow, of_masked: metrics.TypeRow) -> metrics.TypeRow:
    """The row with the pixel columns of `of_masked`."""
    return replace(
        row,
        regions=of_masked.regions,
        pixel_auroc=of_masked.pixel_auroc,
        pixel_average_precision=of_masked.pixel_average_precision,
        aupro=of_masked.aupro,
        iou=of_masked.iou,
    )


def _columns(row: metrics.TypeRow) -> dict[str, float]:
    return {
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
