"""How detectors that train weights do so: steps, progress, early stopping on held-out examples, checkpoints.

In: a `Study` (modules, a loss per step, a number on held-out examples). Out: the modules as they were where that number
was lowest. A killed training goes on from its checkpoint and ends with the weights of an unbroken one.
"""

from __future__ import annotations

import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.errors import SpecsightError, require
from specsight.progress import track

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Plan:
    """Steps of AdamW under a cosine schedule; `patience` checks without improvement end it early."""

    steps: int
    rate: float
    check_every: int = 25
    patience: int = 6
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """`steps` taken, `best` number on held-out examples and the step it was reached at; `seconds` of this process."""

    steps: int
    best: float
    best_step: int
    seconds: float


class Study(ABC):
    """What is to be trained."""

    name: str
    """Shown beside the progress bar: "clad: task"."""
    modules: Mapping[str, torch.nn.Module]
    shares: Mapping[str, float] = {}
    """Shares of the plan's rate for modules that learn more slowly, by name."""

    @abstractmethod
    def loss(self, generator: torch.Generator) -> torch.Tensor:
        """The loss of one batch, drawn with `generator`."""

    @abstractmethod
    def check(self) -> float:
        """A number on held-out examples, lower = better; called without gradients, modules in evaluation mode."""


def learn(study: Study, plan: Plan, checkpoint: Path | None = None) -> Outcome:
    """Train `study` and leave its modules with their best weights.

    Step k draws from a generator seeded by (`plan.seed`, k): same seed, same weights, interrupted or not. Raises
    SpecsightError where a loss is not finite, and leaves the checkpoint of before.
    """
    torch = require("torch", "models")
    start = time.monotonic()
    run = _Run(study, plan, checkpoint)
    with torch.enable_grad():
        for step in track(range(run.done, plan.steps), study.name):
            # Asked here, so that a run that had ended early does not go on when it is resumed.
            if run.checks_since_best >= plan.patience:
                break
            run.step(step)
            if (step + 1) % plan.check_every == 0 or step + 1 == plan.steps:
                run.check(step + 1)
    run.restore_best()
    return Outcome(run.done, run.best, run.best_step, time.monotonic() - start)


class _Run:
    """The optimiser, the best weights so far and the place in the plan."""

    def __init__(self, study: Study, plan: Plan, checkpoint: Path | None) -> None:
        import torch

        self.study, self.plan, self.path = study, plan, checkpoint
        groups = [
            {"params": list(module.parameters()), "share": study.shares.get(name, 1.0)}
            for name, module in study.modules.items()
        ]
        self.parameters = [p for group in groups for p in group["params"]]  # type: ignore[attr-defined]
        self.optimiser = torch.optim.AdamW(
            groups, lr=plan.rate, betas=plan.betas, weight_decay=plan.weight_decay
        )
        self.done, self.best, self.best_step, self.checks_since_best = 0, float("inf"), 0, 0
        self.best_weights = {name: copy.deepcopy(m.state_dict()) for name, m in study.modules.items()}
        if checkpoint is not None and checkpoint.is_file():
            self._load(checkpoint)

    def step(self, step: int) -> None:
        """One batch."""
        import math

        import torch

        for module in self.study.modules.values():
            module.train()
        for group in self.optimiser.param_groups:
            cosine = 0.5 + 0.5 * math.cos(math.pi * step / self.plan.steps)
            group["lr"] = self.plan.rate * group["share"] * cosine
        generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + step)
        loss = self.study.loss(generator)
        if not torch.isfinite(loss):
            raise SpecsightError(
                f"{self.study.name}: the loss is no longer a number at step {step + 1}: lower the rate"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimiser.step()
        self.done = step + 1

    def check(self, step: int) -> None:
        """Look at held-out examples, remember the best weights, write a checkpoint."""
        import torch

        for module in self.study.modules.values():
            module.eval()
        with torch.no_grad():
            value = float(self.study.check())
        if not value < float("inf"):
            raise SpecsightError(
                f"{self.study.name}: held-out examples give no number after step {step}: lower the rate"
            )
        self.checks_since_best += 1
        if value < self.best:
            self.best, self.best_step, self.checks_since_best = value, step, 0
            self.best_weights = {
                name: copy.deepcopy(m.state_dict()) for name, m in self.study.modules.items()
            }
        if self.path is not None:
            self._save(self.path)

    def restore_best(self) -> None:
        """The modules get their best weights back, and are left in evaluation mode."""
        for name, module in self.study.modules.items():
            module.load_state_dict(self.best_weights[name])
            module.eval()

    def _training(self) -> str:
        """What a checkpoint must be of to be gone on from."""
        return f"{self.study.name}: {self.plan}"

    def _save(self, path: Path) -> None:
        from safetensors.torch import save_file

        tensors: dict[str, Any] = {}
        for name, module in self.study.modules.items():
            tensors |= {f"now/{name}/{key}": value for key, value in module.state_dict().items()}
            tensors |= {f"best/{name}/{key}": value for key, value in self.best_weights[name].items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{key}": value for key, value in state.items()}
        place = {
            "done": str(self.done),
            "best": repr(self.best),
            "best_step": str(self.best_step),
            "checks_since_best": str(self.checks_since_best),
            "training": self._training(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, part, place)
        part.replace(path)

    def _load(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                place = file.metadata()
                if place["training"] != self._training():
                    raise ValueError(place["training"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
            for name, module in self.study.modules.items():
                module.load_state_dict(_below(tensors, f"now/{name}/"))
                self.best_weights[name] = _below(tensors, f"best/{name}/")
            state: dict[int, dict[str, Any]] = {}
            for key, value in _below(tensors, "optimiser/").items():
                index, slot = key.split("/")
                state.setdefault(int(index), {})[slot] = value
            groups = self.optimiser.state_dict()["param_groups"]
            self.optimiser.load_state_dict({"state": state, "param_groups": groups})
            self.done, self.best_step = int(place["done"]), int(place["best_step"])
            self.best, self.checks_since_best = float(place["best"]), int(place["checks_since_best"])
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise SpecsightError(
                f"the checkpoint '{path}' is damaged or of another training: delete it and start again"
            ) from error


def _below(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
