"""The training engine: what is restored, what a checkpoint is worth, what happens to a broken loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from specsight.errors import SpecsightError
from specsight.learning.engine import train
from specsight.learning.history import History
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task, Validation

SEED = 3


def plan(steps: int = 40, every: int = 5, patience: int = 100, **given: Any) -> Schedule:
    return Schedule(steps, 0.05, validate_every=every, checkpoint_every=every, patience=patience, **given)


def learn(task: Task, schedule: Schedule, path: Path | None = None, **given: Any) -> History:
    return train(task, schedule, **{"seed": SEED, "checkpoint": path, "device": "cpu", **given})


class Killed(Exception):
    """Stands for a process that ends in the middle."""


class Slope(Task):
    """Fits y = 3x with noise; can be killed, or broken, before a step; `checks` replaces what validation says."""

    name = "slope"

    def __init__(
        self, killed: int | None = None, broken: int | None = None, checks: list[float] | None = None
    ):
        torch.manual_seed(0)
        self.line = torch.nn.Linear(1, 1)
        self.slow = torch.nn.Linear(1, 1)
        self.modules = {"line": self.line, "slow": self.slow}
        self.rate_shares = {"slow": 0.1}
        self.killed, self.broken, self.checks = killed, broken, checks
        self.taken = 0
        self.seen: list[float] = []

    def loss(self, generator: torch.Generator, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        if self.taken == self.killed:
            raise Killed
        self.taken += 1
        x = torch.randn(8, 1, generator=generator)
        loss = (self.line(x) + self.slow(x) - 3 * x).square().mean()
        return loss * float("nan") if self.taken == self.broken else loss, {"x": float(x.mean())}

    def validate(self) -> Validation:
        assert not self.line.training
        self.seen.append(float(self.line.weight.detach()))
        error = float((self.line.weight + self.slow.weight - 3).square())
        return Validation({"error": error}, self.checks.pop(0) if self.checks else error)


def weights(task: Slope) -> dict[str, torch.Tensor]:
    return {f"{n}/{k}": v.clone() for n, m in task.modules.items() for k, v in m.state_dict().items()}


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path) -> None:
    unbroken = Slope()
    expected = learn(unbroken, plan())
    path = tmp_path / "slope.safetensors"
    with pytest.raises(Killed):
        learn(Slope(killed=23), plan(), path)
    resumed = Slope()
    history = learn(resumed, plan(), path)
    assert resumed.taken == 20, "checks, and with them checkpoints, come every five steps"
    assert (history.steps, history.best, history.best_step) == (40, expected.best, expected.best_step)
    for name, value in weights(unbroken).items():
        assert torch.equal(weights(resumed)[name], value), name


def test_a_training_that_had_ended_early_does_not_go_on(tmp_path: Path) -> None:
    path = tmp_path / "slope.safetensors"
    first = Slope(checks=[1.0, 2.0, 3.0])
    assert learn(first, plan(patience=2), path).steps == 15
    again = Slope()
    history = learn(again, plan(patience=2), path)
    assert (again.taken, history.steps, history.best, history.best_step) == (0, 15, 1.0, 5)
    assert torch.equal(weights(again)["line/weight"], weights(first)["line/weight"])


def test_the_best_weights_come_back() -> None:
    task = Slope(checks=[5.0, 1.0, 2.0, 3.0])
    history = learn(task, plan(100, patience=2))
    assert (history.steps, history.best, history.best_step) == (20, 1.0, 10)
    assert float(task.line.weight.detach()) == task.seen[1]
    assert not task.line.training


def test_a_module_with_a_share_learns_more_slowly() -> None:
    task = Slope()
    before = weights(task)
    learn(task, Schedule(1, 0.05, weight_decay=0.0))
    moved = {name: float((weights(task)[name] - before[name]).abs()) for name in before}
    assert moved["line/weight"] == pytest.approx(0.05, rel=1e-3), "Adam's first step is the rate itself"
    assert moved["slow/weight"] == pytest.approx(0.005, rel=1e-3)


def test_the_last_step_is_checked_even_between_checks() -> None:
    task = Slope(checks=[2.0, 1.0])
    history = learn(task, plan(7))
    assert (history.steps, history.best_step) == (7, 7)


def test_a_loss_that_is_no_number_is_told_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "slope.safetensors"
    with pytest.raises(
        SpecsightError, match="slope: the loss is no longer a number at step 13: lower the rate"
    ):
        learn(Slope(broken=13), plan(), path)
    resumed, unbroken = Slope(), Slope()
    learn(resumed, plan(), path)
    learn(unbroken, plan())
    assert resumed.taken == 30, "the checkpoint of step 10 was not touched"
    assert torch.equal(weights(resumed)["line/weight"], weights(unbroken)["line/weight"])


def test_held_out_examples_that_give_no_number_are_told() -> None:
    with pytest.raises(SpecsightError, match="slope: held-out examples give no number after step 5"):
        learn(Slope(checks=[float("nan")]), plan())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slope.safetensors"
    learn(Slope(), plan(), path)
    with pytest.raises(SpecsightError, match="is damaged or of another training: delete it and start again"):
        learn(Slope(), plan(41), path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(SpecsightError, match="is damaged or of another training"):
        learn(Slope(), plan(), path)
