"""M3DM (Wang et al., "Multimodal industrial anomaly detection via hybrid fusion", CVPR 2023), in its structure.

In: colours, and depth where a picture has it. Out: three memories of good patches (colours, geometry, both after a
contrastive alignment of patches of one place), fused by a linear one-class SVM. Departures from the paper: geometry
(`features.surface`) instead of Point-MAE's features, with no custom kernels; projections of two layers; memories
compared as our PatchCore compares them; one SVM, of patches, for map and score; and where a modality is missing its
memories count as usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View, detectors
from specsight.detectors.depth.evidence import (
    BOTH,
    DEPTH,
    RGB,
    Patches,
    evidence_of,
    judged,
    learned,
    memories_of,
    memories_state,
)
from specsight.detectors.depth.late_fusion import joined
from specsight.detectors.depth.looking import (
    GEOMETRY,
    KNOWN,
    SEEN,
    DepthDetector,
    colours,
    neighbourhood_parameter,
    widths,
)
from specsight.detectors.depth.memory import PatchMemory
from specsight.detectors.depth.one_class import co_located, one_class_weights
from specsight.detectors.depth.pairs import collected
from specsight.detectors.needs import Needs
from specsight.detectors.parameters import parameter
from specsight.detectors.saving import State
from specsight.errors import require
from specsight.features import grids
from specsight.features.moments import Vectors
from specsight.features.perceptron import Perceptron
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

COLOURS = "colours"


@detectors.register("m3dm")
@dataclass
class HybridFusion(DepthDetector):
    """Memories of colours, of geometry and of both aligned; a one-class SVM weighs what they say."""

    name = "m3dm"
    needs: ClassVar[Needs] = Needs(uses=("depth",), trains=True)
    score_of_map = True

    steps: int = parameter(300, "Steps of training the alignment.", low=1, high=1_000_000, unit="steps")
    neighbourhood: int = neighbourhood_parameter(3)

    networks_: tuple[Perceptron, Perceptron] | None = field(default=None, init=False, repr=False)
    """Projections of colours and of geometry; None where no good picture shows a place in both."""
    memories_: dict[str, PatchMemory] = field(default_factory=dict, init=False, repr=False)
    weights_: NDArray[np.float32] | None = field(default=None, init=False, repr=False)
    """(M,) of the one-class SVM, by memory."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = mean of the largest values of the map's cells; map = weighted distances."""
        if self.weights_ is None:
            raise self._not_fitted()
        seen, known = (view.features[name][0].ravel() > 0 for name in (SEEN, KNOWN))
        rgb, shape = colours(view, self.neighbourhood), grids.vectors(view.features[GEOMETRY])
        patches = self._patches(rgb, shape, widths(view), seen, known)
        return judged(self, view, joined(evidence_of(self.memories_, patches), "ocsvm", self.weights_))

    def _patches(
        self,
        rgb: Vectors,
        shape: Vectors,
        groups: list[int],
        seen: NDArray[np.bool_],
        known: NDArray[np.bool_],
    ) -> Mapping[str, Patches]:
        alone = {RGB: Patches(rgb, seen, groups), DEPTH: Patches(shape, known)}
        if self.networks_ is None:
            return alone
        aligned = [network(side) for network, side in zip(self.networks_, (rgb, shape))]
        both = np.concatenate(aligned, axis=1)
        return {**alone, BOTH: Patches(both, seen & known, [side.shape[1] for side in aligned])}

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        require("torch", "models")
        from specsight.detectors.depth.patch_pairs import projections

        places = collected(views, expected, self.neighbourhood, self.seed)
        pairs = places.pairs()
        self.networks_ = None
        if len(pairs[0]):
            self.networks_ = projections(*pairs, steps=self.steps, seed=self.seed, device=self.device)
        every = zip(places.colours, places.geometry, places.seen, places.known)
        patches = (self._patches(rgb, shape, places.groups, seen, known) for rgb, shape, seen, known in every)
        self.memories_, learners = learned(self, patches, len(places.colours))
        self.weights_ = one_class_weights(co_located(self.memories_, learners), self.seed)

    def _state(self) -> State:
        if self.weights_ is None:
            raise self._not_fitted()
        networks: State = {}
        for name, network in zip((COLOURS, GEOMETRY), self.networks_ or ()):
            networks |= network.arrays(name)
        memories = memories_state(self.memories_)
        return {**self._scale_state(), **networks, **memories, "weights": self.weights_}

    def _restore(self, state: State) -> None:
        self._restore_scale(state)
        self.networks_ = None
        if f"{BOTH}/bank" in state:
            self.networks_ = (Perceptron.of_arrays(state, COLOURS), Perceptron.of_arrays(state, GEOMETRY))
        self.memories_ = memories_of(state, (RGB, DEPTH, BOTH))
        self.weights_ = state["weights"]
        if self.weights_.shape != (len(self.memories_),):
            raise ValueError("the SVM's weights do not fit the memories")
