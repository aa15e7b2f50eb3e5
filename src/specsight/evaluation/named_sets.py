"""Which types a picture's findings name, as a set against the true one: pictures with one type and with several apart.

In: the labelled predictions of one seed. Out: numbers with intervals, by name (`metrics.told`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.evaluation.numbers import Number, Resampling, rate
from specsight.metrics.told import SEVERAL, SINGLE
from specsight.records import GOOD
from specsight.runs.predictions import Prediction

NONE_SUCH = "no picture has that many types"
NONE_REJECTED = "none of these pictures was rejected"


def answered(prediction: Prediction) -> set[str]:
    """The types that a picture's findings name."""
    return {one.type for one in prediction.inspection.findings if one.type}


def named_set_numbers(predictions: Sequence[Prediction], resamples: int) -> dict[str, Number]:
    """F1, over types and of all together, and the share of exact sets, over pictures with one and with several types;
    F1 and exact sets also over those of them that were rejected."""
    numbers = {f"{SINGLE}_pictures": Number(float(sum(len(set(p.types) - {GOOD}) == 1 for p in predictions)))}
    for kind, several in ((SINGLE, False), (SEVERAL, True)):
        chosen = [p for p in predictions if (count := len(set(p.types) - {GOOD})) and (count > 1) is several]
        rejected = [p for p in chosen if p.inspection.verdict == "reject"]
        exact = [answered(p) == set(p.types) for p in chosen]
        if several and not chosen:
            continue
        numbers |= {
            f"{kind}_type_f1": _f1(chosen, resamples, NONE_SUCH),
            f"{kind}_type_f1_micro": _f1(chosen, resamples, NONE_SUCH, micro=True),
            f"{kind}_type_f1_detected": _f1(rejected, resamples, NONE_REJECTED),
            f"{kind}_exact_set": rate(sum(exact), len(chosen), NONE_SUCH),
            f"{kind}_exact_set_detected": rate(
                sum(answered(p) == set(p.types) for p in rejected), len(rejected), NONE_REJECTED
            ),
        }
    return numbers


def _f1(chosen: Sequence[Prediction], resamples: int, reason: str, micro: bool = False) -> Number:
    truth, given = [p.types for p in chosen], [answered(p) for p in chosen]

    def of(weights: NDArray[np.int64]) -> NDArray[np.float64]:
        return metrics.weighted_f1(truth, given, weights)[int(micro)]

    if not chosen:
        return Number(float("nan"), reason=reason)
    return Resampling(chosen, resamples).weighted(of, reason)
