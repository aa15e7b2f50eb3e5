"""Batches: the same ones whoever makes them, wherever a run began, and however often their parts are used."""

from __future__ import annotations

import copy
from itertools import islice

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from tests.support.slope import noise

from specsight.learning.batches import LAGS, ReusingMaker, SeededMaker, StreamMaker, batches


def test_batches_depend_on_seed_and_number_alone() -> None:
    make = SeededMaker(noise)
    unbroken = list(batches(make, 7, 0, 4, workers=0))
    assert all(map(np.array_equal, unbroken[2:], batches(make, 7, 2, 4, workers=0)))
    assert not np.array_equal(unbroken[0], next(batches(make, 8, 0, 1, workers=0)))
    endless = batches(make, 7, 2, None, workers=0)
    assert all(map(np.array_equal, unbroken[2:], islice(endless, 2)))


def test_a_worker_makes_the_batches_that_would_be_made_between_steps() -> None:
    make = SeededMaker(noise)
    expected = list(batches(make, 7, 1, 4, workers=0))
    endless = batches(make, 7, 1, None, workers=1)
    assert all(map(np.array_equal, expected, islice(endless, 3)))
    endless.close()  # type: ignore[attr-defined]


def three_numbers(generator: torch.Generator) -> list[float]:
    """A batch of a stream."""
    return torch.rand(3, generator=generator).tolist()


def test_a_stream_goes_on_from_batch_to_batch_and_does_not_depend_on_where_a_run_began() -> None:
    stream = torch.Generator().manual_seed(7)
    expected = [three_numbers(stream) for _ in range(6)]
    make = StreamMaker(three_numbers)
    assert list(batches(make, 7, 0, 6, workers=0)) == expected
    assert make(7, 2) == expected[2], "a batch that lies behind"
    assert [make(7, 4), make(7, 5)] == expected[4:], (
        "one ahead, as when a run goes on or processes take turns"
    )
    assert copy.copy(make)(7, 3) == expected[3]
    assert make(8, 5) != expected[5]


def test_reused_parts_are_made_once_and_do_not_depend_on_where_a_run_began() -> None:
    calls: list[int] = []

    def make(rng: np.random.Generator, side: int) -> tuple[int, float]:
        calls.append(side)
        return side, float(rng.random())

    def join(rng: np.random.Generator, parts: list[tuple[int, float]]) -> list[tuple[int, float]]:
        return [*parts, (parts[0][0], float(rng.random()))]

    unbroken = ReusingMaker(make, join, (128, 160, 224))
    first = [unbroken(5, index) for index in range(max(LAGS) + 3)]
    assert len(calls) == 2 * max(LAGS) + 3, "every part is made once"
    assert ReusingMaker(make, join, (128, 160, 224))(5, max(LAGS)) == first[-3]
    for batch in first[-3:]:
        assert len({side for side, _ in batch}) == 1
    assert first[-1][len(LAGS) - 1] == first[2][0], "what was new then is still learned from"
