"""The interval of an AUROC: DeLong by hand, objects in several views, and what pictures without an error leave open."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from specsight.metrics import auroc_interval, image_auroc

DEVIATE = 1.959963984540054


def binormal(seed: int, defective: int, good: int, auroc: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.repeat([True, False], [defective, good])
    return labels, generator.normal(size=len(labels)) + labels * math.sqrt(2) * stats.norm.ppf(auroc)


def test_variance_is_that_of_delong_on_the_logit_scale() -> None:
    labels, scores = binormal(0, 13, 21, 0.8)
    wins = (scores[labels][:, None] > scores[~labels]).astype(float)
    area = wins.mean()
    variance = wins.mean(1).var(ddof=1) / 13 + wins.mean(0).var(ddof=1) / 21
    half = DEVIATE * math.sqrt(variance) / (area * (1 - area))
    ends = [1 / (1 + math.exp(-(math.log(area / (1 - area)) + side * half))) for side in (-1, 1)]
    assert auroc_interval(labels, scores) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("defective", "good", "low"), [(10, 10, 0.8002), (20, 20, 0.8987), (50, 100, 0.9705)]
)
def test_without_an_error_the_interval_does_not_end_at_a_point(defective: int, good: int, low: float) -> None:
    labels = np.repeat([True, False], [defective, good])
    found = auroc_interval(labels, labels.astype(float))
    assert found.high == 1.0
    assert found.low == pytest.approx(low, abs=1e-4)
    # Newcombe's equation at its root, divided by 1 - t: (1 - t) m n = z² t (1 + ...).
    t, mean = found.low, (defective + good) / 2 - 1
    spread = 1 + mean * (1 - t) / (2 - t) + mean * t / (1 + t)
    assert (1 - t) * defective * good == pytest.approx(DEVIATE**2 * t * spread, rel=1e-6)
    mirrored = auroc_interval(labels, -labels.astype(float))
    assert mirrored.low == 0.0
    assert mirrored.high == pytest.approx(1 - t, abs=0.02)


def test_equal_scores_and_single_pictures_say_little() -> None:
    labels = np.repeat([True, False], [10, 10])
    low, high = auroc_interval(labels, np.zeros(20))
    assert low < 0.35 < 0.65 < high
    low, high = auroc_interval([True, *[False] * 30], np.arange(31.0))
    assert low == 0.0
    assert 0.5 < high < 1.0
    assert all(math.isnan(end) for end in auroc_interval([True, True], [0.0, 1.0]))


def test_copies_of_a_picture_say_no_more_than_the_picture() -> None:
    labels, scores = binormal(3, 12, 18, 0.9)
    once = auroc_interval(labels, scores)
    objects = np.repeat(np.arange(30), 8)
    eight = auroc_interval(np.repeat(labels, 8), np.repeat(scores, 8), objects)
    assert eight == pytest.approx(once)
    careless = auroc_interval(np.repeat(labels, 8), np.repeat(scores, 8))
    assert careless.high - careless.low < 0.5 * (once.high - once.low)
    assert auroc_interval(labels, labels * 1.0, [f"object {i % 6}" for i in range(30)]).low < 0.7


def test_objects_seen_good_and_defective_count_both_ways() -> None:
    """A good view that scores as high as the defective one of the same object: their errors cancel."""
    generator = np.random.default_rng(5)
    own = generator.normal(size=40)
    labels = np.repeat([True, False], 40)
    scores = np.concatenate([own + 1, own]) + 0.1 * generator.normal(size=80)
    pairs = auroc_interval(labels, scores, np.tile(np.arange(40), 2))
    apart = auroc_interval(labels, scores)
    assert pairs.high - pairs.low < 0.6 * (apart.high - apart.low)


@pytest.mark.parametrize(("size", "auroc"), [(10, 0.8), (10, 0.95), (20, 0.99), (20, 0.999)])
def test_intervals_cover_the_true_value_on_small_sets_and_near_one(size: int, auroc: float) -> None:
    covered = 0
    for seed in range(400):
        labels, scores = binormal(seed, size, size, auroc)
        low, high = auroc_interval(labels, scores)
        covered += low <= auroc <= high
        assert low <= image_auroc(labels, scores) <= high
    assert 0.925 <= covered / 400 <= 0.995
