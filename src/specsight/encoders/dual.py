"""Dual encoders with a convolutional vision tower: every cell of the last feature map lies in the joint space.

There the picture is the mean of its cells, and both go through the same linear projection, so that what is true of
pictures and sentences is true of patches and sentences; no attention has to be undone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from specsight.encoders.contract import Encoder, Features
from specsight.encoders.joint import JointEncoder
from specsight.encoders.pretrained import array


class DualEncoder(JointEncoder):
    """A `VisionTextDualEncoderModel` whose vision tower is a CNN."""

    def embed_images(self, images: NDArray[np.uint8]) -> Features:
        """Pooled embeddings (B, D), unit length, in the joint space."""
        with torch.inference_mode():
            return array(torch.nn.functional.normalize(self._cells(images).mean((2, 3)), dim=1))

    def embed_patches(self, images: NDArray[np.uint8]) -> Features:
        """Patch embeddings (B, D, h, w), unit length, in the joint space, at the stride of the last feature map."""
        with torch.inference_mode():
            return array(torch.nn.functional.normalize(self._cells(images), dim=1))

    def embed_by_values(
        self, images: NDArray[np.uint8], share: float, levels: int
    ) -> tuple[Features, list[Features]]:
        """Pooled embeddings (B, D) and patches (B, D, h, w) as they are: a CNN has no attention to replace."""
        return Encoder.embed_by_values(self, images, share, levels)

    def embed_windows(self, images: NDArray[np.uint8], sizes: Sequence[int]) -> list[Features]:
        """Window embeddings (B, D, h - k + 1, w - k + 1), unit length: means of patches, for there are no tokens."""
        return Encoder.embed_windows(self, images, sizes)

    def _cells(self, images: NDArray[np.uint8]) -> torch.Tensor:
        """The last feature map in the joint space, (B, D, h, w), of any length; one picture a pass."""
        self.check_images(images)
        deepest = self._taps[-1]
        cells = []
        for image in np.split(images, len(images)):
            seen = self._run(self._pixels(image), [deepest])[deepest.layer.name]
            cells.append(self._project(seen.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return torch.cat(cells)
