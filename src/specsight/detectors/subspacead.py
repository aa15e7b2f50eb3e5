"""SubspaceAD (arXiv 2602.23013): what the principal axes of good patches leave over, without a memory bank.

Mean of several middle layers → principal axes that hold 99 % of the variance → squared length of the rest.

Departures. The layers are the middle third of a ViT's blocks (the paper's counts are those of DINOv2-giant); encoders
whose layers differ in width (convolutional, `filters`) have theirs joined instead of averaged. Reference pictures are
rotated at random only while there are few of them. Moments are taken in one pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.parameters import layer_names, parameter, sigma_parameter, top_parameter
from specsight.detectors.rotating import align_parameter
from specsight.detectors.saving import State
from specsight.encoders import Encoder
from specsight.features import grids
from specsight.features.moments import Axes, Moments, principal_axes
from specsight.images import Cells
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

FEW_SHOTS = 8
"""Most good pictures that count as few-shot, where the paper rotates them."""


@detectors.register("subspacead")
@dataclass
class SubspaceAD(Detector):
    """Squared distance of patches to the principal subspace of good patches."""

    name = "subspacead"
    score_of_map = True

    layers: tuple[str, ...] | None = layer_names(
        "Layers to average (same width) or join; default: a ViT's middle third, else the encoder's middle layers."
    )
    variance: float = parameter(0.99, "Share of the variance that the kept axes hold.", low=0.01, high=1)
    rotations: int = parameter(
        30,
        "Random rotations of each good picture where there are at most 8 of them; 0 for parts that always lie alike.",
        low=0,
        high=360,
    )
    align: bool | None = align_parameter()
    top: float = top_parameter(0.01)
    sigma: float = sigma_parameter()

    axes_: Axes | None = field(default=None, init=False, repr=False)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map = smoothed residuals; score = mean of the largest of them."""
        if self.axes_ is None:
            raise self._not_fitted()
        averaged, cells = self._averaged(view)
        residuals = self.axes_.residual(grids.vectors(averaged)).reshape(cells.size)
        score = grids.top_mean(residuals[view.frame.shows_picture(cells)], self.top)
        return Judgement(score, grids.on_picture(residuals, cells, view.frame, self.sigma))

    def _angles(self, good: int) -> tuple[float, ...] | None:
        turns = self.rotations if good <= FEW_SHOTS else 0
        return tuple(np.random.default_rng(self.seed).uniform(0, 360, turns).tolist())

    def _alignment(self) -> bool | None:
        return self.align

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        if self.layers:
            return self.layers
        blocks = [layer.name for layer in encoder.available if layer.name.startswith("block")]
        return blocks[len(blocks) // 3 : max(2 * len(blocks) // 3, 1)] or encoder.default_layers

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        moments = Moments()
        for view in views:
            averaged, cells = self._averaged(view)
            visible = view.frame.shows_picture(cells).ravel()
            moments.add(grids.vectors(averaged)[visible])
        self.axes_ = principal_axes(moments, self.variance)

    def _averaged(self, view: View) -> tuple[grids.Grid, Cells]:
        """One grid (D, h, w) and its cells: the mean of layers of one shape, or layers of several shapes joined."""
        layers, places = list(view.features.values()), list(view.cells.values())
        if len({layer.shape for layer in layers}) == 1:
            placed = [grids.resampled(layer, own, places[0]) for layer, own in zip(layers, places)]
            return np.asarray(np.mean(placed, axis=0), np.float32), places[0]
        return grids.join(view.features, view.cells)

    def _state(self) -> State:
        if self.axes_ is None:
            raise self._not_fitted()
        return {"mean": self.axes_.mean, "axes": self.axes_.basis}

    def _restore(self, state: State) -> None:
        self.axes_ = Axes(state["mean"], state["axes"])
