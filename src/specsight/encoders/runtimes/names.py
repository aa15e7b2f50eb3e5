"""Which libraries can run an encoder, by the names that `--runtime` takes."""

from __future__ import annotations

from specsight.errors import SpecsightError, did_you_mean

AUTO, TORCH, ONNX, OPENVINO = "auto", "torch", "onnx", "openvino"
RUNTIMES = (AUTO, TORCH, ONNX, OPENVINO)
"""auto: the graph that a model brings, where it brings one; else torch."""
GRAPHS = {ONNX: "onnxruntime", OPENVINO: "openvino"}
"""Runtimes of graphs → the library of each, which the extra of the runtime's name installs."""

IMAGES = "images"
"""Input of a graph, (1, H, W, 3) uint8."""
CELLS, LAST, POOLED, JOINT_PATCHES = "cells", "last", "pooled", "joint"
"""Outputs of a graph beside its layers, see `graph`."""

_default = AUTO


def set_default_runtime(name: str) -> None:
    """What "auto" stands for in this process from now on, for encoders and models that are loaded later."""
    global _default
    _default = check_runtime(name)


def chosen_runtime(name: str) -> str:
    """`name` or, for "auto", the default of this process. Raises SpecsightError for an unknown one."""
    return _default if check_runtime(name) == AUTO else name


def check_runtime(name: str, known: tuple[str, ...] = RUNTIMES) -> str:
    """`name`, where it is among `known`; SpecsightError with a suggestion where it is not."""
    if name not in known:
        raise SpecsightError(f"unknown runtime '{name}': {did_you_mean(name, known)}")
    return name
