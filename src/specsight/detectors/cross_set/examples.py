"""What cross-set training stores of an example: frozen features in half precision, and where which defect is.

In: a `TrainingExample` and the specification of its product. Out: a `FrozenExample`, small enough to stay in memory, so
that the encoder sees every training picture once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.examples import TrainingExample
from specsight.encoders import Features
from specsight.errors import SpecsightError
from specsight.images.cells import Cells, weights
from specsight.specification import Specification

CELL = 4
"""Pixels of the framed picture per cell that losses are computed on."""
HALF_LARGEST = 65504.0
"""Largest number in half precision."""


@dataclass(frozen=True)
class FrozenExample:
    """One labelled picture of one product, encoded once."""

    halves: Mapping[str, NDArray[np.float16]]
    """Features (D, h, w) by name, as the view had them."""
    cells: Mapping[str, Cells]
    """Where their cells lie, of those that are grids."""
    masks: Mapping[str | None, NDArray[np.uint8]]
    """Type of the specification (None: damage of no particular kind) → share of each cell that it covers, (rows,
    columns) in 255ths, one at least where it covers any. Good pictures have none."""
    mask_cells: Cells
    """Where the cells of the masks lie: of `CELL` pixels, those that show the picture."""
    specification: Specification
    held_out: bool

    @classmethod
    def of(
        cls, example: TrainingExample, specification: Specification, name: str, *, held_out: bool
    ) -> FrozenExample:
        """Store what training needs of an example.

        Raises SpecsightError, which speaks of `name`, where the features are not all numbers.
        """
        frame = example.frame
        grid = Cells.over(frame.size, (max(1, frame.size[0] // CELL), max(1, frame.size[1] // CELL)))
        mask_cells = grid.cropped(*frame.inside(grid))
        halves = {}
        for key, values in example.features.items():
            if not np.isfinite(values).all():
                raise SpecsightError(
                    f"the encoder's {key} features of '{name}' are not all numbers: leave the picture out, or choose "
                    "another encoder"
                )
            halves[key] = np.clip(values, -HALF_LARGEST, HALF_LARGEST).astype(np.float16)
        masks = {type_: _in_255ths(example.covered(type_, mask_cells)) for type_ in example.masks}
        return cls(halves, example.cells, masks, mask_cells, specification, held_out)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(half.nbytes for half in self.halves.values()) + sum(m.nbytes for m in self.masks.values())

    @property
    def defective(self) -> bool:
        """Whether the picture shows any defect."""
        return bool(self.masks)

    def features(self, name: str) -> Features:
        """Return features (D, h, w), in single precision."""
        return self.halves[name].astype(np.float32)

    def spread(self, name: str) -> tuple[Features, Features]:
        """Return A (rows, h) and B (columns, w): A X Bᵀ brings a map X (h, w) on a feature's cells to the masks'."""
        source = self.cells[name]
        return weights(source, self.mask_cells, 0), weights(source, self.mask_cells, 1)

    def covered(self, type_: str | None) -> Features:
        """Return the share in [0, 1] of every cell of the masks which a type covers, (rows, columns)."""
        if type_ not in self.masks:
            return np.zeros(self.mask_cells.size, np.float32)
        return np.asarray(self.masks[type_] / 255, np.float32)

    def damaged(self) -> Features:
        """Return the share in [0, 1] of every cell of the masks which any defect covers, (rows, columns).

        Where types share a cell, that of the largest.
        """
        covered = [self.covered(type_) for type_ in (*self.masks, None)]
        return np.asarray(np.maximum.reduce(covered), np.float32)


def _in_255ths(shares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rounded, but to one where any of a cell is covered: the finest defect keeps its cells."""
    return np.asarray(np.where(shares > 0, np.maximum(np.round(shares * 255), 1), 0), np.uint8)
