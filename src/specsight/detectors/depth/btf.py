"""BTF (Horwitz and Hoshen, "Back to the feature", CVPR Workshops 2023): colours and FPFH in one patch, then PatchCore.

In: colours, and depth where a picture has it. Out: how far each patch [features of colours; fast point feature
histogram] lies from those of good parts. Departures from the paper: histograms come from the organised grid
(`features.fpfh`) instead of a voxelised cloud; the patches are compared as our PatchCore compares them; and patches of
one known modality alone are compared with those of good parts in that one, all as z-scores.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    learned_from_views,
    memories_of,
    memories_state,
    patches_of,
)
from specsight.detectors.depth.looking import SEEN, DepthDetector, neighbourhood_parameter
from specsight.detectors.depth.memory import PatchMemory
from specsight.detectors.needs import Needs
from specsight.detectors.saving import State
from specsight.features import grids
from specsight.features.fpfh import fpfh
from specsight.images import Cells, Frame
from specsight.images.cells import resampled
from specsight.records import Judgement
from specsight.specification import Instruction, Specification


@detectors.register("btf")
@dataclass
class BackToTheFeature(DepthDetector):
    """Memory bank of good patches of colours and point feature histograms together."""

    name = "btf"
    needs: ClassVar[Needs] = Needs(uses=("depth",))
    score_of_map = True

    neighbourhood: int = neighbourhood_parameter(3)

    memories_: dict[str, PatchMemory] = field(default_factory=dict, init=False, repr=False)
    """`BOTH`, and each modality by itself for patches that are known in one alone."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = mean of the largest z-scores of patches; map = these."""
        if not self.memories_:
            raise self._not_fitted()
        evidence = evidence_of(self.memories_, self._patches(view))
        values = np.zeros(view.cells[SEEN].size, np.float32).ravel()
        for name in (DEPTH, RGB, BOTH):
            if name in evidence:
                values = np.where(evidence[name].known, evidence[name].scores, values)
        return judged(self, view, values)

    def _patches(self, view: View) -> dict[str, Patches]:
        alone = patches_of(view, self.neighbourhood)
        rgb, shape = alone[RGB], alone[DEPTH]
        joined = np.concatenate([rgb.vectors, shape.vectors], axis=1)
        groups = [*(rgb.groups or ()), shape.vectors.shape[1]]
        return {**alone, BOTH: Patches(joined, rgb.known & shape.known, groups)}

    def _describe(
        self, depth: NDArray[np.float32], frame: Frame, cells: Cells
    ) -> tuple[grids.Grid, NDArray[np.bool_]]:
        framed = np.asarray(frame.apply(depth, np.nan), np.float32)
        scale = np.sqrt(np.prod(frame.native) / np.prod(frame.content))
        histograms, known, points = fpfh(framed, (self.mm_per_px_ or 1.0) * float(scale))
        shares = resampled(known.astype(np.float32), points, cells)
        pooled = resampled(histograms, points, cells) / np.maximum(shares, 1e-6)
        enough = shares >= 0.5
        return np.asarray(pooled * enough, np.float32), enough

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        self.memories_, _ = learned_from_views(self, views, expected, self._patches)

    def _state(self) -> State:
        if not self.memories_:
            raise self._not_fitted()
        return {**self._scale_state(), **memories_state(self.memories_)}

    def _restore(self, state: State) -> None:
        self._restore_scale(state)
        self.memories_ = memories_of(state, (RGB, DEPTH, BOTH))
