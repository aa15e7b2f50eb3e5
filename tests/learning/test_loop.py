"""The loop of detectors that train: what is restored, what a checkpoint is worth, what happens to a broken loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from specsight.errors import SpecsightError
from specsight.learning.loop import Plan, Study, learn

PLAN = Plan(steps=40, rate=0.05, check_every=5, patience=100, seed=3)


class Killed(Exception):
    """Stands for a process that ends in the middle."""


class Slope(Study):
    """Fits y = 3x with noise; can be killed, or broken, before a step; `checks` replaces what checks say."""

    name = "slope"

    def __init__(
        self, killed: int | None = None, broken: int | None = None, checks: list[float] | None = None
    ):
        torch.manual_seed(0)
        self.line = torch.nn.Linear(1, 1)
        self.slow = torch.nn.Linear(1, 1)
        self.modules = {"line": self.line, "slow": self.slow}
        self.shares = {"slow": 0.1}
        self.killed, self.broken, self.checks = killed, broken, checks
        self.taken = 0
        self.seen: list[float] = []

    def loss(self, generator: torch.Generator) -> torch.Tensor:
        if self.taken == self.killed:
            raise Killed
        self.taken += 1
        x = torch.randn(8, 1, generator=generator)
        loss = (self.line(x) + self.slow(x) - 3 * x).square().mean()
        return loss * float("nan") if self.taken == self.broken else loss

    def check(self) -> float:
        assert not self.line.training
        self.seen.append(float(self.line.weight.detach()))
        if self.checks:
            return self.checks.pop(0)
        return float((self.line.weight + self.slow.weight - 3).square())


def weights(study: Slope) -> dict[str, torch.Tensor]:
    return {f"{n}/{k}": v.clone() for n, m in study.modules.items() for k, v in m.state_dict().items()}


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path) -> None:
    unbroken = Slope()
    expected = learn(unbroken, PLAN)
    path = tmp_path / "slope.safetensors"
    with pytest.raises(Killed):
        learn(Slope(killed=23), PLAN, path)
    resumed = Slope()
    outcome = learn(resumed, PLAN, path)
    assert resumed.taken == 20, "checks, and with them checkpoints, come every five steps"
    assert (outcome.steps, outcome.best, outcome.best_step) == (40, expected.best, expected.best_step)
    for name, value in weights(unbroken).items():
        assert torch.equal(weights(resumed)[name], value), name


def test_a_training_that_had_ended_early_does_not_go_on(tmp_path: Path) -> None:
    plan = Plan(steps=40, rate=0.05, check_every=5, patience=2)
    path = tmp_path / "slope.safetensors"
    first = Slope(checks=[1.0, 2.0, 3.0])
    assert learn(first, plan, path).steps == 15
    again = Slope()
    outcome = learn(again, plan, path)
    assert (again.taken, outcome.steps, outcome.best, outcome.best_step) == (0, 15, 1.0, 5)
    assert torch.equal(weights(again)["line/weight"], weights(first)["line/weight"])


def test_the_best_weights_come_back() -> None:
    study = Slope(checks=[5.0, 1.0, 2.0, 3.0])
    outcome = learn(study, Plan(steps=100, rate=0.05, check_every=5, patience=2))
    assert (outcome.steps, outcome.best, outcome.best_step) == (20, 1.0, 10)
    assert float(study.line.weight.detach()) == study.seen[1]
    assert not study.line.training


def test_a_module_with_a_share_learns_more_slowly() -> None:
    study = Slope()
    before = weights(study)
    learn(study, Plan(steps=1, rate=0.05, weight_decay=0.0))
    moved = {name: float((weights(study)[name] - before[name]).abs()) for name in before}
    assert moved["line/weight"] == pytest.approx(0.05, rel=1e-3), "Adam's first step is the rate itself"
    assert moved["slow/weight"] == pytest.approx(0.005, rel=1e-3)


def test_the_last_step_is_checked_even_between_checks() -> None:
    study = Slope(checks=[2.0, 1.0])
    outcome = learn(study, Plan(steps=7, rate=0.05, check_every=5))
    assert (outcome.steps, outcome.best_step) == (7, 7)


def test_a_loss_that_is_no_number_is_told_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "slope.safetensors"
    with pytest.raises(
        SpecsightError, match="slope: the loss is no longer a number at step 13: lower the rate"
    ):
        learn(Slope(broken=13), PLAN, path)
    resumed, unbroken = Slope(), Slope()
    learn(resumed, PLAN, path)
    learn(unbroken, PLAN)
    assert resumed.taken == 30, "the checkpoint of step 10 was not touched"
    assert torch.equal(weights(resumed)["line/weight"], weights(unbroken)["line/weight"])


def test_held_out_examples_that_give_no_number_are_told() -> None:
    with pytest.raises(SpecsightError, match="slope: held-out examples give no number after step 5"):
        learn(Slope(checks=[float("nan")]), PLAN)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slope.safetensors"
    learn(Slope(), PLAN, path)
    with pytest.raises(SpecsightError, match="is damaged or of another training: delete it and start again"):
        learn(Slope(), Plan(steps=41, rate=0.05, check_every=5, patience=100, seed=3), path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(SpecsightError, match="is damaged or of another training"):
        learn(Slope(), PLAN, path)
