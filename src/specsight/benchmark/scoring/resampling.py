"""Intervals of many statistics at once: a BCa bootstrap over physical objects, in matrix products.

In: for each statistic, sums per object. Out: `Figure`s. It draws the resamples of `metrics.bootstrap` and ends
intervals at the same levels, and takes 40,000 questions in seconds: a share of questions in a resample is a quotient of
two weighted sums over objects. Questions about one object stay together, so that twenty questions about one picture are
not taken for twenty observations; good and defective objects are drawn apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.records import Record
from specsight.evaluation.numbers import rate
from specsight.metrics.bootstrap import Groups, quantile_interval

Floats = NDArray[np.float64]
CHUNK = 100
"""Resamples that are held at a time."""
CONFIDENCE = 0.95


class Figure(Record):
    """A number with its interval of about 95 %; `value` is None where it is undefined, and `reason` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    wilson: tuple[float, float] | None = None
    """Of a share: Wilson's interval (JASA 1927) of as many independent questions."""
    count: int = 0
    """Questions, pairs or slots that it rests on."""
    reason: str = ""
    variant: str = ""
    """Under which of several definitions it was measured."""


class Statistic(Protocol):
    """Something that is computed from questions, each weighted by how often its object was drawn."""

    @property
    def count(self) -> int:
        """Questions that it rests on."""

    def resampled(self, weights: Floats) -> Floats:
        """Its value (B,) in resamples that hold object g `weights` (B, G) times."""

    def left_out(self, objects: int) -> Floats:
        """Its value (G,) without each of the objects."""


@dataclass(frozen=True)
class Share:
    """Mean of values over questions, as sums per object."""

    top: Floats
    """(G,) sum of the values."""
    bottom: Floats
    """(G,) number of questions."""
    yes_no: bool = False
    """Whether the values are answers to yes or no."""

    @classmethod
    def of(
        cls,
        values: Sequence[float] | Floats | NDArray[np.bool_],
        members: Sequence[int] | NDArray[np.int64],
        objects: int,
    ) -> Share:
        """Of `values` (N,), numbers or bool, whose question belongs to object `members` (N,) of `objects`."""
        at, each = np.asarray(members, np.int64), np.asarray(values)
        top = np.bincount(at, each.astype(np.float64), objects)
        questions = np.bincount(at, minlength=objects)
        return cls(top.astype(np.float64), questions.astype(np.float64), each.dtype == np.bool_)

    @property
    def count(self) -> int:
        """Questions."""
        return int(self.bottom.sum())


@dataclass(frozen=True)
class Combined:
    """A function of shares, such as a quotient, or the kappa of counted pairs of levels."""

    shares: tuple[Share, ...]
    combine: Callable[[Floats], Floats]
    """(B, K) values of the shares → (B,)."""
    sums: bool = False
    """Whether `combine` takes the sums of the values in place of their means."""

    @property
    def count(self) -> int:
        """Questions of all shares; where sums are taken, all are of the same questions."""
        return self.shares[0].count if self.sums else sum(share.count for share in self.shares)

    def resampled(self, weights: Floats) -> Floats:
        """Its value in each resample."""
        top = weights @ np.stack([share.top for share in self.shares], axis=1)
        if self.sums:
            return self.combine(top)
        return self.combine(
            _quotient(top, weights @ np.stack([share.bottom for share in self.shares], axis=1))
        )

    def left_out(self, objects: int) -> Floats:
        """Its value without each object."""
        top = np.stack([share.top.sum() - share.top for share in self.shares], axis=1)
        if self.sums:
            return self.combine(top)
        return self.combine(
            _quotient(top, np.stack([share.bottom.sum() - share.bottom for share in self.shares], axis=1))
        )


@dataclass(frozen=True)
class RankedAuroc:
    """AUROC of positives (N,) by ranks (N,), ties counted half, of questions of the objects `members` (N,)."""

    positives: NDArray[np.bool_]
    ranks: Floats
    members: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Questions."""
        return len(self.positives)

    def resampled(self, weights: Floats) -> Floats:
        """Share of pairs of a positive and a negative, in each resample, that are ranked rightly."""
        levels, at = np.unique(self.ranks, return_inverse=True)
        order = np.argsort(at, kind="stable")
        starts = np.searchsorted(at[order], np.arange(len(levels)))
        drawn = weights[:, self.members[order]]
        positive = self.positives[order]
        up = np.add.reduceat(drawn * positive, starts, axis=1)
        down = np.add.reduceat(drawn * ~positive, starts, axis=1)
        below = np.cumsum(down, axis=1) - down
        pairs = up.sum(axis=1) * down.sum(axis=1)
        return _quotient((up * (below + 0.5 * down)).sum(axis=1), pairs)

    def left_out(self, objects: int) -> Floats:
        """Its value without each object."""
        values = np.full(objects, self.resampled(np.ones((1, objects)))[0])
        touched = np.unique(self.members)
        for first in range(0, len(touched), CHUNK):
            some = touched[first : first + CHUNK]
            weights = np.ones((len(some), objects))
            weights[np.arange(len(some)), some] = 0.0
            values[some] = self.resampled(weights)
        return values


@dataclass(frozen=True)
class Mean:
    """Unweighted mean of several statistics; one that a resample leaves without questions is left out of it."""

    of: Sequence[Statistic]
    questions: int | None = None
    """Where they are of the same questions: how many there are."""

    @property
    def count(self) -> int:
        """Questions of all of them."""
        return sum(one.count for one in self.of) if self.questions is None else self.questions

    def resampled(self, weights: Floats) -> Floats:
        """Its value in each resample."""
        return _nan_mean(np.stack([one.resampled(weights) for one in self.of], axis=1))

    def left_out(self, objects: int) -> Floats:
        """Its value without each object."""
        return _nan_mean(np.stack([one.left_out(objects) for one in self.of], axis=1))


@dataclass(frozen=True)
class Difference:
    """One statistic less another, in the same resamples."""

    first: Statistic
    second: Statistic

    @property
    def count(self) -> int:
        """Questions of the second, which the first is compared with."""
        return self.second.count

    def resampled(self, weights: Floats) -> Floats:
        """Its value in each resample."""
        return self.first.resampled(weights) - self.second.resampled(weights)

    def left_out(self, objects: int) -> Floats:
        """Its value without each object."""
        return self.first.left_out(objects) - self.second.left_out(objects)


@dataclass(frozen=True)
class Objects:
    """The physical objects of a benchmark, numbered, each with its stratum."""

    names: Sequence[str]
    strata: Sequence[str]
    _groups: Groups = field(init=False, repr=False)

    def __post_init__(self) -> None:
        groups = Groups.of(np.array(self.strata, str), np.arange(len(self.names)))
        object.__setattr__(self, "_groups", groups)

    def __len__(self) -> int:
        return len(self.names)

    def figures(
        self, statistics: Mapping[str, Statistic], resamples: int = 1000, seed: int = 0
    ) -> dict[str, Figure]:
        """The value of every statistic with its BCa interval over objects; `resamples` 0: without intervals.

        A share that is 0 or 1 in every resample has no bootstrap interval; it gets Wilson's of as many objects.
        """
        every = np.ones((1, len(self)))
        values = {name: float(_rounded(one.resampled(every))[0]) for name, one in statistics.items()}
        drawn: dict[str, list[Floats]] = {name: [] for name in statistics}
        for weights in self._drawn(resamples, seed):
            for name, one in statistics.items():
                drawn[name].append(_rounded(one.resampled(weights)))
        figures = {}
        for name, one in statistics.items():
            resampled = np.concatenate(drawn[name]) if drawn[name] else np.empty(0)
            figures[name] = self._figure(one, values[name], resampled)
        return figures

    def _drawn(self, resamples: int, seed: int) -> Iterator[Floats]:
        for first in range(0, resamples, CHUNK):
            count = min(CHUNK, resamples - first)
            yield self._groups.resampled(count, seed + first // CHUNK).astype(np.float64)

    def _figure(self, one: Statistic, value: float, resampled: Floats) -> Figure:
        if np.isnan(value):
            return Figure(value=None, count=one.count, reason=NO_QUESTIONS)
        share = one.shares[0] if isinstance(one, Combined) and len(one.shares) == 1 else None
        shown = Figure(value=value, count=one.count, wilson=_wilson(share))
        if not len(resampled):
            return shown
        levels = self._groups.levels(resampled, value, one.left_out(len(self)), CONFIDENCE)
        low, high = quantile_interval(resampled, levels)
        if low < high:
            return shown.model_copy(update={"low": low, "high": high})
        if share is None or shown.wilson is None or value not in (0.0, 1.0):
            return shown
        touched = int(np.count_nonzero(share.bottom))
        ends = rate(touched if value else 0, touched, NO_QUESTIONS)
        return shown.model_copy(update={"low": ends.low, "high": ends.high})


NO_QUESTIONS = "there is nothing to count"


def share(
    values: Sequence[float] | Floats | NDArray[np.bool_],
    members: Sequence[int] | NDArray[np.int64],
    objects: int,
) -> Combined:
    """The mean of values over questions as a statistic."""
    return Combined((Share.of(values, members, objects),), lambda means: means[:, 0])


def _nan_mean(values: Floats) -> Floats:
    """Mean over the last axis of what is defined; nan where nothing is."""
    known = ~np.isnan(values)
    return _quotient(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def _rounded(values: Floats) -> Floats:
    """Without the last digits: resamples that equal the estimate are counted half, and rounding would hide them."""
    return np.round(values, 12)


def _quotient(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def _wilson(one: Share | None) -> tuple[float, float] | None:
    """Wilson's interval of a share of yes and no; None for means of other values."""
    if one is None or not one.yes_no or not one.count:
        return None
    number = rate(int(one.top.sum()), one.count, NO_QUESTIONS)
    return (number.low, number.high)
