"""SPADE (Cohen & Hoshen 2020): the nearest good pictures first, then every patch against the patches of those alone.

Departures. Patches sit on the grid of the first layer (stride 8 by default) instead of 56 × 56, and the encoder's own
pooled embedding finds the nearest pictures. K is 10 instead of 50: cost grows with K, and the paper's own curves are
flat from there on small sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.parameters import layer_names, parameter, sigma_parameter
from specsight.detectors.rotating import align_parameter, angles_of, rotate_parameter
from specsight.detectors.saving import State
from specsight.encoders import Encoder, Features
from specsight.features import grids
from specsight.features.memory_bank import MemoryBank
from specsight.images import Frame
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

EMBEDDING = "embedding"
"""Name under which a view holds the picture's pooled embedding, shaped (D, 1, 1)."""


@detectors.register("spade")
@dataclass
class Spade(Detector):
    """Finds the nearest good pictures by embedding, then each patch's nearest among their patches."""

    name = "spade"

    layers: tuple[str, ...] | None = layer_names(
        "Layers to join, on the grid of the first; default: the encoder's middle layers."
    )
    rotate: bool | None = rotate_parameter()
    align: bool | None = align_parameter()
    neighbours: int = parameter(
        10, "Good pictures a picture is compared with.", low=1, high=1000, unit="pictures"
    )
    sigma: float = sigma_parameter()

    embeddings_: MemoryBank | None = field(default=None, init=False, repr=False)
    patches_: list[grids.Grid] = field(default_factory=list, init=False, repr=False)
    """Patch vectors (n, D) of each good picture."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = mean squared embedding distance to the nearest good pictures; map = patch distances to those."""
        if self.embeddings_ is None:
            raise self._not_fitted()
        distances, nearest = self.embeddings_.nearest(_embedding(view)[None], self.neighbours)
        gallery = MemoryBank(np.concatenate([self.patches_[k] for k in nearest[0]]))
        joined, cells = grids.join(_layers(view), view.cells)
        patch_distances, _ = gallery.nearest(grids.vectors(joined))
        heat = grids.on_picture(patch_distances.reshape(cells.size), cells, view.frame, self.sigma)
        return Judgement(float(np.mean(distances[0] ** 2)), heat)

    def _angles(self, good: int) -> tuple[float, ...] | None:
        return angles_of(self.rotate)

    def _alignment(self) -> bool | None:
        return self.align

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return self.layers or encoder.default_layers

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        embedding = encoder.embed_images(pixels, frame.region)[0][:, None, None]
        return {**super()._features(encoder, pixels, frame), EMBEDDING: embedding}

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        embeddings, patches = [], []
        for view in views:
            embeddings.append(_embedding(view))
            joined, cells = grids.join(_layers(view), view.cells)
            visible = view.frame.shows_picture(cells).ravel()
            patches.append(grids.vectors(joined)[visible])
        self.embeddings_, self.patches_ = MemoryBank(np.stack(embeddings)), patches

    def _state(self) -> State:
        if self.embeddings_ is None:
            raise self._not_fitted()
        return {
            "embeddings": self.embeddings_.vectors,
            "patches": np.concatenate(self.patches_),
            "counts": np.array([len(patches) for patches in self.patches_], np.int64),
        }

    def _restore(self, state: State) -> None:
        counts, patches = state["counts"], state["patches"]
        fits = counts.shape == state["embeddings"].shape[:1] and counts.sum() == len(patches)
        if not fits or counts.min() < 1 or patches.ndim != 2:
            raise ValueError("embeddings, patches and counts do not fit together")
        self.embeddings_ = MemoryBank(state["embeddings"])
        self.patches_ = np.split(patches, np.cumsum(counts)[:-1])


def _embedding(view: View) -> grids.Grid:
    """The picture's embedding (D,): the mean of its tiles'."""
    return np.asarray(view.features[EMBEDDING].mean((1, 2)), np.float32)


def _layers(view: View) -> dict[str, Features]:
    return {name: grid for name, grid in view.features.items() if name != EMBEDDING}
