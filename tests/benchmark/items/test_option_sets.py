"""Sets of options: whoever sees the set alone can do no better than guess."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.benchmark.items.option_sets import OptionSets, in_groups


def test_each_member_of_a_set_is_right_equally_often() -> None:
    """Very uneven answers, of which two are alike: within each set drawn, all are right equally often."""
    counts = {"a": 500, "b": 300, "c": 200, "d": 90, "e": 60, "f": 50}
    sets = OptionSets(counts, (3,), lambda one, two: float({one, two} == {"a", "b"}))
    generator = np.random.default_rng(0)
    right: Counter[tuple[tuple[str, ...], str]] = Counter()
    for option in counts:
        for _ in range(round(10 * sets.quota(option))):
            wrong = sets.draw(generator, option)
            assert wrong is not None
            right[tuple(sorted((option, *wrong))), option] += 1
    totals: Counter[tuple[str, ...]] = Counter()
    for (members, _), count in right.items():
        totals[members] += count
    for (members, option), count in right.items():
        share = count / totals[members]
        assert share == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / totals[members])), (members, option)


def test_alike_answers_are_offered_together_more_often() -> None:
    alike = OptionSets(dict.fromkeys("abcdef", 10), (3,), lambda one, two: float({one, two} == {"a", "b"}))
    generator = np.random.default_rng(0)
    drawn = [alike.draw(generator, "a") or () for _ in range(500)]
    assert np.mean(["b" in wrong for wrong in drawn]) > np.mean(["c" in wrong for wrong in drawn]) + 0.05


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 1000), min_size=2, max_size=9
    ),
    st.integers(2, 4),
)
def test_no_answer_is_asked_about_more_often_than_it_occurs_or_a_kth_of_all(
    counts: dict[str, int], size: int
) -> None:
    sets = OptionSets(counts, (size,))
    assert sets.possible == (len(counts) >= size)
    if sets.possible:
        quotas = {option: sets.quota(option) for option in counts}
        assert all(0 < quotas[option] <= count * (1 + 1e-9) for option, count in counts.items())
        assert max(quotas.values()) <= sum(quotas.values()) / size * (1 + 1e-6)


def test_barred_answers_are_never_drawn_and_too_few_are_said() -> None:
    sets = OptionSets(dict.fromkeys("abcd", 5), (3,))
    generator = np.random.default_rng(1)
    assert {sets.draw(generator, "a", ["b"]) for _ in range(20)} == {("c", "d")}
    assert sets.draw(generator, "a", ["b", "c"]) is None


def test_many_answers_are_split_into_groups_of_neighbours() -> None:
    groups = in_groups([f"{k:02d}" for k in range(30)], 12)
    assert [len(group) for group in groups] == [10, 10, 10]
    assert groups[0][-1] < groups[1][0]


def test_cases_that_exclude_answers_unevenly_leave_none_of_a_set_more_likely() -> None:
    """Defects on letters touch the sidewall too, those of the sidewall seldom touch letters."""
    cases = {("letters", ("sidewall",)): 30, ("letters", ()): 10, ("sidewall", ()): 50, ("rim", ()): 20}
    sets = OptionSets(cases, (2,))
    generator = np.random.default_rng(0)
    right: Counter[tuple[tuple[str, ...], str]] = Counter()
    for (option, barred), count in cases.items():
        for _ in range(round(50 * count * sets.rate(option, barred))):
            wrong = sets.draw(generator, option, barred)
            assert wrong is not None
            assert not set(wrong) & set(barred)
            right[tuple(sorted((option, *wrong))), option] += 1
    for members, option in list(right):
        both = [right[members, one] for one in members]
        assert right[members, option] == pytest.approx(sum(both) / 2, abs=3 * np.sqrt(sum(both))), members
    assert sum(right.values()) > 50 * 50


def test_answers_of_which_no_two_go_together_make_no_question() -> None:
    assert not OptionSets({"a": 5, "b": 5}, (2,), together=lambda options: False).possible
