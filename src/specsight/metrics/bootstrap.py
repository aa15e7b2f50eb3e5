"""How sure a number is: stratified bootstrap intervals over pictures, and mean ± sd over seeds.

Percentile bootstrap (Efron 1979). Pictures are resampled with replacement inside each stratum (good, defective), so
that no resample loses a class; pictures of the same physical object stay together where `groups` names the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specsight.errors import SpecsightError


class Interval(NamedTuple):
    """A confidence interval, nan if the statistic was undefined in every resample."""

    low: float
    high: float


class MeanSd(NamedTuple):
    """Mean and sample standard deviation (n - 1) over `n` seeds or products; nan values are left out of all three."""

    mean: float
    sd: float
    n: int


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    strata: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of `statistic(indices)`, where indices (with repeats) name the pictures of one resample.

    `strata` (N,) holds each picture's stratum, `groups` (N,) its physical object. `confidence` in (0, 1). The same
    seed gives the same resamples. Source: Efron 1979.
    """
    weights = resample_weights(strata, groups, resamples, seed)
    everyone = np.arange(weights.shape[1])
    return percentile_interval([statistic(np.repeat(everyone, row)) for row in weights], confidence)


def percentile_interval(values: Sequence[float] | NDArray[np.float64], confidence: float = 0.95) -> Interval:
    """The central `confidence` share of the resampled values, leaving out undefined (nan) ones."""
    if not 0.0 < confidence < 1.0:
        raise SpecsightError(f"confidence {confidence} is not in (0, 1): 0.95 is usual")
    defined = np.asarray(values, dtype=np.float64)
    defined = defined[~np.isnan(defined)]
    if not len(defined):
        return Interval(float("nan"), float("nan"))
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return Interval(float(low), float(high))


def resample_weights(
    strata: ArrayLike, groups: ArrayLike | None = None, resamples: int = 1000, seed: int = 0
) -> NDArray[np.int64]:
    """(resamples, N) how often each resample holds each picture. Each row has as many groups per stratum as there are.

    Without `groups` every picture is its own group. A group whose pictures lie in several strata (an object that looks
    good from one side and defective from the other) forms a stratum with the groups of the same mixture.
    """
    labels = np.unique(np.asarray(strata), return_inverse=True)[1].ravel()
    members = (
        np.arange(len(labels))
        if groups is None
        else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    )
    if len(members) != len(labels):
        raise SpecsightError(f"{len(labels)} strata but {len(members)} groups: pass one of each per picture")
    if not len(labels):
        return np.zeros((resamples, 0), dtype=np.int64)
    present = np.zeros((members.max() + 1, labels.max() + 1), dtype=bool)
    present[members, labels] = True
    mixture = np.unique(present, axis=0, return_inverse=True)[1].ravel()
    generator = np.random.default_rng(seed)
    repeats = np.zeros((resamples, len(mixture)), dtype=np.int64)
    for stratum in range(mixture.max() + 1):
        of_stratum = np.flatnonzero(mixture == stratum)
        even = np.full(len(of_stratum), 1.0 / len(of_stratum))
        repeats[:, of_stratum] = generator.multinomial(len(of_stratum), even, size=resamples)
    return repeats[:, members]


def mean_sd(values: Sequence[float]) -> MeanSd:
    """Mean ± sd over seeds; sd is nan for fewer than two values."""
    defined = np.array([v for v in values if not np.isnan(v)], dtype=np.float64)
    mean = float(defined.mean()) if len(defined) else float("nan")
    sd = float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")
    return MeanSd(mean, sd, len(defined))
