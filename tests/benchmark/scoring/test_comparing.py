"""Two runs are compared on the questions that both were asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.support.answered_benchmark import sample, verdict_item, write_benchmark, write_run

from specsight.benchmark.scoring.comparing import differences
from specsight.benchmark.scoring.reading import read_run
from specsight.metrics.bootstrap import bootstrap


def test_the_difference_and_its_paired_interval(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = [sample(f"s{k}", group=f"object {k // 2}") for k in range(40)]
    items = [verdict_item(f"s{k}/a", f"s{k}", "accept") for k in range(40)]
    benchmark = write_benchmark(tmp_path / "bench", samples, items)
    right = rng.random((2, 40)) < [[0.8], [0.5]]
    runs = [
        read_run(
            benchmark,
            write_run(tmp_path / f"run{n}", benchmark, {i.id: "B" if r else "A" for i, r in zip(items, row)}),
        )
        for n, row in enumerate(right)
    ]
    found = differences(runs[0], runs[1], resamples=100)["task/anomaly"]
    gap = right[0].astype(float) - right[1]
    assert found.value == pytest.approx(gap.mean())
    expected = bootstrap(
        lambda chosen: float(gap[chosen].mean()), np.zeros(40), [k // 2 for k in range(40)], resamples=100
    )
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-9)


def test_questions_that_one_was_not_asked_do_not_count(tmp_path: Path) -> None:
    items = [verdict_item(f"s{k}/a", f"s{k}", "accept") for k in range(3)]
    benchmark = write_benchmark(tmp_path / "bench", [sample(f"s{k}") for k in range(3)], items)
    first = read_run(benchmark, write_run(tmp_path / "a", benchmark, {"s0/a": "B", "s1/a": "B"}))
    second = read_run(benchmark, write_run(tmp_path / "b", benchmark, {"s1/a": "A", "s2/a": "A"}))
    found = differences(first, second, resamples=0)["accuracy"]
    assert (found.value, found.count) == (1.0, 1)
