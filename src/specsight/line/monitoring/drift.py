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
from bisect import bisect_left, bisect_right
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
ROUNDING = 1e-5
"""Share of a value by which computing alone may move it."""


def block_for(values: Sequence[float]) -> int:
    """Parts that one block needs so that neighbouring blocks' means correlate by at most `REMEMBERED`, were the values
    autoregressive of first order with the correlation that they show, and one standard error more."""
    x = np.asarray(values, np.float64)
    if len(x) < 3 or np.ptp(x) <= ROUNDING * np.abs(x).max():
        return 1
    x = x - x.mean()
    spread = float(x @ x)
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


def scores_of(ranks: list[float], values: Array, ties: Array) -> Array:
    """Normal scores (T,) of values by their ranks among all before them and themselves; `ties` (T,) in (0, 1) are drawn
    for them. `ranks`, the values so far in order of size, takes them up."""
    from scipy.special import ndtri

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
    _last: int | None = field(default=None, init=False, repr=False)
    """Blocks until the alarm."""
    _waiting: list[tuple[int, float, float]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        known = block_means(np.asarray(self.reference, np.float64), self.block)
        if len(known) < LEAST_BLOCKS:
            raise SpecsightError(
                f"a reference needs {LEAST_BLOCKS * self.block} parts here ({LEAST_BLOCKS} blocks of {self.block}: "
                f"parts that follow each other resemble each other), and has {len(self.reference)}: name "
                "more of them with --reference"
            )
        self.mean, self.spread = float(known.mean()), float(known.std(ddof=1))
        """Of the reference's blocks."""
        # The step is the reference's alone, the same for all later parts; 0 has the resolution of pictures. Chosen by
        # the reference it is not exchangeable with it to the letter: a rounding of 2e-5 is what that can matter.
        self._step = 2 * ROUNDING * float(np.abs(known).max()) or float(np.finfo(np.float32).eps)
        self._middle = float(np.median(known))
        self._ranks = sorted(self._rounded(known).tolist())
        self._capital = Capital.fresh(len(SHIFTS))

    def extend(self, parts: Sequence[tuple[int, float, float]]) -> None:
        """The next parts: of each its number, its value, and a number in (0, 1) drawn for it alone."""
        self._waiting += parts
        count = len(self._waiting) // self.block
        if not count:
            return
        whole = np.array(self._waiting[: count * self.block], np.float64).reshape(count, self.block, 3)
        del self._waiting[: count * self.block]
        means = whole[:, :, 1].mean(1)
        scores = scores_of(self._ranks, self._rounded(means), whole[:, -1, 2])
        self.starts += whole[:, 0, 0].astype(int).tolist()
        self.means += means.tolist()
        self.scores += scores.tolist()
        path, self._capital = follow(log_bets(scores), self._capital)
        self.log_evidence = float(path[-1])
        above = np.flatnonzero(path >= self.limit)
        if self.alarm is None and len(above):
            self.alarm = int(whole[above[0], -1, 0])
            self._last = len(self.scores) - count + int(above[0]) + 1

    def _rounded(self, means: Array) -> Array:
        """Means in steps of what computing alone may move them by: those that differ by less are ties, or a reference
        whose parts are all alike would take the last bit of a sum for a drift."""
        return np.asarray(np.round((means - self._middle) / self._step), np.float64)

    @property
    def limit(self) -> float:
        """The evidence that suffices."""
        return -math.log(self.alpha)

    def since(self) -> tuple[int, float]:
        """Where the change that raised the alarm most likely began: the number of its first part, and the mean of the
        feature from there to the alarm. Raises ValueError where there was none."""
        if self._last is None:
            raise ValueError("no alarm was raised")
        step = change_point(log_bets(np.array(self.scores[: self._last])))
        return self.starts[step], float(np.mean(self.means[step : self._last]))
