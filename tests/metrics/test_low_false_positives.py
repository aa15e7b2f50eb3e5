"""AUPIMO (per picture, at very low false-positive rates) and MVTec LOCO's saturated overlap, against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from specsight import metrics
from specsight.errors import SpecsightError
from specsight.metrics import PixelTruth


def sample_set(
    seed: int, good: int = 3, defective: int = 4, side: int = 60
) -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(seed)
    pairs = []
    for index in range(good + defective):
        mask = np.zeros((side, side + index), dtype=bool)
        if index >= good:
            mask[5:20, 5 : 12 + index] = True
        scores = generator.standard_normal(mask.shape) + generator.uniform(1, 3) * mask
        pairs.append((scores.astype(np.float32), mask))
    return pairs


def numeric_aupimo(pairs: list[tuple[np.ndarray, np.ndarray]], lower: float, upper: float) -> list[float]:
    """Mean recall at many false-positive rates, evenly spread in ln FPR, each looked up at its threshold."""
    good = [m for m, k in pairs if not k.any()]
    thresholds = np.unique(np.concatenate([m.ravel() for m in good]))[::-1]
    fpr = np.mean([[np.mean(m >= t) for t in thresholds] for m in good], axis=0)
    steps = 20_000
    rates = lower * (upper / lower) ** ((np.arange(steps) + 0.5) / steps)
    crossed = thresholds[np.searchsorted(fpr, rates)]
    values = []
    for anomaly_map, mask in pairs:
        defective = anomaly_map[mask]
        recall = (
            {t: np.mean((defective > t) + 0.5 * (defective == t)) for t in np.unique(crossed)}
            if mask.any()
            else {}
        )
        values.append(float(np.mean([recall[t] for t in crossed])) if recall else math.nan)
    return values


@pytest.mark.parametrize("levels", [None, 25])
def test_aupimo_is_the_numeric_one(levels: int | None) -> None:
    for seed in range(3):
        pairs = sample_set(seed, side=40)
        if levels:
            pairs = [(np.round(m * levels) / np.float32(levels), k) for m, k in pairs]
        found = metrics.aupimo(metrics.gather(pairs), bounds=(5e-3, 5e-2))
        np.testing.assert_allclose(found.per_picture, numeric_aupimo(pairs, 5e-3, 5e-2), atol=2e-4)
        assert found.bounds == (5e-3, 5e-2)


def test_aupimo_by_hand() -> None:
    # One good picture of 1000 pixels scored 1..1000: FPR = (1001 - t) / 1000 for t = 1000, 999, ...
    good = np.arange(1, 1001, dtype=np.float32).reshape(20, 50)
    defective = np.zeros((20, 50), dtype=np.float32)
    defective[0, :4] = [2000, 990.5, 950.5, 100.5]
    mask = np.zeros((20, 50), dtype=bool)
    mask[0, :4] = True
    found = metrics.aupimo(metrics.gather([(good, good < 0), (defective, mask)]), bounds=(1.1e-2, 1e-1))
    # FPR reaches 0.010 just above 990.5 and 0.050 just above 950.5: recall is 2/4 from the start, 3/4 from 0.050 on.
    expected = (0.5 * math.log(0.050 / 0.011) + 0.75 * math.log(0.1 / 0.050)) / math.log(0.1 / 0.011)
    assert found.mean == pytest.approx(expected)
    assert math.isnan(found.per_picture[0])
    assert found.per_picture[1] == found.mean == found.median == found.percentile_33


def test_aupimo_counts_a_tie_half() -> None:
    good = np.repeat(np.arange(20, dtype=np.float32), 100).reshape(40, 50)
    tied = np.full((4, 4), 19, dtype=np.float32)
    found = metrics.aupimo(metrics.gather([(good, good < 0), (tied, tied > 0)]), bounds=(1e-2, 5e-2))
    assert found.mean == pytest.approx(0.5)


def test_aupimo_ignores_false_positives_on_defective_pictures() -> None:
    pairs = sample_set(1)
    noisier = [(np.where(k | ~k.any(), m, 50).astype(np.float32), k) for m, k in pairs]
    first, second = (metrics.aupimo(metrics.gather(p), bounds=(2e-3, 5e-2)) for p in (pairs, noisier))
    np.testing.assert_array_equal(first.per_picture, second.per_picture)


def test_aupimo_falls_back_where_good_pixels_are_few_and_says_so() -> None:
    small, middle, large = 200, 400, 1100
    for side, bounds, words in [
        (small, (1e-4, 1e-3), "undefined: 40,000 pixels"),
        (middle, (1e-4, 1e-3), "instead of (1e-05, 0.0001): 160,000 good pixels are too few"),
        (large, (1e-5, 1e-4), "distinct scores of good pictures lie in the band"),
    ]:
        good = np.random.default_rng(0).random((side, side), dtype=np.float32)
        defect = np.full((8, 8), 2, dtype=np.float32)
        found = metrics.aupimo(metrics.gather([(good, good < 0), (defect, defect > 0)]))
        assert found.bounds == bounds
        assert words in found.note
        assert math.isnan(found.mean) if side == small else found.mean == pytest.approx(1.0)


def test_aupimo_without_good_pictures_is_undefined() -> None:
    pairs = [pair for pair in sample_set(0) if pair[1].any()]
    found = metrics.aupimo(metrics.gather(pairs))
    assert np.isnan(found.per_picture).all()
    assert "0 pixels of good pictures" in found.note


def test_two_models_are_compared_picture_by_picture() -> None:
    pairs = sample_set(0, defective=12)
    better = [((m + 0.7 * k).astype(np.float32), k) for m, k in pairs]
    first, second = (metrics.aupimo(metrics.gather(p), bounds=(2e-3, 5e-2)) for p in (pairs, better))
    assert metrics.paired_wilcoxon(first, second) < 0.01
    assert metrics.paired_wilcoxon(first, first) == 1.0
    with pytest.raises(SpecsightError, match="same bounds"):
        metrics.paired_wilcoxon(first, metrics.aupimo(metrics.gather(pairs), bounds=(2e-3, 4e-2)))


@pytest.mark.parametrize("bounds", [(0.0, 0.1), (0.1, 0.01), (0.1, 2.0)])
def test_impossible_bounds_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(SpecsightError, match="bounds"):
        metrics.aupimo(metrics.gather(sample_set(0)), bounds=bounds)


def test_spro_golden_vector() -> None:
    assert metrics.spro(3, 8, metrics.saturation_area(8, 0.5, relative=True)) == 0.75


@pytest.mark.parametrize(
    ("pixels", "threshold", "relative", "area"),
    [
        (8, 0.5, True, 4),
        (9, 0.5, True, 4),
        (7, 0.99, True, 6),
        (100, 40, False, 40),
        (100, 40.9, False, 40),
        (30, 40, False, 30),
        (100, 1.0, True, 100),
        (8, 0.01, True, 1),
    ],
)
def test_saturation_area_is_whole_and_stays_within_the_region(
    pixels: int, threshold: float, relative: bool, area: float
) -> None:
    assert metrics.saturation_area(pixels, threshold, relative) == area


@pytest.mark.parametrize(
    ("on_map", "native", "threshold", "relative", "area"),
    [
        (25, 400, 80, False, 5),  # a fifth of the region in either
        (25, 400, 76, False, 5),  # 4.75 pixels, rounded
        (25, 400, 500, False, 25),
        (25, 400, 3, False, 1),
        (25, 400, 0.3, True, 7),  # a share knows no resolution
        (400, 25, 5, False, 80),
    ],
)
def test_saturation_areas_shrink_with_the_map(
    on_map: int, native: int, threshold: float, relative: bool, area: float
) -> None:
    assert metrics.saturation_area(on_map, threshold, relative, native) == area


def brute_force_spro(
    maps: list[np.ndarray], regions: list[list[np.ndarray]], areas: list[list[float]], limit: float
) -> float:
    thresholds = np.unique(np.concatenate([m.ravel() for m in maps]))[::-1]
    curve = [(0.0, 0.0)]
    clean = [~np.any(r, axis=0) if r else np.ones(m.shape, bool) for m, r in zip(maps, regions)]
    for t in thresholds:
        covered = [
            min(np.sum(m[region] >= t) / area, 1.0)
            for m, of_picture, of_areas in zip(maps, regions, areas)
            for region, area in zip(of_picture, of_areas)
        ]
        false = np.concatenate([m[c] >= t for m, c in zip(maps, clean)])
        curve.append((false.mean(), np.mean(covered)))
    x, y = np.array(curve).T
    inside = x <= limit
    at_limit = np.interp(limit, x[np.argmax(~inside) - 1 :][:2], y[np.argmax(~inside) - 1 :][:2])
    x, y = np.append(x[inside], limit), np.append(y[inside], at_limit)
    return np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / limit


@pytest.mark.parametrize("levels", [4, 1000])
@pytest.mark.parametrize("limit", [0.05, 0.3])
def test_loco_is_the_brute_force_one(levels: int, limit: float) -> None:
    generator = np.random.default_rng(7)
    maps: list[np.ndarray] = []
    regions: list[list[np.ndarray]] = []
    areas: list[list[float]] = []
    for index in range(6):
        scores = np.floor(generator.random((12, 14)) * levels).astype(np.float32)
        blobs = [ndimage.binary_dilation(generator.random((12, 14)) < 0.02, iterations=2) for _ in range(2)]
        maps.append(scores)
        regions.append([] if index < 2 else blobs)
        areas.append([] if index < 2 else [max(1.0, 0.37 * blob.sum()) for blob in blobs])
    kinds = ["good", "good", "logical", "logical", "structural", "structural"]
    truths = [
        PixelTruth(np.any([np.zeros((12, 14), bool), *r], axis=0), regions=r, saturations=a)
        for r, a in zip(regions, areas)
    ]
    found = metrics.loco_metrics(
        metrics.gather(zip(maps, truths)), kinds, [0, 1, 2, 0.5, 3, 4], limits=(limit,)
    )
    for kind, chosen in (("logical", [0, 1, 2, 3]), ("structural", [0, 1, 4, 5])):
        expected = brute_force_spro(
            [maps[i] for i in chosen], [regions[i] for i in chosen], [areas[i] for i in chosen], limit
        )
        assert found.au_spro[limit][kind] == pytest.approx(expected)
    assert found.au_spro[limit]["mean"] == pytest.approx(
        (found.au_spro[limit]["logical"] + found.au_spro[limit]["structural"]) / 2
    )
    assert found.image_auroc == {"logical": 0.75, "structural": 1.0, "mean": 0.875}


def test_covering_the_saturation_area_is_enough() -> None:
    region = np.zeros((10, 10), dtype=bool)
    region[:2, :4] = True
    scores = np.zeros((10, 10), dtype=np.float32)
    scores[0, :3] = 1
    for saturation, covered in [
        (4.0, 0.75),
        (3.0, 1.0),
        (2.5, 1.0),
        (8.0, 0.375),
        (100.0, 0.375),
        (0.1, 1.0),
        (0.0, 1.0),
    ]:
        truth = PixelTruth(region, regions=[region], saturations=[saturation])
        curve = metrics.pro_curve(metrics.gather([(scores, truth)]))
        assert curve.y[curve.x == 0].max() == covered


def test_saturation_areas_need_their_regions() -> None:
    region = np.eye(4, dtype=bool)
    with pytest.raises(SpecsightError, match="saturation"):
        metrics.gather([(np.zeros((4, 4), np.float32), PixelTruth(region, saturations=[1.0]))])
