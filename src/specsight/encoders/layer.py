"""Arrays that go into and come out of an encoder, and the places in it that features are taken from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Layer:
    """One place in the encoder that features can be taken from."""

    name: str
    """Stable name: "stride8", "stride16", ... for convolutional encoders, "block3", "block9", ... for ViTs."""
    stride: int
    """Pixels per feature cell."""
    channels: int
