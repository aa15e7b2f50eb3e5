"""The loop all stages share: schedule, checkpoints, log, resumption.

A stage says what its modules are, how a batch is made and what its loss is; the loop does the rest.
"""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from specsight.errors import SpecsightError
from specsight.learning import checkpoint, processes
from specsight.learning.batches import Maker, batches
from specsight.recipes.encoder.recipe import Rhythm, Schedule

LOG = "log.jsonl"


class Stage(ABC):
    """One part of the recipe. `modules` is what it trains; `frozen` names those it only carries along."""

    name: str
    schedule: Schedule
    modules: dict[str, nn.Module]
    rates: Mapping[str, float] = {}
    """Shares of the schedule's rate, for modules that learn more slowly."""
    make: Maker
    """Makes one batch, in a worker process."""

    @abstractmethod
    def loss(self, batch: Any, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch, and numbers for the log."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Numbers on held-out material."""


def run_stage(stage: Stage, recipe: Rhythm, out: Path) -> None:
    """Train `stage` to its last step, from its checkpoint `<name>.safetensors` where there is one."""
    path = out / f"{stage.name}.safetensors"
    parameters = [p for module in stage.modules.values() for p in module.parameters() if p.requires_grad]
    # Not fused: that kernel pairs weights and gradients by memory order, which differs for channels-last weights.
    optimiser = torch.optim.AdamW(_groups(stage), lr=stage.schedule.rate)
    steps = stage.schedule.steps
    done = checkpoint.load_checkpoint(path, stage.modules, optimiser)
    # Every process keeps its own place in the file: nobody writes before all have read.
    processes.meet()
    seed = recipe.seed + sum(map(ord, stage.name))
    journal = _Journal(stage.name, out)
    for step, batch in enumerate(batches(stage.make, seed, done, steps, recipe.workers), done):
        numbers = _learn(stage, optimiser, parameters, batch, step)
        journal.add(numbers)
        count = step + 1
        if processes.rank() == 0 and (count % recipe.checkpoint_every == 0 or count == steps):
            checkpoint.save_checkpoint(path, count, stage.modules, optimiser)
            journal.write(count)
        if processes.rank() == 0 and (count % recipe.validate_every == 0 or count == steps):
            for module in stage.modules.values():
                module.eval()
            write_log(out, {"stage": stage.name, "step": count, "held_out": stage.validate()})
    if processes.rank() == 0:
        write_log(out, {"stage": stage.name, "finished": True, "step": steps})


def _learn(
    stage: Stage, optimiser: torch.optim.Optimizer, parameters: list[nn.Parameter], batch: Any, step: int
) -> dict[str, float]:
    """One step; returns its numbers."""
    for module in stage.modules.values():
        module.train()
    for group in optimiser.param_groups:
        group["lr"] = group["share"] * rate(stage.schedule, step)
    loss, numbers = stage.loss(batch, step)
    if not torch.isfinite(loss):
        raise SpecsightError(f"stage '{stage.name}' diverged at step {step}: lower its rate and start again")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    processes.average_gradients(parameters)
    torch.nn.utils.clip_grad_norm_(parameters, 5.0)
    optimiser.step()
    return {"loss": loss.item(), **numbers}


class _Journal:
    """Means of the numbers since the last line of the log."""

    def __init__(self, stage: str, out: Path) -> None:
        self.stage, self.out = stage, out
        self._clear()

    def add(self, numbers: dict[str, float]) -> None:
        self._pictures += int(numbers.pop("pictures", 0)) * processes.size()
        for key, value in numbers.items():
            self._values.setdefault(key, []).append(value)

    def write(self, step: int) -> None:
        means = {key: round(float(np.mean(values)), 5) for key, values in self._values.items()}
        rhythm = {"pictures": self._pictures, "seconds": round(time.monotonic() - self._since, 1)}
        write_log(self.out, {"stage": self.stage, "step": step, **rhythm, **means})
        self._clear()

    def _clear(self) -> None:
        self._values: dict[str, list[float]] = {}
        self._pictures, self._since = 0, time.monotonic()


def rate(schedule: Schedule, step: int) -> float:
    """Learning rate at `step` (from 0)."""
    warm = min(1.0, (step + 1) / max(1, schedule.warmup))
    cooling = max(1.0, schedule.steps * schedule.cooldown)
    left = min(1.0, (schedule.steps - step) / cooling)
    return schedule.rate * warm * (0.5 - 0.5 * math.cos(math.pi * left))


def write_log(out: Path, entry: Mapping[str, Any]) -> None:
    """Append one line to the run's log."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with (out / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": stamp, **entry}) + "\n")


def _groups(stage: Stage) -> list[dict[str, Any]]:
    """Parameter groups by module; norms and biases are not decayed."""
    groups = []
    for name, module in stage.modules.items():
        learning = [p for p in module.parameters() if p.requires_grad]
        share = stage.rates.get(name, 1.0)
        for matrices, decay in ((True, stage.schedule.weight_decay), (False, 0.0)):
            chosen = [p for p in learning if (p.ndim > 1) == matrices]
            groups.append({"params": chosen, "weight_decay": decay, "share": share})
    return groups
