"""An encoder whose joint space can be computed in the head: red, green, blue, and whether damage is spoken of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import JOINT, Encoder, Features, Layer
from specsight.encoders.placement import pooling_weights
from specsight.images.cells import Region

COLOURS = {"red": 0, "green": 1, "blue": 2}
STRIDE = 8


class ColourEncoder(Encoder):
    """Patches are their mean colour; a sentence is the colours it names, "damage", or grey. Counts its calls."""

    name = "colours"
    fingerprint = "0" * 64
    multiple = STRIDE
    available: tuple[Layer, ...] = (Layer("stride8", STRIDE, 3),)
    default_layers: tuple[str, ...] = ("stride8",)
    reads = True

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.sentences = 0

    def layers(self, images: NDArray[np.uint8], which: Sequence[str] | None = None) -> list[Features]:
        self.calls["look"] += 1
        return [self._cells(images) for _ in which or self.default_layers]

    def embed_images(self, images: NDArray[np.uint8], inside: Region | None = None) -> Features:
        self.calls["look"] += 1
        patches = _four(self._cells(images))
        weights = pooling_weights(self.cells(JOINT, patches), (images.shape[1], images.shape[2]), inside)
        return _unit(np.asarray((patches * weights).sum((2, 3)), np.float32))

    def embed_patches(self, images: NDArray[np.uint8]) -> Features:
        self.calls["look"] += 1
        return _unit(_four(self._cells(images)))

    def embed_texts(self, texts: Sequence[str]) -> Features:
        self.calls["read"] += 1
        self.sentences += len(texts)
        return _unit(np.stack([_meaning(text) for text in texts]))

    def _cells(self, images: NDArray[np.uint8]) -> Features:
        self.check_images(images)
        count, height, width, _ = images.shape
        cells = images.reshape(count, height // STRIDE, STRIDE, width // STRIDE, STRIDE, 3).astype(np.float32)
        return np.asarray(np.ascontiguousarray(cells.mean((2, 4)).transpose(0, 3, 1, 2)) / 255, np.float32)


def _meaning(text: str) -> NDArray[np.float32]:
    vector = np.zeros(4, np.float32)
    for word, channel in COLOURS.items():
        vector[channel] += word in text
    if any(word in text for word in ("damage", "flaw", "defect")):
        vector[3] = "without" not in text and "flawless" not in text
    return vector if vector.any() else np.array([1, 1, 1, 0], np.float32)


def _four(cells: Features) -> Features:
    return np.concatenate([cells, np.zeros_like(cells[:, :1])], axis=1)


def _unit(vectors: Features) -> Features:
    unit: Features = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
