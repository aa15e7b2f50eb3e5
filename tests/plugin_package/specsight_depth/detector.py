"""A Gaussian of depth per position: how many standard deviations a surface lies beside that of good parts.

In: pictures of aligned parts with depth. Out: maps of deviations. The encoder is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors import Detector, Needs, State, View
from specsight.detectors.parameters import parameter
from specsight.encoders import Encoder
from specsight.features import grids
from specsight.records import Judgement, Picture
from specsight.specification import Instruction, Specification

CELL = 4
"""Pixels of the framed picture per position."""


@dataclass
class DepthGaussian(Detector):
    """Mean and deviation of depth at each position; score: the largest deviation."""

    name = "depth_gaussian"
    needs = Needs(good_pictures=2, depth=True)

    floor: float = parameter(0.1, "Smallest deviation that counts.", low=1e-6, high=1000, unit="mm")
    sigma: float = parameter(
        4.0, "Smoothing of the map, in pixels of the framed picture.", low=0, high=100, unit="px"
    )

    mean_: NDArray[np.float32] | None = field(default=None, init=False, repr=False)
    deviation_: NDArray[np.float32] | None = field(default=None, init=False, repr=False)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map = |depth - mean| / deviation, smoothed; score = the largest of it before smoothing."""
        if self.mean_ is None or self.deviation_ is None:
            raise self._not_fitted()
        deviations = np.abs(view.features["depth"][0] - self.mean_) / self.deviation_
        cells = view.cells["depth"]
        deviations[~view.frame.shows_picture(cells)] = 0
        return Judgement(float(deviations.max()), grids.on_picture(deviations, cells, view.frame, self.sigma))

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return ()

    def _look(self, picture: Picture) -> View:
        _, frame = images.letterbox(picture.rgb, self.framing.resolution, CELL)
        assert picture.depth is not None
        depth = np.nan_to_num(picture.depth, nan=float(np.nanmedian(picture.depth)))
        framed = frame.apply(depth)
        depths = framed.reshape(frame.size[0] // CELL, CELL, frame.size[1] // CELL, CELL).mean((1, 3))
        cells = images.Cells.over(frame.size, depths.shape)
        return View(frame, {"depth": np.asarray(depths[None], np.float32)}, {"depth": cells})

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        depths = np.stack([view.features["depth"][0] for view in views])
        self.mean_ = depths.mean(0)
        self.deviation_ = np.maximum(depths.std(0), np.float32(self.floor))

    def _state(self) -> State:
        if self.mean_ is None or self.deviation_ is None:
            raise self._not_fitted()
        return {"mean": self.mean_, "deviation": self.deviation_}

    def _restore(self, state: State) -> None:
        self.mean_, self.deviation_ = state["mean"], state["deviation"]
