"""An exported encoder on disk: `encoder.json`, and the graph beside it as one file of ONNX or two of OpenVINO.

In: a `PretrainedEncoder`. Out: files in a folder that the caller seals, and the `ExportedEncoder` that they hold. What
is written was compared with torch first, at two sizes; nothing is written that differs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field
from typing_extensions import TypedDict

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Images, Layer
from specsight.encoders.placement import Placement
from specsight.encoders.runtimes.exported import Described, ExportedEncoder
from specsight.encoders.runtimes.names import GRAPHS, ONNX, check_runtime
from specsight.encoders.runtimes.sessions import open_session
from specsight.errors import SpecsightError, require
from specsight.record_json import Finite, Text, check
from specsight.storage import check_regular, parse_json, read_text, write_bytes, write_json

if TYPE_CHECKING:
    from specsight.encoders.pretrained import PretrainedEncoder

FORMAT = 1
DESCRIPTION = "encoder.json"
FILES = {"onnx": "encoder.onnx", "openvino": "encoder.xml"}
"""The file that a runtime is given; OpenVINO's weights lie beside it, in `encoder.bin`."""
LONGEST_DESCRIPTION = 1 << 20
TOLERANCE = 1e-3
"""Largest difference of a float32 graph from torch, as a share of the largest feature of its output."""
COMPARED = ((5, 7), (8, 8))
"""Sizes at which a graph is compared with torch, in cells of the deepest layer; neither is the traced one."""
COMPARED_INT8 = 4
"""Pictures on which a graph in int8 is compared with torch."""

Side = Annotated[int, Field(ge=1, le=1 << 16)]


class LayerJson(TypedDict):
    """See `Layer`."""

    name: Text
    stride: Side
    channels: Side


class PlacementJson(TypedDict):
    """See `Placement`."""

    stride: Annotated[list[Finite], Field(min_length=2, max_length=2)]
    offset: Annotated[list[Finite], Field(min_length=2, max_length=2)]


class DescribedJson(TypedDict):
    """Content of `DESCRIPTION`, see `Described`."""

    format: int
    encoder: Text
    fingerprint: Text
    runtime: Text
    dtype: Text
    multiple: Side
    layers: list[LayerJson]
    default_layers: list[Text]
    reads: bool
    padding_counts: bool
    placements: dict[Text, PlacementJson]
    outputs: list[Text]
    difference: Finite
    made_by: dict[Text, Text]


def write_graph(
    folder: Path, encoder: PretrainedEncoder, runtime: str, pictures: Sequence[Images] | None = None
) -> Described:
    """Write `encoder` as a graph for `runtime` into an existing folder.

    `pictures`: framed pictures of good parts, each (1, H, W, 3); given, the graph computes in int8, with ranges of
    numbers taken from them. Raises SpecsightError where the network cannot be written as a graph, and where a graph in
    float32 does not give what torch gives, within `TOLERANCE`.
    """
    import torch

    from specsight.encoders.runtimes.graph import vision_graph

    check_runtime(runtime, tuple(GRAPHS))
    require(GRAPHS[runtime], runtime)
    graph, outputs = vision_graph(encoder)
    if pictures is not None:
        from specsight.encoders.runtimes.int8 import quantised

        graph = quantised(graph, pictures)
    _write(folder, graph, runtime)
    described = Described(
        encoder.name,
        encoder.fingerprint,
        runtime,
        "float32" if pictures is None else "int8",
        encoder.multiple,
        encoder.available,
        encoder.default_layers,
        encoder.reads,
        encoder.padding_counts,
        dict(encoder.placements),
        outputs,
        0.0,
    )
    found = ExportedEncoder(
        described, open_session(runtime, folder / FILES[runtime]), lambda: encoder, folder
    )
    compared = _compared(encoder) if pictures is None else pictures[:COMPARED_INT8]
    try:
        difference = difference_of(found, encoder, compared)
    except SpecsightError:
        raise
    except (
        Exception
    ) as error:  # a graph that holds for the traced size alone: each library raises types of its own
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SpecsightError(f"encoder '{encoder.name}' cannot be run as a graph: {reason}") from error
    if pictures is None and not difference <= TOLERANCE:
        raise SpecsightError(
            f"the graph of encoder '{encoder.name}' differs from torch by {difference:.1e} of its largest feature, "
            f"more than {TOLERANCE:g}: it is not written; use --runtime torch"
        )
    made_by = {"torch": torch.__version__, GRAPHS[runtime]: found.runtime_version}
    write_json(folder / DESCRIPTION, _to_json(described, difference, made_by))
    return replace(described, difference=difference)


def difference_of(found: Encoder, expected: Encoder, pictures: Sequence[Images]) -> float:
    """The largest difference of the features of two encoders over framed pictures (1, H, W, 3): of every layer and the
    embeddings, each as a share of the largest feature that is expected of it."""
    names = [layer.name for layer in expected.available]
    largest = 0.0
    for picture in pictures:
        for one, other in zip(_all(found, names, picture), _all(expected, names, picture), strict=True):
            largest = max(largest, float(np.abs(one - other).max() / max(1e-12, np.abs(other).max())))
    return largest


def read_graph(folder: Path, origin: Callable[[str], Encoder], name: str | None = None) -> ExportedEncoder:
    """The encoder that `write_graph` wrote.

    `origin` loads the encoder of a name, for words; `name`: what it is called now, None: as it was. Raises
    SpecsightError where a file is missing or damaged, and where the runtime is not installed.
    """
    path = folder / DESCRIPTION
    try:
        said = check(DescribedJson, parse_json(read_text(path, LONGEST_DESCRIPTION)))
        if said["format"] != FORMAT:
            raise ValueError("another format")
        check_runtime(said["runtime"], tuple(GRAPHS))
        file = folder / FILES[said["runtime"]]
        check_regular(file)
    except (OSError, ValueError) as error:
        raise SpecsightError(f"'{path}' is damaged, or of another version: export the model again") from error
    described = _of_json(dict(said), name)
    return ExportedEncoder(
        described, open_session(described.runtime, file), lambda: origin(described.name), folder
    )


def _write(folder: Path, graph: bytes, runtime: str) -> None:
    if runtime == ONNX:
        write_bytes(folder / FILES[ONNX], graph)
        return
    import openvino

    with tempfile.TemporaryDirectory() as beside:
        source = Path(beside) / FILES[ONNX]
        source.write_bytes(graph)
        model = openvino.Core().read_model(source)
        # In float32: the default halves weights to 16 bits.
        openvino.save_model(model, folder / FILES[runtime], compress_to_fp16=False)


def _compared(encoder: Encoder) -> list[Images]:
    generator = np.random.default_rng(0)
    sizes = [(1, rows * encoder.multiple, columns * encoder.multiple, 3) for rows, columns in COMPARED]
    return [generator.integers(0, 256, size, dtype=np.uint8) for size in sizes]


def _all(encoder: Encoder, names: Sequence[str], picture: Images) -> list[Any]:
    found: list[Any] = [*encoder.layers(picture, names), encoder.embed_images(picture)]
    if not encoder.reads:
        return found
    try:
        return [*found, encoder.embed_patches(picture)]
    except SpecsightError:  # a ViT of a single block has no joint patches, in either
        return found


def _to_json(described: Described, difference: float, made_by: dict[str, str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "encoder": described.name,
        "fingerprint": described.fingerprint,
        "runtime": described.runtime,
        "dtype": described.dtype,
        "multiple": described.multiple,
        "layers": [vars(layer) for layer in described.layers],
        "default_layers": list(described.default_layers),
        "reads": described.reads,
        "padding_counts": described.padding_counts,
        "placements": {
            name: {"stride": list(one.stride), "offset": list(one.offset)}
            for name, one in described.placements.items()
        },
        "outputs": list(described.outputs),
        "difference": difference,
        "made_by": made_by,
    }


def _of_json(said: dict[str, Any], name: str | None) -> Described:
    placements = {
        key: Placement((one["stride"][0], one["stride"][1]), (one["offset"][0], one["offset"][1]))
        for key, one in said["placements"].items()
    }
    return Described(
        name or said["encoder"],
        said["fingerprint"],
        said["runtime"],
        said["dtype"],
        said["multiple"],
        tuple(Layer(**layer) for layer in said["layers"]),
        tuple(said["default_layers"]),
        said["reads"],
        said["padding_counts"],
        placements,
        tuple(said["outputs"]),
        said["difference"],
    )
