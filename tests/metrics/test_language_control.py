"""Language control: golden vectors worked out by hand, an independent count, and what ignoring words amounts to."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.errors import SpecsightError
from specsight.metrics import image_auroc, metric_of
from specsight.metrics import language_control as control


def counted_auroc(labels: list[bool], scores: list[float]) -> float:
    """By counting couples, which shares nothing with the sorted form."""
    couples = [
        (a > b) + 0.5 * (a == b)
        for (positive, a), (other, b) in itertools.product(zip(labels, scores), repeat=2)
        if positive and not other
    ]
    return sum(couples) / len(couples)


def test_a_pair_counts_where_both_of_its_verdicts_are_right() -> None:
    pairs = ["b", "a", "c", "a", "b", "c"]
    right = [True, True, False, True, False, False]
    assert control.right_both_ways(pairs, right).tolist() == [True, False, False], "a, b, c"
    with pytest.raises(SpecsightError, match="pair 'a' has 3 verdicts"):
        control.right_both_ways(["a", "a", "a"], [True] * 3)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_who_ignores_words_has_no_pair_and_half_of_the_verdicts(pictures: list[tuple[bool, bool]]) -> None:
    """`pictures`: the one verdict that each picture gets, and which instruction of its pair comes first."""
    pairs = np.repeat(np.arange(len(pictures)), 2)
    truth = np.array([first == which for _, first in pictures for which in (True, False)])
    given_ = np.repeat([verdict for verdict, _ in pictures], 2)
    right = truth == given_
    assert control.right_both_ways(pairs, right).sum() == 0
    assert right.mean() == 0.5
    scores = np.repeat([float(n) for n in range(len(pictures))], 2)
    assert control.control_gap(truth, scores, scores) == 0.0
    assert image_auroc(truth, scores) == 0.5


def test_golden_vector_of_scopes() -> None:
    """Four questions about the rim: a defect on it (0.9), one beside it (0.8), two good pictures (0.2, 0.3)."""
    in_scope, under_scope = [True, False, False, False], [0.9, 0.1, 0.2, 0.3]
    without = [0.9, 0.95, 0.2, 0.3]
    assert control.part_auroc(in_scope, under_scope) == 1.0
    assert control.part_auroc(in_scope, without) == pytest.approx(2 / 3), "the defect beside ranks above it"
    labels, scores = [True, True, False, False], without
    assert control.scope_drop(labels, scores, in_scope, without) == pytest.approx(1 - 2 / 3)
    assert control.scope_drop(labels, scores, in_scope, under_scope) == 0.0


def test_what_is_rejected_below_its_threshold_ranks_above_all_others() -> None:
    ranks = control.decision_ranks([False, True, True, False], [-0.2, 0.4, -0.3, -0.2])
    assert ranks.tolist() == [0.0, 1.0, 2.0, 0.0]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=4, max_size=25))
def test_part_auroc_is_what_counting_couples_gives(entries: list[tuple[bool, int]]) -> None:
    labels, scores = [a for a, _ in entries], [float(b) for _, b in entries]
    if len(set(labels)) < 2:
        assert np.isnan(control.part_auroc(labels, scores))
        return
    ranks = control.decision_ranks([score > 2 for score in scores], [score - 2 for score in scores])
    assert control.part_auroc(labels, ranks) == pytest.approx(counted_auroc(labels, scores))


def test_golden_vector_of_wordings() -> None:
    change = control.wording_change([0.1, 0.5, 0.9, 0.2], [0.1, 0.504, 0.8, 0.2])
    assert change == pytest.approx((0.1, 0.026, 0.25))
    assert all(map(np.isnan, control.wording_change([], [])))
    with pytest.raises(SpecsightError, match="one entry of each"):
        control.wording_change([0.1], [0.1, 0.2])


def test_the_catalogue_knows_every_number() -> None:
    assert metric_of("pairs_scope_text").text(0.5) == "50.0 %"
    assert metric_of("scope_drop_text").direction == metric_of("wording_change_max").direction == "lower"
    assert metric_of(control.pairs_name("", "ignored")).column == "all pairs"
