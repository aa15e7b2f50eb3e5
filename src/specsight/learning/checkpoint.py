"""Where a run stands: modules and optimiser in one safetensors file, so that a killed run goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


def save_checkpoint(
    path: Path, step: int, modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer
) -> None:
    """Write everything atomically; `step` batches have been learned from."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors.update({f"{name}/{key}": value for key, value in module.state_dict().items()})
    for index, state in optimiser.state_dict()["state"].items():
        tensors.update({f"optimiser/{index}/{key}": torch.as_tensor(value) for key, value in state.items()})
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    temporary = path.with_suffix(".part")
    save_file(plain, temporary, metadata={"step": str(step)})
    temporary.replace(path)


def load_checkpoint(
    path: Path, modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer | None = None
) -> int:
    """Fill `modules` (and `optimiser`) from `path`; returns the number of steps done, 0 where there is no file."""
    if not path.is_file():
        return 0
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    for name, module in modules.items():
        prefix = f"{name}/"
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    if optimiser is not None:
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimiser/"):
                _, index, name = key.split("/")
                state.setdefault(int(index), {})[name] = value
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return step
