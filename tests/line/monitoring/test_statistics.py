"""Evidence against closed forms and sums written out, and what it says of simulated streams."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, norm

from specsight.errors import SpecsightError
from specsight.line.monitoring import drift, promise
from specsight.line.monitoring.drift import DriftWatch
from specsight.line.monitoring.evidence import Array, Capital, change_point, follow, log_prior, log_tail

NAN = float("nan")


def test_capital_is_the_sum_over_all_moments_and_sizes() -> None:
    log_bets = np.random.default_rng(0).normal(size=(30, 3))
    path, capital = follow(log_bets, Capital.fresh(3))
    prior = np.exp(log_prior(np.arange(1.0, 31)))
    for end in (1, 2, 17, 30):
        total = 0.0
        for size in range(3):
            for start in range(end):
                total += prior[start] * math.exp(log_bets[start:end, size].sum())
            total += 1 - prior[:end].sum()
        assert path[end - 1] == pytest.approx(math.log(total / 3), abs=1e-12)
    first, half = follow(log_bets[:11], Capital.fresh(3))
    second, whole = follow(log_bets[11:], half)
    np.testing.assert_allclose(np.concatenate([first, second]), path, atol=1e-12)
    np.testing.assert_allclose(whole.log_begun, capital.log_begun, atol=1e-12)


def test_the_prior_leaves_its_tail_and_halves_where_it_says() -> None:
    steps = np.arange(1.0, 10_001)
    assert 1 - np.exp(log_prior(steps)).sum() == pytest.approx(math.exp(log_tail(np.array(10_000.0))))
    assert math.exp(log_tail(np.array(100.0))) == pytest.approx(0.5)


def test_bets_on_scores_are_fair() -> None:
    for k, shift in enumerate(drift.SHIFTS):
        mean, _ = quad(lambda z, k=k: math.exp(drift.log_bets(np.array([z]))[0, k]) * norm.pdf(z), -12, 12)
        assert mean == pytest.approx(1, abs=1e-8), shift


@pytest.mark.parametrize("promised", [0.01, 0.05, 0.4])
def test_bets_on_rejects_are_fair_at_the_promise_and_lose_below(promised: float) -> None:
    bets = np.exp(promise.log_bets(np.array([0.0, 1.0, NAN]), promised))
    assert promised * bets[1] + (1 - promised) * bets[0] == pytest.approx(1)
    assert (bets[1] > 1).all()
    assert (bets[0] < 1).all()
    assert (bets[2] == 1).all()


def test_a_rank_among_those_before_gives_the_score() -> None:
    known = [1.0, 2.0, 2.0, 3.0]
    scores = drift.scores_of(known, np.array([2.5, 2.0]), np.array([0.5, 0.25]))
    assert scores == pytest.approx(norm.ppf([3.5 / 5, (1 + 0.25 * 3) / 6]))
    assert known == [1.0, 2.0, 2.0, 2.0, 2.5, 3.0]


@pytest.mark.parametrize(("phi", "block"), [(0.3, 1), (0.5, 7), (0.9, 40)])
def test_blocks_of_an_autoregressive_process_correlate_as_their_covariances_say(
    phi: float, block: int
) -> None:
    places = np.arange(2 * block)
    covariance = phi ** np.abs(places[:, None] - places)
    within, between = covariance[:block, :block].mean(), covariance[:block, block:].mean()
    assert drift.block_correlation(phi, block) == pytest.approx(between / within)


def test_blocks_are_longer_where_parts_resemble_each_other() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(size=4000)
    slow = np.convolve(noise, 0.9 ** np.arange(60), "valid")
    assert drift.block_for(noise.tolist()) <= 2
    assert 60 < drift.block_for(slow.tolist()) < 200
    assert drift.block_for([3.0] * 100) == 1


def test_a_reference_that_is_too_short_is_refused_with_what_it_needs() -> None:
    with pytest.raises(SpecsightError, match="needs 80 parts"):
        DriftWatch([0.0] * 50, 4, 0.01)


@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.0])
def test_a_shift_is_found_and_dated_and_nothing_else(shift: float) -> None:
    random = np.random.default_rng(4)
    values = random.normal(10, 2, 2200)
    values[1200:] += shift * 2
    watch, whole = (DriftWatch(values[:200].tolist(), 4, 0.01) for _ in range(2))
    parts = [(k, float(values[k]), float(random.uniform())) for k in range(200, 2200)]
    whole.extend(parts)
    for k in range(0, len(parts), 7):
        watch.extend(parts[k : k + 7])
    assert watch.alarm == whole.alarm
    assert watch.log_evidence == pytest.approx(whole.log_evidence)
    if shift == 0:
        assert watch.alarm is None
        with pytest.raises(ValueError, match="no alarm"):
            watch.since()
        return
    assert watch.alarm is not None
    assert 1200 < watch.alarm < 1300
    since, mean = watch.since()
    assert since == pytest.approx(1200, abs=20)
    assert mean == pytest.approx(10 + 2 * shift, abs=1)


@pytest.mark.parametrize("value", [0.1, 0.0, 118.0, 1e-9, -3.5])
def test_a_reference_of_parts_that_are_all_alike_has_a_resolution(value: float) -> None:
    ties = np.random.default_rng(0).uniform(size=400).tolist()
    size = abs(value) or 1.0
    alarms = []
    for off in (1e-12, -1e-8, 1e-3):
        watch = DriftWatch([value] * 50, 1, 0.01)
        watch.extend([(k, value + off * size, tie) for k, tie in enumerate(ties)])
        alarms.append(watch.alarm is not None)
    assert alarms == [False, False, True]


def test_false_alarms_are_as_rare_as_stated() -> None:
    random = np.random.default_rng(5)
    highest = []
    for _ in range(200):
        values, ties = random.standard_cauchy(460), random.random(400)  # whatever the distribution is
        scores = drift.scores_of(sorted(values[:60].tolist()), values[60:], ties)
        highest.append(follow(drift.log_bets(scores), Capital.fresh(len(drift.SHIFTS)))[0].max())
    assert np.mean(np.array(highest) >= math.log(10)) <= 0.15  # 0.1 promised; 200 streams


def test_the_change_is_where_likelihood_is_largest() -> None:
    assert change_point(np.array([[-1.0], [-1.0], [2.0], [1.0]])) == 2


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 50), (50, 50), (40, 2000)])
def test_the_interval_of_a_rate_ends_where_the_mixed_likelihood_says(successes: int, trials: int) -> None:
    low, high = promise.interval(successes, trials, 0.05)
    mixed, _ = quad(lambda q: binom.pmf(successes, trials, q), 0, 1, points=[successes / trials], limit=200)
    for end in (low, high):
        if 0 < end < 1:
            assert mixed / binom.pmf(successes, trials, end) == pytest.approx(20, rel=1e-6)
    assert (low == 0) == (successes == 0)
    assert (high == 1) == (successes == trials)
    assert low <= successes / trials <= high


def test_nothing_known_says_nothing() -> None:
    assert promise.interval(0, 0) == (0.0, 1.0)
    found = promise.check_promise([], np.array([]), 0, 0.05)
    assert (found.rate, found.alarm, found.holds) == (None, None, False)


def test_too_many_rejects_are_found_and_dated_and_a_kept_promise_is_seen() -> None:
    random = np.random.default_rng(6)
    numbers = list(range(10, 2010))
    outcomes = (random.random(2000) < np.where(np.arange(2000) < 1000, 0.02, 0.2)).astype(float)
    found = promise.check_promise(numbers, outcomes, 0, 0.05)
    assert found.alarm is not None
    assert 1010 < found.alarm < 1300
    assert found.since == pytest.approx(1010, abs=40)
    kept = promise.check_promise(numbers[:1000], outcomes[:1000], 0, 0.05)
    assert (kept.alarm, kept.holds) == (None, True)
    waiting = promise.check_promise(numbers[:1000], outcomes[:1000], 60, 0.05)
    assert (waiting.alarm, waiting.holds) == (None, False)
    assert waiting.worst == pytest.approx((kept.false_rejects + 60) / 1060)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=1, max_size=60), st.data())
def test_outcomes_that_are_confirmed_later_only_raise_the_evidence(
    outcomes: list[float], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(outcomes) - 1))
    before = np.array(outcomes)
    after = before.copy()
    after[place] = 1.0 if np.isnan(before[place]) else NAN if before[place] == 0 else 1.0

    def path(of: Array) -> Array:
        bets = promise.log_bets(of, 0.05)
        return follow(bets, Capital.fresh(bets.shape[-1]))[0]

    assert (path(after) >= path(before) - 1e-12).all()
