"""Batches made on the fly: batch k is a pure function of (seed, k), so that a resumed run meets the same ones.

Worker processes make batches ahead while the network learns; their order does not depend on the number of workers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from specsight.learning import processes
from specsight.learning.task import Maker

Drawn = TypeVar("Drawn")
LAGS = (0, 60, 240, 600)
"""How many batches ago the parts of a reused batch were drawn: multiples of every sensible number of processes, workers
and sides, so that each worker draws what it later needs again."""


class _Batches(Dataset[Any]):
    """`make` travels to the workers: it must be small and picklable."""

    def __init__(self, make: Maker, seed: int) -> None:
        self.make, self.seed = make, seed

    def __getitem__(self, index: int) -> Any:
        return self.make(self.seed, index)


class Seeded:
    """A maker from one that takes a generator: everything is drawn afresh for every batch."""

    def __init__(self, make: Callable[[np.random.Generator], Any]) -> None:
        self.make = make

    def __call__(self, seed: int, index: int) -> Any:
        return self.make(np.random.default_rng((seed, index)))


class Reused(Generic[Drawn]):
    """A maker that draws a part of every batch and takes the rest from what was drawn for earlier ones.

    Rendering and the teacher's pass cost more than the student's; each rendering is learned from len(LAGS) times, in
    ever other company. Still a pure function of (seed, number): what is no longer at hand is drawn again.
    `draw` gets the place of the batch in the cycle of sides, so that parts fit together.
    """

    def __init__(
        self,
        draw: Callable[[np.random.Generator, int], Drawn],
        join: Callable[[np.random.Generator, list[Drawn]], Any],
        sides: tuple[int, ...],
    ) -> None:
        self.draw, self.join, self.sides = draw, join, sides
        self._kept: dict[tuple[int, int], Drawn] = {}

    def __call__(self, seed: int, index: int) -> Any:
        number = index + max(LAGS)
        parts = [self._part(seed, number - lag) for lag in LAGS]
        oldest = number - max(LAGS)
        self._kept = {key: part for key, part in self._kept.items() if key[1] > oldest}
        return self.join(np.random.default_rng((seed, 1, index)), parts)

    def _part(self, seed: int, number: int) -> Drawn:
        if (seed, number) not in self._kept:
            side = self.sides[number % len(self.sides)]
            self._kept[seed, number] = self.draw(np.random.default_rng((seed, 0, number)), side)
        return self._kept[seed, number]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": {}}


def batches(make: Maker, seed: int, start: int, stop: int | None, workers: int) -> Iterator[Any]:
    """Yield this process's batch of every step from `start` up to `stop` (None: without end).

    `workers` processes make them ahead; 0: each is made when it is asked for. Of several training processes, each takes
    every n-th batch.
    """
    rank, size = processes.rank(), processes.size()
    numbers = range(start * size + rank, sys.maxsize if stop is None else stop * size, size)
    if not workers:
        yield from (make(seed, number) for number in numbers)
        return
    yield from DataLoader(
        _Batches(make, seed),
        batch_size=None,
        sampler=numbers,
        num_workers=workers,
        prefetch_factor=4,
        worker_init_fn=_settle,
        # A forked copy of a process whose thread pools have run can wait for threads that it does not have.
        multiprocessing_context="spawn",
    )


def _settle(worker: int) -> None:
    """One thread per worker: the cores belong to the network."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
