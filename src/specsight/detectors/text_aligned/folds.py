"""What text-guided alignment learns from: patches of good pictures in folds, and patches of defective ones.

In: views, good ones and those of their defective copies, as they stream by. Out: training patches with or without one
fold, and principal axes with or without one fold. Memory is bounded by `limit` patches of each kind and D² per fold.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.encoders import Features
from specsight.features.moments import Axes, Moments, principal_axes


@dataclass
class PatchFolds:
    """Patches by fold; parts go to the folds in turn, each with all its pictures."""

    folds: int
    pictures: int
    """How many good pictures are expected."""
    limit: int
    """Patches of each kind to store, at most."""
    generator: np.random.Generator
    fold_of: dict[str, int] = field(default_factory=dict)
    """Fold of each part that came."""
    current: int = -1
    """Fold of the good picture that came last."""
    joint: list[list[Features]] = field(default_factory=list)
    """Good patches in the joint space, by fold."""
    deep: list[list[Features]] = field(default_factory=list)
    """Good patches in the encoder's layers, by fold."""
    defective: list[list[tuple[Features, str | None]]] = field(default_factory=list)
    """Defective patches in the joint space with the type they show, by fold of the good picture."""

    def __post_init__(self) -> None:
        self.joint, self.deep = [[] for _ in range(self.folds)], [[] for _ in range(self.folds)]
        self.defective = [[] for _ in range(self.folds)]
        self._moments = [Moments() for _ in range(self.folds + 1)]

    def add_good(self, part: str, joint: Features, deep: Features) -> None:
        """All patches of the next good picture, (n, D) each, and the part that it shows."""
        self.current = self.fold_of.setdefault(part, len(self.fold_of) % self.folds)
        for fold, moments in enumerate(self._moments):
            if fold != self.current:
                moments.add(deep)
        self.joint[self.current].append(self._subset(joint))
        self.deep[self.current].append(self._subset(deep))

    def add_defective(self, joint: Features, type_: str | None) -> None:
        """Defective patches (n, D) of a copy of the good picture that came last."""
        if len(joint):
            self.defective[self.current].append((self._subset(joint), type_))

    def axes(self, variance: float, without: int | None = None) -> Axes:
        """Principal axes of the good patches, all or those outside one fold."""
        return principal_axes(self._moments[self.folds if without is None else without], variance)

    def good_patches(self, without: int | None = None) -> Features:
        """Good patches in the joint space, (N, D)."""
        return np.concatenate(
            [p for fold, patches in enumerate(self.joint) if fold != without for p in patches]
        )

    def defective_patches(self, without: int | None = None) -> tuple[Features, list[str | None]]:
        """Defective patches in the joint space (M, D), and the type of each."""
        lists = [pair for fold, pairs in enumerate(self.defective) if fold != without for pair in pairs]
        types = [type_ for patches, type_ in lists for _ in patches]
        width = self.joint[0][0].shape[1]
        return np.concatenate([np.empty((0, width), np.float32), *(patches for patches, _ in lists)]), types

    def _subset(self, patches: Features) -> NDArray[np.float32]:
        per_picture = max(1, self.limit // self.pictures)
        if len(patches) <= per_picture:
            return patches
        return patches[self.generator.choice(len(patches), per_picture, replace=False)]
