"""Evidence that something changed, at a moment and by an amount that nobody knows, which may be looked at for ever.

In: a stream of bets, each of which multiplies its stake by 1 on average while nothing has changed. Out: capital. By
Ville's inequality (1939) it ever reaches 1/alpha with probability at most alpha, however long the stream is.

The capital is divided beforehand among all moments at which the change may begin (Shiryaev's statistic, with a proper
prior: Shiryaev 1963) and over several sizes of it, so that a change in the hundred thousandth part is found nearly as
fast as one in the first. Sums of such capital are capital again (Shin, Ramdas and Rinaldo 2024, "E-detectors").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SCALE = 100.0
"""Steps within which half of the prior lies."""


def log_tail(steps: Array) -> Array:
    """Logarithm of the prior's share that lies after `steps`: 1 / (1 + log2(1 + steps / SCALE)). It falls slowly: late
    changes cost little more evidence than early ones."""
    return np.asarray(-np.log1p(np.log2(1 + steps / SCALE)), np.float64)


def log_prior(steps: Array) -> Array:
    """Logarithm of the prior's share that lies on step `steps` (1, 2, ...) itself."""
    before, after = log_tail(steps - 1), log_tail(steps)
    return np.asarray(before + np.log(-np.expm1(after - before)), np.float64)


@dataclass(frozen=True)
class Capital:
    """What is left of the stakes after `steps`, for (..., L) sizes of change."""

    steps: int
    log_begun: Array
    """Logarithm of the capital of all bets that have begun, (..., L)."""

    @classmethod
    def fresh(cls, *shape: int) -> Capital:
        """Before the first step: nothing has begun."""
        return cls(0, np.full(shape, -math.inf))


def follow(log_bets: Array, capital: Capital) -> tuple[Array, Capital]:
    """`log_bets` (..., T, L): logarithms of what each step multiplies the stake on each size by. Returns the logarithm
    of the whole capital after every step, (..., T), and what it goes on from."""
    count, sizes = log_bets.shape[-2:]
    steps = capital.steps + 1 + np.arange(count, dtype=np.float64)
    grown = np.cumsum(log_bets, axis=-2)
    stakes = log_prior(steps)[:, None] - (grown - log_bets)
    stakes[..., :1, :] = np.logaddexp(stakes[..., :1, :], capital.log_begun[..., None, :])
    begun = grown + np.logaddexp.accumulate(stakes, axis=-2)
    whole = np.logaddexp(begun, log_tail(steps)[:, None])
    log_all = np.logaddexp.reduce(whole, axis=-1) - math.log(sizes)
    return log_all, Capital(capital.steps + count, begun[..., -1, :] if count else capital.log_begun)


def change_point(log_bets: Array) -> int:
    """The step (from 0) of (T, L) at which the change most likely began, given that there was one: the likeliest pair
    of moment and size, all moments being equally likely."""
    later = np.cumsum(log_bets[::-1], axis=0)[::-1]
    return int(np.unravel_index(np.argmax(later), later.shape)[0])
