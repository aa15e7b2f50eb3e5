"""Batches made on the fly: batch k is a pure function of (seed, k), so a resumed run sees what an unbroken one would.

Workers render ahead while the network learns; the order of batches does not depend on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from specsight.learning import processes
from specsight.synthetic.scenes.photographs import Photographs
from specsight.synthetic.scenes.scene import draw_scene

Maker = Callable[[int, int], Any]
"""(seed, number of the batch) → batch."""
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


def batches(make: Maker, seed: int, start: int, stop: int, workers: int) -> Iterator[Any]:
    """Yield this process's batch of every step from `start` up to `stop`, rendered by `workers` processes ahead.

    Of several training processes, each takes every n-th batch.
    """
    rank, size = processes.rank(), processes.size()
    loader = DataLoader(
        _Batches(make, seed),
        batch_size=None,
        sampler=range(start * size + rank, stop * size, size),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_settle,
        # A forked copy of a process whose thread pools have run can wait for threads that it does not have.
        multiprocessing_context="spawn" if workers else None,
    )
    yield from loader


class PictureBatch:
    """Makes (B, side, side, 3) uint8 batches of photographs' crops and scenes, of about `pixels` pixels in all."""

    def __init__(
        self, photographs: Photographs, sides: tuple[int, ...], pixels: int, photograph_share: float
    ) -> None:
        self.photographs, self.sides, self.pixels = photographs, sides, pixels
        self.photograph_share = photograph_share

    def __call__(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        side = int(rng.choice(self.sides))
        count = max(1, round(self.pixels / side**2))
        return np.stack([self._picture(rng, side) for _ in range(count)])

    def _picture(self, rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
        if rng.random() < self.photograph_share:
            return self.photographs.crop(rng, side)
        return draw_scene(rng, side, self.photographs if rng.random() < 0.5 else None).rgb


def _settle(worker: int) -> None:
    """One thread per worker: the cores belong to the network."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
