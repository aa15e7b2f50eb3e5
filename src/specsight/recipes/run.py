"""What recipes share: options of a run, its folder, and how a task is trained in it.

In: a recipe, a folder, tasks. Out: in the folder `recipe.json`, a checkpoint for each task, and `log.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from specsight.learning import engine, processes
from specsight.learning.batches import sensible_workers
from specsight.learning.checkpoint import check_checkpoint, description
from specsight.learning.device import choose_device
from specsight.learning.history import LOG, History
from specsight.learning.precision import Precision
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task
from specsight.machine import usable_processors
from specsight.storage import check_output, only_writer, write_json


@dataclass(frozen=True)
class RunOptions:
    """What a run depends on besides its recipe."""

    seed: int = 0
    threads: int = 1
    """Of the process that learns."""
    workers: int | None = None
    """Processes that make batches ahead, for each process that learns; None: all processors but those that learn, as
    far as they fit together (see `sensible_workers`)."""
    device: str = "auto"
    """See `choose_device`."""
    precision: Precision = "auto"


@contextmanager
def run_folder(
    out: Path, recipe: Any, options: RunOptions, parts: Mapping[str, Any]
) -> Iterator[torch.device]:
    """Hold the folder `out` for a run of `recipe`, a dataclass, and yield the device to build models on.

    `parts`: by task, what of the recipe decides its training: a dataclass with a `schedule`. Connects the processes
    that `torchrun` started. Raises SpecsightError, and leaves the folder as it is, where another run holds it, where it
    has checkpoints of another recipe, and where the device does not exist.
    """
    device = choose_device(options.device)
    check_output(out)
    out.mkdir(parents=True, exist_ok=True)
    with processes.connected(), only_writer(out) if processes.rank() == 0 else nullcontext():
        torch.set_num_threads(options.threads)
        for name, part in parts.items():
            mark = description(name, config_of(part), part.schedule, _seed(name, options))
            check_checkpoint(_checkpoint(out, name), mark)
        if processes.rank() == 0:
            write_json(out / "recipe.json", json.loads(json.dumps(asdict(recipe))))
        yield device


def train_task(task: Task, schedule: Schedule, options: RunOptions, out: Path) -> History:
    """Train `task` from its checkpoint `<name>.safetensors` in `out`, where there is one."""
    return engine.train(
        task,
        schedule,
        seed=_seed(task.name, options),
        checkpoint=_checkpoint(out, task.name),
        log=out / LOG,
        device=options.device,
        precision=options.precision,
        workers=workers_of(options),
    )


def workers_of(options: RunOptions) -> int:
    """How many processes make batches ahead for this one."""
    if options.workers is not None:
        return options.workers
    return sensible_workers(usable_processors() // processes.size(), processes.size())


def _seed(name: str, options: RunOptions) -> int:
    return options.seed + sum(map(ord, name))


def _checkpoint(out: Path, name: str) -> Path:
    return out / f"{name}.safetensors"


def recipe_schedule(steps: int, rate: float, warmup: int = 200, cooldown: float = 0.3) -> Schedule:
    """The recipes' schedules differ in these alone; norms and biases are not decayed."""
    return Schedule(
        steps,
        rate,
        warmup=warmup,
        cooldown=cooldown,
        weight_decay=0.02,
        decay_vectors=False,
        validate_every=250,
        checkpoint_every=100,
    )


def config_of(part: Any) -> Mapping[str, Any]:
    """What a checkpoint of a stage must agree with, besides its schedule and its seed."""
    return {name: value for name, value in asdict(part).items() if name not in ("schedule", "options")}
