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
from specsight.training import checkpoint
from specsight.training.feed import Maker, batches
from specsight.training.recipe import EncoderRecipe, Schedule

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


def run_stage(stage: Stage, recipe: EncoderRecipe, out: Path) -> None:
    """Train `stage` to its last step, from its checkpoint `<name>.safetensors` where there is one; append to the log."""
    path = out / f"{stage.name}.safetensors"
    parameters = [p for module in stage.modules.values() for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(_groups(stage), lr=stage.schedule.rate)
    done = checkpoint.load_checkpoint(path, stage.modules, optimiser)
    seed = recipe.seed + sum(map(ord, stage.name))
    started, pictures, last = time.monotonic(), 0, time.monotonic()
    running: dict[str, list[float]] = {}
    feed = batches(stage.make, seed, done, stage.schedule.steps, recipe.workers)
    for step, batch in enumerate(feed, done):
        for module in stage.modules.values():
            module.train()
        for group in optimiser.param_groups:
            group["lr"] = group["share"] * rate(stage.schedule, step)
        loss, numbers = stage.loss(batch, step)
        if not torch.isfinite(loss):
            raise SpecsightError(
                f"stage '{stage.name}' diverged at step {step}: lower its rate and start again"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        pictures += int(numbers.pop("pictures", 0))
        for key, value in {"loss": loss.item(), **numbers}.items():
            running.setdefault(key, []).append(value)
        count = step + 1
        if count % recipe.checkpoint_every == 0 or count == stage.schedule.steps:
            checkpoint.save_checkpoint(path, count, stage.modules, optimiser)
            entry = {key: round(float(np.mean(values)), 5) for key, values in running.items()}
            rhythm = {"pictures": pictures, "seconds": round(time.monotonic() - last, 1)}
            write_log(out, {"stage": stage.name, "step": count, **rhythm, **entry})
            running, pictures, last = {}, 0, time.monotonic()
        if count % recipe.validate_every == 0 or count == stage.schedule.steps:
            for module in stage.modules.values():
                module.eval()
            write_log(out, {"stage": stage.name, "step": count, "held_out": stage.validate()})
    write_log(out, {"stage": stage.name, "finished": True, "seconds": round(time.monotonic() - started, 1)})


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
