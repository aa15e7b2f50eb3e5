"""Mean and covariance of patch vectors that stream by, and the principal axes of good patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.features.threads import one_thread

Vectors = NDArray[np.float32]


class Moments:
    """Running sums over (n, D) vectors; memory D² whatever their number."""

    def __init__(self) -> None:
        self.count = 0
        self._shift: NDArray[np.float32] = np.empty(0, np.float32)
        self._sum: NDArray[np.float64] = np.empty(0)
        self._products: NDArray[np.float64] = np.empty((0, 0))

    def add(self, vectors: Vectors) -> None:
        """Take in (n, D) float32 vectors."""
        if self.count == 0:
            width = vectors.shape[1]
            # Sums around a point near the mean: products of large offsets would eat the precision.
            self._shift = vectors.mean(0)
            self._sum, self._products = np.zeros(width), np.zeros((width, width))
        centred = vectors - self._shift
        self._sum += centred.sum(0, dtype=np.float64)
        with one_thread():
            self._products += centred.T @ centred
        self.count += len(vectors)

    @property
    def mean(self) -> Vectors:
        """Mean of all vectors, (D,)."""
        return (self._shift + self._sum / self.count).astype(np.float32)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of all vectors, (D, D), normalised by the count."""
        offset = self._sum / self.count
        return self._products / self.count - np.outer(offset, offset)


@dataclass(frozen=True)
class Axes:
    """Principal axes of vectors after x → (x - `mean`) · `scale`: `basis` (D, k), orthonormal, by falling variance."""

    mean: Vectors
    """(D,)"""
    basis: Vectors
    scale: Vectors | None = None
    """(D,); None where channels count as they are."""
    weights: Vectors | None = None
    """(k + 1,) by which `project` multiplies its coordinates, the rest's last; None: by one."""

    def __post_init__(self) -> None:
        """Raise ValueError where sizes differ or there are more axes than dimensions, as in a damaged file."""
        width = self.mean.shape
        fits = (
            len(width) == 1
            and self.basis.ndim == 2
            and self.basis.shape[0] == width[0] >= self.basis.shape[1]
        )
        if not fits or (self.scale is not None and self.scale.shape != width):
            raise ValueError(f"mean {width}, axes {self.basis.shape} and their scale do not fit together")
        if self.weights is not None and self.weights.shape != (self.basis.shape[1] + 1,):
            raise ValueError(f"axes {self.basis.shape} and weights {self.weights.shape} do not fit together")

    def project(self, vectors: Vectors) -> Vectors:
        """Return (n, k + 1) of vectors (n, D): coordinates along the axes, and last the length of what they leave over.

        The last coordinate keeps a patch that leaves the space of good patches far from all of them.
        """
        inside, squared_rest = self._split(vectors)
        coordinates = np.concatenate([inside, np.sqrt(squared_rest)[:, None]], axis=1)
        return coordinates if self.weights is None else coordinates * self.weights

    def residual(self, vectors: Vectors) -> Vectors:
        """Return the squared distance of (n, D) vectors to the span of the axes, (n,)."""
        return self._split(vectors)[1]

    def _split(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """Coordinates along the axes (n, k) and the squared length of the rest (n,)."""
        centred = vectors - self.mean
        if self.scale is not None:
            centred *= self.scale
        with one_thread():
            inside = np.asarray(centred @ self.basis, np.float32)
            # From the difference itself: subtracting squared lengths would cancel for vectors close to the span.
            rest = centred - inside @ self.basis.T
        return inside, np.asarray(np.einsum("nd,nd->n", rest, rest), np.float32)


def balance(moments: Moments, groups: Sequence[int]) -> Vectors:
    """Return scales (D,) that give each group of channels (its width is listed, in order) a total variance of one.

    A group that does not vary keeps its scale.
    """
    spread = np.sqrt(
        np.maximum(np.add.reduceat(np.diag(moments.covariance), np.cumsum([0, *groups[:-1]])), 0)
    )
    return np.repeat(1 / np.where(spread > 0, spread, 1), groups).astype(np.float32)


def principal_axes(
    moments: Moments, variance: float, scale: Vectors | None = None, shrinkage: float | None = None
) -> Axes:
    """Return as many axes as hold the share `variance` of the total variance of the scaled channels.

    There are none where nothing varies. With a `shrinkage` > 0 their coordinates are whitened, each divided by
    √(its variance + `shrinkage` · the mean variance over all dimensions): the larger, the less.
    """
    weights = np.ones(len(moments.mean), np.float32) if scale is None else scale
    values, axes = np.linalg.eigh(moments.covariance * np.outer(weights, weights))
    values, axes = np.maximum(values[::-1], 0), axes[:, ::-1]
    total = values.sum()
    count = 0
    # Below float32 rounding of the mean, "variance" is noise of constant pictures.
    if total > 1e-10 * max(1e-10, float(np.square(moments.mean * weights, dtype=np.float64).sum())):
        count = int(np.searchsorted(np.cumsum(values), variance * total * (1 - 1e-12)) + 1)
    basis = np.ascontiguousarray(axes[:, : min(count, len(values))], dtype=np.float32)
    whitening: Vectors | None = None
    if shrinkage is not None:
        rest = values[count:].mean() if count < len(values) else 0.0
        floor = shrinkage * total / len(values)
        spread = np.append(values[:count], rest) + floor if count else np.ones(1)
        whitening = (1 / np.sqrt(spread)).astype(np.float32)
    return Axes(moments.mean, basis, scale, whitening)
