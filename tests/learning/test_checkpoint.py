"""Checkpoints: a file of another training, of another version, or half of one is refused with the way out."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from safetensors.torch import load_file, save_file
from tests.support.slope import SEED, Slope, learn, schedule

from specsight.errors import SpecsightError
from specsight.learning.checkpoint import (
    Progress,
    check_checkpoint,
    description,
    load_modules,
    save_checkpoint,
)
from specsight.storage import temporary_prefix

REFUSED = r"the checkpoint '.*slope.safetensors' is damaged or of another training: delete it and start again"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The checkpoint of a finished training."""
    path = tmp_path / "slope.safetensors"
    learn(Slope(), schedule(), path)
    return path


def wider() -> Slope:
    task = Slope()
    task.modules = {**task.modules, "more": torch.nn.Linear(2, 2)}
    return task


def named(**attributes: Any) -> Slope:
    task = Slope()
    for name, value in attributes.items():
        setattr(task, name, value)
    return task


@pytest.mark.parametrize(
    ("task", "given", "differs"),
    [
        (Slope(), {"steps": 41}, "schedule"),
        (Slope(), {"minutes": 3.0}, "schedule"),
        (Slope(), {"seed": 4}, "seed"),
        (wider(), {}, "shapes of modules"),
        (named(name="curve"), {}, "task"),
        (named(config={"noise": 2}), {}, "config"),
        (named(name="curve"), {"seed": 4}, "task, seed"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    path: Path, task: Slope, given: dict[str, Any], differs: str
) -> None:
    before = path.read_bytes()
    seed = {"seed": given.pop("seed")} if "seed" in given else {}
    with pytest.raises(SpecsightError, match=rf"{REFUSED} \(it differs in: {differs}\)"):
        learn(task, replace(schedule(), **given), path, **seed)
    assert path.read_bytes() == before


def test_a_damaged_checkpoint_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(SpecsightError, match=f"{REFUSED}$"):
        learn(Slope(), schedule(), path)
    with pytest.raises(SpecsightError, match=f"{REFUSED}$"):
        load_modules(path, Slope().modules)


@pytest.mark.parametrize(
    "metadata",
    [{"step": "40"}, {"done": "40", "best": "0.1", "training": "slope: Plan(steps=40)"}, None],
    ids=["recipes before", "detectors before", "no training"],
)
def test_a_checkpoint_from_before_is_refused(path: Path, metadata: dict[str, str] | None) -> None:
    save_file(load_file(path), path, metadata)
    with pytest.raises(SpecsightError, match=REFUSED):
        learn(Slope(), schedule(), path)
    with pytest.raises(SpecsightError, match=REFUSED):
        load_modules(path, Slope().modules)


def test_a_checkpoint_is_refused_before_there_are_modules(path: Path) -> None:
    check_checkpoint(path, description("slope", {}, schedule(), SEED))
    check_checkpoint(path.with_name("none.safetensors"), description("curve", {}, schedule(), SEED))
    with pytest.raises(SpecsightError, match=rf"{REFUSED} \(it differs in: task, seed\)"):
        check_checkpoint(path, description("curve", {}, schedule(), SEED + 1))
    with pytest.raises(SpecsightError, match=rf"{REFUSED} \(it differs in: schedule, config\)"):
        check_checkpoint(path, description("slope", {"noise": 2}, schedule(41), SEED))
    save_file(load_file(path), path)
    with pytest.raises(SpecsightError, match=REFUSED):
        check_checkpoint(path, {})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(SpecsightError, match=f"{REFUSED}$"):
        check_checkpoint(path, {})


def test_modules_are_handed_on_to_other_tasks(path: Path) -> None:
    trained, other = Slope(), Slope()
    learn(trained, schedule(), path)
    with torch.no_grad():
        other.line.weight.zero_()
    assert load_modules(path, {"line": other.line}) == 40
    state = load_file(path)
    assert torch.equal(other.line.weight.detach(), state["now/line/weight"])
    assert load_modules(path.with_name("none.safetensors"), {"line": other.line}) == 0
    with pytest.raises(SpecsightError, match=REFUSED):
        load_modules(path, {"line": torch.nn.Linear(3, 1)})


def test_a_folder_in_a_checkpoints_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "task.safetensors"
    path.mkdir()
    with pytest.raises(
        SpecsightError, match=r"task\.safetensors' is damaged or of another training: delete it"
    ):
        check_checkpoint(path, {})
    with pytest.raises(
        SpecsightError, match=r"task\.safetensors' is damaged or of another training: delete it"
    ):
        load_modules(path, {})


def test_a_checkpoint_that_cannot_be_written_is_named_and_the_checkpoint_of_before_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, part: Path, __: object) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    path = tmp_path / "task.safetensors"
    module = torch.nn.Linear(3, 3)
    optimiser = torch.optim.AdamW(module.parameters())
    save_checkpoint(path, {}, Progress(1), {"m": module}, None, optimiser)
    before = path.read_bytes()
    monkeypatch.setattr("specsight.learning.checkpoint.save_file", full)
    with pytest.raises(SpecsightError, match=r"cannot write the checkpoint '.*task\.safetensors'"):
        save_checkpoint(path, {}, Progress(2), {"m": module}, None, optimiser)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_training_left_goes_with_the_next_checkpoint(path: Path) -> None:
    code = "from specsight.storage import temporary_prefix; print(temporary_prefix())"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    (path.parent / f"{ended}slope.safetensors").write_bytes(b"half")
    (path.parent / f"{temporary_prefix()}other.safetensors").write_bytes(b"half")
    learn(Slope(), schedule(steps=50), path.with_name("again.safetensors"))
    assert {one.name for one in path.parent.iterdir()} == {
        "again.safetensors",
        "slope.safetensors",
        f"{temporary_prefix()}other.safetensors",
    }
