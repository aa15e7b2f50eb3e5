"""The smallest training task: a line through noise, which can be killed, broken, or validated by given numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from specsight.learning.engine import train
from specsight.learning.history import History
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task, Validation

SEED = 3


class Killed(Exception):
    """Stands for a process that ends in the middle."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Slope(Task):
    """Fits y = 3x with noise.

    It raises `Killed` before the step after `killed`, its loss is not a number at step `broken`, `criteria` replace
    what validation finds, and every step moves `clock` by six seconds.
    """

    name = "slope"

    def __init__(
        self,
        killed: int | None = None,
        broken: int | None = None,
        criteria: list[float] | None = None,
        clock: Clock | None = None,
    ):
        torch.manual_seed(0)
        self.line = torch.nn.Linear(1, 1)
        self.slow = torch.nn.Linear(1, 1)
        self.modules = {"line": self.line, "slow": self.slow}
        self.rate_shares = {"slow": 0.1}
        self.killed, self.broken, self.criteria, self.clock = killed, broken, criteria, clock
        self.taken = 0
        self.validated: list[float] = []
        """The line's weight at each validation."""

    def loss(self, generator: torch.Generator, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        if self.taken == self.killed:
            raise Killed
        self.taken += 1
        if self.clock is not None:
            self.clock.seconds += 6
        x = torch.randn(8, 1, generator=generator)
        loss = (self.line(x) + self.slow(x) - 3 * x).square().mean()
        return loss * float("nan") if self.taken == self.broken else loss, {
            "pictures": 8,
            "x": float(x.mean()),
        }

    def validate(self) -> Validation:
        assert not self.line.training
        self.validated.append(float(self.line.weight.detach()))
        error = float((self.line.weight + self.slow.weight - 3).square())
        return Validation({"error": error}, self.criteria.pop(0) if self.criteria else error)

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of all weights, by "module/name"."""
        return {f"{n}/{k}": v.clone() for n, m in self.modules.items() for k, v in m.state_dict().items()}


def noise(generator: np.random.Generator) -> NDArray[np.float64]:
    """A batch of numbers, made by a function that can be sent to other processes."""
    return generator.normal(size=5)


def schedule(steps: int = 40, every: int = 5, patience: int | None = 100, **given: Any) -> Schedule:
    """A schedule that validates and saves every `every` steps."""
    return Schedule(steps, 0.05, validate_every=every, checkpoint_every=every, patience=patience, **given)


def learn(task: Task, plan: Schedule, path: Path | None = None, **given: Any) -> History:
    """Train on the CPU under `SEED`, with `path` as checkpoint."""
    return train(task, plan, **{"seed": SEED, "checkpoint": path, "device": "cpu", **given})
