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

from specsight.errors import SpecsightError
from specsight.learning import processes
from specsight.learning.task import Maker

Part = TypeVar("Part")
LAGS = (0, 120, 240)
"""Ages, in batches, of the parts of a batch that reuses them: multiples of the number of sides, and of processes
times workers (see `sensible_workers`), so that each worker has made what it needs again."""
PREFETCHED = 4
"""Batches that each worker makes ahead."""


class _Batches(Dataset[Any]):
    """Batches by number; `make` is sent to the workers and must be small and picklable."""

    def __init__(self, make: Maker, seed: int) -> None:
        self.make, self.seed = make, seed

    def __getitem__(self, index: int) -> Any:
        return self.make(self.seed, index)


class SeededMaker:
    """A maker from a function of a generator: every batch is made afresh."""

    def __init__(self, make: Callable[[np.random.Generator], Any]) -> None:
        self.make = make

    def __call__(self, seed: int, index: int) -> Any:
        """The batch of this number under this seed."""
        return self.make(np.random.default_rng((seed, index)))


class StreamMaker(Generic[Part]):
    """A maker that draws its batches one after the other from a single stream of random numbers.

    Still a pure function of (seed, number): for a number that lies behind, the stream starts afresh. `draw`:
    torch generator → batch.
    """

    def __init__(self, draw: Callable[[torch.Generator], Part]) -> None:
        self.draw = draw
        self._seed: int | None = None
        self._drawn = 0
        self._generator = torch.Generator()

    def __call__(self, seed: int, index: int) -> Part:
        """Batch `index` of the stream of this seed."""
        if seed != self._seed or index < self._drawn:
            self._seed, self._drawn = seed, 0
            self._generator.manual_seed(seed)
        for _ in range(index - self._drawn):
            self.draw(self._generator)
        self._drawn = index + 1
        return self.draw(self._generator)

    def __reduce__(self) -> tuple[Any, ...]:
        return StreamMaker, (self.draw,)


class ReusingMaker(Generic[Part]):
    """A maker that joins a new part with parts of earlier batches, each part being used len(LAGS) times.

    For examples that cost more to make than to learn from. Still a pure function of (seed, number): a part that is no
    longer in memory is made again. `make`: (generator, side) → part, where `side` is taken from `sides` by turns, the
    same for all parts of a batch; `join`: (generator, parts) → batch. Raises SpecsightError for a number of sides under
    which the parts of a batch would not have one.
    """

    def __init__(
        self,
        make: Callable[[np.random.Generator, int], Part],
        join: Callable[[np.random.Generator, list[Part]], Any],
        sides: tuple[int, ...],
    ) -> None:
        if not sides or any(lag % len(sides) for lag in LAGS):
            raise SpecsightError(
                f"{len(sides)} sides of pictures: parts of one batch would differ in size; give a number of sides that "
                f"divides {LAGS[1]}"
            )
        self.make, self.join, self.sides = make, join, sides
        self._parts: dict[tuple[int, int], Part] = {}

    def __call__(self, seed: int, index: int) -> Any:
        """The batch of this number under this seed, of one new part and parts of batches before it."""
        number = index + max(LAGS)
        parts = [self._part(seed, number - lag) for lag in LAGS]
        oldest = number - max(LAGS)
        self._parts = {key: part for key, part in self._parts.items() if key[1] > oldest}
        return self.join(np.random.default_rng((seed, 1, index)), parts)

    def _part(self, seed: int, number: int) -> Part:
        if (seed, number) not in self._parts:
            side = self.sides[number % len(self.sides)]
            self._parts[seed, number] = self.make(np.random.default_rng((seed, 0, number)), side)
        return self._parts[seed, number]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_parts": {}}


def batches(make: Maker, seed: int, start: int, stop: int | None, workers: int) -> Iterator[Any]:
    """Yield this process's batch of every step from `start` up to `stop` (None: without end).

    Of n training processes, each takes every n-th batch. `workers`: see `numbered_batches`.
    """
    size = processes.size()
    numbers = range(processes.batch_number(start), sys.maxsize if stop is None else stop * size, size)
    return numbered_batches(make, seed, numbers, workers)


def numbered_batches(make: Maker, seed: int, numbers: range, workers: int) -> Iterator[Any]:
    """Yield the batches of these numbers in order; `workers` processes make them ahead, 0: each when it is needed."""
    if not workers:
        yield from (make(seed, number) for number in numbers)
        return
    yield from DataLoader(
        _Batches(make, seed),
        batch_size=None,
        sampler=numbers,
        num_workers=workers,
        prefetch_factor=PREFETCHED,
        worker_init_fn=_use_one_thread,
        # A forked copy of a process whose thread pools have run can wait for threads that it does not have.
        multiprocessing_context="spawn",
    )


def sensible_workers(processors: int, training: int = 1) -> int:
    """How many workers make batches for each of `training` processes that learn, on its `processors`.

    One processor is left to learn; a worker must meet again the parts that it has made, so that workers times processes
    divide the lags. 1 where no number does, as with 7 processes: every part is then made three times.
    """
    fitting = [n for n in range(1, processors) if LAGS[1] % (n * training) == 0]
    return max(fitting, default=1)


def _use_one_thread(worker: int) -> None:
    """One thread per worker: the other cores are for the process that learns."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
