"""Where tensors are computed: a device's name, as a user writes it, to a device that is there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from specsight.errors import SpecsightError, require

if TYPE_CHECKING:
    import torch

AUTO, CPU, MPS = "auto", "cpu", "mps"
CUDA = re.compile(r"cuda(:(\d+))?")


def choose_device(name: str = AUTO) -> torch.device:
    """The device that `name` stands for.

    `name` is "cpu", "cuda", "cuda:N", "mps" or "auto": a CUDA device where there is one, else the CPU. Of several
    processes that `torchrun` started on one machine, "auto" and "cuda" give each a device of its own, by its number.
    Raises SpecsightError for any other name and for a device that this machine, or this build of torch, does not have.
    """
    cuda = CUDA.fullmatch(name)
    if cuda is None and name not in (AUTO, CPU, MPS):
        raise SpecsightError(f"unknown device '{name}': use auto, cpu, cuda, cuda:N or mps")
    require("torch", "models")
    import torch

    if name == MPS and not torch.backends.mps.is_available():
        raise SpecsightError("device 'mps' does not exist, torch sees no Apple GPU: use auto or cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name in (CPU, MPS) or (name == AUTO and not count):
        return torch.device(MPS if name == MPS else CPU)
    number = int(cuda[2]) if cuda and cuda[2] else int(os.environ.get("LOCAL_RANK", "0")) % max(1, count)
    if number >= count:
        found = f"{count} CUDA device{'s' * (count != 1)}" if count else "no CUDA device"
        raise SpecsightError(f"device '{name}' does not exist, this machine has {found}: use auto or cpu")
    return torch.device("cuda", number)
