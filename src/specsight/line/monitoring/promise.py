"""False rejects against what was promised of them, outcome by outcome.

In: of parts that are good, whether they were rejected (1) or not (0), and the promised rate. Out: evidence that the
rate is larger, which may be looked at for ever (a test by betting: Waudby-Smith and Ramdas 2024, "Estimating means of
bounded random variables by betting"; the bets are Wald's likelihood ratios, 1945), and an interval for the rate that
holds at all times at once (Robbins 1970, "Statistical methods related to the law of the iterated logarithm").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from specsight.line.monitoring.evidence import Array, Capital, change_point, follow

FACTORS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""How many times the promised rate is bet on."""


def rates(promised: float) -> Array:
    """The rates that are bet on, above the promised one and below 1."""
    return np.array([min(promised * one, (1 + promised) / 2) for one in FACTORS])


def log_bets(rejected: Array, promised: float) -> Array:
    """Outcomes (..., T) of parts → logarithms of what they multiply the stakes by, (..., T, L): 1 (good and rejected)
    and 0 (good and accepted) by likelihood ratios against the promised rate, NaN (not good, or not known) by 1. Their
    mean is at most 1 for every rate up to the promised one, as more rejects only ever raise them."""
    others = rates(promised)
    ones, zeros = np.log(others / promised), np.log((1 - others) / (1 - promised))
    known = np.where(rejected[..., None] > 0, ones, zeros)
    return np.asarray(np.where(np.isnan(rejected[..., None]), 0.0, known), np.float64)


def log_ratio(successes: int, trials: int, rate: float) -> float:
    """Logarithm of the likelihood of the outcomes under a rate that is uniform on [0, 1], over that under `rate`."""
    from scipy.special import betaln, xlog1py, xlogy

    mixed = betaln(successes + 1, trials - successes + 1)
    return float(mixed - xlogy(successes, rate) - xlog1py(trials - successes, -rate))


def interval(successes: int, trials: int, alpha: float = 0.05) -> tuple[float, float]:
    """The rates that the outcomes do not speak against: it holds the true one at all times at once with probability
    1 - `alpha`, if the rate stays the same."""
    from scipy.optimize import brentq

    if trials == 0:
        return 0.0, 1.0
    best, limit = successes / trials, -math.log(alpha)

    def excess(rate: float) -> float:
        return log_ratio(successes, trials, rate) - limit

    low = 0.0 if successes == 0 or excess(best) >= 0 else float(brentq(excess, 1e-300, best))
    high = 1.0 if successes == trials or excess(best) >= 0 else float(brentq(excess, best, 1 - 1e-16))
    return low, high


@dataclass(frozen=True)
class PromiseStatus:
    """What outcomes say of a promise."""

    promised: float
    good: int
    """Good parts: accepted ones that nobody overruled, and rejected ones that a person says are good."""
    false_rejects: int
    pending: int
    """Rejected parts that nobody has reviewed."""
    rate: float | None
    """Of good parts, pending ones left out: the least that it can be, in the end."""
    worst: float | None
    """Were all pending parts good."""
    low: float
    """The rate's interval, without pending parts."""
    high: float
    """The interval's end, were all pending parts good."""
    log_evidence: float
    """That more is rejected than promised."""
    since: int | None
    """Number of the part from which on that is most likely so; None: the evidence does not suffice."""
    alarm: int | None
    """Number of the part at which the evidence sufficed."""
    holds: bool
    """Whether the outcomes show that the promise is kept, were all pending parts good."""

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def check_promise(
    numbers: Sequence[int], outcomes: Array, pending: int, promised: float, alpha: float = 0.01
) -> PromiseStatus:
    """`numbers` of judged parts, in order, and their `outcomes` as `log_bets` takes them; `pending` of those that are
    not known were rejected and reviewed by nobody. `alpha`: probability of ever raising a false alarm.

    That pending parts do not count is on the safe side: what is confirmed later, a false reject or a missed defect,
    only raises the evidence at every moment after its part, so no alarm is raised that all outcomes together would not
    raise.
    """
    good, wrong = int(np.isfinite(outcomes).sum()), int(np.nansum(outcomes))
    evidence, since, alarm = 0.0, None, None
    if len(outcomes):
        bets = log_bets(outcomes, promised)
        path, _ = follow(bets, Capital.fresh(bets.shape[-1]))
        evidence = float(path[-1])
        above = np.flatnonzero(path >= -math.log(alpha))
        if len(above):
            alarm = numbers[int(above[0])]
            since = numbers[change_point(bets[: int(above[0]) + 1])]
    highest = interval(wrong + pending, good + pending)[1]
    return PromiseStatus(
        promised=promised,
        good=good,
        false_rejects=wrong,
        pending=pending,
        rate=wrong / good if good else None,
        worst=(wrong + pending) / (good + pending) if good + pending else None,
        low=interval(wrong, good)[0],
        high=highest,
        log_evidence=evidence,
        since=since,
        alarm=alarm,
        holds=highest <= promised,
    )
