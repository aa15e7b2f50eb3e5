"""CFM (Costanzino et al., "Multimodal industrial anomaly detection by crossmodal feature mapping", CVPR 2024).

In: colours and depth. Out: how badly each predicts the other, place by place: the product of both residuals. Two small
networks learn from good pictures what geometry goes with which colours, and back; no memory is searched. Departures
from the paper: geometry (`features.surface`) instead of Point-MAE's features, on the encoder's cells instead of
pixels, all standardised; one map, smoothed by a Gaussian, for pixels and for the score, which is the mean of its
largest values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from specsight.detectors.contract import View, detectors
from specsight.detectors.depth.evidence import judged
from specsight.detectors.depth.looking import (
    GEOMETRY,
    KNOWN,
    SEEN,
    DepthDetector,
    colours,
    neighbourhood_parameter,
)
from specsight.detectors.depth.pairs import collected
from specsight.detectors.needs import Needs
from specsight.detectors.parameters import parameter
from specsight.detectors.saving import State
from specsight.errors import SpecsightError, require
from specsight.features import grids
from specsight.features.moments import Vectors
from specsight.features.perceptron import Perceptron
from specsight.records import ImageBatch, Judgement
from specsight.specification import Instruction, Specification


@detectors.register("cfm")
@dataclass
class CrossmodalMapping(DepthDetector):
    """Colours predict geometry and geometry predicts colours; what neither foresees is anomalous."""

    name = "cfm"
    needs: ClassVar[Needs] = Needs(depth=True, trains=True)
    score_of_map = True

    steps: int = parameter(400, "Steps of training.", low=1, high=1_000_000, unit="steps")
    neighbourhood: int = neighbourhood_parameter(1)

    networks_: tuple[Perceptron, Perceptron] | None = field(default=None, init=False, repr=False)
    """From colours to geometry, and from geometry to colours."""

    def look(self, pictures: ImageBatch) -> list[View]:
        """See `Detector.look`. Raises SpecsightError for a picture without depth or without colours."""
        if any("rgb" in picture.absent for picture in pictures):
            raise SpecsightError(
                f"{self.name} compares depth with colours, and this picture has none of these"
            )
        return super().look(pictures)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = mean of the largest products; map = products of residuals, 0 where either is unknown."""
        if self.networks_ is None:
            raise self._not_fitted()
        to_geometry, to_colours = self.networks_
        rgb, shape = colours(view, self.neighbourhood), grids.vectors(view.features[GEOMETRY])
        known = ((view.features[KNOWN][0] > 0) & (view.features[SEEN][0] > 0)).ravel()
        of_geometry = _residual(to_geometry(rgb), to_colours.standardised(shape))
        of_colours = _residual(to_colours(shape), to_geometry.standardised(rgb))
        return judged(self, view, np.asarray(of_geometry * of_colours * known, np.float32))

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        require("torch", "models")
        from specsight.detectors.depth.patch_pairs import mappings

        rgb, shape = collected(views, expected, self.neighbourhood, self.seed).pairs()
        if not len(rgb):
            raise SpecsightError(f"{self.name} needs good pictures that show a place in colours and in depth")
        self.networks_ = mappings(rgb, shape, steps=self.steps, seed=self.seed, device=self.device)

    def _state(self) -> State:
        if self.networks_ is None:
            raise self._not_fitted()
        first, second = self.networks_
        return {**self._scale_state(), **first.arrays("to_geometry"), **second.arrays("to_colours")}

    def _restore(self, state: State) -> None:
        self._restore_scale(state)
        self.networks_ = (
            Perceptron.of_arrays(state, "to_geometry"),
            Perceptron.of_arrays(state, "to_colours"),
        )


def _residual(predicted: Vectors, there: Vectors) -> Vectors:
    """Distance between the directions of two sets of vectors (n, D), in [0, 2]."""
    return np.asarray(np.linalg.norm(grids.unit(predicted) - grids.unit(there), axis=1), np.float32)
