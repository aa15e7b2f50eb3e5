"""Pixel metrics: golden vector, brute-force references, invariances, traps, and what bad input gets."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from specsight import metrics
from specsight.errors import SpecsightError
from specsight.metrics import PixelTruth

Pairs = list[tuple[NDArray[np.float32], NDArray[np.bool_]]]


def golden() -> Pairs:
    first = np.array([[9, 8, 1, 1], [7, 2, 1, 1], [1, 1, 1, 1], [1, 1, 1, 3]], dtype=np.float32)
    first /= 10
    second = np.full((4, 4), 0.1, dtype=np.float32)
    second[3, 3], second[0, 0] = 0.6, 0.65
    masks = np.zeros((2, 4, 4), dtype=bool)
    masks[0, :2, :2] = masks[1, 3, 3] = True
    return [(first, masks[0]), (second, masks[1])]


def measured(pairs: Pairs, limits: tuple[float, ...] = (0.3, 0.05)) -> metrics.PixelMetrics:
    return metrics.pixel_metrics([m for m, _ in pairs], [k for _, k in pairs], limits=limits)


def brute_force_aupro(pairs: Pairs, limit: float) -> float:
    """Threshold by threshold over every distinct score, region by region, as the definition reads."""
    thresholds = np.unique(np.concatenate([m.ravel() for m, _ in pairs]))[::-1]
    fpr, pro = [0.0], [0.0]
    for threshold in thresholds:
        overlaps, false, clean = [], 0, 0
        for anomaly_map, mask in pairs:
            found = anomaly_map >= threshold
            labels, count = ndimage.label(mask, np.ones((3, 3)))
            overlaps += [float(np.mean(found[labels == k])) for k in range(1, count + 1)]
            false += int(np.sum(found[~mask]))
            clean += int(np.sum(~mask))
        fpr.append(false / clean)
        pro.append(float(np.mean(overlaps)))
    area = 0.0
    for (x0, y0), (x1, y1) in zip(zip(fpr, pro), zip(fpr[1:], pro[1:])):
        if x0 >= limit:
            break
        if x1 > limit:
            x1, y1 = limit, y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
        area += (x1 - x0) * (y0 + y1) / 2
    return area / limit


def random_pairs(seed: int, levels: int | None = None, sizes: tuple[int, ...] = (9, 12, 7)) -> Pairs:
    """Small pictures of different sizes, the last one good; `levels` distinct scores make ties."""
    generator = np.random.default_rng(seed)
    pairs = []
    for index, side in enumerate(sizes):
        mask = generator.random((side, side + 2)) < (0.15 if index < len(sizes) - 1 else 0.0)
        mask[0, 0] |= index == 0
        scores = generator.random(mask.shape) + 0.4 * mask
        if levels:
            scores = np.floor(scores * levels) / levels
        pairs.append((scores.astype(np.float32), mask))
    return pairs


maps_and_masks = st.integers(1, 3).flatmap(
    lambda count: st.tuples(
        arrays(np.int8, (count, 5, 6), elements=st.integers(-4, 4)), arrays(np.bool_, (count, 5, 6))
    )
)


def test_golden_vector() -> None:
    found = measured(golden())
    assert found.aupro[0.3] == pytest.approx(0.907407, abs=1e-6)
    assert found.aupro[0.05] == pytest.approx(0.504630, abs=1e-6)
    assert (found.pictures, found.regions, found.positive_pixels, found.background_pixels) == (2, 2, 5, 27)


@pytest.mark.parametrize("levels", [None, 4, 20])
@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3, 1.0])
def test_aupro_is_the_brute_force_one(levels: int | None, limit: float) -> None:
    for seed in range(4):
        pairs = random_pairs(seed, levels)
        assert metrics.aupro(metrics.gather(pairs), limit) == pytest.approx(
            brute_force_aupro(pairs, limit), abs=1e-9
        )


@given(maps_and_masks, st.sampled_from([0.05, 0.3]))
@settings(max_examples=60, deadline=None)
def test_aupro_is_the_brute_force_one_on_anything(
    example: tuple[np.ndarray, np.ndarray], limit: float
) -> None:
    pairs = list(zip(example[0].astype(np.float32), example[1]))
    if example[1].any() and not example[1].all():
        expected = brute_force_aupro(pairs, limit)
        assert metrics.aupro(metrics.gather(pairs), limit) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("levels", [None, 5])
def test_pixel_ranking_is_that_of_scikit_learn(levels: int | None) -> None:
    pairs = random_pairs(3, levels)
    scores = np.concatenate([m.ravel() for m, _ in pairs])
    truth = np.concatenate([k.ravel() for _, k in pairs])
    precision, recall, _ = precision_recall_curve(truth, scores)
    f1 = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    found = measured(pairs)
    assert found.auroc == pytest.approx(roc_auc_score(truth, scores))
    assert found.average_precision == pytest.approx(average_precision_score(truth, scores))
    assert found.f1_max == pytest.approx(f1)
    marked = scores >= found.f1_max_threshold
    assert 2 * np.sum(marked & truth) / (marked.sum() + truth.sum()) == pytest.approx(f1)


def test_oracle_iou_is_the_best_pooled_iou_over_thresholds() -> None:
    pairs = random_pairs(5, levels=12)
    scores = np.concatenate([m.ravel() for m, _ in pairs])
    truth = np.concatenate([k.ravel() for _, k in pairs])
    best = max(np.sum((scores >= t) & truth) / np.sum((scores >= t) | truth) for t in np.unique(scores))
    assert measured(pairs).oracle_iou == pytest.approx(best)


@given(maps_and_masks)
@settings(max_examples=60, deadline=None)
def test_order_scale_and_copies_change_nothing(example: tuple[np.ndarray, np.ndarray]) -> None:
    maps, masks = example[0].astype(np.float32), example[1]
    if not masks.any() or masks.all():
        return
    first = metrics.pixel_metrics(maps, masks)
    for other_maps, other_masks in [
        (maps[::-1], masks[::-1]),
        (maps**3 * 5 - 1, masks),
        (maps[:, ::-1, :], masks[:, ::-1, :]),
        (np.concatenate([maps, maps]), np.concatenate([masks, masks])),
    ]:
        other = metrics.pixel_metrics(other_maps, other_masks)
        assert other.auroc == pytest.approx(first.auroc)
        assert other.average_precision == pytest.approx(first.average_precision)
        assert other.aupro == pytest.approx(first.aupro)
    assert metrics.pixel_metrics(-maps, masks).auroc == pytest.approx(1 - first.auroc)
    assert all(
        0 <= value <= 1
        for value in (first.auroc, first.average_precision, first.f1_max, *first.aupro.values())
    )


def test_perfect_blind_and_constant_maps() -> None:
    masks = [mask for _, mask in random_pairs(1)]
    perfect = metrics.pixel_metrics([m.astype(np.float32) for m in masks], masks)
    blind = metrics.pixel_metrics([1 - m.astype(np.float32) for m in masks], masks)
    constant = metrics.pixel_metrics([np.ones(m.shape, np.float32) for m in masks], masks)
    assert (perfect.auroc, perfect.average_precision, perfect.f1_max) == (1, 1, 1)
    assert perfect.aupro == pytest.approx({0.3: 1, 0.05: 1})
    assert (blind.auroc, blind.aupro[0.3]) == (0, 0)
    assert constant.auroc == 0.5
    # The curve is the diagonal: (1 / L) · L² / 2.
    assert constant.aupro == pytest.approx({0.3: 0.15, 0.05: 0.025})


def test_regions_weigh_the_same_whatever_their_size() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[:10, :10] = mask[15, 15] = True
    scores = np.zeros((20, 20), dtype=np.float32)
    scores[:10, :10] = 1
    assert metrics.aupro(metrics.gather([(scores, mask)]), 0.3) == pytest.approx(0.5 + 0.5 * 0.15)


def test_diagonal_neighbours_are_one_region() -> None:
    mask = np.eye(4, dtype=bool)
    assert measured([(np.zeros((4, 4), np.float32), mask)]).regions == 1


def rescaled_pro(pairs: Pairs, limit: float, steps: int = 200) -> float:
    """The trap: few thresholds, FPR below the limit stretched to [0, 1] by minimum and maximum."""
    every = np.concatenate([m.ravel() for m, _ in pairs])
    points = []
    for threshold in np.arange(every.min(), every.max(), (every.max() - every.min()) / steps):
        overlaps = []
        for anomaly_map, mask in pairs:
            labels, count = ndimage.label(mask, np.ones((3, 3)))
            overlaps += [float(np.mean(anomaly_map[labels == k] > threshold)) for k in range(1, count + 1)]
        false = np.concatenate([(m > threshold)[~k] for m, k in pairs])
        points.append((false.mean(), np.mean(overlaps)))
    x, y = np.array([point for point in points if point[0] < limit]).T
    x = (x - x.min()) / (x.max() - x.min())
    return float(abs(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)))


def test_trap_rescaled_false_positive_axis_is_another_number() -> None:
    pairs = golden()
    # Two false positives of 27 are all it sees: half the axis at PRO = 0.375, half at 0.875.
    assert rescaled_pro(pairs, 0.3) == pytest.approx(0.5 * 0.375 + 0.5 * 0.875)
    assert measured(pairs).aupro[0.3] == pytest.approx(0.907407, abs=1e-6)


def test_trap_good_pictures_belong_to_the_false_positive_rate() -> None:
    pairs = random_pairs(2)
    clean = (np.zeros((30, 30), np.float32), np.zeros((30, 30), bool))
    noisy = (np.full((30, 30), 9, np.float32), np.zeros((30, 30), bool))
    assert (
        measured([*pairs, clean]).aupro[0.3]
        > measured(pairs).aupro[0.3]
        > measured([*pairs, noisy]).aupro[0.3]
    )
    assert measured([*pairs, clean]).auroc > measured(pairs).auroc > measured([*pairs, noisy]).auroc


def test_trap_maps_scaled_picture_by_picture_are_another_ranking() -> None:
    pairs = golden()
    scaled = [((m - m.min()) / (m.max() - m.min()), k) for m, k in pairs]
    assert measured(scaled).auroc != pytest.approx(measured(pairs).auroc)


def test_trap_scores_are_not_clipped() -> None:
    maps = np.array([[[0.5, 1.5, 2.5, 3.5]]], dtype=np.float32)
    masks = np.array([[[False, False, True, True]]])
    assert metrics.pixel_metrics(maps, masks).auroc == 1.0
    assert metrics.pixel_metrics(maps.clip(0, 1), masks).auroc == pytest.approx(0.75)


def test_overlapping_regions_count_each_and_pixels_once() -> None:
    regions = np.zeros((2, 1, 6), dtype=bool)
    regions[0, 0, :3] = regions[1, 0, 2:4] = True
    mask = np.asarray(regions.any(axis=0))
    scores = np.array([[3, 0, 3, 0, 1, 1]], dtype=np.float32)
    found = metrics.pixel_metrics([scores], [mask], regions=[list(regions)])
    assert (found.regions, found.positive_pixels, found.background_pixels) == (2, 4, 2)
    # Found before any false positive: 2 of 3 pixels of the first region, 1 of 2 of the second.
    assert found.aupro[0.3] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_pictures_may_be_read_one_at_a_time_in_half_precision() -> None:
    pairs = [(m.astype(np.float16), k) for m, k in random_pairs(4)]
    open_now = 0

    def lazily() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        nonlocal open_now
        for anomaly_map, mask in pairs:
            open_now += 1
            assert open_now == 1
            yield anomaly_map.copy(), mask
            open_now -= 1

    once = metrics.measure(metrics.gather(lazily()))
    full = measured([(m.astype(np.float32), k) for m, k in pairs])
    assert (once.auroc, once.average_precision, once.aupro) == (
        full.auroc,
        full.average_precision,
        full.aupro,
    )


def test_the_given_arrays_are_left_alone() -> None:
    pairs = random_pairs(6)
    before = [(m.copy(), k.copy()) for m, k in pairs]
    measured(pairs)
    for (anomaly_map, mask), (map_before, mask_before) in zip(pairs, before):
        np.testing.assert_array_equal(anomaly_map, map_before)
        np.testing.assert_array_equal(mask, mask_before)


@pytest.mark.parametrize("value", [False, True])
def test_one_class_only_is_undefined_not_a_crash(value: bool) -> None:
    found = metrics.pixel_metrics([np.zeros((3, 3), np.float32)], [np.full((3, 3), value)])
    numbers = (found.auroc, found.average_precision, found.f1_max, found.oracle_iou, *found.aupro.values())
    assert all(math.isnan(number) for number in numbers)
    assert math.isnan(metrics.aupro(metrics.gather([]), 0.3))


def test_curves_are_thinned_but_keep_their_ends() -> None:
    generator = np.random.default_rng(0)
    mask = np.zeros((120, 120), dtype=bool)
    mask[20:90, 20:90] = True
    found = measured([((generator.random((120, 120)) + mask).astype(np.float32), mask)])
    for curve in (found.roc, found.pro):
        assert len(curve.x) <= 1002
        assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
        assert (np.diff(curve.x) >= 0).all()
        assert (np.diff(curve.y) >= 0).all()
    assert found.roc.area() == pytest.approx(found.auroc, abs=2e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_the_picture_with_a_broken_map_is_named(bad: float) -> None:
    pairs = random_pairs(0)
    broken = pairs[1][0].astype(np.float64)
    broken[2, 3] = bad
    with pytest.raises(SpecsightError, match="map of picture 1 has 1 pixel"):
        # A detector that gives float64 is wrong, and what it gives is looked at all the same.
        measured([pairs[0], (broken, pairs[1][1]), pairs[2]])  # type: ignore[list-item]


def test_shapes_that_disagree_are_named() -> None:
    scores = np.zeros((4, 4), np.float32)
    with pytest.raises(SpecsightError, match=r"picture 0: its map is \(4, 4\) but a mask is \(8, 8\)"):
        metrics.pixel_metrics([scores], [np.zeros((8, 8), bool)])
    with pytest.raises(SpecsightError, match=r"map of picture 0 has shape \(4, 4, 1\)"):
        metrics.pixel_metrics([scores[..., None]], [np.zeros((4, 4, 1), bool)])
    with pytest.raises(SpecsightError, match="union"):
        metrics.gather([(scores, PixelTruth(np.ones((4, 4), bool), regions=[np.eye(4, dtype=bool)]))])
    with pytest.raises(SpecsightError, match="called good"):
        metrics.gather([(scores, PixelTruth(np.ones((4, 4), bool), good=True))])


@pytest.mark.parametrize("limit", [0.0, -0.1, 30, float("nan")])
def test_limits_outside_0_and_1_are_refused(limit: float) -> None:
    with pytest.raises(SpecsightError, match="AUPRO limit"):
        measured(golden(), limits=(limit,))
