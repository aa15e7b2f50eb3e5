"""Sets of options of which each is equally likely to be the right one: nobody can tell it without the picture.

In: how often each possible answer is right, and which others are then true as well. Out: how many questions may be
asked about each, and sets of options drawn for a right one. Numbers of questions f(c, S) are sought for each case c
(a right answer, and those that are true besides) and each set S, such that for every S all of its members are right
in equally many. They start from conditional Poisson sampling (Chen, Dempster and Liu, Biometrika 81, 1994): a set
with probability proportional to likeness(S) · Π w(o), where w is fitted so that each answer is in as many sets as it
is to be right in, and a right one among its members with probability 1/k. Where answers exclude each other unevenly,
numbers are then scaled down to those of the rarest member of each set, and up to the pictures that there are, in
turns. An answer can be right in 1/k of all questions at most: what is more frequent is asked about less often than it
occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

MOST_OPTIONS = 12
"""Answers that sets are made of: more are split into groups of neighbours."""
ROUNDS = 200
SHARP = 1.0
"""How much more often sets of answers that are alike are drawn: exponent per pair that is alike."""
ENOUGH = 0.7
"""Sets are as large as they can be while this share of the questions is left that the best size gives."""
LEAST = 0.5
"""Questions: fewer are none."""

Likeness = Callable[[str, str], float]
Case = tuple[str, tuple[str, ...]]
"""A right answer, and the answers that are true of the picture besides, in the order of names."""
Numbers = NDArray[np.float64]


def unlike(first: str, second: str) -> float:
    """Likeness of answers of which none is more alike than others."""
    return 0.0


class OptionSets:
    """Option sets over the answers of one kind of question.

    Parameters: `counts` maps answers, or cases, to how often they occur; `sizes` are how many options a question may
    have; `likeness` of two answers, symmetric, mostly in [0, 1]: sets of answers that are alike are drawn more often;
    `together` refuses sets (of answers, in any order) that cannot be offered.
    """

    def __init__(
        self,
        counts: Mapping[str, float] | Mapping[Case, float],
        sizes: Iterable[int] = (4, 3, 2),
        likeness: Likeness = unlike,
        together: Callable[[Collection[str]], bool] | None = None,
    ) -> None:
        cases: dict[Case, float] = {}
        for key, count in counts.items():
            if count > 0:
                cases[(key, ()) if isinstance(key, str) else key] = float(count)
        self.options = tuple(sorted({right for right, _ in cases}))
        self._counts = cases
        self._likeness, self._together = likeness, together
        self._sizes = sorted((size for size in sizes if size <= len(self.options)), reverse=True)

    @property
    def possible(self) -> bool:
        """Whether there is any question."""
        return self.size > 0

    @cached_property
    def size(self) -> int:
        """Options of a question; 0 where there is none."""
        total = {size: sum(map(np.sum, self._fitted(size)[1].values())) for size in self._sizes}
        best = max(total.values(), default=0.0)
        enough = [size for size in self._sizes if total[size] >= max(LEAST, ENOUGH * best)]
        return enough[0] if enough else 0

    def quota(self, right: str) -> float:
        """How many questions are to be asked of which this is the answer."""
        return float(sum(numbers.sum() for case, numbers in self._numbers.items() if case[0] == right))

    def rate(self, right: str, barred: Collection[str] = ()) -> float:
        """Share of the pictures of a case that it is to be asked about, [0, 1]."""
        case = self._case(right, barred)
        return float(self._numbers[case].sum() / self._counts[case])

    def draw(
        self, generator: np.random.Generator, right: str, barred: Collection[str] = ()
    ) -> tuple[str, ...] | None:
        """The wrong options of a question, in order of their names; None where there are not enough.

        `barred` are answers that are true of the picture besides.
        """
        if not self.possible:
            return None
        sets, _ = self._fitted(self.size)
        out = [self.options.index(option) for option in barred if option in self.options and option != right]
        numbers = self._numbers[self._case(right, barred)]
        shares = np.where(np.isin(sets, out).any(axis=1), 0.0, numbers) if out else numbers
        if not shares.sum() > 0:
            return None
        chosen = sets[generator.choice(len(sets), p=shares / shares.sum())]
        return tuple(self.options[n] for n in chosen if self.options[n] != right)

    def _case(self, right: str, barred: Collection[str]) -> Case:
        """The case that was counted; where cases were not told apart, that of the right answer."""
        case = right, tuple(sorted(barred))
        return case if case in self._counts else (right, ())

    @property
    def _numbers(self) -> Mapping[Case, Numbers]:
        return self._fitted(self.size)[1] if self.possible else {case: np.zeros(1) for case in self._counts}

    def _fitted(self, size: int) -> tuple[NDArray[np.intp], dict[Case, Numbers]]:
        """All sets of a size (M, size), and of each case the questions with each of them, (M,)."""
        if size not in self._fits:
            sets = np.array(list(combinations(range(len(self.options)), size)), np.intp)
            self._fits[size] = sets, self._balanced(sets, self._drawn(sets))
        return self._fits[size]

    @cached_property
    def _fits(self) -> dict[int, tuple[NDArray[np.intp], dict[Case, Numbers]]]:
        return {}

    def _drawn(self, sets: NDArray[np.intp]) -> Numbers:
        """The probability of each set, (M,)."""
        table = np.array([[self._likeness(a, b) for b in self.options] for a in self.options])
        pairs = combinations(range(sets.shape[1]), 2)
        base = np.exp(SHARP * np.sum([table[sets[:, i], sets[:, j]] for i, j in pairs], axis=0))
        if self._together is not None:
            base *= [self._together([self.options[n] for n in chosen]) for chosen in sets]
        counts = np.zeros(len(self.options))
        for (right, _), count in self._counts.items():
            counts[self.options.index(right)] += count
        quotas = _capped(counts, sets.shape[1])
        target = np.maximum(sets.shape[1] * quotas / quotas.sum(), 1e-9)
        logs, shares = np.zeros(len(self.options)), np.zeros(len(sets))
        for _ in range(ROUNDS):
            weights = base * np.exp(logs[sets].sum(axis=1))
            if not weights.sum() > 0:
                break
            shares = weights / weights.sum()
            inside = np.bincount(sets.ravel(), np.repeat(shares, sets.shape[1]), len(logs))
            if np.abs(inside - target).max() < 1e-6:
                break
            logs += np.log(target) - np.log(np.maximum(inside, 1e-9))
            logs = np.clip(logs - logs.mean(), -50, 50)
        return shares

    def _balanced(self, sets: NDArray[np.intp], shares: Numbers) -> dict[Case, Numbers]:
        """Questions of each case with each set (M,): the members of every set are right in equally many."""
        cases = list(self._counts)
        rights = np.array([self.options.index(right) for right, _ in cases], np.intp)
        counts = np.array([self._counts[case] for case in cases])
        fit = (sets[None] == rights[:, None, None]).any(axis=2)
        for row, (_, barred) in enumerate(cases):
            fit[row] &= ~np.isin(
                sets, [self.options.index(one) for one in barred if one in self.options]
            ).any(axis=1)
        numbers = _filled(np.where(fit, shares, 0.0), counts)
        for _ in range(ROUNDS):
            before = numbers
            numbers = _filled(_levelled(numbers, rights, sets), counts)
            if np.abs(numbers - before).max() < 1e-6 * counts.max():
                break
        return dict(zip(cases, _levelled(numbers, rights, sets), strict=True))


def in_groups(options: Sequence[str], most: int = MOST_OPTIONS) -> list[tuple[str, ...]]:
    """Answers in groups of neighbours, all of about the same size, which is `most` at most."""
    groups = max(1, -(-len(options) // most))
    edges = np.linspace(0, len(options), groups + 1).round().astype(int)
    return [tuple(options[a:b]) for a, b in pairwise(edges)]


def _filled(numbers: Numbers, counts: Numbers) -> Numbers:
    """Numbers (cases, sets), scaled to as many questions of each case as it has pictures."""
    sums = numbers.sum(axis=1)
    return np.asarray(numbers * np.divide(counts, sums, out=np.zeros_like(sums), where=sums > 0)[:, None])


def _levelled(numbers: Numbers, rights: NDArray[np.intp], sets: NDArray[np.intp]) -> Numbers:
    """Numbers (cases, sets), scaled down so that all members of a set are right in as many as the rarest one."""
    by_right = np.zeros((int(sets.max()) + 1, len(sets)))
    np.add.at(by_right, rights, numbers)
    members = by_right[sets, np.arange(len(sets))[:, None]]
    least = members.min(axis=1)
    own = by_right[rights]
    return np.asarray(numbers * np.divide(least[None], own, out=np.zeros_like(own), where=own > 0))


def _capped(counts: Numbers, size: int) -> Numbers:
    """The largest numbers of questions, each at most its count and at most 1/size of their sum."""
    quotas = counts.copy()
    for _ in range(10_000):
        capped = np.minimum(counts, quotas.sum() / size)
        if np.allclose(capped, quotas, rtol=0, atol=1e-9):
            break
        quotas = capped
    return np.asarray(quotas)
