"""A graph that is loaded and runs: ONNX Runtime or OpenVINO behind one call.

In: a file and one array. Out: the outputs that were asked for, and no others are computed. Both run in float32, as the
graph says, on as many threads as `OMP_NUM_THREADS` allows (`threadpoolctl` does not reach their pools). Threads sleep
while they wait: ones that spin slow down whoever shares the processor.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specsight.encoders.layer import Features, Images
from specsight.encoders.runtimes.names import GRAPHS, ONNX, OPENVINO, check_runtime
from specsight.errors import SpecsightError, require
from specsight.machine import usable_processors


class Session(ABC):
    """A loaded graph; `run` may be called from several threads."""

    version: str
    """That of the library."""

    @abstractmethod
    def run(self, given: Images | Features, outputs: Sequence[str]) -> list[Features]:
        """The named outputs for what the graph takes: one image (1, H, W, 3) uint8, or vectors (n, D)."""


class OnnxSession(Session):
    """A graph in ONNX Runtime, on the CPU."""

    def __init__(self, path: Path) -> None:
        runtime: Any = require("onnxruntime", ONNX)
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads(), 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.version = runtime.__version__
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._needed = runtime.RunOptions()
        self._needed.only_execute_path_to_fetches = True

    def run(self, given: Images | Features, outputs: Sequence[str]) -> list[Features]:
        """See `Session.run`."""
        found = self._session.run(list(outputs), {self._input: given}, self._needed)
        return [np.asarray(one, np.float32) for one in found]


class OpenvinoSession(Session):
    """A graph in OpenVINO, on the CPU, compiled for each set of outputs when it is first asked for."""

    def __init__(self, path: Path) -> None:
        openvino: Any = require("openvino", OPENVINO)
        self.version = openvino.__version__.partition("-")[0]
        self._openvino, self._core = openvino, openvino.Core()
        self._model = self._core.read_model(path)
        self._input = self._model.inputs[0].any_name
        self._requests: dict[tuple[str, ...], Any] = {}
        self._alone = threading.Lock()

    def run(self, given: Images | Features, outputs: Sequence[str]) -> list[Features]:
        """See `Session.run`."""
        names = tuple(outputs)
        with self._alone:
            request = self._requests.get(names) or self._compile(names)
            request.infer({self._input: given})
            return [np.array(request.get_tensor(name).data, np.float32) for name in names]

    def _compile(self, names: tuple[str, ...]) -> Any:
        model = self._model.clone()
        if len(names) < len(model.outputs):
            model = self._openvino.Model([model.output(name) for name in names], model.get_parameters())
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
        }
        request = self._core.compile_model(model, "CPU", settings).create_infer_request()
        self._requests[names] = request
        return request


def open_session(runtime: str, path: Path) -> Session:
    """The graph in `path`, loaded by `runtime`. Raises SpecsightError where the library is missing or refuses it."""
    check_runtime(runtime, tuple(GRAPHS))
    require(GRAPHS[runtime], runtime)
    try:
        return OnnxSession(path) if runtime == ONNX else OpenvinoSession(path)
    except SpecsightError:
        raise
    except Exception as error:  # both libraries raise types of their own, and RuntimeError
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SpecsightError(f"'{path}' cannot be loaded by {GRAPHS[runtime]}: {reason}") from error


def threads() -> int:
    """How many threads a pass takes: `OMP_NUM_THREADS` where it is a number, else all usable processors."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(said) if said.isdecimal() and int(said) > 0 else usable_processors()
