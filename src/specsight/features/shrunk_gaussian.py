"""A Gaussian of few vectors in many dimensions: covariance shrunk towards a multiple of the identity.

In: vectors (N, D), N often below D. Out: Mahalanobis distances. Ledoit and Wolf, "A well-conditioned estimator for
large-dimensional covariance matrices", Journal of Multivariate Analysis 2004: the shrinkage follows from the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 0.02
"""Smallest shrinkage: with D > N some directions were never seen to vary."""


@dataclass(frozen=True)
class ShrunkGaussian:
    """Mean (D,), the `axes` (r, D) along which vectors varied, the variances (r,) there, and `floor` elsewhere."""

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    variances: NDArray[np.float64]
    floor: float

    def __post_init__(self) -> None:
        """Raise ValueError where sizes do not fit together, as in a damaged file."""
        fits = self.axes.ndim == 2 and self.axes.shape == (len(self.variances), len(self.mean))
        if not fits or self.floor <= 0 or (self.variances <= 0).any():
            raise ValueError("mean, axes and variances do not fit together")

    @classmethod
    def learn(cls, vectors: NDArray[np.floating]) -> ShrunkGaussian:
        """Return the Gaussian of (N, D) vectors."""
        mean = vectors.mean(0, dtype=np.float64)
        centred = vectors - mean
        count, width = centred.shape
        # All norms of the D × D covariance follow from the N × N products.
        products = centred @ centred.T
        average = float(np.trace(products)) / count / width
        if average <= 0:
            return cls(mean, np.empty((0, width)), np.empty(0), 1.0)
        square = float(np.square(products).sum()) / count**2
        noise = float(np.square(np.diag(products)).sum()) / count**2 - square / count
        shrinkage = float(np.clip(noise / max(square - width * average**2, 1e-12 * square), LEAST, 1))
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        variances = (1 - shrinkage) * lengths**2 / count + shrinkage * average
        return cls(mean, axes, variances, shrinkage * average)

    def distances(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the Mahalanobis distances (n,) of vectors (n, D)."""
        centred = vectors - self.mean
        along = centred @ self.axes.T
        rest = np.maximum(np.square(centred).sum(1) - np.square(along).sum(1), 0)
        return np.asarray(np.sqrt((np.square(along) / self.variances).sum(1) + rest / self.floor), np.float64)
