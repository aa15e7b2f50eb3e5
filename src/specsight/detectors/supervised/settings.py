"""What a training of the supervised head is given: settings, and patches whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Features


@dataclass(frozen=True)
class HeadSettings:
    """See the parameters of `Supervised`."""

    hidden: int
    dropout: float
    steps: int
    rate: float
    seed: int
    device: str = "auto"


@dataclass(frozen=True)
class Labelled:
    """Patches to learn from."""

    inputs: Features
    """(P, n, W): NaN in the columns of a modality that a patch is not known in."""
    shares: Features
    """(P, n, K)"""
    good: NDArray[np.bool_]
    """(P,) which pictures show good parts."""
    widths: tuple[int, ...]
    """Columns of each modality, in order."""
