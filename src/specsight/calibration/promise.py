"""What a threshold is to promise: rates → how many good parts it takes, and which of their scores it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from specsight.errors import SpecsightError

NO_PROMISE_ABOVE = 0.5
"""A limit above one false reject in two good parts is no promise: fewer than 5 parts, at 95 % confidence."""
MOST_PARTS = 10**9
"""No line photographs more."""
LEAST_PARTS = 3
"""Of fewer good parts none is held out: at least two are left to learn from for each."""
FOLDS = 5
MOST_FOLDED = 500
"""Good parts. Of more, the share that is held out costs a detector little, and its promise is exact."""


@dataclass(frozen=True)
class ThresholdConfig:
    """What a threshold is to promise, and from how many good parts. Raises `SpecsightError` for impossible values."""

    holdout: int | None = None
    """Good parts to hold out for the threshold, beside validation pictures where the set has some. None: no further
    ones where there are validation pictures, else as many as the promise takes, never more than a third."""
    false_reject_rate: float = 0.05
    confidence: float = 0.95
    folds: int | None = None
    """In how many folds the good parts are judged, each by a detector that learned from the other folds alone; 0: parts
    are held out instead. None: `FOLDS`, but 0 where parts are held out (`holdout`, validation pictures), where a fit
    trains weights, and for more than `MOST_FOLDED` good parts."""
    by_place: bool | None = None
    """Whether maps judged in folds are compared with good parts' at the same place (`ByPlace`), for detectors whose
    score is of their map alone and that tell no types apart; None: if good parts lie alike. Without folds it stays
    off: a promise is exact there."""

    def __post_init__(self) -> None:
        holdout, folds = self.holdout, self.folds
        if holdout is not None and (not _whole(holdout) or holdout < 0):
            raise SpecsightError(f"holdout must be a whole number of good parts from 0 on, got {holdout!r}")
        if folds is not None and (not _whole(folds) or folds < 0 or folds == 1):
            raise SpecsightError(f"folds must be a whole number from 2 on, or 0 for none, got {folds!r}")
        if holdout and folds:
            raise SpecsightError(
                "good parts are held out or judged in folds: give holdout or folds, not both"
            )
        if self.by_place and (holdout or folds == 0):
            raise SpecsightError(
                "maps are compared place by place where thresholds come from folds: give folds, or none"
            )
        parts_needed(self.false_reject_rate, self.confidence)

    @property
    def parts(self) -> int:
        """How many good parts the threshold is to come from."""
        if self.holdout is not None:
            return self.holdout
        return parts_needed(self.false_reject_rate, self.confidence)

    def folds_of(self, parts: int, *, costly: bool) -> int:
        """In how many folds to judge `parts` good parts; 0: some are held out. `costly`: a fit trains weights."""
        if parts < LEAST_PARTS:
            return 0
        if self.folds is not None:
            return min(self.folds, parts)
        return 0 if costly or self.holdout is not None or parts > MOST_FOLDED else min(FOLDS, parts)

    def share_of(self, parts: int) -> int:
        """How many of `parts` good parts to hold out."""
        return min(self.parts, parts // LEAST_PARTS) if self.holdout is None else self.holdout


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_rates(false_reject_rate: float, confidence: float) -> None:
    """Raise `SpecsightError` for anything but numbers inside (0, 1)."""
    for name, value in (("false-reject rate", false_reject_rate), ("confidence", confidence)):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise SpecsightError(f"{name} must be a number between 0 and 1, got {value!r}")
        if not 0 < value < 1:
            hint = f": write {value / 100:g} for {value:g} %" if 1 < value < 100 else ""
            raise SpecsightError(f"{name} must lie between 0 and 1, got {value:g}{hint}")


def parts_needed(false_reject_rate: float, confidence: float) -> int:
    """Smallest n whose largest score promises the rate: (1 - rate)^n <= 1 - confidence. 59 for 5 % at 95 %.

    Raises `SpecsightError` for rates outside (0, 1), and for those too small for any number of parts.
    """
    check_rates(false_reject_rate, confidence)
    needed = math.log1p(-confidence) / math.log1p(-false_reject_rate)
    if needed > MOST_PARTS:
        raise SpecsightError(
            f"a false-reject rate of {false_reject_rate:g} takes more than {MOST_PARTS:,} good parts: "
            "allow a higher one"
        )
    return math.ceil(needed - 1e-9)


def order_statistic(count: int, false_reject_rate: float, confidence: float) -> tuple[int, float]:
    """Which of `count` sorted good scores (1-based rank) to use, and the false-reject rate it promises.

    The smallest rank k with P[Binomial(count, 1 - rate) < k] >= confidence. Where even the largest score cannot
    promise `false_reject_rate`, the rank is `count` and the returned rate is what it does promise.
    """
    # What scipy.stats computes too; its import takes longer than many a fit.
    from scipy.special import betainc

    if count < 1:
        raise ValueError("at least one good score is needed")
    ranks = np.arange(1, count + 1)
    # P[Binomial(n, p) < k] = I_(1 - p)(n - k + 1, k), the regularised incomplete beta function.
    promised = betainc(count - ranks + 1, ranks, false_reject_rate) >= confidence
    if promised.any():
        return int(ranks[promised][0]), false_reject_rate
    return count, float(1 - (1 - confidence) ** (1 / count))


def percent(share: float) -> str:
    """A share that was given, in words: "5 %", "99.99 %"."""
    return f"{100 * share:.12g} %"


def percent_at_most(share: float) -> str:
    """A limit in words, rounded up to three digits: what is written is never below the limit that holds."""
    from decimal import ROUND_CEILING, Context

    # Beyond 12 digits a number differs by rounding alone.
    limit = Context(prec=12).create_decimal_from_float(100 * share)
    return f"{limit.normalize(Context(prec=3, rounding=ROUND_CEILING)):f} %"
