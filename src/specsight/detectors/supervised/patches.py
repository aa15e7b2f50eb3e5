"""What the supervised head learns from: as many patches of every picture, what each shows, and how far it deviates.

In: training examples as they stream by, then the space and the neighbours of good patches. Out: tables with a row per
patch. Good patches are compared with those of other parts: beside its own picture's a good patch would have no
deviation at all, and the head would learn that whatever deviates is defective.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.examples import TrainingExample
from specsight.encoders import Features
from specsight.features.memory_bank import MemoryBank
from specsight.images import Cells

CELLS = 256
"""Patches kept of a picture: of a labelled one, its defective patches before others."""
DEFECTIVE_CELLS = 128
"""Defective patches of them, at most."""
FOLDS = 5
"""Good parts are compared with others in as many folds; the first is not learned from and gives the scales."""
REFERENCES = 8192
"""Good patches that those of a fold are compared with, at most."""


@dataclass(frozen=True)
class PatchSet:
    """Patches of P pictures, n of each."""

    vectors: Features
    """(P, n, k)"""
    shares: Features
    """(P, n, K): the share of each patch that defects of each type cover."""
    folds: NDArray[np.int64]
    """(P,): the fold of each good picture's part, -1 for a picture with labelled defects."""

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which pictures show good parts, (P,)."""
        return self.folds >= 0

    @property
    def good_patches(self) -> Features:
        """The patches of good pictures, (m, k)."""
        return self.vectors[self.good].reshape(-1, self.vectors.shape[2])


@dataclass
class PatchCollector:
    """Keeps patches of training examples; memory is `CELLS` patches a picture, in half precision."""

    types: Sequence[str | None]
    generator: np.random.Generator
    _vectors: list[NDArray[np.float16]] = field(default_factory=list)
    _shares: list[Features] = field(default_factory=list)
    _folds: list[int] = field(default_factory=list)
    _parts: dict[str, int] = field(default_factory=dict)

    @property
    def good_parts(self) -> int:
        """How many good parts have come."""
        return len(self._parts)

    def add(self, example: TrainingExample, patches: Features, cells: Cells) -> None:
        """Take in the patches (h · w, D) of an example that show its picture."""
        shown = np.flatnonzero(example.frame.shows_picture(cells).ravel())
        shares = [example.covered(type_, cells).ravel()[shown] for type_ in self.types]
        table = np.stack(shares, 1) if shares else np.zeros((len(shown), 0), np.float32)
        chosen = self._choose(table.sum(1) > 0)
        self._vectors.append(patches[shown[chosen]].astype(np.float16))
        self._shares.append(table[chosen])
        self._folds.append(-1 if example.masks else self._fold(example))

    def patches(self, project: Callable[[Features], Features]) -> PatchSet:
        """All of them, in the space that `project` leads to."""
        vectors = [project(of_picture.astype(np.float32)) for of_picture in self._vectors]
        return PatchSet(np.stack(vectors), np.stack(self._shares), np.array(self._folds))

    def _fold(self, example: TrainingExample) -> int:
        sample = example.sample
        part = (sample.group or sample.id) if sample else ""
        return self._parts.setdefault(part, len(self._parts)) % FOLDS

    def _choose(self, defective: NDArray[np.bool_]) -> NDArray[np.int64]:
        """`CELLS` numbers of patches, some twice where there are fewer."""
        draw = self.generator
        shown = np.flatnonzero(defective)
        shown = draw.permutation(shown)[:DEFECTIVE_CELLS]
        others = np.flatnonzero(~defective) if len(shown) < len(defective) else np.arange(len(defective))
        others = others if len(others) else np.arange(len(defective))
        count = CELLS - len(shown)
        return np.concatenate([shown, draw.choice(others, count, replace=count > len(others))])


def deviations(
    patches: PatchSet, bank: MemoryBank, generator: np.random.Generator
) -> tuple[Features, Features]:
    """(distances (P, n), differences (P, n, k)) of patches and the nearest good one of another part.

    Patches of labelled pictures are compared with `bank`, which good pictures alone are in.
    """
    distances = np.empty(patches.vectors.shape[:2], np.float32)
    differences = np.empty_like(patches.vectors)
    for fold in np.unique(patches.folds):
        own, others = patches.folds == fold, patches.good & (patches.folds != fold)
        compared = bank
        if fold >= 0 and others.any():
            vectors = patches.vectors[others].reshape(-1, patches.vectors.shape[2])
            compared = MemoryBank(generator.permutation(vectors)[:REFERENCES])
        distances[own], differences[own] = deviation(patches.vectors[own], compared)
    return distances, differences


def deviation(vectors: Features, bank: MemoryBank) -> tuple[Features, Features]:
    """(distances (...), differences (..., k)) of vectors (..., k) and their nearest ones in the bank."""
    flat = vectors.reshape(-1, vectors.shape[-1])
    distances, neighbours = bank.nearest(flat)
    differences = flat - bank.vectors[neighbours[:, 0]]
    return distances[:, 0].reshape(vectors.shape[:-1]), differences.reshape(vectors.shape)
