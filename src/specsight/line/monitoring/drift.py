"""Recent parts against a reference, without end: does what is measured of them still come from where it came from?

In: values of reference parts, and those of parts as they come. Out: evidence that the two differ. Each value's rank
among all values before it, the reference included, is a p-value that is uniform and independent of all others while
parts are exchangeable (Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World", theorem 8.1:
conformal test martingales); its normal score is bet on being higher or lower. No distribution is assumed.

Values that follow each other are not exchangeable on a real line. Means of blocks nearly are, once a block is longer
than what is remembered: `block_for` chooses it from the reference.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from specsight.errors import SpecsightError
from specsight.line.monitoring.evidence import Array, Capital, change_point, follow

SHIFTS = np.array([-2.0, -1.0, -0.5, -0.25, 0.25, 0.5, 1.0, 2.0])
"""Sizes of drift that are bet on, in standard deviations of a block's mean."""
LEAST_BLOCKS = 20
"""Blocks of the reference: fewer cannot show even a large shift."""
REMEMBERED = 0.05
"""Correlation of neighbouring blocks' means that is let pass."""
LONGEST = 200


def block_for(values: Sequence[float]) -> int:
    """Parts that one block needs so that neighbouring blocks' means correlate by at most `REMEMBERED`, were the values
    autoregressive of first order with the correlation that they show, and one standard error more."""
    x = np.asarray(values, np.float64)
    x = x - x.mean()
    spread = float(x @ x)
    if len(x) < 3 or spread == 0:
        return 1
    phi = min(float(x[1:] @ x[:-1]) / spread + 1 / math.sqrt(len(x)), 0.99)
    return next((b for b in range(1, LONGEST) if block_correlation(phi, b) <= REMEMBERED), LONGEST)


def block_correlation(phi: float, block: int) -> float:
    """Correlation of the means of neighbouring blocks of an autoregressive process of first order."""
    if phi <= 0:
        return 0.0
    power = phi**block
    return phi * (1 - power) ** 2 / (block * (1 - phi**2) - 2 * phi * (1 - power))


def block_means(values: Array, block: int) -> Array:
    """(..., T) → (..., T // block); what fills no block is left out."""
    count = values.shape[-1] // block
    return np.asarray(
        values[..., : count * block].reshape(*values.shape[:-1], count, block).mean(-1), np.float64
    )


def log_bets(scores: Array) -> Array:
    """Normal scores (..., T) → logarithms of what they multiply the stakes by, (..., T, L): the likelihood ratio of a
    shifted normal distribution, exp(d z - d^2 / 2), whose mean is 1 while scores are standard normal."""
    return np.asarray(scores[..., None] * SHIFTS - SHIFTS**2 / 2, np.float64)


@dataclass
class Ranks:
    """Values so far, in order of size."""

    values: list[float]

    def score(self, value: float, tie: float) -> float:
        """The normal score of a value's rank among those before it and itself, with `tie` in (0, 1) drawn for it; it then
        counts among them."""
        from scipy.special import ndtri

        low, high = bisect_left(self.values, value), bisect_right(self.values, value)
        share = (low + tie * (high - low + 1)) / (len(self.values) + 1)
        insort(self.values, value)
        return float(ndtri(share))


def scores_of(reference: Array, values: Array, ties: Array) -> Array:
    """Normal scores (T,) of values as they come after a reference; `ties` (T,) in (0, 1)."""
    from scipy.special import ndtri

    ranks = sorted(reference.tolist())
    shares = np.empty(len(values))
    for k, (value, tie) in enumerate(zip(values.tolist(), ties.tolist(), strict=True)):
        low, high = bisect_left(ranks, value), bisect_right(ranks, value)
        shares[k] = (low + tie * (high - low + 1)) / (len(ranks) + 1)
        ranks.insert(high, value)
    return np.asarray(ndtri(shares), np.float64)


@dataclass
class DriftWatch:
    """One feature against its reference; `alpha` is the probability of ever raising a false alarm.

    Raises SpecsightError where the reference is too short.
    """

    reference: Sequence[float]
    block: int
    alpha: float
    scores: list[float] = field(default_factory=list, init=False)
    means: list[float] = field(default_factory=list, init=False)
    starts: list[int] = field(default_factory=list, init=False)
    """Of each block: the number of its first part."""
    log_evidence: float = field(default=0.0, init=False)
    alarm: int | None = field(default=None, init=False)
    """Number of the part at which the evidence first sufficed; None: it never has."""
    _waiting: list[tuple[int, float]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        known = block_means(np.asarray(self.reference, np.float64), self.block)
        if len(known) < LEAST_BLOCKS:
            raise SpecsightError(
                f"a reference needs {LEAST_BLOCKS * self.block} parts here ({LEAST_BLOCKS} blocks of {self.block}: "
                f"parts that follow each other resemble each other), and has {len(self.reference)}: take a longer one"
            )
        self.mean, self.spread = float(known.mean()), float(known.std(ddof=1))
        """Of the reference's blocks."""
        self._ranks = Ranks(sorted(known.tolist()))
        self._capital = Capital.fresh(len(SHIFTS))

    def add(self, number: int, value: float, tie: float) -> None:
        """The next part: its number, its value, and a number in (0, 1) drawn for it alone."""
        self._waiting.append((number, value))
        if len(self._waiting) < self.block:
            return
        mean = float(np.mean([one for _, one in self._waiting]))
        self.starts.append(self._waiting[0][0])
        self._waiting.clear()
        self.means.append(mean)
        self.scores.append(self._ranks.score(mean, tie))
        after, self._capital = follow(log_bets(np.array(self.scores[-1:])), self._capital)
        self.log_evidence = float(after[-1])
        if self.alarm is None and self.log_evidence >= -math.log(self.alpha):
            self.alarm = number

    def since(self) -> tuple[int, float]:
        """Where a change most likely began: the number of its first part, and the mean of the feature from there on."""
        step = change_point(log_bets(np.array(self.scores)))
        return self.starts[step], float(np.mean(self.means[step:]))
