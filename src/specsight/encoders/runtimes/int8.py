"""A graph in float32 → the same graph in int8, with ranges of numbers taken from pictures of good parts.

Static quantisation of ONNX Runtime (QDQ), which OpenVINO runs too: weights by channel, activations by tensor. Products
are summed in 16 bits on processors without VNNI, where full-range weights would overflow: 7 bits of them are used.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specsight.encoders.layer import Images
from specsight.encoders.runtimes.names import IMAGES, ONNX
from specsight.errors import SpecsightError, require

FEWEST = 4
"""Pictures below which ranges say little."""


def quantised(graph: bytes, pictures: Sequence[Images]) -> bytes:
    """`graph` in int8. `pictures`, each (1, H, W, 3) uint8, framed. Raises SpecsightError for too few of them."""
    if len(pictures) < FEWEST:
        raise SpecsightError(f"int8 takes at least {FEWEST} pictures of good parts, got {len(pictures)}")
    require("onnx", ONNX)
    require("onnxruntime", ONNX)
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Hands over one picture after the other."""

        def __init__(self) -> None:
            self.left = iter(pictures)

        def get_next(self) -> dict[str, Any] | None:
            """The next input, or None."""
            picture = next(self.left, None)
            return None if picture is None else {IMAGES: picture}

    root = logging.getLogger()
    level = root.level
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        root.setLevel(logging.ERROR)  # it advises a step that this graph does not need
        try:
            quantization.quantize_static(
                source,
                target,
                Reader(),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                op_types_to_quantize=["Conv", "Add", "MaxPool", "Relu", "MatMul"],
            )
        finally:
            root.setLevel(level)
        return target.read_bytes()
