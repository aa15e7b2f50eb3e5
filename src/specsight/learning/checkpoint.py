"""Checkpoints of a training: modules, best weights, optimiser and progress in one safetensors file.

A file carries the fingerprint of its training, is refused by any other, and is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from specsight.errors import SpecsightError
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task
from specsight.storage import below, remove_leftovers, temporary_prefix

FORMAT = "specsight training 1"
Weights = Mapping[str, Mapping[str, Tensor]]
"""Tensors by module and by their name in it."""


@dataclass
class Progress:
    """How far a training has come."""

    done: int = 0
    """Steps."""
    seconds: float = 0.0
    """Time they took, those of earlier processes included."""
    best: float = float("inf")
    """Lowest criterion so far."""
    best_step: int = 0
    validations_since_best: int = 0


def fingerprint(task: Task, schedule: Schedule, seed: int) -> dict[str, Any]:
    """What a checkpoint must agree with to be gone on from, as JSON values."""
    shapes = {
        f"{name}/{key}": list(value.shape)
        for name, module in task.modules.items()
        for key, value in module.state_dict().items()
    }
    return {**description(task.name, task.config, schedule, seed), "shapes of modules": _digest(shapes)}


def description(name: str, config: Mapping[str, Any], schedule: Schedule, seed: int) -> dict[str, Any]:
    """What is known of a training's fingerprint before its modules are; `name` and `config` are those of its task."""
    return {
        "format": FORMAT,
        "task": name,
        "schedule": json.loads(json.dumps(asdict(schedule))),
        "seed": seed,
        "config": _digest(config),
    }


def save_checkpoint(
    path: Path,
    mark: Mapping[str, Any],
    progress: Progress,
    modules: Mapping[str, nn.Module],
    best: Weights | None,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write `path` atomically, and remove what a killed training left of its own; `mark` is the training's
    `fingerprint`, `best` its best weights, if there are any."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors |= {f"now/{name}/{key}": value for key, value in module.state_dict().items()}
    for name, weights in (best or {}).items():
        tensors |= {f"best/{name}/{key}": value for key, value in weights.items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{key}": torch.as_tensor(value) for key, value in state.items()}
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    part = path.with_name(f"{temporary_prefix()}{path.name}")
    # repr of a float, infinities among them, is read back to the same bits.
    numbers = {key: repr(value) for key, value in asdict(progress).items()}
    try:
        save_file(plain, part, {"fingerprint": json.dumps(mark), **numbers})
        part.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise SpecsightError(
            f"cannot write the checkpoint '{path}' ({error}): make room or a right to write; what was written before "
            "is kept, and the same command goes on from there"
        ) from error


def load_checkpoint(
    path: Path, mark: Mapping[str, Any], modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer
) -> tuple[Progress, Weights | None]:
    """Fill `modules` and `optimiser` from `path`; returns the progress and the best weights, if there are any.

    Raises SpecsightError where the file is damaged, or its fingerprint is not `mark`.
    """
    with _refused(path):
        metadata, tensors = _read(path)
        _compare(json.loads(metadata["fingerprint"]), mark)
        for name, module in modules.items():
            module.load_state_dict(below(tensors, f"now/{name}/"))
        best = {name: below(tensors, f"best/{name}/") for name in modules}
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in below(tensors, "optimiser/").items():
            index, slot = key.split("/")
            state.setdefault(int(index), {})[slot] = value
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": state, "param_groups": groups})
        progress = Progress(
            done=int(metadata["done"]),
            seconds=float(metadata["seconds"]),
            best=float(metadata["best"]),
            best_step=int(metadata["best_step"]),
            validations_since_best=int(metadata["validations_since_best"]),
        )
    return progress, best if any(best.values()) else None


def check_checkpoint(path: Path, mark: Mapping[str, Any]) -> None:
    """Raise SpecsightError where `path` is damaged or its fingerprint differs from `mark`, which may hold parts of one.

    Nothing is checked where there is nothing.
    """
    if path.exists():
        with _refused(path), safe_open(path, "pt") as file:
            _compare(json.loads(file.metadata()["fingerprint"]), mark)


def load_modules(path: Path, modules: Mapping[str, nn.Module]) -> int:
    """Fill `modules` from the checkpoint of a training that they were part of; returns its number of steps.

    0, and nothing is loaded, where there is no file. Raises SpecsightError where the file is damaged, or of modules of
    other names or shapes.
    """
    if not path.exists():
        return 0
    with _refused(path):
        metadata, tensors = _read(path)
        _compare(json.loads(metadata["fingerprint"]), {"format": FORMAT})
        for name, module in modules.items():
            module.load_state_dict(below(tensors, f"now/{name}/"))
        return int(metadata["done"])


class _ForeignError(ValueError):
    """A checkpoint of another training; names what differs."""


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a checkpoint into one message with the way out."""
    try:
        yield
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        differs = f" (it differs in: {error})" if isinstance(error, _ForeignError) else ""
        raise SpecsightError(
            f"the checkpoint '{path}' is damaged or of another training: delete it and start again{differs}"
        ) from error


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        return dict(file.metadata()), tensors


def _compare(written: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    differing = [key for key, value in expected.items() if written.get(key) != value]
    if differing:
        raise _ForeignError(", ".join(differing))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
