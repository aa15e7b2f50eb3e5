"""What cross-set training keeps of its examples: frozen features in half precision, and where which defect is.

In: `TrainingExample`s and the specification of their product. Out: `FrozenExample`s, small enough to stay in memory, so
that the encoder sees every training picture once; mosaics of 2 × 2 pictures; which pictures are held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.examples import TrainingExample
from specsight.detectors.text_detector import shown
from specsight.encoders import Features
from specsight.errors import SpecsightError, did_you_mean
from specsight.records import Picture, Sample
from specsight.specification import Specification

Masks = Mapping[str | None, NDArray[np.bool_]]

CELL = 4
"""Pixels of the framed picture per cell that losses are computed on."""
HELD_OUT = 0.2
HALF_LARGEST = 65504.0
"""Largest number in half precision."""


@dataclass(frozen=True)
class FrozenExample:
    """One labelled picture of one product, looked at once."""

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
        """Keep what training needs of an example; `name` is for the message where its features are no numbers."""
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
        return cls(halves, masks, grid, shown(example.frame, grid), specification, held_out)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(half.nbytes for half in self.halves.values()) + sum(m.nbytes for m in self.masks.values())

    @property
    def defective(self) -> bool:
        """Whether the picture shows any defect."""
        return bool(self.masks)

    def features(self, name: str) -> Features:
        """(D, h, w) over the frame."""
        return self.halves[name].astype(np.float32)

    def covered(self, type_: str | None) -> Features:
        """Share in [0, 1] that a type covers of every cell that shows the picture, (rows, columns)."""
        if type_ not in self.masks:
            return np.zeros((self.grid[0], self.grid[1]), np.float32)[self.cells]
        return np.asarray(self.masks[type_][self.cells] / 255, np.float32)

    def damaged(self) -> Features:
        """Share in [0, 1] of every cell that shows the picture which any defect covers, (rows, columns). Where types
        share a cell, that of the largest."""
        covered = [self.covered(type_) for type_ in (*self.masks, None)]
        return np.asarray(np.maximum.reduce(covered), np.float32)


def by_product(
    samples: Sequence[Sample], specifications: Mapping[str, Specification]
) -> dict[str, list[Sample]]:
    """Samples by product, in the order in which products come first."""
    products: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.label == "unknown":
            raise SpecsightError(
                f"'{sample.id}' is labelled neither good nor defective: label it, or leave it out"
            )
        if sample.product not in specifications:
            known = did_you_mean(sample.product, specifications) if specifications else "none is given"
            raise SpecsightError(
                f"there is no specification of '{sample.product}', which '{sample.id}' is to be learned from: add one "
                f"({known})"
            )
        products.setdefault(sample.product, []).append(sample)
    if not products:
        raise SpecsightError("there is no picture to train on: give labelled samples of other products")
    return products


def held_out(samples: Sequence[Sample], seed: int) -> frozenset[str]:
    """Paths of a fifth of the pictures, drawn under `seed` among good and defective ones by themselves (at least one
    of each where there are two). Pictures of one physical object stay on one side."""
    sources: dict[str, list[Sample]] = {}
    for sample in samples:
        key = f"{sample.product} {sample.group}" if sample.group else str(sample.image)
        sources.setdefault(key, []).append(sample)
    generator, held = np.random.default_rng(seed), set[str]()
    for label in ("good", "defective"):
        mine = [some for some in sources.values() if _label(some) == label]
        count = max(1, round(HELD_OUT * len(mine))) if len(mine) > 1 else 0
        for k in generator.permutation(len(mine))[:count]:
            held.update(str(sample.image) for sample in mine[k])
    return frozenset(held)


def mosaic(
    pictures: Sequence[Picture], masks: Sequence[Masks]
) -> tuple[Picture, dict[str | None, NDArray[np.bool_]]]:
    """Four pictures, each at half the size of the first, as one of its size; their masks by type likewise."""
    import cv2

    rows, columns = (max(1, side // 2) for side in pictures[0].size)
    rgb = np.empty((2 * rows, 2 * columns, 3), np.uint8)
    together: dict[str | None, NDArray[np.bool_]] = {}
    for k, (picture, some) in enumerate(zip(pictures, masks)):
        quarter = np.s_[k // 2 * rows : (k // 2 + 1) * rows, k % 2 * columns : (k % 2 + 1) * columns]
        rgb[quarter] = cv2.resize(picture.rgb, (columns, rows), interpolation=cv2.INTER_AREA)
        for type_, mask in some.items():
            small = cv2.resize(mask.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST)
            together.setdefault(type_, np.zeros(rgb.shape[:2], bool))[quarter] |= small > 0
    return Picture(rgb), together


def _label(samples: Sequence[Sample]) -> str:
    return "defective" if any(sample.label == "defective" for sample in samples) else "good"
