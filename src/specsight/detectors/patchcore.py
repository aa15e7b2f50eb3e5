"""PatchCore (Roth et al., CVPR 2022): distance of every patch to its nearest neighbour among patches of good parts.

Departures. From the paper: layers are scaled to the same total variance, lest the one with the larger numbers decide,
and patches compared by their direction, on whitened principal axes of good ones (`features.patch_space`; 99 % of the
variance, and the length of the rest as one coordinate more), which finds more and halves the search; the coreset is
selected there, exactly and at the speed of matrix products, instead of behind a random projection, and has an upper
limit, so that the search costs less than the encoder; the image score is the mean of the largest patch distances
instead of the largest, re-weighted (the paper's equation 7); pictures keep their aspect instead of being squashed and
cropped. From the reference implementation: layers are joined by their own channels, not pooled to 1,024 each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.nearest_graph import Nearest, NearestGraph
from specsight.detectors.parameters import layer_names, parameter, sigma_parameter, top_parameter
from specsight.detectors.rotating import align_parameter, angles_of, rotate_parameter
from specsight.detectors.saving import State
from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.features.moments import Moments
from specsight.features.patch_space import PatchSpace, patch_space
from specsight.images import Cells
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

MEGABYTE = 1 << 20


@detectors.register("patchcore")
@dataclass
class PatchCore(Detector):
    """Memory bank of good patches, thinned by greedy k-centre selection, searched exactly."""

    name = "patchcore"
    score_of_map = True

    layers: tuple[str, ...] | None = layer_names(
        "Layers to join, on the grid of the first; default: the encoder's middle layers."
    )
    rotate: bool | None = rotate_parameter()
    align: bool | None = align_parameter()
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
        "Share of the variance of good patches' directions that the kept principal axes hold; 1 keeps patches as they "
        "are: no scale, no direction, no whitening.",
        low=0.01,
        high=1,
    )
    top: float = top_parameter(0.005)
    sigma: float = sigma_parameter()
    memory: int = parameter(
        1024,
        "Megabytes for patches while fitting; with more than that the coreset is merged and reduced as they stream.",
        low=1,
        high=1_000_000,
        unit="MB",
    )

    space_: PatchSpace | None = field(default=None, init=False, repr=False)
    bank_: MemoryBank | None = field(default=None, init=False, repr=False)
    graph_: NearestGraph | None = field(default=None, init=False, repr=False)

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range."""
        super().check_parameters()
        if self.neighbourhood % 2 == 0:
            raise SpecsightError(f"neighbourhood must be odd, got {self.neighbourhood}")

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = mean of the largest patch distances; map = smoothed patch distances."""
        if self.bank_ is None:
            raise self._not_fitted()
        patches, cells = self._patches(view)
        computed = self.graph_ or Nearest(self.bank_, self.space_)
        distances = computed.distances(patches).reshape(cells.size)
        score = grids.top_mean(distances[view.frame.shows_picture(cells)], self.top)
        return Judgement(score, grids.on_picture(distances, cells, view.frame, self.sigma))

    def _angles(self, good: int) -> tuple[float, ...] | None:
        return angles_of(self.rotate)

    def _alignment(self) -> bool | None:
        return self.align

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
        self.space_, self.graph_ = None, None
        if self.variance < 1:
            self.space_ = patch_space(builder.collected, moments, widths, self.variance)
        self.bank_ = MemoryBank(builder.build(self.space_.project if self.space_ else None))

    def _patches(self, view: View) -> tuple[grids.Grid, Cells]:
        """Locally aware patch vectors (h · w, D) and their cells."""
        joined, cells = grids.join(view.features, view.cells, self.neighbourhood)
        return grids.vectors(joined), cells

    def exact(self) -> Nearest | None:
        """See `Detector.exact`."""
        return None if self.bank_ is None else Nearest(self.bank_, self.space_)

    def run_by(self, folder: Path, runtime: str) -> None:
        """See `Detector.run_by`."""
        learned = self.exact()
        self.graph_ = None if learned is None else learned.read(folder, runtime)

    def _state(self) -> State:
        learned = self.exact()
        if learned is None:
            raise self._not_fitted()
        return learned.arrays()

    def _restore(self, state: State) -> None:
        self.space_ = PatchSpace.of_arrays(state) if self.variance < 1 else None
        if self.space_ and state["bank"].shape[1] != len(state["weights"]):
            raise ValueError("bank and axes do not fit together")
        self.bank_, self.graph_ = MemoryBank(state["bank"]), None
