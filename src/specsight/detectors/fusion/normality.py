"""What good patches look like in one modality, and how far a patch lies from them, in standard deviations.

In: patch vectors (n, D) of good pictures, each with the fold of the part that it shows. Out: a `Normality`: for any
patches the distance to the nearest good one (PatchCore, CVPR 2022) and the length of what principal axes of good
patches leave over (SubspaceAD, CVPR 2026), both as z-scores. Their means and deviations are those of good parts that
were left out, fold by fold: patches that the memory holds would lie too near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.features.moments import Moments
from specsight.features.patch_space import PatchSpace, patch_space

Vectors = NDArray[np.float32]

FOLDS = 3
"""Good parts are left out in as many groups, at most."""
RATIO = 0.05
"""Share of good patches that a memory keeps, up to its limit: twice as many find no more on the tyre model `sport`."""
MEMORY = 512 << 20
"""Bytes of good patches in a memory that is being built."""
TINY = np.float32(1e-6)
FAINT = np.float32(1e-4)
"""Weight of what is carried along while patches are selected: too small to count, large enough not to be rounded."""
MEASURES = ("distance", "residual")


@dataclass(frozen=True)
class Normality:
    """Good patches of one modality: their space, those of them that are kept, and how far unseen ones lie."""

    space: PatchSpace
    bank: MemoryBank
    carried: Vectors
    """(M, S): of each patch in the bank the channels whose difference from it, with its sign, is a measure too."""
    channels: tuple[int, ...]
    """Which those S channels are."""
    statistics: Vectors
    """(2, 2 + S): mean and standard deviation of all measures on good parts that were left out."""

    def __post_init__(self) -> None:
        """Raise ValueError where the arrays do not fit together, as in a damaged file."""
        kept, width = self.bank.vectors.shape
        fits = (
            width == self.space.axes.basis.shape[1] + 1
            and self.carried.shape == (kept, len(self.channels))
            and self.statistics.shape == (2, len(MEASURES) + len(self.channels))
            and all(0 <= channel < len(self.space.scale) for channel in self.channels)
        )
        if not fits:
            raise ValueError("memory, axes and statistics do not fit together")

    def deviations(self, vectors: Vectors) -> Vectors:
        """z-scores (2 + S, n) of patches (n, D): 0 is the mean of unseen good ones. First `MEASURES`, then signed
        differences from the nearest good patch."""
        scores = (self.measures(vectors) - self.statistics[0]) / self.statistics[1]
        return np.asarray(scores.T, np.float32)

    def measures(self, vectors: Vectors) -> Vectors:
        """The same before means and deviations are taken out, (n, 2 + S)."""
        projected = self.space.project(vectors)
        distances, nearest = self.bank.nearest(projected)
        differences = vectors[:, list(self.channels)] - self.carried[nearest[:, 0]]
        return np.concatenate([distances, projected[:, -1:], differences], axis=1)

    def arrays(self) -> dict[str, Vectors]:
        """Return what it consists of, by name, for saving."""
        kept = {"bank": self.bank.vectors, "statistics": self.statistics}
        return {**self.space.arrays(), **kept, **({"carried": self.carried} if self.channels else {})}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Vectors], channels: tuple[int, ...] = ()) -> Normality:
        """Return the one that `arrays` describe. Raises KeyError or ValueError where they do not fit together."""
        bank = MemoryBank(arrays["bank"])
        carried = arrays["carried"] if channels else np.empty((len(bank.vectors), 0), np.float32)
        return cls(PatchSpace.of_arrays(arrays), bank, carried, channels, arrays["statistics"])


def learn_normality(
    pictures: Sequence[Vectors],
    folds: Sequence[int],
    widths: Sequence[int],
    limit: int,
    seed: int,
    channels: tuple[int, ...] = (),
    variance: float = 0.99,
) -> Normality:
    """Learn from the good patches (n, D) of each picture; `folds` says which of them are left out together.

    `widths` are the channels of the layers that patches consist of, `limit` bounds the patches that are kept, and axes
    hold the share `variance` of their variance. Where all pictures are of one fold, none can be left out: statistics
    are then those of every second patch against the others, which lie nearer than those of another part would.
    """
    parts = [(patches, fold) for patches, fold in zip(pictures, folds) if len(patches)]
    names = sorted({fold for _, fold in parts})
    if len(names) > 1:
        trials = [
            ([p for p, own in parts if own != fold], [p for p, own in parts if own == fold]) for fold in names
        ]
    else:
        halves = [[patches[k::2] for patches, _ in parts if len(patches) > 1] for k in (0, 1)]
        trials = [(halves[0], halves[1]), (halves[1], halves[0])] if halves[0] else []
    measured = [
        _memory(kept, widths, limit, seed, channels, variance).measures(np.concatenate(left_out))
        for kept, left_out in trials
    ]
    whole = _memory([patches for patches, _ in parts], widths, limit, seed, channels, variance)
    if not measured:
        return whole
    together = np.concatenate(measured).astype(np.float64)
    mean = together.mean(0)
    spread = np.maximum(together.std(0), np.maximum(TINY, 0.05 * np.abs(mean)))
    return replace(whole, statistics=np.stack([mean, spread]).astype(np.float32))


def _memory(
    pictures: Sequence[Vectors],
    widths: Sequence[int],
    limit: int,
    seed: int,
    channels: tuple[int, ...],
    variance: float,
) -> Normality:
    """A memory whose measures have no statistics yet: means of 0, deviations of 1."""
    builder, moments = BankBuilder(RATIO, limit, MEMORY, seed), Moments()
    total = sum(map(len, pictures))
    for patches in pictures:
        moments.add(patches)
        builder.add(patches, expected=total - builder.total - len(patches))
    space = patch_space(builder.collected, moments, widths, variance)

    def projected(vectors: Vectors) -> Vectors:
        carried = vectors[:, list(channels)] * FAINT
        return np.concatenate([space.project(vectors), carried], axis=1)

    selected = builder.build(projected)
    width = space.axes.basis.shape[1] + 1
    statistics = np.zeros((2, len(MEASURES) + len(channels)), np.float32)
    statistics[1] = 1
    return Normality(
        space, MemoryBank(selected[:, :width]), selected[:, width:] / FAINT, channels, statistics
    )
