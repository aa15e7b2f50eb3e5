"""The training engine: what is restored, when it ends, what it logs, and what happens to a broken loss."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from tests.support.slope import Clock, Killed, Slope, learn, schedule

from specsight.errors import SpecsightError
from specsight.learning.history import write_entry
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task, Validation


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path) -> None:
    unbroken = Slope()
    expected = learn(unbroken, schedule())
    path = tmp_path / "slope.safetensors"
    with pytest.raises(Killed):
        learn(Slope(killed=23), schedule(), path)
    resumed = Slope()
    history = learn(resumed, schedule(), path)
    assert resumed.taken == 20, "validations, and with them checkpoints, come every five steps"
    assert (history.steps, history.best, history.best_step) == (40, expected.best, expected.best_step)
    for name, value in unbroken.weights().items():
        assert torch.equal(resumed.weights()[name], value), name


def test_a_training_killed_at_a_validation_ends_with_the_weights_of_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken, path = Slope(), tmp_path / "slope.safetensors"
    learn(unbroken, schedule())
    validate = Slope.validate

    def killed(self: Slope) -> Validation:
        if self.taken == 15:
            raise Killed
        return validate(self)

    with monkeypatch.context() as patch:
        patch.setattr(Slope, "validate", killed)
        with pytest.raises(Killed):
            learn(Slope(), schedule(), path)
    resumed = Slope()
    learn(resumed, schedule(), path)
    assert resumed.taken == 30, "the last checkpoint is that of step 10"
    for name, value in unbroken.weights().items():
        assert torch.equal(resumed.weights()[name], value), name


def test_a_training_that_had_ended_early_does_not_go_on(tmp_path: Path) -> None:
    path = tmp_path / "slope.safetensors"
    first = Slope(criteria=[1.0, 2.0, 3.0])
    assert learn(first, schedule(patience=2), path).steps == 15
    again = Slope()
    history = learn(again, schedule(patience=2), path)
    assert (again.taken, history.steps, history.best, history.best_step) == (0, 15, 1.0, 5)
    assert torch.equal(again.weights()["line/weight"], first.weights()["line/weight"])


def test_the_best_weights_come_back() -> None:
    task = Slope(criteria=[5.0, 1.0, 2.0, 3.0])
    history = learn(task, schedule(100, patience=2))
    assert (history.steps, history.best, history.best_step) == (20, 1.0, 10)
    assert float(task.line.weight.detach()) == task.validated[1]
    assert not task.line.training


def test_without_a_criterion_the_last_weights_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Slope, "validate", lambda self: Validation({"error": 0.0}))
    judged, path = Slope(), tmp_path / "slope.safetensors"
    history = learn(judged, schedule(patience=1), path)
    assert (history.steps, history.best, history.best_step) == (40, float("inf"), 0)
    longer = Slope()
    learn(longer, schedule(patience=1), path)
    assert longer.taken == 0
    assert torch.equal(longer.weights()["line/weight"], judged.weights()["line/weight"])


def test_a_module_with_a_share_learns_more_slowly() -> None:
    task = Slope()
    before = task.weights()
    learn(task, Schedule(1, 0.05, weight_decay=0.0))
    moved = {name: float((task.weights()[name] - before[name]).abs()) for name in before}
    assert moved["line/weight"] == pytest.approx(0.05, rel=1e-3), "Adam's first step is the rate itself"
    assert moved["slow/weight"] == pytest.approx(0.005, rel=1e-3)


@pytest.mark.parametrize(("largest", "gradient"), [(5.0, 5.0), (2.0, 2.0), (None, 30.0), (100.0, 30.0)])
def test_large_gradients_are_scaled_down_only_where_the_schedule_says_so(
    largest: float | None, gradient: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    steep = Slope()
    monkeypatch.setattr(Slope, "loss", lambda self, *_: (30 * self.line.weight.sum(), {}))
    learn(steep, Schedule(1, 0.05, largest_gradient=largest))
    assert steep.line.weight.grad is not None
    assert float(steep.line.weight.grad) == pytest.approx(gradient)


@pytest.mark.parametrize("decay_vectors", [True, False])
def test_norms_and_biases_are_decayed_only_where_the_schedule_says_so(
    decay_vectors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = Slope()
    # A loss without gradients leaves the decay alone: w ← w (1 - rate · decay).
    monkeypatch.setattr(
        Slope, "loss", lambda self, *_: (0 * (self.line(torch.ones(1)) + self.slow.bias).sum(), {})
    )
    before = still.weights()
    learn(still, Schedule(1, 0.05, weight_decay=0.5, decay_vectors=decay_vectors))
    shrunk = 1 - 0.05 * 0.5
    assert still.weights()["line/weight"].item() == pytest.approx(shrunk * before["line/weight"].item())
    factor = shrunk if decay_vectors else 1
    assert still.weights()["line/bias"].item() == pytest.approx(factor * before["line/bias"].item())


def test_the_last_step_is_validated_even_between_validations() -> None:
    history = learn(Slope(criteria=[2.0, 1.0]), schedule(7))
    assert (history.steps, history.best_step) == (7, 7)


def test_a_loss_that_is_no_number_is_an_error_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "slope.safetensors"
    with pytest.raises(
        SpecsightError, match="slope: the loss is no longer a number at step 13: lower the rate"
    ):
        learn(Slope(broken=13), schedule(), path)
    resumed, unbroken = Slope(), Slope()
    learn(resumed, schedule(), path)
    learn(unbroken, schedule())
    assert resumed.taken == 30, "the checkpoint of step 10 was not touched"
    assert torch.equal(resumed.weights()["line/weight"], unbroken.weights()["line/weight"])


def test_held_out_examples_that_give_no_number_are_an_error() -> None:
    with pytest.raises(SpecsightError, match="slope: held-out examples give no number after step 5"):
        learn(Slope(criteria=[float("nan")]), schedule())


def test_a_time_budget_ends_the_training_and_carries_the_rate_with_it(tmp_path: Path) -> None:
    """Ten steps of six seconds fit into a minute, whatever number of steps the curve of the rate is made for."""
    clock, path = Clock(), tmp_path / "slope.safetensors"
    budget = schedule(steps=40, minutes=1.0)
    with pytest.raises(Killed):
        learn(Slope(killed=7, clock=clock), budget, path, clock=clock)
    clock.seconds += 1000
    resumed = Slope(clock=clock)
    history = learn(resumed, budget, path, clock=clock)
    assert (history.steps, resumed.taken, history.seconds) == (10, 5, 30.0), "half a minute was left"
    unbroken, anew = Slope(clock=clock), Slope()
    learn(unbroken, budget, clock=clock)
    learn(anew, schedule(steps=10))
    for name, value in unbroken.weights().items():
        assert torch.equal(resumed.weights()[name], value), name
        assert torch.allclose(anew.weights()[name], value), "the rate falls as over ten steps"


def test_numbers_are_logged_and_kept(tmp_path: Path) -> None:
    log, clock = tmp_path / "log.jsonl", Clock()
    history = learn(Slope(clock=clock), schedule(6), log=log, clock=clock)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [{k: v for k, v in line.items() if k != "time"} for line in lines] == [*history.entries]
    validated, means, *_, finished = lines
    assert (validated["stage"], validated["step"], list(validated["held_out"])) == ("slope", 5, ["error"])
    assert (means["step"], means["pictures"], means["seconds"]) == (5, 40, 30.0)
    assert {"loss", "x"} <= means.keys()
    assert (finished["finished"], finished["step"]) == (True, 6)


def test_a_number_that_is_not_finite_is_null_in_the_log(tmp_path: Path) -> None:
    write_entry(
        tmp_path / "runs" / "log.jsonl", {"a": float("nan"), "held_out": {"b": float("inf"), "c": 1.5}}
    )
    line = json.loads((tmp_path / "runs" / "log.jsonl").read_text())
    assert (line["a"], line["held_out"]) == (None, {"b": None, "c": 1.5})


class Halves(Task):
    """Notes the arithmetic that a task is given."""

    name = "halves"

    def __init__(self) -> None:
        self.modules = {"layer": torch.nn.Linear(2, 2)}
        self.used: set[torch.dtype] = set()

    def loss(self, batch: torch.Generator, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        with self.mixed_precision():
            outputs = self.modules["layer"](torch.ones(1, 2, device=self.device))
        self.used.add(outputs.dtype)
        return outputs.float().square().sum(), {}

    def validate(self) -> Validation:
        return Validation({})


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_that_of_the_parts_that_allow_it(precision: str) -> None:
    task = Halves()
    learn(task, Schedule(2, 0.1), precision=precision)
    assert task.used == {getattr(torch, precision)}
    assert task.modules["layer"].weight.dtype == torch.float32


def test_the_example_in_the_docs_learns(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "encoder-training.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    (tmp_path / "example.py").write_text(example, "utf-8")
    names = runpy.run_path(str(tmp_path / "example.py"))
    assert names["history"].best < 0.1
    assert names["history"].entries[-1]["finished"]
