"""A number of a run with its interval, and how intervals come about: by formula, by bootstrap, Wilson's for rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.runs.predictions import Prediction

NAN = float("nan")
ONE_CLASS = "needs good and defective pictures"
NO_MASKS = "needs pictures with true masks, and good ones"
NO_THRESHOLD = "no threshold was calibrated"
Statistic = Callable[[NDArray[np.int64]], float]
"""Indices of pictures, with repeats → a number."""
Weighted = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""How often each resample counts each picture (R, N) → a number for each (R,)."""


@dataclass(frozen=True)
class Number:
    """A value with its interval of about 95 %; nan where undefined, and then `reason` says why."""

    value: float
    low: float = NAN
    high: float = NAN
    reason: str = ""
    variant: str = ""
    """Under which of several definitions it was measured, in words; values of two variants have no mean."""

    @classmethod
    def resampled(cls, value: float, interval: tuple[float, float], reason: str = "") -> Number:
        """A value with the interval of its resamples; none where all of these are equal: they show no error at all."""
        low, high = interval
        return cls(value, low, high, reason) if low < high else cls(value, reason=reason)


@dataclass(frozen=True)
class Resampling:
    """Bootstrap over pictures, good and defective ones apart, views of one object together."""

    predictions: Sequence[Prediction]
    resamples: int

    @property
    def defective(self) -> NDArray[np.bool_]:
        """(N,) which pictures are defective."""
        return np.array([p.label == "defective" for p in self.predictions])

    @property
    def groups(self) -> list[str] | None:
        """The physical object of each picture; None where every picture shows its own."""
        names = [p.group or p.id for p in self.predictions]
        return names if len(set(names)) < len(names) else None

    def number(self, statistic: Statistic, reason: str) -> Number:
        """`statistic` of all pictures, with the interval over resamples; `reason` says why, where it is nan."""
        value = statistic(np.arange(len(self.predictions)))
        if np.isnan(value) or not self.resamples:
            return Number(value, reason=reason if np.isnan(value) else "")
        interval = metrics.bootstrap(statistic, self.defective, self.groups, resamples=self.resamples)
        return Number.resampled(value, interval)

    def weighted(self, statistic: Weighted, reason: str) -> Number:
        """As `number`, for a statistic of how often each picture counts, which takes all resamples at once."""
        value = float(statistic(np.ones((1, len(self.predictions)), np.int64))[0])
        if np.isnan(value) or not self.resamples:
            return Number(value, reason=reason if np.isnan(value) else "")
        drawn = metrics.Groups.of(self.defective, self.groups)
        resampled = statistic(drawn.resampled(self.resamples, 0))
        levels = drawn.levels(resampled, value, statistic(drawn.left_out()), 0.95)
        return Number.resampled(value, metrics.quantile_interval(resampled, levels))

    def mean(self, values: NDArray[np.float64], reason: str) -> Number:
        """Mean over pictures of `values` (N,), leaving out nan."""
        return self.number(lambda chosen: _mean(values[chosen]), reason)


def rate(count: int, of: int, reason: str) -> Number:
    """A share of pictures with its Wilson interval: a bootstrap of "0 of 20" would call itself certain."""
    from scipy.stats import binomtest

    if not of:
        return Number(NAN, reason=reason)
    interval = binomtest(count, of).proportion_ci(0.95, method="wilson")
    return Number(count / of, float(interval.low), float(interval.high))


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else NAN
