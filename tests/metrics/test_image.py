"""Image-level metrics: golden vectors, agreement with scikit-learn, invariances, and the traps of published code."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, precision_recall_curve, roc_auc_score

from specsight import metrics
from specsight.errors import SpecsightError

GOLDEN_LABELS = [0, 0, 0, 1, 1, 1]
GOLDEN_SCORES = [0.1, 0.4, 0.35, 0.8, 0.3, 0.9]

few_values = st.integers(-3, 3).map(float)
"""Scores from a handful of values, so that ties abound."""
labelled = st.lists(st.tuples(st.booleans(), few_values), min_size=2, max_size=40).filter(
    lambda pairs: len({label for label, _ in pairs}) == 2
)


def split(pairs: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*pairs)
    return np.array(labels), np.array(scores)


def test_golden_vector() -> None:
    assert metrics.image_auroc(GOLDEN_LABELS, GOLDEN_SCORES) == pytest.approx(0.777778, abs=1e-6)
    assert metrics.average_precision(GOLDEN_LABELS, GOLDEN_SCORES) == pytest.approx(0.866667, abs=1e-6)
    assert metrics.f1_max(GOLDEN_LABELS, GOLDEN_SCORES) == pytest.approx((0.8, 0.8))


@given(labelled)
def test_same_as_scikit_learn_with_ties(pairs: list[tuple[bool, float]]) -> None:
    labels, scores = split(pairs)
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = metrics.f1_max(labels, scores)
    assert metrics.image_auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    assert metrics.average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores))
    assert best.f1 == pytest.approx(f1.max())
    assert best.threshold == max(t for t, value in zip(thresholds, f1) if value == pytest.approx(f1.max()))


@given(labelled)
def test_auroc_is_the_share_of_ordered_pairs_with_ties_one_half(pairs: list[tuple[bool, float]]) -> None:
    labels, scores = split(pairs)
    gaps = scores[labels][:, None] - scores[~labels][None, :]
    assert metrics.image_auroc(labels, scores) == pytest.approx(np.mean((gaps > 0) + 0.5 * (gaps == 0)))


@given(labelled)
def test_ranking_metrics_depend_on_the_order_only(pairs: list[tuple[bool, float]]) -> None:
    labels, scores = split(pairs)
    stretched = np.exp(3 * scores) - 7
    for metric in (metrics.image_auroc, metrics.average_precision):
        assert metric(labels, stretched) == metric(labels, scores)
    assert metrics.f1_max(labels, stretched).f1 == metrics.f1_max(labels, scores).f1


@given(labelled)
def test_negated_scores_or_labels_mirror_auroc(pairs: list[tuple[bool, float]]) -> None:
    labels, scores = split(pairs)
    value = metrics.image_auroc(labels, scores)
    assert 0.0 <= value <= 1.0
    assert metrics.image_auroc(labels, -scores) == pytest.approx(1 - value)
    assert metrics.image_auroc(~labels, scores) == pytest.approx(1 - value)


@given(labelled, st.randoms(use_true_random=False))
def test_order_and_duplication_of_pictures_change_nothing(
    pairs: list[tuple[bool, float]], random: Random
) -> None:
    labels, scores = split(pairs)
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for metric in (metrics.image_auroc, metrics.average_precision, metrics.f1_max):
        assert metric(*split(shuffled)) == metric(labels, scores)
        assert metric(np.tile(labels, 3), np.tile(scores, 3)) == pytest.approx(metric(labels, scores))


def test_trap_scores_clamped_to_one_lose_their_ranking() -> None:
    labels, scores = [0, 0, 0, 1, 1, 1], np.array([0.2, 0.7, 1.1, 1.3, 1.9, 2.4])
    assert metrics.image_auroc(labels, scores) == 1.0
    assert metrics.image_auroc(labels, scores.clip(0, 1)) == pytest.approx(5 / 6)


def test_trap_average_precision_is_the_step_sum_not_the_trapezoid() -> None:
    labels, scores = [1, 0, 0, 1], [4.0, 3.0, 2.0, 1.0]
    curve = metrics.precision_recall_curve(labels, scores)
    trapezoid = np.sum(np.diff(curve.x) * (curve.y[1:] + curve.y[:-1]) / 2) + curve.x[0] * curve.y[0]
    assert metrics.average_precision(labels, scores) == pytest.approx(0.5 * 1 + 0.5 * 0.5)
    assert trapezoid == pytest.approx(0.5 * 1 + 0.5 * 0.75)


def test_constant_scores_are_chance() -> None:
    labels = [0, 0, 0, 1]
    assert metrics.image_auroc(labels, np.ones(4)) == 0.5
    assert metrics.average_precision(labels, np.ones(4)) == 0.25
    assert metrics.f1_max(labels, np.ones(4)) == (0.4, 1.0)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_one_class_only_is_undefined_not_a_crash(labels: list[int]) -> None:
    scores = np.arange(len(labels))
    assert math.isnan(metrics.image_auroc(labels, scores))
    assert math.isnan(metrics.average_precision(labels, scores))
    assert all(math.isnan(value) for value in metrics.f1_max(labels, scores))
    assert len(metrics.roc_curve(labels, scores).x) == 0


def test_roc_curve_goes_from_corner_to_corner_and_ties_are_diagonal() -> None:
    curve = metrics.roc_curve([0, 1, 0, 1], [1.0, 1.0, 0.0, 2.0])
    assert list(zip(curve.x, curve.y)) == [(0, 0), (0, 0), (0, 0.5), (0, 0.5), (0.5, 1), (1, 1)]
    assert curve.area() == metrics.image_auroc([0, 1, 0, 1], [1.0, 1.0, 0.0, 2.0]) == 0.875


def test_bad_scores_are_named() -> None:
    with pytest.raises(SpecsightError, match="score of picture 1 is nan"):
        metrics.image_auroc([0, 1], [0.0, np.nan])
    with pytest.raises(SpecsightError, match=r"\(2,\).*\(3,\)"):
        metrics.image_auroc([0, 1], [0.0, 1.0, 2.0])


def test_decisions_at_the_deployed_threshold() -> None:
    made = metrics.decisions([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0])
    assert (made.true_rejects, made.misses, made.false_rejects, made.true_accepts) == (2, 1, 1, 3)
    assert made.accuracy == pytest.approx(5 / 7)
    assert made.precision == pytest.approx(2 / 3)
    assert made.detection_rate == pytest.approx(2 / 3)
    assert made.miss_rate == pytest.approx(1 / 3)
    assert made.false_reject_rate == 0.25
    assert made.f1 == pytest.approx(2 / 3)


def test_decisions_without_good_pictures_have_no_false_reject_rate() -> None:
    made = metrics.decisions([1, 1], [1, 0])
    assert math.isnan(made.false_reject_rate)
    assert made.detection_rate == 0.5


def test_probabilities() -> None:
    labels, chance = [0, 1, 1, 0], [0.1, 0.8, 0.6, 0.6]
    assert metrics.brier(labels, chance) == pytest.approx(brier_score_loss(labels, chance))
    # Two bins: {0.1} with truth 0, and {0.8, 0.6, 0.6} with truth 2/3 and mean probability 2/3.
    assert metrics.calibration_error(labels, chance, bins=2) == pytest.approx(0.25 * 0.1 + 0.75 * 0.0)
    with pytest.raises(SpecsightError, match="probabilities"):
        metrics.brier(labels, [0.1, 0.2, 0.3, 1.7])
