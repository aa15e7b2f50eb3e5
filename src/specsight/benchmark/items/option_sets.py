"""Sets of options of which each is equally likely to be the right one: nobody can tell it without the picture.

In: how often each possible answer is right, and how alike two of them are. Out: how many questions may be asked about
each, and sets of options drawn for a right one. A set S is drawn with probability P(S), and a right one among its
members with probability 1/k each; turned round, a picture whose answer is r is given S with probability proportional to
P(S) among the sets that hold r. P(S) is proportional to likeness(S) · Π w(o), where w is fitted so that each answer is
in as many sets as it is to be right in (conditional Poisson sampling with given inclusion probabilities; Chen, Dempster
and Liu, Biometrika 81, 1994). An answer may then be right in 1/k of all questions at most: what is more frequent is
asked about less often than it occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

MOST_OPTIONS = 12
"""Answers that sets are made of: more are split into groups of neighbours."""
ROUNDS = 300
SHARP = 1.0
"""How much more often sets of answers that are alike are drawn: exponent per pair that is alike."""
ENOUGH = 0.7
"""Sets are as large as they can be while this share of the questions is left that the best size gives."""

Likeness = Callable[[str, str], float]


def unlike(first: str, second: str) -> float:
    """Likeness of answers of which none is more alike than others."""
    return 0.0


class OptionSets:
    """Option sets over the answers of one kind of question.

    Parameters: `counts` maps answers to how often they are right; `sizes` are how many options a question may have;
    `likeness` of two answers in [0, 1], symmetric: sets of answers that are alike are drawn more often; `together`
    refuses sets (of answers, in any order) that cannot be offered.
    """

    def __init__(
        self,
        counts: Mapping[str, float],
        sizes: Iterable[int] = (4, 3, 2),
        likeness: Likeness = unlike,
        together: Callable[[Collection[str]], bool] | None = None,
    ) -> None:
        self.options = tuple(sorted(option for option, count in counts.items() if count > 0))
        self._counts = np.array([counts[option] for option in self.options], float)
        self._likeness, self._together = likeness, together
        self.size = _size(self._counts, sorted(sizes, reverse=True))

    @property
    def possible(self) -> bool:
        """Whether there are answers enough for a question."""
        return self.size > 0

    @cached_property
    def _quotas(self) -> NDArray[np.float64]:
        """Questions to be asked about each answer."""
        return _capped(self._counts, self.size)

    def quota(self, right: str) -> float:
        """How many questions are to be asked of which this is the answer."""
        return float(self._quotas[self.options.index(right)])

    def draw(
        self, generator: np.random.Generator, right: str, barred: Collection[str] = ()
    ) -> tuple[str, ...] | None:
        """The wrong options of a question, in order of their names; None where there are not enough.

        `barred` are answers that are true of the picture besides.
        """
        sets, weights = self._sets
        k = self.options.index(right)
        out = [self.options.index(option) for option in barred if option in self.options and option != right]
        fit = (sets == k).any(axis=1) & ~np.isin(sets, out).any(axis=1)
        shares = np.where(fit, weights, 0.0)
        if not shares.sum() > 0:
            return None
        chosen = sets[generator.choice(len(sets), p=shares / shares.sum())]
        return tuple(self.options[n] for n in chosen if n != k)

    @cached_property
    def _sets(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """All sets (M, k), and the probability of each (M,)."""
        sets = np.array(list(combinations(range(len(self.options)), self.size)), np.intp)
        pairs = list(combinations(range(self.size), 2))
        table = np.array([[self._likeness(a, b) for b in self.options] for a in self.options])
        alike = np.sum([table[sets[:, i], sets[:, j]] for i, j in pairs], axis=0)
        base = np.exp(SHARP * alike)
        if self._together is not None:
            base *= [self._together([self.options[n] for n in chosen]) for chosen in sets]
        target = self.size * self._quotas / self._quotas.sum()
        logs = np.zeros(len(self.options))
        shares = np.zeros(len(sets))
        for _ in range(ROUNDS):
            weights = base * np.exp(logs[sets].sum(axis=1))
            if not weights.sum() > 0:
                break
            shares = weights / weights.sum()
            inside = np.zeros(len(logs))
            np.add.at(inside, sets, shares[:, None])
            logs += np.log(np.maximum(target, 1e-9)) - np.log(np.maximum(inside, 1e-9))
            logs -= logs.mean()
            np.clip(logs, -50, 50, out=logs)
        return sets, shares


def in_groups(options: Sequence[str], most: int = MOST_OPTIONS) -> list[tuple[str, ...]]:
    """Answers in groups of neighbours, all of about the same size, which is `most` at most."""
    groups = max(1, -(-len(options) // most))
    edges = np.linspace(0, len(options), groups + 1).round().astype(int)
    return [tuple(options[a:b]) for a, b in pairwise(edges)]


def _size(counts: NDArray[np.float64], sizes: Sequence[int]) -> int:
    asked = {size: float(_capped(counts, size).sum()) for size in sizes if size <= len(counts)}
    if not asked:
        return 0
    best = max(asked.values())
    return next(size for size, questions in asked.items() if questions >= ENOUGH * best)


def _capped(counts: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The largest numbers of questions, each at most its count and at most 1/size of their sum."""
    quotas = counts.copy()
    for _ in range(10_000):
        capped = np.minimum(counts, quotas.sum() / size)
        if np.allclose(capped, quotas, rtol=0, atol=1e-9):
            break
        quotas = capped
    return np.asarray(quotas)
