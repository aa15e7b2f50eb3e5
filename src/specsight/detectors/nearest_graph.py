"""Distances of patches to a memory bank as a graph, run by what runs the encoder; exact, as `features.memory_bank` is.

In: patch vectors (n, D). Out: distances (n,) to the nearest patch of good parts, in the space where they are compared.
A graph lies in the folder `runtime` of an exported model, beside the encoder's. It notes the digest of what it was made
of: a detector that learned something else meanwhile computes in numpy, as without it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from specsight.encoders.runtimes.names import OPENVINO
from specsight.encoders.runtimes.sessions import Session, open_session, threads
from specsight.errors import SpecsightError
from specsight.features.grids import Grid
from specsight.features.memory_bank import MemoryBank
from specsight.features.patch_space import TINY, PatchSpace
from specsight.record_json import Finite, Text, check
from specsight.storage import check_regular, parse_json, read_text, write_bytes, write_json

FILE, DESCRIPTION = "nearest.onnx", "nearest.json"
"""ONNX Runtime and OpenVINO both read ONNX."""
LONGEST_DESCRIPTION = 1 << 16
PATCHES, DISTANCES = "patches", "distances"
TOLERANCE = 1e-3
"""Largest difference from numpy, as a share of the largest distance."""
PIECE = 2048
"""Patches at a time: their products with a bank of 8,192 take 64 MB."""
OPSET, IR = 17, 9


class NearestJson(TypedDict):
    """Content of `DESCRIPTION`."""

    learned: Text
    """Digest of bank and space."""
    difference: Finite


@dataclass(frozen=True)
class Nearest:
    """What a detector learned that compares patches with a bank: `space` leads to where they are compared."""

    bank: MemoryBank
    space: PatchSpace | None

    def distances(self, patches: Grid) -> Grid:
        """Distances (n,) of patch vectors (n, D), in numpy."""
        return self.bank.nearest(patches if self.space is None else self.space.project(patches))[0][:, 0]

    def arrays(self) -> dict[str, Grid]:
        """All that was learned, by name, for saving."""
        return {"bank": self.bank.vectors, **({} if self.space is None else self.space.arrays())}

    @property
    def digest(self) -> str:
        """SHA-256 of all arrays."""
        found = hashlib.sha256()
        for name, array in sorted(self.arrays().items()):
            found.update(
                f"{name} {array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes()
            )
        return found.hexdigest()

    @property
    def width(self) -> int:
        """Numbers of a patch."""
        return int(self.bank.vectors.shape[1] if self.space is None else len(self.space.scale))

    def write(self, folder: Path, runtime: str) -> float:
        """Write the graph into an existing folder; returns its largest difference from numpy, as a share of the largest
        distance. Raises SpecsightError where that is more than `TOLERANCE`."""
        write_bytes(folder / FILE, self._graph(runtime))
        run = NearestGraph(open_session(runtime, folder / FILE))
        # Near the bank and far from it: patches of good parts cannot be had back from the space.
        drawn = np.random.default_rng(0).normal(size=(2 * PIECE + 1, self.width)).astype(np.float32)
        middle = self.bank.mean if self.space is None else self.space.axes.mean / self.space.scale
        patches = (
            middle + drawn * np.linspace(0, 2, len(drawn), dtype=np.float32)[:, None] * np.abs(middle).mean()
        )
        expected = self.distances(patches)
        difference = float(
            np.abs(run.distances(patches) - expected).max() / max(float(expected.max()), 1e-12)
        )
        if not difference <= TOLERANCE:
            raise SpecsightError(
                f"the graph of distances differs from numpy by {difference:.1e} of the largest, more than {TOLERANCE:g}"
            )
        write_json(folder / DESCRIPTION, {"learned": self.digest, "difference": difference})
        return difference

    def read(self, folder: Path, runtime: str) -> NearestGraph | None:
        """The graph that lies in a folder; None where there is none, or one of something else that was learned, and on
        one thread, where numpy is quicker. Raises SpecsightError where it is damaged."""
        path = folder / DESCRIPTION
        if not path.exists() or threads() < 2:
            return None
        try:
            said = check(NearestJson, parse_json(read_text(path, LONGEST_DESCRIPTION)))
            check_regular(folder / FILE)
        except (OSError, ValueError) as error:
            raise SpecsightError(f"'{path}' is damaged: export the model again") from error
        return NearestGraph(open_session(runtime, folder / FILE)) if said["learned"] == self.digest else None

    def _graph(self, runtime: str) -> bytes:
        """The steps of `PatchSpace.project` and `MemoryBank.nearest`: neighbours are sought around the bank's mean by
        |y|² - 2xy, distances computed from differences."""
        from onnx import TensorProto, checker, helper

        nodes = _Nodes()
        query = PATCHES
        if self.space is not None:
            axes = self.space.axes
            scaled = nodes.add("Mul", query, nodes.constant(self.space.scale))
            length = nodes.add("Max", nodes.length(scaled), nodes.constant(TINY))
            centred = nodes.add("Sub", nodes.add("Div", scaled, length), nodes.constant(axes.mean))
            if axes.scale is not None:
                centred = nodes.add("Mul", centred, nodes.constant(axes.scale))
            inside = nodes.add("MatMul", centred, nodes.constant(axes.basis))
            rest = nodes.add("Sub", centred, nodes.add("MatMul", inside, nodes.constant(axes.basis.T)))
            query = nodes.add("Concat", inside, nodes.length(rest), axis=1)
            if axes.weights is not None:
                query = nodes.add("Mul", query, nodes.constant(axes.weights))
        vectors = self.bank.vectors
        around = vectors - self.bank.mean
        around_query = nodes.add("Sub", query, nodes.constant(self.bank.mean))
        half = np.square(around).sum(1) / 2
        if (
            runtime == OPENVINO
        ):  # it seeks along the last axis for longer than the products take; ONNX Runtime does not
            turned = nodes.add("Transpose", around_query, perm=[1, 0])
            products, axis, half = nodes.add("MatMul", nodes.constant(around), turned), 0, half[:, None]
        else:
            products, axis = nodes.add("MatMul", around_query, nodes.constant(around.T)), 1
        closeness = nodes.add("Sub", products, nodes.constant(half))
        nearest = nodes.add("ArgMax", closeness, axis=axis, keepdims=0)
        apart = nodes.add("Sub", query, nodes.add("Gather", nodes.constant(vectors), nearest, axis=0))
        nodes.add("ReduceL2", apart, axes=[1], keepdims=0, output=DISTANCES)
        given = helper.make_tensor_value_info(PATCHES, TensorProto.FLOAT, ["n", self.width])
        wanted = helper.make_tensor_value_info(DISTANCES, TensorProto.FLOAT, ["n"])
        graph = helper.make_graph(nodes.nodes, "nearest", [given], [wanted], nodes.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        checker.check_model(model)
        return bytes(model.SerializeToString())


class NearestGraph:
    """A loaded graph of distances."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def distances(self, patches: Grid) -> Grid:
        """Distances (n,) of patch vectors (n, D)."""
        pieces = np.split(patches, range(PIECE, len(patches), PIECE))
        found = [self._session.run(np.ascontiguousarray(one, np.float32), [DISTANCES])[0] for one in pieces]
        return np.concatenate(found)


class _Nodes:
    """The nodes of a graph as they are added, and its constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any) -> str:
        """Add an array; returns its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node; returns the name of what it computes."""
        from onnx import helper

        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def length(self, name: str) -> str:
        """Lengths (n, 1) of vectors (n, D)."""
        return self.add("ReduceL2", name, axes=[1], keepdims=1)
