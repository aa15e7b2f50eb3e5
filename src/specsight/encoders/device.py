"""A device's name → the device that is there, or an error that names the way out."""

from __future__ import annotations

import re

from specsight.errors import SpecsightError

AUTO, CPU = "auto", "cpu"
CUDA = re.compile(r"cuda(:(\d+))?")


def choose_device(name: str) -> str:
    """The device that `name` stands for: "cpu" or "cuda:N".

    `name` is "cpu", "cuda", "cuda:N" or "auto": the first CUDA device where there is one, else the CPU. Raises
    SpecsightError for any other name and for a device that this machine does not have.
    """
    if name == CPU:
        return CPU
    asked = CUDA.fullmatch(name)
    if asked is None and name != AUTO:
        raise SpecsightError(f"unknown device '{name}': use auto, cpu, cuda or cuda:N")
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked is None:
        return "cuda:0" if count else CPU
    number = int(asked[2] or 0)
    if number >= count:
        found = f"{count} CUDA device{'s' * (count != 1)}" if count else "no CUDA device"
        raise SpecsightError(f"device '{name}' does not exist, this machine has {found}: use auto or cpu")
    return f"cuda:{number}"
