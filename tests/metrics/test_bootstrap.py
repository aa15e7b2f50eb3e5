"""Intervals: strata and groups, coverage, and the gridded pixel bootstrap against measuring every resample exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from specsight import metrics
from specsight.errors import SpecsightError
from specsight.metrics.bootstrap import Groups
from specsight.metrics.pixel_bootstrap import grid


def pixel_scores(pictures: int = 10, levels: int | None = None) -> metrics.PixelScores:
    generator = np.random.default_rng(5)
    pairs = []
    for index in range(pictures):
        mask = np.zeros((24, 20), dtype=bool)
        if index >= pictures // 2:
            mask[3:9, 3:8] = mask[15:18, 10 : 12 + index] = True
        scores = generator.standard_normal(mask.shape) + generator.uniform(0, 2) * mask
        pairs.append(((np.round(scores * levels) / levels if levels else scores).astype(np.float32), mask))
    return metrics.gather(pairs)


def exact_resamples(scores: metrics.PixelScores, resamples: int, seed: int) -> list[metrics.PixelMetrics]:
    rows = Groups.of(scores.good).resampled(resamples, seed)
    return [metrics.measure(scores.select(np.repeat(np.arange(len(row)), row).tolist())) for row in rows]


@pytest.mark.parametrize("levels", [None, 3])
@pytest.mark.parametrize("thresholds", [12, 128, 4096])
def test_pixel_intervals_are_exact_within_their_error(thresholds: int, levels: int | None) -> None:
    scores = pixel_scores(levels=levels)
    found = metrics.pixel_intervals(scores, resamples=70, seed=3, thresholds=thresholds)
    exact = exact_resamples(scores, 70, 3)
    pairs = [(found.aupro[limit], [m.aupro[limit] for m in exact]) for limit in (0.3, 0.05)]
    for name in ("auroc", "average_precision", "f1_max"):
        pairs.append((getattr(found, name), [getattr(m, name) for m in exact]))
    for interval, values in pairs:
        low, high = np.quantile(values, interval.levels)
        assert abs(interval.low - low) <= interval.error + 1e-12
        assert abs(interval.high - high) <= interval.error + 1e-12
        assert interval.low < interval.high
    if thresholds == 4096:
        assert found.auroc.error < 1e-3
        assert found.aupro[0.3].error < 2e-3


def test_a_grid_of_all_scores_is_exact() -> None:
    scores = pixel_scores(levels=2)
    found = metrics.pixel_intervals(scores, resamples=50, seed=1)
    exact = exact_resamples(scores, 50, 1)
    assert (found.auroc.low, found.auroc.high) == pytest.approx(
        tuple(np.quantile([m.auroc for m in exact], found.auroc.levels))
    )
    for interval in (found.auroc, found.average_precision, found.f1_max, *found.aupro.values()):
        assert interval.error == 0
    assert set(grid(scores)) == set(np.concatenate([scores.background(), scores.positive()]))


@pytest.mark.parametrize("perfect", [True, False])
def test_the_error_holds_in_the_worst_order_between_two_thresholds(perfect: bool) -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[:5] = True
    defective, clean = np.linspace(2, 3, 100), np.linspace(0, 1, 300)
    scores = np.zeros((20, 20), dtype=np.float32)
    scores[mask], scores[~mask] = (defective, clean) if perfect else (-defective, clean)
    # One threshold among each class: between the two, half the rectangle is open, and the truth lies in its corner.
    found = metrics.pixel_intervals(metrics.gather([(scores, mask)]), resamples=3, thresholds=2)
    exact = metrics.measure(metrics.gather([(scores, mask)]))
    for value, interval in [
        (exact.auroc, found.auroc),
        (exact.average_precision, found.average_precision),
        (exact.f1_max, found.f1_max),
        (exact.aupro[0.3], found.aupro[0.3]),
        (exact.aupro[0.05], found.aupro[0.05]),
    ]:
        assert abs(value - interval.low) <= interval.error + 1e-12
    assert abs(exact.auroc - found.auroc.low) > 0.9 * found.auroc.error > 0.05


def test_finer_grids_have_smaller_errors() -> None:
    scores = pixel_scores()
    coarse, fine = (metrics.pixel_intervals(scores, resamples=20, thresholds=n) for n in (32, 1024))
    assert fine.auroc.error < coarse.auroc.error / 4
    assert fine.average_precision.error < coarse.average_precision.error / 4
    assert fine.aupro[0.05].error < coarse.aupro[0.05].error / 4


def test_the_value_on_all_pictures_lies_in_its_interval() -> None:
    scores = pixel_scores(pictures=16)
    value, found = metrics.measure(scores), metrics.pixel_intervals(scores)
    assert found.auroc.low < value.auroc < found.auroc.high
    assert found.average_precision.low < value.average_precision < found.average_precision.high
    assert found.aupro[0.3].low < value.aupro[0.3] < found.aupro[0.3].high


def test_pixel_intervals_of_one_class_are_undefined() -> None:
    empty = np.zeros((5, 5), dtype=bool)
    found = metrics.pixel_intervals(metrics.gather([(np.ones((5, 5), np.float32), empty)]), resamples=5)
    assert math.isnan(found.auroc.low)
    assert math.isnan(found.average_precision.high)
    assert math.isnan(found.f1_max.high)
    assert math.isnan(found.aupro[0.3].low)


def test_every_resample_keeps_each_stratum_at_its_size() -> None:
    strata = ["good"] * 7 + ["defective"] * 3
    weights = Groups.of(strata).resampled(200, 0)
    assert (weights[:, :7].sum(axis=1) == 7).all()
    assert (weights[:, 7:].sum(axis=1) == 3).all()
    assert weights.std() > 0.5


def test_pictures_of_one_object_are_drawn_together() -> None:
    strata = [0, 0, 0, 0, 1, 1, 1]
    groups = ["a", "a", "b", "c", "d", "d", "c"]
    weights = Groups.of(strata, groups).resampled(100, 0)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, 3] == weights[:, 6]).all()
    assert (weights[:, 3] == 1).all(), "the only object seen both good and defective is always in"
    with pytest.raises(SpecsightError, match="groups"):
        Groups.of([0, 1], ["a"])


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(0).random(30)

    def mean(chosen: np.ndarray) -> float:
        return float(values[chosen].mean())

    first, again, other = (metrics.bootstrap(mean, np.zeros(30), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_interval_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(0).normal(size=400)
    low, high = metrics.bootstrap(lambda chosen: float(values[chosen].mean()), np.zeros(400), resamples=2000)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_intervals_of_auroc_cover_the_true_value() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    truth = stats.norm.cdf(1 / math.sqrt(2))
    covered = 0
    for trial in range(150):
        scores = generator.normal(size=100) + labels

        def auroc(chosen: np.ndarray, scores: np.ndarray = scores) -> float:
            return metrics.image_auroc(labels[chosen], scores[chosen])

        low, high = metrics.bootstrap(auroc, labels, resamples=200, seed=trial)
        covered += low <= truth <= high
    assert 0.88 <= covered / 150 <= 0.99


def test_an_undefined_statistic_has_an_undefined_interval() -> None:
    assert all(math.isnan(end) for end in metrics.bootstrap(lambda _: math.nan, [0, 0, 1]))
    assert all(
        math.isnan(end) for end in metrics.bootstrap(lambda chosen: 1.0 if len(chosen) else math.nan, [])
    )
    with pytest.raises(SpecsightError, match="confidence"):
        metrics.bootstrap(lambda _: 1.0, [0, 1], confidence=95)


def test_mean_and_sd_over_seeds() -> None:
    assert metrics.mean_sd([0.9, 0.94, 0.98]) == pytest.approx((0.94, 0.04, 3))
    assert metrics.mean_sd([0.9, math.nan, 0.98]) == pytest.approx((0.94, math.sqrt(0.0032), 2))
    single = metrics.mean_sd([0.5])
    assert (single.mean, single.n) == (0.5, 1)
    assert math.isnan(single.sd)
    assert metrics.mean_sd([]).n == 0


def test_intervals_are_those_of_scipy_bca() -> None:
    values = np.random.default_rng(2).exponential(size=25) ** 2
    low, high = metrics.bootstrap(lambda i: float(values[i].mean()), np.zeros(25), resamples=9000)
    other = stats.bootstrap((values,), np.mean, n_resamples=9000, method="BCa", rng=np.random.default_rng(1))
    assert low == pytest.approx(other.confidence_interval.low, rel=0.03)
    assert high == pytest.approx(other.confidence_interval.high, rel=0.03)
    plain = stats.bootstrap(
        (values,), np.mean, n_resamples=9000, method="percentile", rng=np.random.default_rng(1)
    )
    assert high > 1.05 * plain.confidence_interval.high


def test_two_strata_are_those_of_scipy_bca() -> None:
    generator = np.random.default_rng(4)
    good, bad = generator.exponential(size=15), 1 + generator.exponential(size=12)
    values = np.concatenate([good, bad])

    def gap(chosen: np.ndarray) -> float:
        return float(values[chosen[chosen >= 15]].mean() - values[chosen[chosen < 15]].mean())

    found = metrics.bootstrap(gap, np.repeat([0, 1], [15, 12]), resamples=9000)
    other = stats.bootstrap(
        (bad, good),
        lambda b, g, axis: b.mean(axis) - g.mean(axis),
        n_resamples=9000,
        method="BCa",
        rng=np.random.default_rng(1),
    )
    assert found == pytest.approx(tuple(other.confidence_interval), abs=0.04)


def test_a_group_without_which_nothing_can_be_said_has_no_influence() -> None:
    """The only defective picture: without it there is no AUROC."""
    labels, scores = np.array([0] * 9 + [1]), np.arange(10.0)
    scores[-1] = 6.5

    def auroc(chosen: np.ndarray) -> float:
        return metrics.image_auroc(labels[chosen], scores[chosen])

    low, high = metrics.bootstrap(auroc, labels)
    assert 0 < low < auroc(np.arange(10)) < high <= 1
