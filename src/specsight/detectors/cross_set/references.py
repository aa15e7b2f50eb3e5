"""Few-shot references: how far each patch of a picture lies from every patch of some good pictures, layer by layer.

In: views of good pictures; then a view to be judged. Out: its map of cosine distances to the nearest good patch, mean
over the layers (the memory of APRIL-GAN's few-shot track), and how large such distances are on good pictures that are
left out of the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View
from specsight.detectors.saving import State
from specsight.encoders import Features
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.images import Cells

PREFIX = "references/"
USUAL = "usual_distance"
LEFT_OUT = 8
"""Good pictures that are compared with one another, at most, to learn how far apart good patches lie."""
BUDGET = 256 << 20
TINY = 1e-12


@dataclass(frozen=True)
class References:
    """Memory banks by layer, and `largest`: the largest distance that good patches show to other good pictures."""

    banks: Mapping[str, MemoryBank]
    largest: float

    @classmethod
    def from_views(
        cls, views: Iterator[View], layers: Sequence[str], limit: int, seed: int
    ) -> References | None:
        """Collect at most `limit` patches a layer from views of good pictures; None where there is no picture."""
        builders = {name: BankBuilder(1.0, limit, BUDGET, seed) for name in layers}
        left_out: list[dict[str, Features]] = []
        for view in views:
            patches = {name: unit(view.features[name]) for name in layers}
            for name, grid in patches.items():
                builders[name].add(grids.vectors(grid))
            if len(left_out) < LEFT_OUT:
                left_out.append(patches)
        if not left_out or not layers:
            return None
        return cls({name: MemoryBank(b.build()) for name, b in builders.items()}, largest_distance(left_out))

    def distances(self, view: View) -> tuple[Features, Cells]:
        """Return 1 - cosine to the nearest good patch, mean over the layers, in [0, 2].

        On the finest layer's grid (h, w), whose cells are returned too.
        """
        # In the view's order: saved arrays come back in another, and a sum of floats depends on the order of its terms.
        names = [name for name in view.features if name in self.banks]
        cells, maps = finest(view, names), []
        for name in names:
            patches = unit(view.features[name])
            away = _cosine_distance(self.banks[name], patches).reshape(patches.shape[1:])
            maps.append(grids.resampled(away, view.cells[name], cells))
        return np.asarray(np.mean(maps, axis=0), np.float32), cells

    def state(self) -> State:
        """Return arrays for `from_state`."""
        arrays: State = {f"{PREFIX}{name}": bank.vectors for name, bank in self.banks.items()}
        return {**arrays, USUAL: np.array([self.largest])}

    @classmethod
    def from_state(cls, state: State) -> References | None:
        """Read what `state` returned from a detector's saved arrays; None where they hold no references."""
        if USUAL not in state:
            return None
        names = [name for name in state if name.startswith(PREFIX)]
        banks = {name.removeprefix(PREFIX): MemoryBank(state[name]) for name in names}
        return cls(banks, float(state[USUAL][0]))


def largest_distance(pictures: Sequence[Mapping[str, Features]]) -> float:
    """Return the largest distance of a picture to the others, mean over layers, of unit patches (D, h, w) by layer.

    Of a single picture one half is compared with the other; where it has one column only, the distance is 0.
    """
    if len(pictures) == 1:
        pictures = [
            {name: half for name, grid in pictures[0].items() if (half := _half(grid, side)).size}
            for side in (0, 1)
        ]
    largest = 0.0
    for number, picture in enumerate(pictures):
        others = [other for k, other in enumerate(pictures) if k != number]
        distances = []
        for name, patches in picture.items():
            patches_of_others = [grids.vectors(other[name]) for other in others if name in other]
            if patches_of_others:
                distances.append(
                    float(_cosine_distance(MemoryBank(np.concatenate(patches_of_others)), patches).max())
                )
        largest = max(largest, float(np.mean(distances)) if distances else 0.0)
    return largest


def finest(view: View, names: Iterable[str]) -> Cells:
    """Return the cells of the finest of some grids of a view; of equally fine ones the first."""
    return min((view.cells[name] for name in names), key=lambda cells: cells.stride)


def unit(grid: Features) -> Features:
    """Return (D, h, w) with every patch at length one."""
    return np.asarray(grid / np.maximum(np.linalg.norm(grid, axis=0), TINY), np.float32)


def _cosine_distance(bank: MemoryBank, patches: Features) -> NDArray[np.float32]:
    """Of unit patches (D, h, w): half the squared Euclidean distance to the nearest, (h · w,)."""
    distances, _ = bank.nearest(grids.vectors(patches))
    return np.asarray(distances[:, 0] ** 2 / 2, np.float32)


def _half(grid: Features, side: int) -> Features:
    middle = grid.shape[2] // 2
    return grid[:, :, :middle] if side == 0 else grid[:, :, middle:]
