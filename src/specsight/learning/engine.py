"""The training engine: a task and a schedule → trained modules and a history. Everything that learns goes through it.

A training that is killed goes on from its checkpoint and ends with the weights of an unbroken one. Under `torchrun`
each process learns from its own batches, gradients are averaged, and the first process validates and writes.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from specsight.errors import SpecsightError
from specsight.learning import processes
from specsight.learning.batches import batches
from specsight.learning.checkpoint import Progress, Weights, fingerprint, load_checkpoint, save_checkpoint
from specsight.learning.device import choose_device
from specsight.learning.history import History, Journal
from specsight.learning.precision import Precision
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task
from specsight.progress import track


def train(
    task: Task,
    schedule: Schedule,
    *,
    seed: int,
    checkpoint: Path | None = None,
    log: Path | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    workers: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> History:
    """Train `task.modules` in place; they are left in evaluation mode and on the device where they were before.

    With a criterion among the task's validations they end with their best weights, else with their last. Batch k is
    made from (`seed`, k): same seed, same weights on one device, interrupted or not (except under a time budget). On a
    CPU they are the same to the bit; on a GPU some sums are added up in changing order.

    `checkpoint`: file that a killed training goes on from. `log`: file to which lines of JSON are appended. `device`:
    see `choose_device`. `precision`: arithmetic of those parts of the task that allow mixed precision. `workers`:
    processes that make batches ahead; 0: batches are made between steps. `clock`: seconds, for the time budget.

    Raises SpecsightError where a loss or a criterion is not finite (the last checkpoint stays), where the checkpoint is
    damaged or of another training, and where the device is not there.
    """
    task.precision = precision
    home, chosen = task.device, choose_device(device)
    journal = Journal(task.name, log if processes.rank() == 0 else None, clock)
    try:
        for module in task.modules.values():
            module.to(chosen)
        run = _Run(task, schedule, seed=seed, path=checkpoint, journal=journal, clock=clock)
        # Every process reads the file for itself: nobody writes before all have read.
        processes.meet()
        with torch.enable_grad():
            for batch in run.batches(workers):
                run.step(batch)
                if run.finished:
                    break
        run.end()
    finally:
        for module in task.modules.values():
            module.to(home)
    return run.history()


class _Run:
    """The optimiser, the best weights so far and the progress through the schedule."""

    def __init__(
        self,
        task: Task,
        schedule: Schedule,
        *,
        seed: int,
        path: Path | None,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self.task, self.schedule, self.seed, self.path = task, schedule, seed, path
        self.journal, self.clock = journal, clock
        self.parameters = [p for m in task.modules.values() for p in m.parameters() if p.requires_grad]
        # Not fused: that kernel pairs weights and gradients by memory order, which differs for channels-last weights.
        self.optimiser = torch.optim.AdamW(_groups(task, schedule), lr=schedule.rate, betas=schedule.betas)
        self.mark = fingerprint(task, schedule, seed)
        self.progress = Progress()
        self.best_weights: Weights | None = None
        if path is not None and path.exists():
            self.progress, self.best_weights = load_checkpoint(path, self.mark, task.modules, self.optimiser)
        self.start, self.seconds_before = clock(), self.progress.seconds

    @property
    def position(self) -> float:
        """See `Schedule.position`."""
        return self.schedule.position(self.progress.done, self.progress.seconds)

    @property
    def finished(self) -> bool:
        """Whether the schedule's end is reached, or training ends early."""
        patience = self.schedule.patience
        early = patience is not None and self.progress.validations_since_best >= patience
        return early or self.position >= self.schedule.steps

    def batches(self, workers: int) -> Iterator[Any]:
        """The batches still to be learned from, under a progress bar; without end under a time budget."""
        if self.finished:
            return
        done, minutes = self.progress.done, self.schedule.minutes
        stop = self.schedule.steps if minutes is None else None
        made = batches(self.task.maker(), self.seed, done, stop, workers)
        if processes.rank() > 0:
            yield from made
        elif stop is None:
            yield from track(made, f"{self.task.name} ({minutes:g} min)")
        else:
            yield from track(made, self.task.name, stop - done)

    def step(self, batch: Any) -> None:
        """Learn from one batch; validate and save where the schedule says so."""
        self._learn(batch)
        self.progress.done += 1
        # One clock decides for all processes, or they would end at different steps.
        self.progress.seconds = processes.of_first(self.seconds_before + self.clock() - self.start)
        ends = self.position >= self.schedule.steps
        if ends or self.progress.done % self.schedule.validate_every == 0:
            self._validate()
        if ends or self.finished or self.progress.done % self.schedule.checkpoint_every == 0:
            self._save()

    def end(self) -> None:
        """Give the modules their best weights back."""
        for name, module in self.task.modules.items():
            if self.best_weights is not None:
                module.load_state_dict(self.best_weights[name])
            module.eval()
        self.journal.write({"finished": True, "step": self.progress.done})

    def history(self) -> History:
        """How the training went."""
        progress, seconds = self.progress, self.clock() - self.start
        return History(progress.done, progress.best, progress.best_step, seconds, tuple(self.journal.entries))

    def _learn(self, batch: Any) -> None:
        """One step of the optimiser."""
        done = self.progress.done
        for module in self.task.modules.values():
            module.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(self.position, group["share"])
        loss, numbers = self.task.loss(batch, done)
        if not torch.isfinite(loss):
            raise SpecsightError(
                f"{self.task.name}: the loss is no longer a number at step {done + 1}: lower the rate"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        processes.average_gradients(self.parameters)
        if self.schedule.largest_gradient is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.schedule.largest_gradient)
        self.optimiser.step()
        self.journal.add({"loss": loss.item(), **numbers}, processes.size())

    def _validate(self) -> None:
        """The first process validates; all keep a copy of the weights if they are the best so far."""
        criterion, progress = float("nan"), self.progress
        for module in self.task.modules.values():
            module.eval()
        if processes.rank() == 0:
            with torch.no_grad():
                validation = self.task.validate()
            self.journal.write({"step": progress.done, "held_out": dict(validation.numbers)})
            if validation.criterion is not None:
                criterion = validation.criterion
                if not criterion < float("inf"):
                    raise SpecsightError(
                        f"{self.task.name}: held-out examples give no number after step {progress.done}: lower the rate"
                    )
        criterion = processes.of_first(criterion)
        if math.isnan(criterion):
            return
        progress.validations_since_best += 1
        if criterion < progress.best:
            progress.best, progress.best_step, progress.validations_since_best = criterion, progress.done, 0
            self.best_weights = {
                name: copy.deepcopy(module.state_dict()) for name, module in self.task.modules.items()
            }

    def _save(self) -> None:
        """The first process writes the means of its numbers and a checkpoint."""
        if processes.rank() > 0:
            return
        self.journal.write_means(self.progress.done)
        if self.path is not None:
            save_checkpoint(
                self.path, self.mark, self.progress, self.task.modules, self.best_weights, self.optimiser
            )


def _groups(task: Task, schedule: Schedule) -> list[dict[str, Any]]:
    """Parameter groups by module, and by whether they are decayed."""
    groups = []
    for name, module in task.modules.items():
        learning = [p for p in module.parameters() if p.requires_grad]
        share = task.rate_shares.get(name, 1.0)
        for matrices in (True, False):
            chosen = [p for p in learning if (p.ndim > 1) == matrices]
            decay = schedule.weight_decay if matrices or schedule.decay_vectors else 0.0
            groups.append({"params": chosen, "weight_decay": decay, "share": share})
    return groups
