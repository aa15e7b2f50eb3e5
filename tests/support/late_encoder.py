"""Encoders of colours whose cells lie late, as those of 3 × 3 convolutions with stride 2 and padding 1 do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tests.support.colour_encoder import STRIDE, ColourEncoder
from tests.support.prompted_colours import PromptedColours

from specsight.encoders import Features, Layer


class LateColours(ColourEncoder):
    """Cell i is the mean colour of the pixels around i · stride: half a cell before the middle of equal cells."""

    name = "late colours"
    available = (Layer("stride8", STRIDE, 3), Layer("stride16", 2 * STRIDE, 3))
    default_layers = ("stride8", "stride16")
    multiple = 2 * STRIDE

    def __init__(self, multiple: int = 2 * STRIDE) -> None:
        super().__init__()
        self.multiple = multiple

    def layers(self, images: NDArray[np.uint8], which: Sequence[str] | None = None) -> list[Features]:
        self.calls["look"] += 1
        return [late_cells(images, self.layer(name).stride) for name in which or self.default_layers]

    def _cells(self, images: NDArray[np.uint8]) -> Features:
        return late_cells(images, STRIDE)


class LatePromptedColours(LateColours, PromptedColours):
    """The same with a text tower that takes learned tokens."""


def late_cells(images: NDArray[np.uint8], stride: int) -> Features:
    """Mean colours (B, 3, h, w) in [0, 1] around every `stride`-th pixel."""
    shifted = np.pad(images, ((0, 0), (stride // 2, 0), (stride // 2, 0), (0, 0)), mode="edge")
    count, height, width, _ = images.shape
    cells = shifted[:, :height, :width].reshape(count, height // stride, stride, width // stride, stride, 3)
    return np.ascontiguousarray(cells.mean((2, 4), dtype=np.float32).transpose(0, 3, 1, 2) / 255)


def late_colours_for(name: str, multiple: int = 2 * STRIDE) -> LateColours:
    """An encoder that the detector `name` can learn with."""
    return LatePromptedColours(multiple) if name == "anomalyclip" else LateColours(multiple)
