"""What a candidate says of good pictures and painted defects → one number, its parts, and how sure a difference is.

Three measures in [0, 1], each a mean over painted defects with kinds counted alike: whole pictures told apart (AUROC),
pixels told apart (area under per-region overlap up to 30 % false positives), and defective pictures found where no more
good ones are rejected than the promise allows. A painted defect is compared with the good pictures of other parts that
were judged by the same fit. Differences between candidates are paired: a bootstrap draws parts, the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FALSE_POSITIVES = 0.3
"""Pixel false-positive rate up to which overlap is integrated (AUPRO)."""
RATES = np.concatenate([[0.0], np.geomspace(1e-4, FALSE_POSITIVES, 48)])
"""False-positive rates at whose thresholds maps are compared."""
MEASURES = ("pictures", "pixels", "found")
DRAWS = 400
"""Of the bootstrap: its error is known within 4 %."""


class Compared(NamedTuple):
    """How far a candidate is ahead of another on the same pictures."""

    difference: float
    """Of the score."""
    error: float
    """Its standard error, over draws of parts."""
    measures: tuple[float, ...]
    """Differences of `MEASURES`."""
    sizes: tuple[float, ...]
    """Differences of the score on the finest, the middle and the largest third of the defects."""


@dataclass(frozen=True)
class Material:
    """The pictures that all candidates of a stage judge: n good ones, m painted ones."""

    fold: NDArray[np.int64]
    """(n,) which fit judged a good picture; it shows a part that this fit has not seen."""
    of_good: NDArray[np.int64]
    """(m,) the good picture that a defect was painted on."""
    kinds: tuple[str, ...]
    """(m,)"""
    areas: NDArray[np.int64]
    """(m,) pixels."""
    false_reject_rate: float = 0.05

    @property
    def weights(self) -> Floats:
        """(m,) by which kinds count alike; their sum is 1."""
        names, index, counts = np.unique(self.kinds, return_inverse=True, return_counts=True)
        return np.asarray(1 / (len(names) * counts[index]), np.float64)

    @property
    def thirds(self) -> list[NDArray[np.bool_]]:
        """Three masks (m,): the finest, the middle and the largest defects."""
        rank = np.argsort(np.argsort(self.areas, kind="stable"), kind="stable")
        return [rank * 3 // max(1, len(rank)) == third for third in range(3)]

    @property
    def others(self) -> NDArray[np.bool_]:
        """(m, n) whether a good picture may be compared with a defect: judged by the same fit, another part."""
        own = self.of_good[:, None] == np.arange(len(self.fold))
        usable: NDArray[np.bool_] = (self.fold[self.of_good][:, None] == self.fold) & ~own
        return usable


@dataclass(frozen=True)
class Answers:
    """What one candidate says of the pictures of a `Material`."""

    good: Floats
    """(n,) scores."""
    painted: Floats
    """(m,) scores."""
    good_above: Floats
    """(n, L) share of a good map's pixels at or above each threshold of its fold."""
    painted_above: Floats
    """(m, L) share of a defect's pixels at or above each of them."""


def thresholds(good_maps: Sequence[NDArray[np.float32]]) -> Floats:
    """The values (L,) that the shares `RATES` of the pixels of one fold's good maps exceed."""
    return np.asarray(np.quantile(np.concatenate(good_maps), 1 - RATES), np.float64)


def shares_above(values: NDArray[np.float32], levels: Floats) -> Floats:
    """Share of `values` (k,) strictly above each level, (L,)."""
    ordered = np.sort(values)
    return 1 - np.searchsorted(ordered, levels, side="right") / len(ordered)


def measured(answers: Answers, material: Material, drawn: Floats | None = None) -> Floats:
    """`MEASURES` of every painted defect, (m, 3).

    `drawn` (n,): how often each good picture counts; None: once. Defects that no good picture is left to compare with
    are nan.
    """
    weights = np.ones(len(material.fold)) if drawn is None else drawn
    usable = material.others * weights
    total = usable.sum(1)
    total = np.where(total > 0, total, np.nan)
    higher = (answers.good > answers.painted[:, None]) + 0.5 * (answers.good == answers.painted[:, None])
    rejected = (usable * higher).sum(1) / total
    at_or_above = (usable * (answers.good >= answers.painted[:, None])).sum(1) / total
    false = usable @ answers.good_above / total[:, None]
    return np.stack(
        [
            1 - rejected,
            _overlap(false, answers.painted_above),
            np.where(np.isnan(total), np.nan, at_or_above <= material.false_reject_rate),
        ],
        axis=1,
    )


def score(answers: Answers, material: Material) -> tuple[float, tuple[float, ...]]:
    """The mean of the three measures, and each of them."""
    means = _mean(measured(answers, material), material.weights)
    return float(means.mean()), tuple(float(value) for value in means)


def compare(candidate: Answers, other: Answers, material: Material, seed: int = 0) -> Compared:
    """How far `candidate` is ahead of `other`, with the standard error over `DRAWS` draws of the good pictures."""
    difference = measured(candidate, material) - measured(other, material)
    weights = material.weights
    sizes = [
        _mean(difference[third], weights[third]).mean() if third.any() else 0.0 for third in material.thirds
    ]
    means = _mean(difference, weights)
    generator = np.random.default_rng(seed)
    count = len(material.fold)
    drawn = []
    for _ in range(DRAWS):
        draw = np.bincount(generator.integers(count, size=count), minlength=count).astype(np.float64)
        own = measured(candidate, material, draw) - measured(other, material, draw)
        drawn.append(_mean(own, weights * draw[material.of_good]).mean())
    return Compared(
        float(means.mean()),
        float(np.nanstd(drawn, ddof=1)),
        tuple(float(value) for value in means),
        tuple(float(value) for value in sizes),
    )


def _overlap(false: Floats, found: Floats) -> Floats:
    """Area under found (m, L) over false (m, L), both falling along thresholds, up to `FALSE_POSITIVES`, (m,)."""
    limit = np.minimum(false, FALSE_POSITIVES)
    area = (np.diff(limit, axis=1) * (found[:, 1:] + found[:, :-1])).sum(1) / 2
    # Beyond the last threshold the defect is taken to be found as far as it was there.
    rest = (FALSE_POSITIVES - limit[:, -1]) * found[:, -1]
    first = limit[:, 0] * found[:, 0]
    return np.asarray((first + area + rest) / FALSE_POSITIVES, np.float64)


def _mean(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of the rows (m, 3) that are numbers, (3,)."""
    known = ~np.isnan(values).any(axis=1)
    total = weights[known].sum()
    if not total:
        return np.full(values.shape[1], np.nan)
    return np.asarray(weights[known] @ values[known] / total, np.float64)
