"""Schedules: the rate by hand, over steps and over time, and what is refused."""

from __future__ import annotations

import math

import pytest

from specsight.errors import SpecsightError
from specsight.learning.schedule import Schedule


def test_the_rate_warms_up_stays_and_cools_down() -> None:
    plan = Schedule(steps=100, rate=2.0, warmup=10, cooldown=0.2)
    assert plan.rate_at(0) == pytest.approx(0.2)
    assert plan.rate_at(9) == plan.rate_at(79) == pytest.approx(2.0)
    assert plan.rate_at(90) == pytest.approx(1.0)
    assert plan.rate_at(99) < 0.05


def test_the_rate_falls_along_one_cosine() -> None:
    plan = Schedule(steps=300, rate=1e-3)
    for step in range(300):
        assert plan.rate_at(step) == 1e-3 * (0.5 + 0.5 * math.cos(math.pi * step / 300))
    assert plan.rate_at(150, share=0.1) == pytest.approx(5e-5)


def test_a_schedule_without_cool_down_stays_at_its_rate() -> None:
    plan = Schedule(steps=10, rate=0.5, cooldown=0.0)
    assert [plan.rate_at(step) for step in range(10)] == [0.5] * 10


def test_a_time_budget_passes_through_the_same_curve() -> None:
    steps, timed = Schedule(100, 1.0, warmup=10), Schedule(100, 1.0, minutes=5.0, warmup=10)
    assert steps.position(30, seconds=7.0) == 30
    assert timed.position(3, seconds=90.0) == 30
    assert timed.position(3, seconds=300.0) == timed.steps
    assert timed.rate_at(timed.position(3, 90.0)) == steps.rate_at(30)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 0}, "a training takes at least one step, got 0"),
        ({"steps": 5, "minutes": 0.0}, "a time budget must be above 0 minutes, got 0"),
        ({"steps": 5, "largest_gradient": 0.0}, "the largest gradient must be above 0, got 0"),
        ({"steps": 5, "minutes": math.nan}, "a time budget must be above 0 minutes, got nan"),
    ],
)
def test_a_schedule_that_does_nothing_is_refused(given: dict[str, float], message: str) -> None:
    with pytest.raises(SpecsightError, match=message):
        Schedule(rate=0.1, **given)  # type: ignore[arg-type]
