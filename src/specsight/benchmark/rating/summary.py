"""What raters said of models: means with intervals, agreement, and which differences are more than chance.

A statement's rating is the mean of its raters'. Intervals: bootstrap over items. Agreement: Krippendorff's alpha,
ordinal. Differences: Wilcoxon's signed-rank test on the same items (SciPy), all of them corrected after Holm
(statsmodels).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.alpha import Alpha, krippendorff_alpha
from specsight.benchmark.rating.folder import SUMMARY, Rating, Statement
from specsight.benchmark.rating.scales import HIGHEST, KINDS, LOWEST
from specsight.benchmark.rating.store import Rated, RatingStore
from specsight.errors import SpecsightError, require
from specsight.storage.files import write_json

RESAMPLES = 2000
LEVEL = 0.05
FEWEST = 3
"""Raters that a result should rest on."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """Of one model on one scale, over `items`; the interval holds 95 % of resamples."""

    model: str
    scale: str
    mean: float
    low: float
    high: float
    items: int


@dataclass(frozen=True)
class Difference:
    """Of two models on one scale: mean of `first` minus `second` on the same `items`, with Holm's p-value."""

    scale: str
    first: str
    second: str
    difference: float
    items: int
    p: float
    holm: float

    @property
    def stands(self) -> bool:
        """Whether it is more than chance, at 5 % for all tests together."""
        return self.holm < LEVEL


@dataclass(frozen=True)
class Repeated:
    """How far a rater agrees with himself: over `pairs` of values given twice, the shares of equal ones and of those at
    most one apart."""

    rater: str
    pairs: int
    equal: float
    near: float


@dataclass(frozen=True)
class Summary:
    """All of it."""

    rated: Mapping[str, tuple[int, int]]
    """Rater → (rated, all)."""
    means: tuple[Mean, ...]
    alphas: Mapping[str, Alpha]
    """By scale."""
    repeated: tuple[Repeated, ...]
    differences: tuple[Difference, ...]


def summarise(store: RatingStore, write: bool = True) -> Summary:
    """From the ratings that stand; `write`: into the folder, too. Raises SpecsightError where nothing was rated."""
    rating, statements, rated = store.folder.rating, store.folder.statements, store.rated()
    if not rated:
        raise SpecsightError(f"nothing is rated yet in '{store.folder.path}'")
    values = _by_statement(statements, rated)
    summary = Summary(
        rated={
            code: (sum(r == code for r, _ in rated), sum(r == code for r, _ in statements))
            for code in rating.raters
        },
        means=tuple(_means(rating, values)),
        alphas={scale: _alpha(values, scale) for scale in store.folder.scales},
        repeated=tuple(_repeated(rating, statements, rated)),
        differences=tuple(_differences(rating, values)),
    )
    if write:
        write_json(store.folder.path / SUMMARY, _plain(summary))
    return summary


Values = Mapping[tuple[str, str], Sequence[Mapping[str, int]]]
"""(item, model) → each rater's values."""


def _by_statement(
    statements: Mapping[tuple[str, int], Statement], rated: Mapping[tuple[str, int], Rated]
) -> Values:
    """Second looks at a statement are left out."""
    values: dict[tuple[str, str], list[Mapping[str, int]]] = defaultdict(list)
    for key, one in rated.items():
        statement = statements[key]
        if not statement.again:
            values[statement.item, statement.model].append(one.values)
    return values


def _item_means(values: Values, model: str, scale: str) -> dict[str, float]:
    return {
        item: float(np.mean([one[scale] for one in given]))
        for (item, by), given in values.items()
        if by == model
    }


def _means(rating: Rating, values: Values) -> list[Mean]:
    means = []
    for model in rating.models:
        for scale in KINDS[rating.kind]:
            found = np.array(list(_item_means(values, model, scale).values()))
            if found.size:
                low, high = _interval(found, rating.seed)
                means.append(Mean(model, scale, float(found.mean()), low, high, found.size))
    return means


def _interval(values: Floats, seed: int) -> tuple[float, float]:
    """Percentiles of the means of resampled items (Efron and Tibshirani, 1993)."""
    generator = np.random.default_rng(seed)
    means = values[generator.integers(values.size, size=(RESAMPLES, values.size))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _alpha(values: Values, scale: str) -> Alpha:
    levels = range(LOWEST, HIGHEST + 1)
    counts = [[sum(one[scale] == level for one in given) for level in levels] for given in values.values()]
    return krippendorff_alpha(np.array(counts, np.int64).reshape(len(counts), len(levels)), "ordinal")


def _repeated(
    rating: Rating, statements: Mapping[tuple[str, int], Statement], rated: Mapping[tuple[str, int], Rated]
) -> list[Repeated]:
    found = []
    for rater in rating.raters:
        looks: dict[tuple[str, str], dict[bool, Mapping[str, int]]] = defaultdict(dict)
        for (code, place), one in rated.items():
            if code == rater:
                statement = statements[code, place]
                looks[statement.item, statement.model][statement.again] = one.values
        apart = [
            abs(both[True][scale] - both[False][scale])
            for both in looks.values()
            if len(both) == 2
            for scale in KINDS[rating.kind]
        ]
        if apart:
            steps = np.array(apart)
            found.append(Repeated(rater, steps.size, float((steps == 0).mean()), float((steps <= 1).mean())))
    return found


def _differences(rating: Rating, values: Values) -> list[Difference]:
    from scipy.stats import wilcoxon

    rows: list[tuple[str, str, str, float, int, float]] = []
    for scale in KINDS[rating.kind]:
        for first, second in itertools.combinations(rating.models, 2):
            one, other = _item_means(values, first, scale), _item_means(values, second, scale)
            # Rounding, so that thirds that are equal are ties.
            apart = np.round([one[item] - other[item] for item in one if item in other], 9)
            if apart.size:
                p = float(wilcoxon(apart).pvalue) if np.any(apart) else 1.0
                rows.append((scale, first, second, float(apart.mean()), apart.size, p))
    if not rows:
        return []
    multitest = require("statsmodels.stats.multitest", "benchmark")
    corrected = multitest.multipletests([row[-1] for row in rows], method="holm")[1]
    return [Difference(*row, float(holm)) for row, holm in zip(rows, corrected, strict=True)]


def _plain(summary: Summary) -> dict[str, Any]:
    return {
        "rated": {code: {"rated": done, "all": total} for code, (done, total) in summary.rated.items()},
        "means": [asdict(one) for one in summary.means],
        "alpha": {
            scale: {"value": alpha.value, "units": alpha.units} for scale, alpha in summary.alphas.items()
        },
        "repeated": [asdict(one) for one in summary.repeated],
        "differences": [asdict(one) for one in summary.differences],
    }
