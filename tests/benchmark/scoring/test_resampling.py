"""Intervals of many statistics at once are those of `metrics.bootstrap`, of statsmodels and of scikit-learn's AUROC."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from specsight.benchmark.scoring.resampling import (
    Combined,
    Difference,
    Mean,
    Objects,
    RankedAuroc,
    Share,
    share,
)
from specsight.metrics.bootstrap import bootstrap

OBJECTS, QUESTIONS = 30, 200


@pytest.fixture
def asked() -> tuple[Objects, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    strata = ["good" if k % 3 else "defective" for k in range(OBJECTS)]
    members = np.concatenate([np.arange(OBJECTS), rng.integers(0, OBJECTS, QUESTIONS - OBJECTS)])
    return (
        Objects([str(k) for k in range(OBJECTS)], strata),
        members,
        rng.random(QUESTIONS) < 0.6,
        rng.integers(0, 8, QUESTIONS).astype(float),
    )


def test_the_interval_of_a_share_is_that_of_the_bootstrap_over_objects(asked: tuple) -> None:
    objects, members, right, _ = asked
    found = objects.figures({"right": share(right, members, OBJECTS)}, resamples=100, seed=3)["right"]
    strata = [objects.strata[m] for m in members]
    expected = bootstrap(lambda chosen: float(right[chosen].mean()), strata, members, resamples=100, seed=3)
    assert found.value == pytest.approx(right.mean())
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert found.count == QUESTIONS


def test_wilsons_interval_is_that_of_statsmodels(asked: tuple) -> None:
    objects, members, right, ranks = asked
    found = objects.figures(
        {"right": share(right, members, OBJECTS), "mean": share(ranks, members, OBJECTS)}, 0
    )
    expected = proportion_confint(int(right.sum()), QUESTIONS, method="wilson")
    assert found["right"].wilson == pytest.approx(expected, abs=1e-12)
    assert found["right"].low is None
    assert found["mean"].wilson is None


def test_all_right_has_wilsons_interval_of_as_many_objects() -> None:
    objects = Objects("abc", ["good"] * 3)
    found = objects.figures({"right": share([True] * 4, [0, 0, 1, 2], 3)}, 50)["right"]
    assert (found.value, found.low, found.high) == pytest.approx(
        (1.0, *proportion_confint(3, 3, method="wilson"))
    )


def test_auroc_and_its_interval(asked: tuple) -> None:
    objects, members, positive, ranks = asked
    auroc = RankedAuroc(positive, ranks, members)
    found = objects.figures({"auroc": auroc}, resamples=100, seed=0)["auroc"]
    assert found.value == pytest.approx(roc_auc_score(positive, ranks))
    strata = [objects.strata[m] for m in members]
    expected = bootstrap(
        lambda chosen: float(roc_auc_score(positive[chosen], ranks[chosen])), strata, members, resamples=100
    )
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-9)


def test_a_paired_difference_has_the_interval_of_the_differences(asked: tuple) -> None:
    objects, members, first, ranks = asked
    second = ranks > 3
    found = objects.figures(
        {
            "apart": Difference(share(first, members, OBJECTS), share(second, members, OBJECTS)),
            "paired": share(first.astype(float) - second, members, OBJECTS),
        }
    )
    assert found["apart"].value == pytest.approx((first.astype(float) - second).mean())
    ends = [(found[name].low, found[name].high) for name in ("apart", "paired")]
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)


def test_a_mean_leaves_out_what_a_resample_leaves_empty() -> None:
    objects = Objects("ab", ["x", "x"])
    mean = Mean([share([1.0], [0], 2), share([0.0], [1], 2)])
    assert mean.resampled(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]])).tolist() == [0.5, 1.0, 0.0]
    assert mean.left_out(2).tolist() == [0.0, 1.0]
    assert objects.figures({"none": share([], [], 2)})["none"].value is None


def test_sums_are_handed_over_as_they_are() -> None:
    counted = Combined(
        (Share.of([1, 1], [0, 1], 2), Share.of([3], [1], 2)), lambda sums: sums[:, 0] + sums[:, 1], True
    )
    assert counted.resampled(np.array([[1.0, 1.0], [2.0, 0.0]])).tolist() == [5.0, 2.0]
    assert counted.left_out(2).tolist() == [4.0, 1.0]
