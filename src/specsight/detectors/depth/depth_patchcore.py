"""PatchCore (Roth et al., CVPR 2022) on geometry alone: what depth sees without colours.

In: depth. Out: how far each cell's geometry (heights, normals, curvatures: `features.surface`) lies from that of good
parts. Colours are not looked at, which a picture need not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from specsight.detectors.contract import View, detectors
from specsight.detectors.depth.looking import GEOMETRY, KNOWN, GeometryAlone, counted
from specsight.detectors.depth.memory import MemoryLearner, PatchMemory
from specsight.detectors.needs import Needs
from specsight.detectors.saving import State
from specsight.features import grids
from specsight.records import Judgement
from specsight.specification import Instruction, Specification


@detectors.register("depth_patchcore")
@dataclass
class DepthPatchCore(GeometryAlone):
    """Memory bank of the geometry of good parts; colours are not looked at."""

    name = "depth_patchcore"
    needs: ClassVar[Needs] = Needs(depth=True)
    score_of_map = True

    memory_: PatchMemory | None = field(default=None, init=False, repr=False)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = mean of the largest distances of known cells; map = distances, unknown cells as usual good ones."""
        if self.memory_ is None:
            raise self._not_fitted()
        cells = view.cells[GEOMETRY]
        distances, _ = self.memory_.distances(grids.vectors(view.features[GEOMETRY]))
        shown = counted(view, KNOWN)
        distances = np.where(view.features[KNOWN][0].ravel() > 0, distances, self.memory_.usual[0])
        score = grids.top_mean(distances[shown], self.top) if shown.any() else float(self.memory_.usual[0])
        return Judgement(
            score, grids.on_picture(distances.reshape(cells.size), cells, view.frame, self.sigma)
        )

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        learner = MemoryLearner(self.coreset_ratio, self.coreset_limit, self.seed)
        for number, view in enumerate(views, 1):
            patches = grids.vectors(view.features[GEOMETRY])
            learner.add(patches, counted(view, KNOWN), expected=expected - number)
        self.memory_ = learner.build()

    def _state(self) -> State:
        if self.memory_ is None:
            raise self._not_fitted()
        return {**self._scale_state(), **self.memory_.arrays("depth")}

    def _restore(self, state: State) -> None:
        self._restore_scale(state)
        self.memory_ = PatchMemory.of_arrays(state, "depth")
