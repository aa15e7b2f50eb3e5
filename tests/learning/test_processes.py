"""Several processes: two that share the work under `torchrun` learn what one learns from both their batches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from safetensors.torch import load_file

from specsight.learning import processes
from specsight.learning.checkpoint import load_modules
from specsight.learning.engine import train
from specsight.learning.schedule import Schedule
from specsight.learning.task import Maker, Task, Validation

SCHEDULE = Schedule(6, 0.05, validate_every=2, checkpoint_every=3, patience=2)


def inputs(seed: int, number: int) -> torch.Tensor:
    """Batch `number`: (4, 3)."""
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(100 * seed + number))


def both_inputs(seed: int, number: int) -> torch.Tensor:
    """The batches of two processes, (8, 3)."""
    return torch.cat([inputs(seed, 2 * number), inputs(seed, 2 * number + 1)])


class Sum(Task):
    """Learns the sum of three numbers."""

    name = "sum"

    def __init__(self, maker: Maker) -> None:
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(3, 1)
        self.modules = {"layer": self.layer}
        self._maker = maker

    def maker(self) -> Maker:
        return self._maker

    def loss(self, batch: torch.Tensor, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        error = (self.layer(batch)[:, 0] - batch.sum(1)).square().mean()
        return error, {"pictures": len(batch)}

    def validate(self) -> Validation:
        weight = self.layer.weight
        return Validation({}, float((weight - 1).square().sum()))


@pytest.mark.long
def test_two_processes_learn_what_one_learns_from_both_their_batches(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([*sys.path])}
    command = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        __file__,
        str(tmp_path),
    ]
    for _ in range(3):
        done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)
        if done.returncode == 0:
            break
        # The libraries below abort now and then while a process that has done everything ends; nothing else may fail.
        assert "terminate called without an active exception" in done.stderr, done.stderr
        assert (tmp_path / "0.json").is_file(), done.stderr
        for file in tmp_path.iterdir():
            file.unlink()
    assert done.returncode == 0, done.stderr
    alone = Sum(both_inputs)
    history = train(alone, SCHEDULE, seed=1, device="cpu")
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["weight"] == second["weight"]
    assert first["weight"] == pytest.approx(alone.layer.weight.flatten().tolist(), abs=1e-6)
    assert (first["steps"], first["best_step"]) == (history.steps, history.best_step)
    assert first["best"] == second["best"] == pytest.approx(history.best, abs=1e-6)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "loss" in line] == [3, 6], "the first process alone writes"
    assert [line["pictures"] for line in log if "loss" in line] == [24, 24], "pictures of both are counted"
    layer = torch.nn.Linear(3, 1)
    assert load_modules(tmp_path / "sum.safetensors", {"layer": layer}) == 6
    assert len(load_file(tmp_path / "sum.safetensors")) > 4


def test_one_process_is_alone() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, 2.0])
    with processes.connected():
        processes.average_gradients([parameter])
        assert (processes.rank(), processes.size(), processes.of_first(0.1)) == (0, 1, 0.1)
    assert parameter.grad.tolist() == [1.0, 2.0]


def _train_as_one_of_two(out: Path) -> None:
    with processes.connected():
        task = Sum(inputs)
        history = train(
            task, SCHEDULE, seed=1, device="cpu", checkpoint=out / "sum.safetensors", log=out / "log.jsonl"
        )
        weight = task.layer.weight.flatten().tolist()
        numbers = {"steps": history.steps, "best": history.best, "best_step": history.best_step}
        (out / f"{processes.rank()}.json").write_text(json.dumps({"weight": weight, **numbers}))


if __name__ == "__main__":
    _train_as_one_of_two(Path(sys.argv[1]))
