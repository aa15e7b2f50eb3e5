"""How sure a number is: stratified bootstrap intervals over pictures, and mean ± sd over seeds.

Bias-corrected and accelerated (BCa) bootstrap (Efron, JASA 1987; several samples: Davison and Hinkley 1997, chapter 5):
the plain percentile interval is too short and lies too low near 1, where most metrics are. Pictures are resampled with
replacement inside each stratum (good, defective), so that no resample loses a class; pictures of the same physical
object stay together where `groups` names the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specsight.errors import SpecsightError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A confidence interval, nan if the statistic was undefined in every resample."""

    low: float
    high: float


class MeanSd(NamedTuple):
    """Mean and sample standard deviation (n - 1) over `n` seeds or products; nan values are left out of all three."""

    mean: float
    sd: float
    n: int


@dataclass(frozen=True)
class Groups:
    """What is resampled: `members` (N,) numbers each picture's group, `strata` (G,) each group's stratum."""

    members: Integers
    strata: Integers

    @classmethod
    def of(cls, strata: ArrayLike, groups: ArrayLike | None = None) -> Groups:
        """From each picture's stratum (N,) and physical object (N,); None: every picture is its own group.

        A group whose pictures lie in several strata (an object that looks good from one side and defective from the
        other) forms a stratum with the groups of the same mixture.
        """
        labels = np.unique(np.asarray(strata), return_inverse=True)[1].ravel()
        members = (
            np.arange(len(labels))
            if groups is None
            else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
        )
        if len(members) != len(labels):
            raise SpecsightError(
                f"{len(labels)} strata but {len(members)} groups: pass one of each per picture"
            )
        if not len(labels):
            return cls(members, members)
        present = np.zeros((members.max() + 1, labels.max() + 1), dtype=bool)
        present[members, labels] = True
        return cls(members, np.unique(present, axis=0, return_inverse=True)[1].ravel())

    def resampled(self, resamples: int, seed: int) -> Integers:
        """(resamples, N) how often each resample holds each picture: as many groups per stratum as there are."""
        generator = np.random.default_rng(seed)
        repeats = np.zeros((resamples, len(self.strata)), dtype=np.int64)
        for stratum in range(self.strata.max(initial=-1) + 1):
            of_stratum = np.flatnonzero(self.strata == stratum)
            even = np.full(len(of_stratum), 1.0 / len(of_stratum))
            repeats[:, of_stratum] = generator.multinomial(len(of_stratum), even, size=resamples)
        return repeats[:, self.members]

    def left_out(self) -> Integers:
        """(G, N) how often each picture counts when one group is left out (jackknife)."""
        return np.asarray(self.members != np.arange(len(self.strata))[:, None], np.int64)

    def levels(self, values: Floats, estimate: float, left_out: Floats, confidence: float) -> Floats:
        """The two quantile levels of the resampled `values` at which the BCa interval of `estimate` ends.

        `left_out` (G,) is the statistic without each group. A group without which it is undefined, as the only one of
        its stratum, counts as one without influence.
        """
        from scipy.special import ndtr, ndtri

        if not 0.0 < confidence < 1.0:
            raise SpecsightError(f"confidence {confidence} is not in (0, 1): 0.95 is usual")
        tails = np.array([(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
        values = values[~np.isnan(values)]
        if not len(values):
            return tails
        below = (np.sum(values < estimate) + 0.5 * np.sum(values == estimate)) / len(values)
        edge = 0.5 / len(values)
        bias = ndtri(np.clip(below, edge, 1.0 - edge))
        shifted = bias + ndtri(tails)
        # Beyond this an acceleration would turn the interval round; it takes a few groups to get there.
        denominator = np.maximum(1.0 - self._acceleration(estimate, left_out) * shifted, 0.1)
        return np.asarray(ndtr(bias + shifted / denominator), np.float64)

    def _acceleration(self, estimate: float, left_out: Floats) -> float:
        """Σ Σ U³ / n³ / (6 (Σ Σ U² / n²)^1.5) over strata of n groups, U = (n - 1) (mean of left out - left out)."""
        cubes = squares = 0.0
        for stratum in range(self.strata.max(initial=-1) + 1):
            of_stratum = left_out[self.strata == stratum]
            of_stratum = np.where(np.isnan(of_stratum), estimate, of_stratum)
            count = len(of_stratum)
            influence = (count - 1) * (of_stratum.mean() - of_stratum)
            cubes += float(np.sum(influence**3)) / count**3
            squares += float(np.sum(influence**2)) / count**2
        return cubes / (6.0 * squares**1.5) if squares > 0 else 0.0


def bootstrap(
    statistic: Callable[[Integers], float],
    strata: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """BCa interval of `statistic(indices)`, where indices (with repeats) name the pictures of one resample.

    `strata` (N,) holds each picture's stratum, `groups` (N,) its physical object. `confidence` in (0, 1). The same
    seed gives the same resamples. It holds with about `confidence`: the fewer the pictures, the less exactly.
    """
    drawn = Groups.of(strata, groups)
    everyone = np.arange(len(drawn.members))

    def values(weights: Integers) -> Floats:
        return np.array([statistic(np.repeat(everyone, row)) for row in weights], np.float64)

    resampled = values(drawn.resampled(resamples, seed))
    levels = drawn.levels(resampled, statistic(everyone), values(drawn.left_out()), confidence)
    return quantile_interval(resampled, levels)


def quantile_interval(values: Floats, levels: Floats) -> Interval:
    """The two quantiles of the resampled values, leaving out undefined (nan) ones."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(defined, levels)
    return Interval(float(low), float(high))


def mean_sd(values: Sequence[float]) -> MeanSd:
    """Mean ± sd over seeds; sd is nan for fewer than two values."""
    defined = np.array([v for v in values if not np.isnan(v)], dtype=np.float64)
    mean = float(defined.mean()) if len(defined) else float("nan")
    sd = float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")
    return MeanSd(mean, sd, len(defined))
