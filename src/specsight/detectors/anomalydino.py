"""AnomalyDINO (Damm et al., WACV 2025): cosine distance of each patch to its nearest patch of few good pictures.

Layer: the normalised last tokens of a ViT (the paper's DINOv2 ViT-S/14). Score: mean over the most anomalous 1 %.

Departures. Whether to rotate the references is settled by a test on them rather than by product name: they are rotated
where some angle brings pairs of them clearly closer. The foreground mask splits the first principal component by Otsu
instead of by a constant tied to one backbone, and masked patches are left out of the score's mean instead of counted
as zeros; it is off by default. Above `coreset_limit` patches the memory is thinned by greedy k-centre selection.
Encoders without "output" tokens have their middle layers joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.parameters import layer_names, parameter, sigma_parameter, top_parameter
from specsight.detectors.rotating import align_parameter, angles_of, rotate_parameter
from specsight.detectors.saving import State
from specsight.encoders import Encoder
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

FEW_SHOTS = 16
"""Most references that are rotated: more of them vary enough by themselves."""
MEGABYTES = 512 << 20
OUTPUT = "output"


@detectors.register("anomalydino")
@dataclass
class AnomalyDino(Detector):
    """Nearest-neighbour cosine distance over the patches of few good pictures."""

    name = "anomalydino"
    score_of_map = True

    resolution: int | str = 448
    """Pixels of the framed picture's shorter side."""
    layers: tuple[str, ...] | None = layer_names(
        "Layers to join, on the grid of the first; default: a ViT's output tokens, else the middle layers."
    )
    rotate: bool | None = rotate_parameter(None)
    align: bool | None = align_parameter()
    foreground: bool = parameter(
        False, "Judge only patches on the object, for small objects on an even background."
    )
    coreset_limit: int = parameter(
        20_000,
        "Patches to keep at most; more are thinned by greedy k-centre selection.",
        low=1,
        high=10_000_000,
        unit="patches",
    )
    top: float = top_parameter(0.01)
    sigma: float = sigma_parameter()

    bank_: MemoryBank | None = field(default=None, init=False, repr=False)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map = smoothed cosine distances; score = mean of the largest of them."""
        if self.bank_ is None:
            raise self._not_fitted()
        patches, cells = self._patches(view)
        # For unit vectors |x - y|² = 2 (1 - cos).
        distances = np.asarray(self.bank_.nearest(patches)[0][:, 0] ** 2 / 2, np.float32).reshape(cells.size)
        judged = view.frame.shows_picture(cells)
        if self.foreground:
            inside = judged & foreground(patches, cells.size)
            judged = inside if inside.any() else judged
        score = grids.top_mean(distances[judged], self.top)
        if self.foreground:
            distances[~judged] = 0
        return Judgement(score, grids.on_picture(distances, cells, view.frame, self.sigma))

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        if self.layers:
            return self.layers
        has_output = any(layer.name == OUTPUT for layer in encoder.available)
        return (OUTPUT,) if has_output else encoder.default_layers

    def _angles(self, good: int) -> tuple[float, ...] | None:
        return angles_of(False if self.rotate is None and good > FEW_SHOTS else self.rotate)

    def _alignment(self) -> bool | None:
        return self.align

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        builder = BankBuilder(1.0, self.coreset_limit, MEGABYTES, self.seed)
        for view in views:
            patches, cells = self._patches(view)
            builder.add(patches[view.frame.shows_picture(cells).ravel()])
        self.bank_ = MemoryBank(builder.build())

    def _patches(self, view: View) -> tuple[grids.Grid, images.Cells]:
        """Unit patch vectors (h · w, D) and their cells."""
        joined, cells = grids.join(view.features, view.cells)
        vectors = grids.vectors(joined)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(length, np.float32(1e-12)), cells

    def _state(self) -> State:
        if self.bank_ is None:
            raise self._not_fitted()
        return {"bank": self.bank_.vectors}

    def _restore(self, state: State) -> None:
        self.bank_ = MemoryBank(state["bank"])


def foreground(patches: grids.Grid, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Cells (h, w) on the object: the side of Otsu's split of the first principal component that lies in the middle.

    That is the side with the larger share of the central 60 % of the grid than of its rim; holes are closed. (The
    paper's "at least 35 % of the centre" needs a component whose sign is known.)
    """
    import cv2

    centred = patches - patches.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    component = (centred @ axes[:, -1]).reshape(size)
    low, high = float(component.min()), float(component.max())
    if high - low <= 1e-12:
        return np.ones(size, bool)
    levels = np.asarray((component - low) / (high - low) * 255, np.uint8)
    _, split = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    middle = np.zeros(size, bool)
    middle[tuple(slice(round(0.2 * side), max(round(0.8 * side), 1)) for side in size)] = True
    if split[middle].mean() < (split[~middle].mean() if not middle.all() else 0.5):
        split = 1 - split
    square = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.morphologyEx(cv2.dilate(split, square), cv2.MORPH_CLOSE, square), bool)
