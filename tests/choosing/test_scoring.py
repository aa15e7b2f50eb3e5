"""Scores of candidates on cases that can be counted by hand, and differences with an error that is known."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.choosing import rule, scoring
from specsight.choosing.rule import Contender
from specsight.choosing.scoring import Answers, Compared, Material, compare, measured, score

LEVELS = len(scoring.RATES)


def material(good: int = 4, painted_each: int = 1, kinds: tuple[str, ...] | None = None) -> Material:
    of_good = np.repeat(np.arange(good), painted_each)
    names = kinds or ("scratch",) * len(of_good)
    return Material(np.zeros(good, np.int64), of_good, names, np.arange(1, len(of_good) + 1))


def answers(good: list[float], painted: list[float], on_defect: float = 1.0) -> Answers:
    """Scores as given; every good map exceeds the thresholds by their shares, every defect by `on_defect`."""
    return Answers(
        np.array(good),
        np.array(painted),
        np.tile(scoring.RATES, (len(good), 1)),
        np.full((len(painted), LEVELS), on_defect),
    )


def test_a_defect_is_compared_with_the_good_pictures_of_other_parts() -> None:
    # The defect on part 0 lies above its own good picture alone; ties count one half; one of three is above.
    found = measured(answers([9, 1, 2, 3], [2, 10, 10, 10]), material())
    np.testing.assert_allclose(found[0], [(1 + 0.5) / 3, 1, 0])
    np.testing.assert_allclose(found[1:, 0], 1)
    assert found[1:, 2].tolist() == [1, 1, 1]


def test_pictures_of_another_fit_are_not_compared() -> None:
    folds = Material(np.array([0, 0, 1, 1]), np.arange(4), ("scratch",) * 4, np.arange(4))
    found = measured(answers([0, 0, 100, 100], [50, 50, 50, 50]), folds)
    assert found[:, 0].tolist() == [1, 1, 0, 0]


def test_overlap_is_the_share_of_the_defect_above_good_pixels() -> None:
    everywhere = measured(answers([0] * 4, [1] * 4, on_defect=0.25), material())
    np.testing.assert_allclose(everywhere[:, 1], 0.25)
    # As far above the thresholds as good pixels are: the area under the diagonal up to 0.3.
    chance = Answers(np.zeros(4), np.ones(4), *(np.tile(scoring.RATES, (4, 1)),) * 2)
    np.testing.assert_allclose(measured(chance, material())[:, 1], 0.15, atol=1e-3)


def test_thresholds_are_exceeded_by_the_shares_that_they_stand_for() -> None:
    values = np.random.default_rng(0).normal(size=(5, 4000)).astype(np.float32)
    levels = scoring.thresholds(list(values))
    np.testing.assert_allclose(scoring.shares_above(values.ravel(), levels), scoring.RATES, atol=1e-3)


def test_kinds_count_alike_however_many_there_are() -> None:
    of = material(4, kinds=("dent", "crack", "crack", "crack"))
    assert of.weights.tolist() == pytest.approx([0.5, 1 / 6, 1 / 6, 1 / 6])
    mean, (pictures, pixels, found) = score(answers([1] * 4, [0, 2, 2, 2]), of)
    assert pictures == pytest.approx(0.5)
    assert pixels == pytest.approx(1)
    assert found == pytest.approx(0.5)
    assert mean == pytest.approx(2 / 3)


def test_the_same_answers_do_not_differ_and_better_ones_are_ahead() -> None:
    generator = np.random.default_rng(1)
    of = material(20, 4)
    good = generator.normal(0, 1, 20)
    worse = answers(list(good), list(generator.normal(1, 1, 80)))
    same = compare(worse, worse, of)
    assert same == Compared(0, 0, (0, 0, 0), (0, 0, 0))
    better = answers(list(good), list(generator.normal(3, 1, 80)))
    ahead = compare(better, worse, of)
    assert ahead.difference > 0.15 > 2 * ahead.error > 0
    assert ahead.measures[0] > 0
    assert ahead.measures[1] == 0
    assert compare(better, worse, of) == ahead


@pytest.mark.long
def test_the_error_is_that_of_other_draws_of_parts() -> None:
    """The bootstrap's error of one draw agrees with the spread of differences over many draws of parts."""
    generator = np.random.default_rng(2)

    def drawn() -> Compared:
        part = generator.normal(0, 1, 24)
        own = part[np.repeat(np.arange(24), 3)]
        first = answers(list(part), list(own + generator.normal(1.5, 1, 72)))
        second = answers(list(part), list(own + generator.normal(1.0, 1, 72)))
        return compare(first, second, material(24, 3))

    many = [drawn() for _ in range(40)]
    spread = float(np.std([one.difference for one in many]))
    assert np.mean([one.error for one in many]) == pytest.approx(spread, rel=0.5)


def ahead(difference: float, error: float = 0.0, measures: float = 0.1, sizes: float = 0.1) -> Compared:
    return Compared(difference, error, (measures, 0.1, 0.1), (0.1, 0.1, sizes))


def test_the_defaults_win_ties_and_near_ties() -> None:
    def objection(compared: Compared) -> str:
        return rule.objection(Contender(compared))

    assert "less than 0.02 ahead is a tie" in objection(ahead(0.01))
    assert "behind" in objection(ahead(-0.3))
    assert "uncertain by 0.030" in objection(ahead(0.05, error=0.03))
    assert "behind by 0.050 in telling pictures apart" in objection(ahead(0.05, 0.01, measures=-0.05))
    assert "the largest third" in objection(ahead(0.05, 0.01, sizes=-0.05))
    finer = Compared(0.1, 0.01, (0.1, 0.1, 0.1), (0.28, 0.01, 0.01))
    assert "by 0.010 without the finest third" in objection(finer)
    assert objection(ahead(0.05, error=0.01)) == ""


def test_of_several_the_one_that_is_surest_to_be_ahead_is_taken() -> None:
    assert best({}) == (None, None)
    assert best({1: Contender(ahead(0.01))}) == (None, None)
    several = {1: ahead(0.09, 0.04), 2: ahead(0.06, 0.01), 3: ahead(0.5, 0.4)}
    assert best({k: Contender(one) for k, one in several.items()}) == (2, None)
    assert best({1: Contender(ahead(0.06, 0.01)), 2: Contender(ahead(0.06, 0.01))}) == (1, None)


def best(contenders: dict[int, Contender], between: Compared | None = None) -> tuple[int | None, int | None]:
    """The one that is taken; `between` is the difference of any two, a tie by default."""
    return rule.best(contenders, lambda *_: between or ahead(0.03, 0.02))


def test_of_two_that_tie_the_faster_is_taken() -> None:
    surest, faster = ahead(0.10, 0.01), ahead(0.07, 0.01)
    contenders = {1: Contender(surest, 0.1, 0.1), 2: Contender(faster, 0.05, 0.1)}
    assert best(contenders) == (2, 1)
    # Their own difference counts, which pictures in common make surer than that of two numbers.
    assert best(contenders, ahead(0.03, 0.01)) == (1, None)
    assert best({**contenders, 3: Contender(faster, 0.02, 0.1)}) == (3, 1)
    assert best({**contenders, 2: Contender(faster, 0.09, 0.1)}) == (1, None), "the clock's error"
    assert best({**contenders, 2: Contender(ahead(0.01), 0.05, 0.1)}) == (1, None), "a tie with the defaults"
    assert best({k: Contender(one.compared) for k, one in contenders.items()}) == (1, None), "no times"


def test_what_is_much_slower_than_the_defaults_must_be_clearly_ahead() -> None:
    near, clear = ahead(0.05, 0.02), ahead(0.07, 0.02)
    assert rule.objection(Contender(near, 0.39, 0.1)) == ""
    assert "takes 4.1 times as long as the defaults" in rule.objection(Contender(near, 0.41, 0.1))
    assert rule.objection(Contender(clear, 0.41, 0.1)) == ""
    assert rule.objection(Contender(near)) == ""
