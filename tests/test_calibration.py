"""Thresholds from held-out good parts keep their promise."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.spatial import cKDTree
from scipy.stats import beta

from specsight.calibration import (
    Calibration,
    HeldOut,
    HeldOutPicture,
    ThresholdConfig,
    calibrate,
    medians_by_type,
    order_statistic,
    parts_needed,
)
from specsight.errors import SpecsightError


def judged(scores: list[float]) -> list[tuple[float, np.ndarray]]:
    return [(s, np.full((4, 5), s, dtype=np.float32)) for s in scores]


def test_59_good_parts_promise_5_percent_with_95_percent_confidence() -> None:
    assert parts_needed(0.05, 0.95) == 59
    assert parts_needed(0.01, 0.95) == 299
    calibration = calibrate(judged([i / 10 for i in range(59)]))
    assert calibration.statement() == "with 59 good parts, at most 5 % false rejects with 95 % confidence"
    assert calibration.score_threshold == pytest.approx(5.8)


def test_a_percentage_in_place_of_a_share_is_refused_with_the_share() -> None:
    with pytest.raises(SpecsightError, match=r"false-reject rate must lie .* got 5: write 0\.05 for 5 %"):
        parts_needed(5, 0.95)
    with pytest.raises(SpecsightError, match=r"confidence must lie between 0 and 1, got 1$"):
        parts_needed(0.05, 1)
    with pytest.raises(SpecsightError, match=r"false-reject rate must lie between 0 and 1, got 0$"):
        parts_needed(0, 0.95)
    with pytest.raises(SpecsightError, match=r"must lie between 0 and 1, got nan$"):
        parts_needed(float("nan"), 0.95)
    with pytest.raises(SpecsightError, match=r"false-reject rate must be a number between 0 and 1, got '5'"):
        parts_needed(cast(float, "5"), 0.95)
    with pytest.raises(SpecsightError, match="takes more than 1,000,000,000 good parts: allow a higher one"):
        parts_needed(5e-324, 0.95)
    impossible: tuple[dict[str, Any], ...] = (
        {"false_reject_rate": 5},
        {"confidence": 1.0},
        {"holdout": -1},
        {"holdout": 2.5},
        {"holdout": True},
        {"folds": 1},
        {"folds": -2},
        {"folds": 2.5},
    )
    for values in impossible:
        with pytest.raises(SpecsightError, match=r"must (lie|be)"):
            ThresholdConfig(**values)


def test_too_few_good_parts_are_named_with_what_they_do_promise() -> None:
    calibration = calibrate(judged([1.0, 3.0, 2.0]))
    assert not calibration.sufficient
    assert calibration.score_threshold == 3.0
    assert calibration.false_reject_rate == pytest.approx(1 - 0.05 ** (1 / 3))
    assert calibration.statement() == (
        "with 3 good parts nothing is promised about false rejects: 5 % takes 59 held-out good parts"
    )
    assert calibrate(judged([1.0] * 20)).statement() == (
        "with 20 good parts, at most 14 % false rejects with 95 % confidence: "
        "too few parts, 5 % takes 59 held-out good parts"
    )


@given(st.integers(5, 400), st.floats(0.001, 0.3), st.floats(0.5, 0.99999))
def test_what_is_written_promises_no_more_than_what_holds(count: int, rate: float, confidence: float) -> None:
    calibration = calibrate(judged([1.0] * count), rate, confidence)
    found = re.search(r"at most (\S+) % false rejects with (\S+) % confidence", calibration.statement())
    assert (found is None) == (calibration.false_reject_rate > 0.5)
    if found is None:
        return
    limit, sure = float(found[1]) / 100, float(found[2]) / 100
    assert calibration.false_reject_rate * (1 - 1e-9) <= limit <= calibration.false_reject_rate * 1.011
    assert sure == pytest.approx(confidence, rel=1e-9)


def test_a_part_that_is_photographed_again_counts_once_with_pictures_that_name_no_part() -> None:
    before = HeldOut((HeldOutPicture(0, 1.0, 1.0), HeldOutPicture(1, 2.0, 2.0, group="p/a")), extent=0.0)
    further = (
        # A copy of the next, which alone says that this is part a.
        HeldOutPicture(0, 3.0, 3.0),
        HeldOutPicture(0, 2.5, 2.5, group="p/a"),
        HeldOutPicture(1, 4.0, 4.0, group="p/b"),
    )
    assert before.joined(HeldOut(further, extent=0.0)).scores == [1.0, 3.0, 4.0]


def test_pictures_of_one_part_count_once_with_their_largest_score() -> None:
    calibration = calibrate(judged([1.0, 4.0, 3.0, 2.0, 9.0]), 0.5, 0.5, parts=["a", "a", "b", "b", "c"])
    assert (calibration.good_count, calibration.picture_count) == (3, 5)
    # Parts score 4, 3 and 9: the second of three promises one half with confidence one half.
    assert calibration.score_threshold == calibration.map_seed == 4.0
    assert calibration.statement() == (
        "with 3 good parts (5 pictures), at most 50 % of good parts rejected in any picture with 50 % confidence"
    )
    with pytest.raises(ValueError, match="argument 2 is"):
        calibrate(judged([1.0]), parts=["a", "b"])


def test_the_promise_holds_for_parts_that_are_photographed_several_times() -> None:
    """Five views share what their part adds to the score. Counting views as parts kept the promise in two draws of
    three only."""
    generator = np.random.default_rng(5)
    wanted, draws = 0.1, 400

    def line(parts: int) -> np.ndarray:
        return generator.normal(0, 1, (parts, 1)) + generator.normal(0, 0.3, (parts, 5))

    new_parts, new_pictures, by_view = 0, 0, 0
    for _ in range(draws):
        scores, to_come = line(30), line(20_000)
        pictures = [(float(s), np.full((1, 1), s, np.float32)) for s in scores.ravel()]
        by_part = calibrate(pictures, wanted, parts=np.repeat(np.arange(30), 5).tolist())
        assert by_part.sufficient
        new_parts += (to_come.max(1) > by_part.score_threshold).mean() <= wanted
        new_pictures += (to_come > by_part.score_threshold).mean() <= wanted
        by_view += (to_come > calibrate(pictures, wanted).score_threshold).mean() <= wanted
    # Three standard errors of a share of 0.95 in 400 draws are 0.033.
    assert new_parts / draws >= 0.95 - 0.033
    assert new_pictures >= new_parts
    assert by_view / draws < 0.85


@given(st.integers(1, 400), st.sampled_from([0.01, 0.05, 0.1, 0.3]), st.sampled_from([0.5, 0.9, 0.95]))
def test_the_rank_is_the_smallest_that_keeps_the_promise(count: int, rate: float, confidence: float) -> None:
    rank, promised = order_statistic(count, rate, confidence)
    # The share of good parts above the k-th of n scores is Beta(n - k + 1, k).
    assert beta.cdf(promised, count - rank + 1, rank) >= confidence - 1e-9
    if promised == rate and rank > 1:
        assert beta.cdf(rate, count - rank + 2, rank - 1) < confidence


def test_the_promise_holds_on_simulated_lines() -> None:
    generator = np.random.default_rng(3)
    kept = 0
    for _ in range(400):
        scores = generator.lognormal(size=93)
        threshold = np.sort(scores)[order_statistic(93, 0.05, 0.95)[0] - 1]
        kept += (generator.lognormal(size=20_000) > threshold).mean() <= 0.05
    assert kept / 400 >= 0.92


def test_folds_are_said_and_their_promise_is_called_approximate() -> None:
    held_out = HeldOut.of(judged([i / 10 for i in range(93)]), folds=5)
    calibration = held_out.calibrate()
    assert calibration.statement() == (
        "with 93 good parts in 5 folds, approximately at most 5 % false rejects with 95 % confidence"
    )
    # The same rank as of held-out parts: the second largest of 93.
    assert calibration.score_threshold == pytest.approx(9.1)
    assert held_out.at(9.05).statement() == (
        "set by hand: nothing is promised about false rejects (2 of 93 good parts in 5 folds lie above it)"
    )
    assert HeldOut.from_json(json.loads(json.dumps(held_out.to_json()))) == held_out
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration
    # Further parts, judged by the final detector: the promise stays approximate.
    assert held_out.joined(HeldOut.of(judged([1.0]))).folds == 5
    with pytest.raises(SpecsightError, match="give holdout or folds, not both"):
        ThresholdConfig(holdout=3, folds=5)
    usual = ThresholdConfig()
    assert [usual.folds_of(parts, costly=False) for parts in (2, 3, 12, 500, 501)] == [0, 3, 5, 5, 0]
    assert usual.folds_of(100, costly=True) == ThresholdConfig(holdout=5).folds_of(100, costly=False) == 0
    assert ThresholdConfig(folds=10).folds_of(600, costly=True) == 10


@pytest.mark.parametrize("kind", ["nearest", "mean"])
def test_the_promise_of_folds_holds_on_simulated_lines(kind: str) -> None:
    """Cross-conformal scores with a detector of another nature each: a memory, which folds shrink, and a mean."""
    generator = np.random.default_rng(11)
    wanted, parts, draws = 0.1, 60, 200

    def score(learned: np.ndarray, parts: np.ndarray) -> np.ndarray:
        if kind == "mean":
            return np.asarray(np.linalg.norm(parts - learned.mean(0), axis=1))
        return np.asarray(cKDTree(learned).query(parts)[0])

    kept, rejected = 0, []
    for _ in range(draws):
        good, to_come = generator.normal(0, 1, (parts, 4)), generator.normal(0, 1, (2000, 4))
        fold = np.arange(parts) % 5
        unseen = np.concatenate([score(good[fold != k], good[fold == k]) for k in range(5)])
        threshold = HeldOut.of(judged(unseen.tolist()), folds=5).calibrate(wanted).score_threshold
        rejected.append(float((score(good, to_come) > threshold).mean()))
        kept += rejected[-1] <= wanted
    # Three standard errors of a share of 0.95 in 200 draws are 0.046. The expected share of held-out parts above this
    # rank would be (60 - rank + 1) / 61: folds reject no more, for their detectors have seen less.
    rank, _ = order_statistic(parts, wanted, 0.95)
    assert kept / draws >= 0.95 - 0.046
    assert (
        0.3 * (parts - rank + 1) / (parts + 1) < np.mean(rejected) < 1.15 * (parts - rank + 1) / (parts + 1)
    )


def test_map_thresholds_come_from_maxima_and_from_pixels() -> None:
    maps = [np.linspace(0, 1 + i / 100, 400, dtype=np.float32).reshape(20, 20) for i in range(59)]
    calibration = calibrate((0.0, m) for m in maps)
    assert calibration.map_seed == pytest.approx(1.58)
    assert calibration.map_extent == pytest.approx(np.quantile(np.stack(maps), 0.995), abs=1e-6)
    assert calibration.map_extent <= calibration.map_seed


@pytest.mark.parametrize(
    ("pairs", "rate", "words"),
    [
        ([], 0.05, "no good part"),
        ([1.0], 0.0, "between 0 and 1"),
        ([1.0, float("nan")], 0.05, "not a number"),
    ],
)
def test_what_cannot_be_calibrated_is_said(pairs: list[float], rate: float, words: str) -> None:
    with pytest.raises(SpecsightError, match=words):
        calibrate(judged(pairs), rate)


def test_json_round_trip_and_another_version() -> None:
    calibration = calibrate(judged([1.0, 2.0]))
    assert Calibration.from_json(calibration.to_json()) == calibration
    with pytest.raises(SpecsightError, match="another version"):
        Calibration.from_json({"threshold": 1.0})


def test_types_are_compared_by_how_far_they_rise_above_good_parts() -> None:
    """Maps of "dot" lie at 5 on good parts, those of "cut" at 1: a cut of 4 is more than a dot of 6."""
    maps = {"dot": np.full((16, 16), 5, np.float32), "cut": np.full((16, 16), 1, np.float32)}
    maps["cut"][:4] = 100  # A few high pixels do not move a median.
    medians = [medians_by_type(maps), {"dot": 5.0, "cut": 0.5}, {"dot": 5.5}]
    calibration = calibrate(judged([1.0, 2.0, 3.0]), type_medians=medians)
    assert calibration.type_levels == {"dot": 5.0, "cut": 0.75}
    assert calibration.above_good("cut", 4.0) > calibration.above_good("dot", 6.0)
    assert calibration.above_good("never heard of", 4.0) == 4.0 - (5.0 + 0.75) / 2
    assert_array_equal(calibration.above_good("dot", maps["dot"]), 0)
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration
    assert calibrate(judged([1.0])).above_good("cut", 4.0) == 4.0
