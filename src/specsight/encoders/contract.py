"""The encoder contract: pixels and words → features. Knows neither data sets nor detectors.

In: framed pictures (B, H, W, 3) uint8. Out: dense features per layer, a pooled embedding, and, for encoders that
read, a joint space of patches and sentences. Normalisation with the encoder's own mean and deviation happens inside:
preprocessing travels with the model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, did_you_mean

if TYPE_CHECKING:
    from specsight.encoders.passes.prompting import PromptedText

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """One place in the encoder that features can be taken from."""

    name: str
    """Stable name: "stride8", "stride16", ... for convolutional encoders, "block3", "block9", ... for ViTs."""
    stride: int
    """Pixels per feature cell."""
    channels: int


class Encoder(ABC):
    """Turns pictures (and, where it can, words) into features. Deterministic; independent of batch mates."""

    name: str
    """What `load_encoder` was asked for."""
    fingerprint: str
    """Hex digest over configuration and weights: same fingerprint, same features."""
    multiple: int
    """Both sides of a framed picture must be a multiple of this (patch size, or largest stride)."""
    available: tuple[Layer, ...]
    """All layers, shallow to deep."""
    default_layers: tuple[str, ...]
    """Middle layers that suit patch-memory methods (stride 8 and 16, or the ViT's middle blocks)."""
    reads: bool = False
    """Whether `embed_texts` and the joint space exist."""
    promptable: bool = False
    """Whether `prompted` exists: learned tokens can stand in front of words, and gradients reach them."""

    @abstractmethod
    def layers(self, images: NDArray[np.uint8], which: Sequence[str] | None = None) -> list[Features]:
        """Dense features of `images` (B, H, W, 3): one (B, D, h, w) array per layer named in `which`
        (default: `default_layers`), in that order."""

    @abstractmethod
    def embed_images(self, images: NDArray[np.uint8]) -> Features:
        """Pooled embedding (B, D): the joint space where the encoder reads, else its deepest global feature."""

    def embed_patches(self, images: NDArray[np.uint8]) -> Features:
        """Patch embeddings (B, D, h, w), unit length, in the joint space with sentences."""
        raise self._cannot_read()

    def embed_windows(self, images: NDArray[np.uint8], sizes: Sequence[int]) -> list[Features]:
        """Embeddings (B, D, h - k + 1, w - k + 1), unit length, in the joint space, of all k × k windows of patches:
        one array per k in `sizes`, none larger than the grid. Size 1 is `embed_patches`."""
        from specsight.encoders.passes.windows import window_means

        patches = self.embed_patches(images)
        return [window_means(patches, size) for size in sizes]

    def embed_by_values(
        self, images: NDArray[np.uint8], share: float, levels: int
    ) -> tuple[Features, list[Features]]:
        """Pooled embeddings (B, D) and, per level, patches (B, D, h, w), unit length, in the joint space.

        Patches of a transformer come from a path of value-value attention beside the last `share` of its blocks, read
        at up to `levels` places (see `value_attention`). Without attention: `embed_patches`, one level.
        """
        return self.embed_images(images), [self.embed_patches(images)]

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Sentence embeddings (N, D), unit length, in the joint space."""
        raise self._cannot_read()

    def prompted(self, words: str, tokens: int) -> PromptedText:
        """`words` behind `tokens` learned ones, ready to be read with gradients."""
        raise self._cannot_be_prompted()

    def layer(self, name: str) -> Layer:
        """The layer called `name`; SpecsightError with a suggestion where there is none."""
        for layer in self.available:
            if layer.name == name:
                return layer
        known = did_you_mean(name, [layer.name for layer in self.available])
        raise SpecsightError(f"encoder '{self.name}' has no layer '{name}': {known}")

    def check_images(self, images: NDArray[np.uint8]) -> None:
        """Raise ValueError unless `images` is (B, H, W, 3) uint8 with sides that are multiples of `multiple`."""
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(f"images must be (B, H, W, 3) uint8, got {images.shape} {images.dtype}")
        if 0 in images.shape or images.shape[1] % self.multiple or images.shape[2] % self.multiple:
            raise ValueError(
                f"sides must be multiples of {self.multiple} for '{self.name}', got {images.shape[1:3]}"
            )

    def _cannot_read(self) -> SpecsightError:
        return SpecsightError(
            f"encoder '{self.name}' has no text tower: choose one that reads (bundled, or a CLIP or SigLIP checkpoint)"
        )

    def _cannot_be_prompted(self) -> SpecsightError:
        if not self.reads:
            return self._cannot_read()
        return SpecsightError(
            f"encoder '{self.name}' takes no learned tokens in front of words: choose one with a transformer of CLIP, "
            "SigLIP or BERT kind as its text tower"
        )
