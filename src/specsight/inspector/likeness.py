"""Whether a picture shows the product at all: how far it lies from good pictures, in multiples of what good parts do.

In: views of the good parts that gave the threshold, then of any picture, with its findings. Out: that multiple where
the picture shows something else, which is not to be described as a defect of the product.

A picture is pooled to the mean and the deviation of each channel of its features; layers are scaled to the same mean
deviation from the average good picture. Its distance is that to the nearest of those good pictures, and its limit the
largest distance that one of those has to the pictures of other parts. Something else is what lies beyond `FARTHER`
limits and is a finding in `EVERYWHERE` of its pixels: a defect leaves most of the part as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from specsight.detectors import State, View
from specsight.records import Finding

FARTHER = 2.0
"""Chosen on synthetic tyres, whose pictures with defects reach 1.8, numbers on real sets in view (docs/factory.md)."""
EVERYWHERE = 2 / 3
"""Share of the picture."""
LEAST_PARTS = 15
"""Fewer good parts say too little of how far good parts lie from each other."""

Vectors = NDArray[np.float32]


def pooled(view: View) -> list[Vectors]:
    """Mean and deviation over all cells of each channel, (2 D,) for each layer."""
    grids = [np.asarray(grid, np.float32).reshape(len(grid), -1) for grid in view.features.values()]
    return [np.concatenate([grid.mean(1), grid.std(1)]) for grid in grids]


@dataclass(frozen=True)
class Likeness:
    """Good pictures that gave the threshold, pooled."""

    vectors: Vectors
    """(n, D), unscaled."""
    widths: tuple[int, ...]
    """Of the layers in a vector."""
    parts: tuple[int, ...]
    """(n,) which part each picture shows."""

    @classmethod
    def of(cls, pictures: Sequence[list[Vectors]], parts: Sequence[int]) -> Likeness | None:
        """From pictures as `pooled` gives them; None without any, and where their layers differ."""
        widths = [tuple(map(len, layers)) for layers in pictures]
        if not pictures or len(set(widths)) > 1:
            return None
        return cls(np.stack([np.concatenate(layers) for layers in pictures]), widths[0], tuple(parts))

    def joined(self, further: Likeness | None) -> Likeness:
        """With pictures of further parts; those of another encoder or other layers are left out."""
        if further is None or further.widths != self.widths:
            return self
        base = 1 + max(self.parts)
        parts = (*self.parts, *(base + part for part in further.parts))
        return Likeness(np.concatenate([self.vectors, further.vectors]), self.widths, parts)

    def times_farther(self, view: View) -> float:
        """Distance of a picture to the nearest of these, in limits; 0 where there are too few parts to say."""
        layers = pooled(view)
        if len(set(self.parts)) < LEAST_PARTS or tuple(map(len, layers)) != self.widths:
            return 0.0
        distances = np.linalg.norm((np.concatenate(layers) - self.vectors) * self._scale, axis=1)
        return float(distances.min()) / self._limit if self._limit > 0 else 0.0

    def unlike(self, view: View, findings: Sequence[Finding]) -> float | None:
        """`times_farther` of a picture that shows something else; None for one that shows the product."""
        if sum(one.area_px for one in findings) < EVERYWHERE * math.prod(view.frame.native):
            return None
        times = self.times_farther(view)
        return times if times > FARTHER else None

    def state(self) -> State:
        """Everything, as arrays."""
        return {
            "vectors": self.vectors,
            "widths": np.array(self.widths, np.int64),
            "parts": np.array(self.parts, np.int64),
        }

    @classmethod
    def from_state(cls, state: State) -> Likeness:
        """Read what `state` gave. Raises ValueError and LookupError for arrays that do not fit."""
        vectors, widths, parts = state["vectors"], state["widths"].tolist(), state["parts"].tolist()
        if not parts or vectors.ndim != 2 or vectors.shape != (len(parts), sum(widths)) or min(widths) < 1:
            raise ValueError("pooled pictures, layers and parts do not fit together")
        return cls(vectors.astype(np.float32), tuple(map(int, widths)), tuple(map(int, parts)))

    @cached_property
    def _limit(self) -> float:
        """Largest distance of one of these to the nearest of other parts."""
        from scipy.spatial.distance import cdist

        good = self.vectors * self._scale
        between, parts = cdist(good, good), np.array(self.parts)
        between[parts[:, None] == parts[None]] = np.inf
        return float(between.min(1).max())

    @cached_property
    def _scale(self) -> Vectors:
        """(D,) scales that give each layer a mean deviation of one."""
        centred = self.vectors - self.vectors.mean(0)
        ends = np.cumsum(self.widths)[:-1]
        spread = [float(np.linalg.norm(layer, axis=1).mean()) for layer in np.split(centred, ends, axis=1)]
        return np.repeat([1 / s if s > 0 else 1.0 for s in spread], self.widths).astype(np.float32)
