"""PaDiM (Defard et al. 2020): one Gaussian per position; the map is the Mahalanobis distance of each patch to its own.

It compares positions, so pictures are framed into a fixed square with the aspect kept, and objects must be aligned.

Departures. The grid has the stride of `grid` pixels (8) instead of 4, a quarter of the memory, with finer layers
averaged onto it; means and covariances are accumulated as pictures stream by; the same 0.01 is added to the diagonal
as in the paper, measured in units of the mean feature variance, since encoders differ in scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.needs import Needs
from specsight.detectors.parameters import layer_names, parameter, sigma_parameter
from specsight.detectors.rotating import align_parameter
from specsight.detectors.saving import State
from specsight.encoders import Encoder
from specsight.features import grids
from specsight.records import Judgement, Picture
from specsight.specification import Instruction, Specification

REGULARISATION = 0.01
AT_ONCE = 16
"""Pictures whose covariance products are formed together."""
EARLY_LAYERS = ("stride4", "stride8", "stride16")


@detectors.register("padim")
@dataclass
class Padim(Detector):
    """A Gaussian per position over a fixed random subset of channels."""

    name = "padim"
    score_of_map = True
    needs = Needs(good_pictures=20)

    layers: tuple[str, ...] | None = layer_names(
        "Layers to join; default: strides 4, 8 and 16 where the encoder has them, else its middle layers."
    )
    dimension: int = parameter(100, "Channels kept, drawn under `seed`.", low=1, high=1000, unit="channels")
    grid: int = parameter(8, "Pixels of the framed picture per position.", low=1, high=64, unit="px")
    align: bool | None = align_parameter()
    sigma: float = sigma_parameter()

    channels_: NDArray[np.int64] | None = field(default=None, init=False, repr=False)
    means_: grids.Grid | None = field(default=None, init=False, repr=False)
    """(P, d), positions row by row."""
    whitening_: grids.Grid | None = field(default=None, init=False, repr=False)
    """(P, d, d): its product with a difference from the mean has the Mahalanobis distance as length."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map = smoothed Mahalanobis distances; score = the map's maximum."""
        if self.channels_ is None or self.means_ is None or self.whitening_ is None:
            raise self._not_fitted()
        vectors, cells = self._vectors(view)
        difference = vectors[:, self.channels_] - self.means_
        distances = np.linalg.norm(np.matmul(self.whitening_, difference[:, :, None])[:, :, 0], axis=1)
        heat = grids.on_picture(
            distances.astype(np.float32).reshape(cells.size), cells, view.frame, self.sigma
        )
        return Judgement(float(heat.max()), heat)

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        if self.layers:
            return self.layers
        early = tuple(layer.name for layer in encoder.available if layer.name in EARLY_LAYERS)
        return early or encoder.default_layers

    def _alignment(self) -> bool | None:
        return self.align

    def _frame(self, picture: Picture, multiple: int) -> tuple[NDArray[np.uint8], images.Frame]:
        return images.letterbox(picture.rgb, self.framing.resolution, multiple)

    def _vectors(self, view: View) -> tuple[grids.Grid, images.Cells]:
        """(P, D) features by position, the same positions for every picture, and their cells."""
        size = (max(1, view.frame.size[0] // self.grid), max(1, view.frame.size[1] // self.grid))
        positions = images.Cells.over(view.frame.size, size)
        return grids.vectors(grids.join(view.features, view.cells, target=positions)[0]), positions

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        gaussians: _Gaussians | None = None
        for view in views:
            vectors, _ = self._vectors(view)
            if gaussians is None:
                self.channels_ = self._draw(vectors.shape[1])
                gaussians = _Gaussians(vectors[:, self.channels_])
            gaussians.add(vectors[:, self.channels_])
        if gaussians is not None:
            self.means_, covariance = gaussians.mean_and_covariance()
            self.whitening_ = _whitening(covariance)

    def _draw(self, width: int) -> NDArray[np.int64]:
        generator = np.random.default_rng(self.seed)
        return np.sort(generator.choice(width, min(self.dimension, width), replace=False))

    def _state(self) -> State:
        if self.channels_ is None or self.means_ is None or self.whitening_ is None:
            raise self._not_fitted()
        return {"channels": self.channels_, "means": self.means_, "whitening": self.whitening_}

    def _restore(self, state: State) -> None:
        means, whitening = state["means"], state["whitening"]
        channels = state["channels"]
        if whitening.shape != (*means.shape, means.shape[1]) or channels.shape != means.shape[1:]:
            raise ValueError("means, covariances and channels do not fit together")
        self.channels_, self.means_, self.whitening_ = channels, means, whitening


class _Gaussians:
    """Mean and covariance at each of P positions over pictures that stream by, (P, d) each."""

    def __init__(self, first: grids.Grid) -> None:
        # Sums around the first picture: products of large offsets would eat float32's precision.
        self._shift = first.copy()
        self._sum = np.zeros_like(first)
        self._products = np.zeros((*first.shape, first.shape[1]), np.float32)
        self._waiting: list[grids.Grid] = []
        self._count = 0

    def add(self, vectors: grids.Grid) -> None:
        """Take in one picture; products are formed for several at once, as matrix products."""
        self._waiting.append(vectors - self._shift)
        if len(self._waiting) == AT_ONCE:
            self._flush()

    def mean_and_covariance(self) -> tuple[grids.Grid, grids.Grid]:
        """Return the means (P, d) and the unbiased covariances (P, d, d)."""
        self._flush()
        offset = self._sum / self._count
        spread = self._products - self._count * offset[:, :, None] * offset[:, None, :]
        return self._shift + offset, np.asarray(spread / max(1, self._count - 1), np.float32)

    def _flush(self) -> None:
        if self._waiting:
            stacked = np.stack(self._waiting, axis=1)
            self._sum += stacked.sum(1)
            self._products += np.matmul(stacked.transpose(0, 2, 1), stacked)
            self._count += len(self._waiting)
            self._waiting.clear()


def _whitening(covariance: grids.Grid) -> grids.Grid:
    """(P, d, d) W with WᵀW = (Σ + εI)⁻¹: the inverse of the Cholesky factor."""
    width = covariance.shape[1]
    diagonal = np.arange(width)
    variance = float(covariance[:, diagonal, diagonal].mean())
    covariance[:, diagonal, diagonal] += REGULARISATION * (variance if variance > 0 else 1.0)
    whitening = np.empty_like(covariance)
    for position, matrix in enumerate(covariance):
        whitening[position] = np.linalg.inv(np.linalg.cholesky(matrix.astype(np.float64)))
    return whitening
