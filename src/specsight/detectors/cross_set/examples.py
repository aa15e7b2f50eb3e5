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
from specsight.detectors.text import inside_picture
from specsight.encoders import Features
from specsight.errors import SpecsightError
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
    masks: Mapping[str | None, NDArray[np.uint8]]
    """Type of the specification (None: damage of no particular kind) → share of each cell that it covers, (rows,
    columns) in 255ths. Good pictures have none."""
    grid: tuple[int, int]
    """Rows and columns of the masks: cells of `CELL` pixels over the frame."""
    cells: tuple[slice, slice]
    """Rows and columns of `grid` that show the picture."""
    specification: Specification
    held_out: bool

    @classmethod
    def of(
        cls, example: TrainingExample, specification: Specification, name: str, *, held_out: bool
    ) -> FrozenExample:
        """Store what training needs of an example.

        Raises SpecsightError, which speaks of `name`, where the features are not all numbers.
        """
        height, width = example.frame.size
        grid = (max(1, height // CELL), max(1, width // CELL))
        halves = {}
        for key, values in example.features.items():
            if not np.isfinite(values).all():
                raise SpecsightError(
                    f"the encoder's {key} features of '{name}' are not all numbers: leave the picture out, or choose "
                    "another encoder"
                )
            halves[key] = np.clip(values, -HALF_LARGEST, HALF_LARGEST).astype(np.float16)
        shares = {type_: example.covered(type_, grid) for type_ in example.masks}
        masks = {type_: np.round(share * 255).astype(np.uint8) for type_, share in shares.items()}
        return cls(halves, masks, grid, inside_picture(example.frame, grid), specification, held_out)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(half.nbytes for half in self.halves.values()) + sum(m.nbytes for m in self.masks.values())

    @property
    def defective(self) -> bool:
        """Whether the picture shows any defect."""
        return bool(self.masks)

    def features(self, name: str) -> Features:
        """Return features (D, h, w) over the frame, in single precision."""
        return self.halves[name].astype(np.float32)

    def covered(self, type_: str | None) -> Features:
        """Return the share in [0, 1] of every cell that shows the picture which a type covers, (rows, columns)."""
        if type_ not in self.masks:
            return np.zeros((self.grid[0], self.grid[1]), np.float32)[self.cells]
        return np.asarray(self.masks[type_][self.cells] / 255, np.float32)

    def damaged(self) -> Features:
        """Return the share in [0, 1] of every cell that shows the picture which any defect covers, (rows, columns).

        Where types share a cell, that of the largest.
        """
        covered = [self.covered(type_) for type_ in (*self.masks, None)]
        return np.asarray(np.maximum.reduce(covered), np.float32)
