"""Overlap at the threshold in use, tables per type, and several types at once; with and without "good"."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score

from specsight import metrics
from specsight.errors import SpecsightError
from specsight.metrics import PixelTruth


def row_mask(*columns: int, width: int = 8) -> np.ndarray:
    mask = np.zeros((1, width), dtype=bool)
    mask[0, list(columns)] = True
    return mask


def test_overlap_by_hand() -> None:
    masks = [row_mask(0, 1, 2), row_mask(4), row_mask(), row_mask()]
    predictions = [row_mask(1, 2, 3), row_mask(), row_mask(), row_mask(7)]
    found = metrics.iou_at(masks, predictions)
    np.testing.assert_allclose(found.per_picture, [2 / 4, 0, 1, 0])
    assert found.mean == 0.25
    assert found.good == 0.5
    assert found.dataset == pytest.approx(2 / 6)
    assert found.dice == pytest.approx(2 * 2 / (4 + 4))
    assert found.precision == found.recall == 0.5


def test_marking_everything_is_punished_on_good_pictures_only_by_their_own_number() -> None:
    masks = [row_mask(0, 1, 2, 3, 4, 5, 6), row_mask()]
    everything = [np.ones((1, 8), bool)] * 2
    found = metrics.iou_at(masks, everything)
    assert found.mean == pytest.approx(7 / 8)
    assert found.good == 0.0


def test_trap_dice_of_a_perfect_mask_is_one() -> None:
    mask = row_mask(1, 2)
    assert metrics.iou_at([mask], [mask]).dice == 1.0


def test_overlap_is_undefined_where_nothing_defines_it() -> None:
    nothing = metrics.iou_at([row_mask()], [row_mask()])
    assert nothing.good == 1.0
    assert all(
        math.isnan(v)
        for v in (nothing.mean, nothing.dataset, nothing.dice, nothing.precision, nothing.recall)
    )
    assert math.isnan(metrics.iou_at([], []).good)
    with pytest.raises(SpecsightError, match=r"picture 0: mask is \(1, 8\) but its prediction is \(1, 9\)"):
        metrics.iou_at([row_mask()], [row_mask(width=9)])


TYPES = [("good",), ("good",), ("cut",), ("cut",), ("cut", "stain"), ("stain",)]
SCORES = [0.1, 0.5, 0.9, 0.4, 0.8, 0.3]


def typed_pixels() -> metrics.PixelScores:
    generator = np.random.default_rng(0)
    masks = {"cut": row_mask(0, 1, width=40), "stain": row_mask(10, 11, 12, width=40)}
    pairs = []
    for listed in TYPES:
        by_type = {name: masks[name] for name in listed if name != "good"}
        mask = np.any([np.zeros((1, 40), bool), *by_type.values()], axis=0)
        scores = generator.random((1, 40)).astype(np.float32)
        scores[mask] += 0.4
        pairs.append((scores, PixelTruth(mask, types=by_type)))
    return metrics.gather(pairs)


def test_each_type_is_measured_against_the_good_pictures() -> None:
    rows = {row.type: row for row in metrics.per_type(TYPES, SCORES)}
    assert list(rows) == ["good", "cut", "stain"]
    assert [row.pictures for row in rows.values()] == [2, 3, 2]
    assert rows["cut"].image_auroc == metrics.image_auroc([0, 0, 1, 1, 1], [0.1, 0.5, 0.9, 0.4, 0.8])
    assert rows["stain"].image_auroc == metrics.image_auroc([0, 0, 1, 1], [0.1, 0.5, 0.8, 0.3])
    assert math.isnan(rows["good"].image_auroc)
    assert math.isnan(rows["cut"].pixel_auroc)


def test_pixels_of_another_type_are_neither_positive_nor_defect_free() -> None:
    pixels = typed_pixels()
    rows = {row.type: row for row in metrics.per_type(TYPES, SCORES, pixels)}
    assert (rows["cut"].regions, rows["stain"].regions) == (3, 2)
    by_hand = metrics.measure(
        metrics.PixelScores(
            tuple(
                type(p)(p.background, p.types["cut"] if p.types else p.defects, {}, p.good)
                for p, listed in zip(pixels.pictures, TYPES)
                if listed != ("stain",)
            )
        )
    )
    assert by_hand.positive_pixels == 6
    assert by_hand.background_pixels == 2 * 40 + 2 * 38 + 35
    assert rows["cut"].pixel_auroc == by_hand.auroc
    assert rows["cut"].aupro == by_hand.aupro


def test_a_picture_of_one_type_needs_no_mask_by_type_but_one_of_two_does() -> None:
    mask = row_mask(0, 1)
    pixels = metrics.gather([(np.zeros((1, 8), np.float32), row_mask()), (mask.astype(np.float32), mask)])
    assert metrics.per_type([("good",), ("cut",)], [0, 1], pixels)[1].pixel_auroc == 1.0
    with pytest.raises(SpecsightError, match="picture 1 shows cut, stain but has no mask for 'cut' alone"):
        metrics.per_type([("good",), ("cut", "stain")], [0, 1], pixels)


def test_trap_averages_with_and_without_good_differ() -> None:
    rows = metrics.per_type(
        TYPES, SCORES, rejected=[False, False, True, False, True, False], iou=[1, 1, 0.5, 0.1, 0.3, 0]
    )
    assert [row.right_verdicts for row in rows] == pytest.approx([1.0, 2 / 3, 1 / 2])
    assert [row.iou for row in rows] == pytest.approx([1.0, 0.3, 0.15])
    with_good, without = metrics.macro(rows, with_good=True), metrics.macro(rows, with_good=False)
    assert without["iou"] == pytest.approx(0.225)
    assert with_good["iou"] == pytest.approx((1 + 0.3 + 0.15) / 3)
    assert without["right_verdicts"] < with_good["right_verdicts"]
    assert with_good["image_auroc"] == without["image_auroc"], "good has no ranking against itself"
    assert math.isnan(without["aupro@0.3"])


def test_inputs_of_unequal_length_are_named() -> None:
    with pytest.raises(SpecsightError, match="2 verdicts for 6 pictures"):
        metrics.per_type(TYPES, SCORES, rejected=[True, False])
    with pytest.raises(SpecsightError, match="maps"):
        metrics.per_type(TYPES[:2], SCORES[:2], typed_pixels())


names = st.sampled_from(["good", "cut", "stain", "crack"])


@given(st.lists(st.tuples(names, names), min_size=1, max_size=30))
def test_classification_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    truth, answers = zip(*pairs)
    found = metrics.classification(truth, answers)
    np.testing.assert_array_equal(
        found.confusion, confusion_matrix(truth, answers, labels=found.answers)[: len(found.f1)]
    )
    present = list(found.classes)
    expected = f1_score(truth, answers, labels=present, average=None, zero_division=0)
    assert [found.f1[name] for name in present] == pytest.approx(expected.tolist())
    assert found.macro_f1 == pytest.approx(expected.mean())
    assert sum(found.support.values()) == len(truth)


def test_trap_macro_f1_hides_the_types_behind_good() -> None:
    found = metrics.classification(["good"] * 98 + ["cut", "stain"], ["good"] * 98 + ["stain", "cut"])
    assert found.classes == ("good", "cut", "stain")
    assert found.accuracy == 0.98
    assert found.macro_f1 == pytest.approx(1 / 3)
    assert found.macro_f1_without_good == 0.0


def test_trap_unreadable_answers_are_wrong_one_after_the_other() -> None:
    found = metrics.classification(["cut"] * 5, [None, None, None, "cut", None])
    assert found.accuracy == pytest.approx(0.2)
    assert found.invalid_rate == pytest.approx(0.8)
    assert found.confusion.sum() == 5
    assert found.answers[-1] == "(invalid)"


def test_types_absent_from_the_truth_are_left_out_not_scored_zero() -> None:
    found = metrics.classification(["cut", "cut"], ["cut", "blister"])
    assert found.classes == ("cut",)
    assert found.answers == ("cut", "blister", "(invalid)")
    assert found.macro_f1 == pytest.approx(2 / 3)


def test_sets_of_types_by_hand() -> None:
    truth = [set(), {"cut"}, {"cut", "stain"}, {"stain"}, {"good"}]
    answers = [set(), {"cut"}, {"cut"}, {"cut", "stain"}, None]
    scores = {"cut": [0.1, 0.9, 0.8, 0.85, 0.2], "stain": [0.0, 0.1, 0.5, 0.9, 0.6]}
    found = metrics.multi_label(truth, answers, scores)
    assert found.support == {"cut": 2, "stain": 2}
    assert found.f1 == pytest.approx({"cut": 4 / 5, "stain": 2 / 3})
    assert found.macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found.exact_set == pytest.approx(2 / 5)
    assert found.exact_set_without_good == pytest.approx(1 / 3)
    assert found.auroc == pytest.approx({"cut": 5 / 6, "stain": 5 / 6})
    assert found.macro_auroc == pytest.approx(5 / 6)
    assert found.average_precision["cut"] == pytest.approx((1 + 2 / 3) / 2)


def test_type_accuracy_overall_and_given_detection() -> None:
    truth = [{"cut"}, {"cut"}, {"stain"}, {"cut", "stain"}, {"good"}]
    found = metrics.type_accuracy(
        truth, ["cut", "stain", None, "cut", None], [True, False, True, True, False]
    )
    assert (found.pictures, found.detected) == (3, 2)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.accuracy_detected == pytest.approx(1 / 2)


def test_top_share_mean() -> None:
    values = np.arange(2000, dtype=np.float32).reshape(40, 50)
    assert metrics.top_share_mean(values) == 1998.5
    assert metrics.top_share_mean(values[:1, :3]) == 2
    assert metrics.top_share_mean(values, share=1.0) == values.mean()
    with pytest.raises(SpecsightError, match="share"):
        metrics.top_share_mean(values, share=0)


def test_one_vs_rest_counts_other_types_as_negatives() -> None:
    cut = np.array([[0.9, 0.8, 0.1, 0.2]], dtype=np.float32)
    masks = {"cut": row_mask(0, width=4), "stain": row_mask(1, width=4)}
    good = np.full((1, 4), 0.85, dtype=np.float32)
    pictures = [
        ({"cut": cut, "stain": 1 - cut, "crack": cut}, masks),
        ({"cut": good, "stain": good, "crack": cut}, {}),
    ]
    found = metrics.one_vs_rest(["cut", "stain", "crack"], lambda: pictures)
    assert found["cut"] == (1.0, 1.0)
    # 1 - 0.8 = 0.2 beats only 1 - 0.9 = 0.1 among 7 other pixels.
    assert found["stain"][0] == pytest.approx(1 / 7)
    assert "crack" not in found


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_label_overlap_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    half = len(truth) // 2
    kinds = ["good", "a", "b", "c"]
    pieces = [(truth[None, :half], predicted[None, :half]), (truth[None, half:], predicted[None, half:])]
    pieces = [piece for piece in pieces if piece[0].size]
    found = metrics.label_overlap([t for t, _ in pieces], [p for _, p in pieces], kinds)
    present = np.unique(truth)
    expected = jaccard_score(truth, predicted, labels=present, average=None, zero_division=0)
    assert list(found.iou.values()) == pytest.approx(expected.tolist())
    assert found.miou == pytest.approx(expected.mean())
    f1 = f1_score(truth, predicted, labels=present, average=None, zero_division=0)
    assert found.macro_f1 == pytest.approx(f1.mean())
    defects = [value for label, value in zip(present, expected) if label]
    assert (
        found.miou_without_good == pytest.approx(np.mean(defects))
        if defects
        else math.isnan(found.miou_without_good)
    )


def test_pixels_take_the_type_with_the_highest_map_where_something_was_found() -> None:
    maps = {"stain": np.array([[3, 1, 1, 9]], np.float32), "cut": np.array([[1, 2, 1, 1]], np.float32)}
    found = np.array([[True, True, True, False]])
    labels = metrics.type_labels(maps, found, ["good", "blister", "cut", "stain"])
    assert labels.tolist() == [[3, 2, 2, 0]]
    assert not metrics.type_labels({}, found, ["good", "cut"]).any()


def test_class_numbers_out_of_range_are_named() -> None:
    labels = np.zeros((2, 2), dtype=int)
    with pytest.raises(SpecsightError, match=r"picture 0 has a class number outside 0\.\.1"):
        metrics.label_overlap([labels], [labels + 2], ["good", "cut"])
    with pytest.raises(SpecsightError, match="class 0 must be 'good'"):
        metrics.label_overlap([labels], [labels], ["cut"])
    with pytest.raises(SpecsightError, match="picture 0: truth"):
        metrics.label_overlap([labels], [labels[:1]], ["good", "cut"])
