"""CLAD's training examples: what the encoder's tail takes of them, in half precision, and where which defect is.

In: `TrainingExample`s. Out: `EncodedExample`s, so that the trunk of the encoder sees each picture once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from specsight.detectors.clad.networks import REBUILT
from specsight.detectors.examples import TrainingExample
from specsight.encoders.passes.split import Tail
from specsight.encoders.placement import Placement, pooling_weights
from specsight.errors import SpecsightError
from specsight.images import Cells, Frame

HALF_LARGEST = 65504.0
"""Largest number in half precision."""
GRID, PREFIX = "cut grid", "cut prefix"
"""Names of what a view holds: the input of the encoder's last block, and the prefix tokens beside that grid."""

State = str | None
"""A kind of defect; None: damage of no particular kind."""


@dataclass(frozen=True)
class EncodedExample:
    """One training example, encoded once."""

    grid: Tensor
    """(C, h, w) half: what the tail takes."""
    prefix: Tensor
    """(C, k) half: the prefix tokens beside the grid."""
    target: Tensor
    """(D, 8, 8) half: the frozen patch map, averaged; what D_v rebuilds."""
    weights: Tensor
    """(1, h', w'): what the patches count in the pooled embedding, where that is their mean."""
    inside: NDArray[np.bool_]
    """(h', w'): patches that show the picture rather than padding."""
    covered: Mapping[State, NDArray[np.float32]]
    """Type of the specification → share of each patch (h', w') that it covers. Good pictures have none."""
    synthetic: str | None
    """Name of the synthetic defect that it shows."""
    group: str
    """The physical object that it shows."""
    cut: tuple[Tensor, Tensor] | None = None
    """What the tail took, where Grad-CAM needs it."""

    @classmethod
    def of(
        cls, example: TrainingExample, tail: Tail, joint: Placement, *, tuned: bool, keep_cut: bool
    ) -> EncodedExample:
        """Store what training needs of an example: the input of a tail that is tuned, else the tail's output.

        `joint`: where the encoder's joint patches lie. Raises SpecsightError where the features are not all numbers.
        """
        grid, prefix = tail_inputs(example.features)
        if not all(bool(torch.isfinite(values).all()) for values in (grid, prefix)):
            raise SpecsightError(
                "the encoder's features of a picture to learn from are not all numbers: choose another encoder"
            )
        cut = (_half(grid), _half(prefix)) if keep_cut else None
        cells, weights = place_patches(example.frame, joint)
        rows, columns = example.frame.inside(cells)
        with torch.inference_mode():
            encoded = tail(grid, prefix, weights)
            target = functional.adaptive_avg_pool2d(encoded.patches[:, :, rows, columns], REBUILT)
        if not tuned:
            grid, prefix = encoded.patches, encoded.pooled[:, :, None]
        inside = np.zeros(cells.size, np.bool_)
        inside[rows, columns] = True
        covered = {type_: example.covered(type_, cells) for type_ in example.masks}
        halves = (_half(grid), _half(prefix), _half(target))
        return cls(*halves, weights[0], inside, covered, example.synthetic, example.group, cut)

    @property
    def good(self) -> bool:
        """Whether the picture shows no defect."""
        return not self.covered

    def covered_by_state(self, *, general: bool) -> Mapping[State, NDArray[np.float32]]:
        """Return the coverage by type of the specification, or (general) by name of the synthetic defect."""
        if not general or not self.covered:
            return self.covered
        return {self.synthetic: np.maximum.reduce(list(self.covered.values()))}


def tail_inputs(features: Mapping[str, NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """Return a view's features as one picture for the tail: grid (1, C, h, w) and prefix tokens (1, C, k)."""
    grid = torch.from_numpy(features[GRID])[None]
    prefix = features.get(PREFIX)
    if prefix is None:
        return grid, grid.new_zeros(1, grid.shape[1], 0)
    return grid, torch.from_numpy(prefix[:, 0])[None]


def place_patches(frame: Frame, joint: Placement) -> tuple[Cells, Tensor]:
    """Return where the joint patches of a whole frame lie, and what they count in their mean, (1, 1, h', w').

    They count by the share of them that lies on the picture.
    """
    rows, columns = (round(side / stride) for side, stride in zip(frame.size, joint.stride))
    cells = joint.cells((rows, columns))
    return cells, torch.from_numpy(pooling_weights(cells, frame.size, frame.region))[None, None]


def _half(values: Tensor) -> Tensor:
    """One picture's values without its batch dimension."""
    return values[0].clamp(-HALF_LARGEST, HALF_LARGEST).half()
