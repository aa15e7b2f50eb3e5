"""Which libraries can run an encoder, by the names that `--runtime` takes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from specsight.errors import SpecsightError, did_you_mean

AUTO, FAST, TORCH, ONNX, OPENVINO = "auto", "fast", "torch", "onnx", "openvino"
RUNTIMES = (AUTO, FAST, TORCH, ONNX, OPENVINO)
"""auto: the graph that a model brings, where it brings one; else torch. fast: the same; else a graph, where a library
runs one here; else torch."""
GRAPHS = {ONNX: "onnxruntime", OPENVINO: "openvino"}
"""Runtimes of graphs → the library of each, which the extra of the runtime's name installs."""

DRIVER = Path("/proc/driver/nvidia")
"""There where torch may find a GPU, which is known so without loading it."""

IMAGES = "images"
"""Input of a graph, (1, H, W, 3) uint8."""
CELLS, LAST, POOLED, JOINT_PATCHES = "cells", "last", "pooled", "joint"
"""Outputs of a graph beside its layers, see `graph`."""

_default = AUTO


def set_default_runtime(name: str) -> str:
    """What "auto" stands for in this process from now on, for encoders and models that are loaded later; returns what
    it stood for until now."""
    global _default
    before, _default = _default, check_runtime(name)
    return before


def chosen_runtime(name: str) -> str:
    """`name` or, for "auto", the default of this process. Raises SpecsightError for an unknown one."""
    return _default if check_runtime(name) == AUTO else name


def fastest(device: str) -> str:
    """What "fast" stands for on `device`: OpenVINO, else ONNX Runtime, where it is installed and no GPU is meant; else
    torch."""
    meant = device == "cpu" or (device == AUTO and not DRIVER.exists())
    there = (name for name in (OPENVINO, ONNX) if importlib.util.find_spec(GRAPHS[name]))
    return next(there, TORCH) if meant else TORCH


def check_runtime(name: str, known: tuple[str, ...] = RUNTIMES) -> str:
    """`name`, where it is among `known`; SpecsightError with a suggestion where it is not."""
    if name not in known:
        raise SpecsightError(f"unknown runtime '{name}': {did_you_mean(name, known)}")
    return name
