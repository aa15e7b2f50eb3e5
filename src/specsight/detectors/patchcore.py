"""PatchCore (Roth et al., CVPR 2022): distance of every patch to its nearest neighbour among patches of good parts.

Departures. From the paper: layers are scaled to the same total variance, lest the one with the larger numbers decide;
patches are brought to their principal axes (99 % of the variance, and the length of the rest as one coordinate more),
which halves the search; the coreset is selected there, exactly and at the speed of
matrix products, instead of behind a random projection, and has an upper limit, so that the search costs less than the
encoder; pictures keep their aspect instead of being squashed and cropped. From the reference implementation: layers
are joined by their own channels, not pooled to 1,024 each, and the re-weighting of the image score (the paper's
equation 7) is there, in a form that cannot overflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.parameters import layer_names, parameter
from specsight.detectors.rotating import angles_of, rotate_parameter
from specsight.detectors.saving import State
from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.features.moments import Axes, Moments, balance, principal_axes
from specsight.images import Cells
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

MEGABYTE = 1 << 20


@detectors.register("patchcore")
@dataclass
class PatchCore(Detector):
    """Memory bank of good patches, thinned by greedy k-centre selection, searched exactly."""

    name = "patchcore"

    layers: tuple[str, ...] | None = layer_names(
        "Layers to join, on the grid of the first; default: the encoder's middle layers."
    )
    rotate: bool | None = rotate_parameter()
    neighbourhood: int = parameter(
        3, "Patches are averaged over this many cells each way.", low=1, high=15, unit="cells"
    )
    coreset_ratio: float = parameter(
        0.1, "Share of the good patches to keep, up to `coreset_limit`.", low=1e-6, high=1
    )
    coreset_limit: int = parameter(
        8192,
        "Patches to keep at most; more are thinned by greedy k-centre selection.",
        low=1,
        high=10_000_000,
        unit="patches",
    )
    variance: float = parameter(
        0.99,
        "Share of the variance of good patches that the kept principal axes hold; 1 keeps patches, and the "
        "scales of their layers, as they are.",
        low=0.01,
        high=1,
    )
    neighbours: int = parameter(
        9,
        "The image score is re-weighted by this many bank neighbours of the nearest patch; 1 switches it off.",
        low=1,
        high=1000,
    )
    sigma: float = parameter(
        4.0, "Smoothing of the map, in pixels of the framed picture.", low=0, high=100, unit="px"
    )
    memory: int = parameter(
        1024,
        "Megabytes for patches while fitting; with more than that the coreset is merged and reduced as they stream.",
        low=1,
        high=1_000_000,
        unit="MB",
    )

    axes_: Axes | None = field(default=None, init=False, repr=False)
    bank_: MemoryBank | None = field(default=None, init=False, repr=False)

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range."""
        super().check_parameters()
        if self.neighbourhood % 2 == 0:
            raise SpecsightError(f"neighbourhood must be odd, got {self.neighbourhood}")

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = re-weighted distance of the most anomalous patch; map = smoothed patch distances."""
        if self.bank_ is None:
            raise self._not_fitted()
        patches, cells = self._patches(view)
        patches = patches if self.axes_ is None else self.axes_.project(patches)
        distances, nearest = self.bank_.nearest(patches)
        visible = view.frame.shows_picture(cells).ravel()
        worst = int(np.where(visible, distances[:, 0], -1).argmax())
        score = float(distances[worst, 0]) * self._weight(patches[worst], int(nearest[worst, 0]))
        return Judgement(
            score, grids.on_picture(distances.reshape(cells.size), cells, view.frame, self.sigma)
        )

    def _angles(self, good: int) -> tuple[float, ...] | None:
        return angles_of(self.rotate)

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return self.layers or encoder.default_layers

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        builder = BankBuilder(self.coreset_ratio, self.coreset_limit, self.memory * MEGABYTE, self.seed)
        moments, widths = Moments(), []
        for number, view in enumerate(views, 1):
            patches, cells = self._patches(view)
            good = patches[view.frame.shows_picture(cells).ravel()]
            moments.add(good)
            widths = [len(grid) for grid in view.features.values()]
            builder.add(good, expected=(expected - number) * len(good))
        self.axes_ = None
        if self.variance < 1:
            self.axes_ = principal_axes(moments, self.variance, balance(moments, widths))
        self.bank_ = MemoryBank(builder.build(self.axes_.project if self.axes_ else None))

    def _patches(self, view: View) -> tuple[grids.Grid, Cells]:
        """Locally aware patch vectors (h · w, D) and their cells."""
        joined, cells = grids.join(view.features, view.cells, self.neighbourhood)
        return grids.vectors(joined), cells

    def _weight(self, patch: grids.Grid, nearest: int) -> float:
        """How much the image score counts: see `image_weight`."""
        if self.bank_ is None or self.neighbours == 1:
            return 1.0
        _, around = self.bank_.nearest(self.bank_.vectors[nearest][None], self.neighbours)
        distances = np.linalg.norm(self.bank_.vectors[around[0]] - patch, axis=1)
        return image_weight(distances, float(np.linalg.norm(self.bank_.vectors[nearest] - patch)))

    def _state(self) -> State:
        if self.bank_ is None:
            raise self._not_fitted()
        state = {"bank": self.bank_.vectors}
        if self.axes_ is not None and self.axes_.scale is not None:
            state |= {"mean": self.axes_.mean, "axes": self.axes_.basis, "scale": self.axes_.scale}
        return state

    def _restore(self, state: State) -> None:
        self.axes_ = Axes(state["mean"], state["axes"], state["scale"]) if self.variance < 1 else None
        if self.axes_ and state["bank"].shape[1] != state["axes"].shape[1] + 1:
            raise ValueError("bank and axes do not fit together")
        self.bank_ = MemoryBank(state["bank"])


def image_weight(distances: NDArray[np.floating[Any]], own: float) -> float:
    """1 - exp(own) / Σ exp(distances), the paper's equation 7, safe for distances of any size.

    `distances` of a patch to the bank vectors around its nearest one, `own` to that one. A single vector (a bank of
    one) has nothing to compare with and weighs 1.
    """
    if len(distances) == 1:
        return 1.0
    highest = float(distances.max())
    return 1.0 - float(np.exp(own - highest) / np.exp(distances - highest).sum())
