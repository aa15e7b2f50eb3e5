"""Scores of held-out good parts → thresholds with a stated false-reject rate. Knows nothing of detectors' insides.

The threshold is an order statistic, so the statement needs no assumption about how scores are distributed, only that
the held-out parts come from the same line as the parts to be judged: with n good scores sorted, the share of good
parts above the k-th follows Beta(n - k + 1, k) (Wilks 1941, "Determination of sample sizes for setting tolerance
limits").

Parts are counted, not pictures: pictures of one part are not independent. Where a part was taken several times (views,
exposures, frames, copies) its score is the largest of its pictures, and the statement is about parts: of good parts
photographed as often as those held out, at most the stated share has any picture rejected. For a single picture of a
good part the same limit holds, since it is rejected no more often than any of several.

Where good parts are judged in folds, each by a detector that learned from the other folds, all of them give the
threshold and the final detector learns from all of them (cross-conformal prediction: Vovk 2015, "Cross-conformal
predictors"; CV+: Barber, Candès, Ramdas and Tibshirani 2021, "Predictive inference with the jackknife+"). The same rank
is taken, and the statement says "approximately": see docs/thresholds.md for what is proven and what was measured.
"""

from specsight.calibration.by_place import ByPlace
from specsight.calibration.held_out import HeldOut, HeldOutPicture, calibrate, medians_by_type, peaks_on_parts
from specsight.calibration.promise import (
    FOLDS,
    LEAST_PARTS,
    MOST_FOLDED,
    NO_PROMISE_ABOVE,
    ThresholdConfig,
    check_rates,
    order_statistic,
    parts_needed,
)
from specsight.calibration.thresholds import Calibration, FormerThreshold, ScopedThreshold

__all__ = [
    "FOLDS",
    "LEAST_PARTS",
    "MOST_FOLDED",
    "NO_PROMISE_ABOVE",
    "ByPlace",
    "Calibration",
    "FormerThreshold",
    "HeldOut",
    "HeldOutPicture",
    "ScopedThreshold",
    "ThresholdConfig",
    "calibrate",
    "check_rates",
    "medians_by_type",
    "order_statistic",
    "parts_needed",
    "peaks_on_parts",
]
