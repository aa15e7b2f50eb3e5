"""Overlap of predicted and true masks at the threshold in use: IoU, Dice, precision, recall, and IoU on good pictures.

The predictions are the masks a user sees (calibrated on good pictures only). A method that always marks something can
have a fine IoU on defective pictures; IoU on good pictures shows it (AG-VAS, 2026, calls it the IoU of normal images).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.metrics.scores import Mask


@dataclass(frozen=True)
class IoU:
    """Overlap numbers of a test set, each in [0, 1], nan where no picture or pixel defines them.

    `per_picture` (N,): |P ∩ T| / |P ∪ T|, and on good pictures 1 if the prediction is empty, else 0. `mean` averages it
    over pictures with a true mask, `good` over those without. `dataset`, `dice`, `precision` and `recall` pool the
    pixels of all pictures, good ones included; `dice` is also the pixel F1 (SegF1 of MVTec AD 2).
    """

    per_picture: NDArray[np.float64]
    mean: float
    dataset: float
    dice: float
    precision: float
    recall: float
    good: float


def iou_at(masks: Iterable[Mask], predictions: Iterable[Mask]) -> IoU:
    """Compare true and predicted (H, W) bool masks, picture by picture; both may be read lazily."""
    counts = []
    for index, (mask, prediction) in enumerate(zip(masks, predictions, strict=True)):
        truth, found = (
            np.asarray(mask).astype(bool, copy=False),
            np.asarray(prediction).astype(bool, copy=False),
        )
        if truth.shape != found.shape:
            raise SpecsightError(
                f"picture {index}: mask is {truth.shape} but its prediction is {found.shape}"
            )
        counts.append((np.count_nonzero(truth & found), np.count_nonzero(found), np.count_nonzero(truth)))
    hit, found_area, true_area = np.array(counts, dtype=np.int64).reshape(-1, 3).T
    union = found_area + true_area - hit
    per_picture = np.divide(hit, union, out=np.ones(len(hit)), where=union > 0)
    defective = true_area > 0
    return IoU(
        per_picture=per_picture,
        mean=_mean(per_picture[defective]),
        dataset=_ratio(hit.sum(), union.sum()),
        dice=_ratio(2 * hit.sum(), found_area.sum() + true_area.sum()),
        precision=_ratio(hit.sum(), found_area.sum()),
        recall=_ratio(hit.sum(), true_area.sum()),
        good=_mean(per_picture[~defective]),
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _ratio(part: np.int64, total: np.int64) -> float:
    return float(part) / float(total) if total else float("nan")
