"""A memory of good patches of one modality: how far any patch lies from them, in units of good patches held out.

In: patch vectors (n, D) of good pictures as they stream by. Out: distances (n,), and what they are of good patches that
the memory has not seen. Every fourth picture is held out for that and then joins the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.saving import State
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.features.moments import Moments, Vectors
from specsight.features.patch_space import PatchSpace, patch_space
from specsight.storage import below

HELD_OUT = 4
"""One picture of so many says how far good patches lie that the memory has not seen."""
MEASURED = 512
"""Patches of each such picture that are measured, at most."""
VARIANCE = 0.99
BUDGET = 1 << 29
"""Bytes for the patches that a memory is chosen from."""
FARTHEST = 1 << 32
"""More than a picture has patches."""
LEAST = 1e-6
"""Of what distances are divided by: constant good pictures have none."""


@dataclass(frozen=True)
class PatchMemory:
    """Good patches of one modality, and what distances to them are usual."""

    space: PatchSpace
    bank: MemoryBank
    usual: NDArray[np.float32]
    """(2,): mean and standard deviation of the distances of held-out good patches."""
    spacing: NDArray[np.float32]
    """(M,) mean distance of each patch of the bank to its nearest ones: large where good parts differ."""

    def __post_init__(self) -> None:
        """Raise ValueError where sizes do not fit together, as in a damaged file."""
        if self.bank.vectors.shape[1] != self.space.axes.basis.shape[1] + 1:
            raise ValueError("bank and axes do not fit together")
        if self.usual.shape != (2,) or self.spacing.shape != self.bank.vectors.shape[:1]:
            raise ValueError("bank and distances do not fit together")

    def distances(self, patches: Vectors) -> tuple[Vectors, Vectors]:
        """How far patches (n, D) lie from the nearest good one, (n,), and the spacing of good ones there, (n,)."""
        found, places = self.bank.nearest(self.space.project(patches))
        return found[:, 0], self.spacing[places[:, 0]]

    def relative(self, distances: Vectors) -> Vectors:
        """Distances as multiples of that of a held-out good patch."""
        return np.asarray(distances / self.usual[0], np.float32)

    def scores(self, distances: Vectors) -> Vectors:
        """Distances as z-scores of held-out good patches."""
        return np.asarray((distances - self.usual[0]) / self.usual[1], np.float32)

    def arrays(self, name: str) -> State:
        """What it consists of, for saving; each array's name begins with `name`."""
        own = {"bank": self.bank.vectors, "usual": self.usual, "spacing": self.spacing, **self.space.arrays()}
        return {f"{name}/{key}": array for key, array in own.items()}

    @classmethod
    def of_arrays(cls, state: State, name: str) -> PatchMemory:
        """The memory that `arrays` describes. Raises KeyError or ValueError where they do not fit together."""
        own = below(state, f"{name}/")
        return cls(PatchSpace.of_arrays(own), MemoryBank(own["bank"]), own["usual"], own["spacing"])


class MemoryLearner:
    """Takes in good patches picture by picture; `build` makes the memory of them.

    Patches are compared as PatchCore compares an encoder's, by direction on whitened axes. Parameters: `ratio` and
    `limit` of the patches to keep; `seed`.
    """

    def __init__(self, ratio: float, limit: int, seed: int) -> None:
        self.seed, self.pictures = seed, 0
        self.held_out: NDArray[np.int64] = np.empty(0, np.int64)
        """Which patches were held out, (n,): numbers that are the same in learners of other modalities."""
        self.usual: Vectors = np.empty(0, np.float32)
        """How far these lie from the memory before they joined it, (n,), once that is built."""
        self._widths: list[int] = []
        self._moments = Moments()
        self._builder = BankBuilder(ratio, limit, BUDGET, seed)
        self._late = BankBuilder(ratio, max(1, limit // HELD_OUT), BUDGET // HELD_OUT, seed)
        self._measured: list[Vectors] = []

    def add(
        self,
        patches: Vectors,
        known: NDArray[np.bool_],
        groups: Sequence[int] | None = None,
        expected: int = 0,
    ) -> None:
        """All patches (n, D) of the next picture and which of them count (n,); `groups`: widths of its layers.

        `expected`: how many pictures are likely to follow.
        """
        number, self.pictures = self.pictures, self.pictures + 1
        good = patches[known]
        if not len(good):
            return
        self._widths = list(groups or [patches.shape[1]])
        if number % HELD_OUT != HELD_OUT - 1:
            self._moments.add(good)
            self._builder.add(good, expected=expected * len(good))
            return
        self._late.add(good)
        order = np.random.default_rng([self.seed, number]).permutation(len(patches))
        chosen = order[known[order]][:MEASURED]
        self._measured.append(patches[chosen])
        self.held_out = np.concatenate([self.held_out, number * FARTHEST + chosen])

    def build(self) -> PatchMemory | None:
        """The memory; None where no patch counted.

        With fewer than four pictures none was held out: what is usual is then how far good patches lie from their
        nearest others.
        """
        if not self._builder.total:
            self._builder, self._late, self._measured = self._late, self._builder, []
            self.held_out = self.held_out[:0]
            if not self._builder.total:
                return None
            self._moments.add(self._builder.collected)
        space = patch_space(self._builder.collected, self._moments, self._widths, VARIANCE)
        bank = MemoryBank(self._builder.build(space.project))
        if self._measured:
            self.usual = bank.nearest(space.project(np.concatenate(self._measured)))[0][:, 0]
            bank = MemoryBank(np.concatenate([bank.vectors, self._late.build(space.project)]))
        spacing = _spacing(bank)
        found = self.usual if self._measured else spacing
        usual = np.array([found.mean(), found.std()], np.float32)
        return PatchMemory(space, bank, np.maximum(usual, np.float32(LEAST)), spacing)


def _spacing(bank: MemoryBank) -> Vectors:
    """Mean distance of every patch to its three nearest others, (M,)."""
    near = bank.nearest(bank.vectors, 4)[0][:, 1:]
    return np.asarray(near.mean(1) if near.shape[1] else np.zeros(len(near)), np.float32)
