"""What the supervised head learns from: as many patches of every picture, what each shows, and how far it deviates.

In: training examples as they stream by, then spaces and neighbours of good patches, by modality. Out: tables with a row
per patch; NaN where a modality does not know the patch. Good patches are compared with those of other parts: beside its
own picture's a good patch would have no deviation at all, and the head would learn that whatever deviates is defective.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.depth.evidence import Patches
from specsight.detectors.depth.memory import PatchMemory
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

    vectors: Mapping[str, Features]
    """Modality → (P, n, k)."""
    shares: Features
    """(P, n, K): the share of each patch that defects of each type cover."""
    folds: NDArray[np.int64]
    """(P,): the fold of each good picture's part, -1 for a picture with labelled defects."""

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which pictures show good parts, (P,)."""
        return self.folds >= 0

    def good_patches(self, modality: str) -> Features:
        """The patches of good pictures that a modality knows, (m, k)."""
        vectors = self.vectors[modality][self.good]
        return vectors[known(vectors)]

    def knowing(self, modality: str) -> int:
        """How many folds of good parts have a patch that a modality knows."""
        shown = known(self.vectors[modality]).any(1)
        return len(np.unique(self.folds[self.good & shown]))


@dataclass
class PatchCollector:
    """Keeps patches of training examples; memory is `CELLS` patches a picture, in half precision."""

    types: Sequence[str | None]
    generator: np.random.Generator
    _vectors: list[dict[str, NDArray[np.float16]]] = field(default_factory=list)
    _shares: list[Features] = field(default_factory=list)
    _folds: list[int] = field(default_factory=list)
    _parts: dict[str, int] = field(default_factory=dict)

    @property
    def good_parts(self) -> int:
        """How many good parts have come."""
        return len(self._parts)

    def add(self, example: TrainingExample, patches: Mapping[str, Patches], cells: Cells) -> None:
        """Take in the patches (h · w, D) of an example on `cells` that show its picture."""
        shown = np.flatnonzero(example.frame.shows_picture(cells).ravel())
        shares = [example.covered(type_, cells).ravel()[shown] for type_ in self.types]
        table = np.stack(shares, 1) if shares else np.zeros((len(shown), 0), np.float32)
        chosen = self._choose(table.sum(1) > 0)
        rows = shown[chosen]
        self._vectors.append(
            {name: _where_known(own, rows).astype(np.float16) for name, own in patches.items()}
        )
        self._shares.append(table[chosen])
        self._folds.append(-1 if example.masks else self._fold(example))

    def patches(self, memories: Mapping[str, PatchMemory]) -> PatchSet:
        """All of them, in the spaces of the memories."""
        vectors = {
            name: np.stack([projected(memory, own[name].astype(np.float32)) for own in self._vectors])
            for name, memory in memories.items()
        }
        return PatchSet(vectors, np.stack(self._shares), np.array(self._folds))

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
    patches: PatchSet, modality: str, bank: MemoryBank, generator: np.random.Generator
) -> tuple[Features, Features]:
    """(distances (P, n), differences (P, n, k)) of patches and the nearest good one of another part.

    Patches of labelled pictures are compared with `bank`, which good pictures alone are in. NaN where the modality does
    not know a patch, or no other part shows it.
    """
    table = patches.vectors[modality]
    distances, differences = np.full(table.shape[:2], np.nan, np.float32), np.full_like(table, np.nan)
    for fold in np.unique(patches.folds):
        own, others = patches.folds == fold, patches.good & (patches.folds != fold)
        compared = bank
        if fold >= 0:
            vectors = table[others]
            vectors = vectors[known(vectors)]
            if not len(vectors):
                continue
            compared = MemoryBank(generator.permutation(vectors)[:REFERENCES])
        distances[own], differences[own] = deviation(table[own], compared)
    return distances, differences


def deviation(vectors: Features, bank: MemoryBank) -> tuple[Features, Features]:
    """(distances (...), differences (..., k)) of vectors (..., k) and their nearest ones in the bank; NaN stays NaN."""
    distances = np.full(vectors.shape[:-1], np.nan, np.float32)
    differences = np.full_like(vectors, np.nan)
    there = known(vectors)
    if there.any():
        own = vectors[there]
        found, neighbours = bank.nearest(own)
        distances[there], differences[there] = found[:, 0], own - bank.vectors[neighbours[:, 0]]
    return distances, differences


def known(vectors: Features) -> NDArray[np.bool_]:
    """Which vectors (..., k) are known, (...)."""
    return ~np.isnan(vectors[..., 0])


def projected(memory: PatchMemory, vectors: Features) -> Features:
    """Vectors (n, D) in the space of a memory, (n, k); NaN stays NaN."""
    there = known(vectors)
    own = memory.space.project(vectors[there])
    table = np.full((len(vectors), own.shape[1]), np.nan, np.float32)
    table[there] = own
    return table


def of_memories(memories: Mapping[str, PatchMemory], patches: Mapping[str, Patches]) -> dict[str, Features]:
    """Patches of one picture in the spaces of the memories, (n, k) each; NaN where a modality does not know one."""
    return {
        name: projected(memory, _where_known(patches[name], slice(None))) for name, memory in memories.items()
    }


def _where_known(patches: Patches, rows: NDArray[np.int64] | slice) -> Features:
    return np.where(patches.known[rows, None], patches.vectors[rows], np.float32(np.nan))
