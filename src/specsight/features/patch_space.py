"""The space in which patches are compared: directions of balanced patches, on whitened principal axes of good ones.

In: patch vectors (n, D) of several layers side by side. Out: coordinates (n, k + 1) whose Euclidean distances compare
patches. A change of contrast scales features and leaves their direction as it is; whitening lets rare ways to vary
count beside common ones. How this was chosen, and what else was tried: docs/detectors.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from specsight.features.moments import Axes, Moments, Vectors, balance, principal_axes

SHRINKAGE = 1.0
"""Of the whitening, see `principal_axes`."""
PIECE = 16_384
"""Vectors taken at a time."""
TINY = np.float32(1e-12)


@dataclass(frozen=True)
class PatchSpace:
    """Patches x → whitened coordinates along `axes` of the direction of x · `scale`."""

    scale: Vectors
    """(D,): gives layers the same total variance."""
    axes: Axes

    def __post_init__(self) -> None:
        """Raise ValueError where scale and axes do not fit together, as in a damaged file."""
        if self.scale.shape != self.axes.mean.shape:
            raise ValueError(f"scale {self.scale.shape} and mean {self.axes.mean.shape} do not fit together")

    def project(self, vectors: Vectors) -> Vectors:
        """Return the coordinates (n, k + 1) of vectors (n, D)."""
        return self.axes.project(directions(vectors, self.scale))

    def arrays(self) -> dict[str, Vectors]:
        """Return what it consists of, by name, for saving."""
        weights = np.ones(self.axes.basis.shape[1] + 1, np.float32)
        weights = weights if self.axes.weights is None else self.axes.weights
        return {"scale": self.scale, "mean": self.axes.mean, "axes": self.axes.basis, "weights": weights}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Vectors]) -> PatchSpace:
        """Return the space that `arrays` describe. Raises KeyError or ValueError where they do not fit together."""
        return cls(arrays["scale"], Axes(arrays["mean"], arrays["axes"], weights=arrays["weights"]))


def patch_space(good: Vectors, moments: Moments, widths: Sequence[int], variance: float) -> PatchSpace:
    """Return the space of `good` patches (n, D), whose axes hold the share `variance` of their directions' variance.

    `moments` are those of all good patches, of which `good` may be a part; `widths` are the layers' channels.
    """
    scale, of_directions = balance(moments, widths), Moments()
    for piece in np.array_split(good, max(1, len(good) // PIECE)):
        of_directions.add(directions(piece, scale))
    return PatchSpace(scale, principal_axes(of_directions, variance, shrinkage=SHRINKAGE))


def directions(vectors: Vectors, scale: Vectors) -> Vectors:
    """Return `vectors` (n, D) times `scale` (D,), each at unit length; zeros stay zeros."""
    scaled = vectors * scale
    return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), TINY), np.float32)
