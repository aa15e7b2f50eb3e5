"""Pictures of a gallery → batches: features, distances to references, what is looked for, and what is said.

In: a gallery, references, a layout of tokens. Out: `MapBatch`es. A batch is a function of (seed, number) alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specsight.language.pointing.packing import Branch, Packed, pack
from specsight.language.pointing.tokens import Layout
from specsight.recipes.anomalygpt.recipe import PromptStage
from specsight.recipes.anomalygpt.references import distances_to
from specsight.recipes.language.batches import BatchMaker, target_of
from specsight.recipes.language.conversations import ANYTHING, pointed
from specsight.recipes.language.gallery import Entry, Gallery


@dataclass
class MapBatch:
    """What a step learns from: B pictures, Q sentences about defects that are looked for in them."""

    grids: list[Tensor]
    """(B, C_l, h_l, w_l) float16, fine to coarse."""
    distances: list[Tensor]
    """(B, h_l, w_l): of cells to those of references; zero where there are none."""
    referenced: Tensor
    """(B,) bool: whether there are references."""
    packed: Packed
    entries: list[Entry]
    pictures: Tensor
    """(Q,) int64: the row of the picture. Rows rise, and the first sentence of each stands for any defect."""
    words: list[str]
    """(Q,): what is looked for; empty: any defect."""
    targets: Tensor
    """(Q, h, w) float32 in {0, 1}."""
    known: Tensor
    """(Q, h, w) bool: cells whose truth is known."""

    @property
    def anything(self) -> Tensor:
        """(B,): of each picture the sentence that stands for any defect."""
        rows = torch.arange(len(self.entries))
        return torch.searchsorted(self.pictures, rows)


class MapBatchMaker(BatchMaker):
    """Draws pictures as `BatchMaker` does, and references of those that have some."""

    def __init__(
        self, gallery: Gallery, layout: Layout, stage: PromptStage, references: Mapping[int, tuple[int, ...]]
    ) -> None:
        super().__init__(gallery, layout, stage)
        self.few_shot, self.most, self.references = stage.few_shot, stage.references, references

    def __call__(self, seed: int, number: int) -> Any:
        """The `MapBatch` of this number under this seed."""
        return super().__call__(seed, number)

    def batch(self, rng: np.random.Generator, numbers: Sequence[int]) -> Any:
        """A `MapBatch` of pictures by number."""
        found = [self.gallery.features(number) for number in numbers]
        entries = [self.gallery.entries[number] for number in numbers]
        branches = [self._said(rng, entry) for entry in entries]
        rows, words, targets, known = [], [], [], []
        for row, (entry, (_, labels)) in enumerate(zip(entries, found)):
            looked_for = pointed(rng, entry, self.stage.absent)
            looked_for.sort(key=lambda one: one.type != ANYTHING)
            for one in looked_for:
                target, sure = target_of(labels, entry, one.type)
                rows.append(row)
                words.append("" if one.type == ANYTHING else one.words)
                targets.append(target)
                known.append(sure)
        distances = [self._distances(rng, number, grids) for number, (grids, _) in zip(numbers, found)]
        return MapBatch(
            [torch.from_numpy(np.stack(level)) for level in zip(*(grids for grids, _ in found))],
            [torch.from_numpy(np.stack(level)) for level in zip(*(one for one, _ in distances))],
            torch.tensor([has for _, has in distances]),
            pack(branches),
            entries,
            torch.tensor(rows),
            words,
            torch.from_numpy(np.stack(targets).astype(np.float32)),
            torch.from_numpy(np.stack(known)),
        )

    def _said(self, rng: np.random.Generator, entry: Entry) -> list[Branch]:
        return [Branch(*self._spoken(turn)) for turn in self._turns(rng, entry)]

    def _distances(
        self, rng: np.random.Generator, number: int, grids: Sequence[NDArray[np.float16]]
    ) -> tuple[list[NDArray[np.float32]], bool]:
        """Distances to references, with chance `few_shot` where there are some, and whether there are."""
        pool = self.references.get(number, ())
        if not pool or rng.random() >= self.few_shot:
            return [np.zeros(grid.shape[1:], np.float32) for grid in grids], False
        count = int(rng.integers(1, min(len(pool), self.most) + 1))
        drawn = rng.choice(len(pool), count, replace=False)
        return distances_to(grids, [self.gallery.features(pool[int(k)])[0] for k in drawn]), True
