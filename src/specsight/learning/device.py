"""Where tensors are computed: the name of a device, as a user writes it, to a device that is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specsight.errors import SpecsightError, did_you_mean, require

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str = "auto") -> torch.device:
    """The device of this name: "auto", "cpu", "cuda", "cuda:N" or "mps".

    "auto" is a CUDA GPU where there is one, else Apple's, else the CPU. "auto" and "cuda" give each process that
    `torchrun` started on a machine the GPU of its number. Raises SpecsightError for an unknown name and for a device
    that this machine, or this build of torch, does not have.
    """
    require("torch", "models")
    import torch

    kind, _, number = name.partition(":")
    if kind not in DEVICES or (number and (kind != "cuda" or not number.isdecimal())):
        raise SpecsightError(f"unknown device '{name}': {did_you_mean(kind, (*DEVICES, 'cuda:0'))}")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        kind = "cuda" if gpus else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "mps" and not torch.backends.mps.is_available():
        raise SpecsightError("device 'mps' is not there: torch sees no Apple GPU; choose 'cpu' or 'auto'")
    if kind != "cuda":
        return torch.device(kind)
    if not gpus:
        raise SpecsightError(f"device '{name}' is not there: torch sees no CUDA GPU; choose 'cpu' or 'auto'")
    index = int(number) if number else int(os.environ.get("LOCAL_RANK", "0")) % gpus
    if index >= gpus:
        raise SpecsightError(f"device '{name}' is not there: the GPUs are cuda:0 to cuda:{gpus - 1}")
    return torch.device("cuda", index)
