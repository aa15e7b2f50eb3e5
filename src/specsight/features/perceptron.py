"""A small network on patches as arrays: linear layers with GELU between them; what trained it is not needed to run it.

In: patches (n, D). Out: (n, D'). GELU: Hendrycks and Gimpel (2016), exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.features.threads import one_thread

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Perceptron:
    """x → layers of (x - `mean`) / `spread`."""

    mean: Vectors
    """(D,) of what it was trained on, as `spread` is."""
    spread: Vectors
    layers: tuple[tuple[Vectors, Vectors], ...]
    """Weight (out, in) and bias (out,) of each layer."""

    def __post_init__(self) -> None:
        """Raise ValueError where sizes do not fit together, as in a damaged file."""
        width = self.mean.shape
        if not self.layers or self.spread.shape != width:
            raise ValueError("a network without layers, or without the spread of what it takes")
        for weight, bias in self.layers:
            if weight.ndim != 2 or weight.shape[1:] != width or weight.shape[:1] != bias.shape:
                raise ValueError(f"a layer of {weight.shape} and {bias.shape} does not take {width}")
            width = bias.shape

    def __call__(self, patches: Vectors) -> Vectors:
        """Outputs (n, D') for patches (n, D)."""
        values = self.standardised(patches)
        with one_thread():
            for number, (weight, bias) in enumerate(self.layers):
                values = (_gelu(values) if number else values) @ weight.T + bias
        return np.asarray(values, np.float32)

    def standardised(self, patches: Vectors) -> Vectors:
        """(x - mean) / spread of patches (n, D), as the first layer gets them."""
        return np.asarray((patches - self.mean) / self.spread, np.float32)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What it consists of, for saving; each array's name begins with `name`."""
        found: dict[str, NDArray[Any]] = {f"{name}/mean": self.mean, f"{name}/spread": self.spread}
        for number, (weight, bias) in enumerate(self.layers):
            found |= {f"{name}/{number}/weight": weight, f"{name}/{number}/bias": bias}
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Perceptron:
        """The network that `arrays` describes. Raises KeyError or ValueError where they do not fit together."""
        count = sum(key.startswith(f"{name}/") and key.endswith("/weight") for key in arrays)
        layers = [
            (arrays[f"{name}/{number}/weight"], arrays[f"{name}/{number}/bias"]) for number in range(count)
        ]
        return cls(arrays[f"{name}/mean"], arrays[f"{name}/spread"], tuple(layers))


def standardisation(patches: Sequence[Vectors]) -> tuple[Vectors, Vectors]:
    """Mean and standard deviation (D,) of patches (n, D); one where a channel does not vary."""
    table = np.concatenate(list(patches)).astype(np.float64)
    spread = table.std(0)
    return table.mean(0).astype(np.float32), np.where(spread > 1e-6, spread, 1).astype(np.float32)


def _gelu(values: Vectors) -> Vectors:
    from scipy.special import erf

    return np.asarray(0.5 * values * (1 + erf(values * np.float32(np.sqrt(0.5)))), np.float32)
