"""What an episode holds, and what of it is true: which cells its defects cover, and which of them a clause excuses.

In: a file that `episodes` made. Out: an `Episode`; of one of its pictures the `Truth`, as far as the modalities at hand
show it, and under clauses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COVERED = 0.3
"""Share of a cell from which on it is defective; cells covered in part below are neither."""
TOUCHED = 0.02
LEFT = 0.5
"""Share of a defect's cells that a modality must still see for it to show the defect."""
ROWS = ("tokens", "margins", "covers", "parts", "blind", "hidden")
"""Arrays of an episode with one row for each picture."""


@dataclass(frozen=True)
class Episode:
    """What one file holds; arrays as `episodes` wrote them."""

    tokens: NDArray[np.float16]
    margins: NDArray[np.float16]
    covers: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    blind: NDArray[np.bool_]
    """(N, h, w): cells without colours, see `Tokens.blind`."""
    hidden: NDArray[np.bool_]
    """(N, h, w): cells that an occluder hides."""
    vectors: NDArray[np.float32]
    about: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> Episode:
        """Read a file."""
        with np.load(file, allow_pickle=False) as held:
            about = json.loads(held["about"].tobytes().decode())
            return cls(**{name: held[name] for name in (*ROWS, "vectors")}, about=about)

    def rows(self, stressed: bool) -> list[int]:
        """The pictures under a stressor, or those as they are."""
        return [k for k, one in enumerate(self.about["entries"]) if bool(one["stressor"]) == stressed]

    def good_rows(self) -> list[int]:
        """Pictures as they are that show no defect."""
        return [k for k in self.rows(False) if not self.about["entries"][k]["defects"]]


@dataclass(frozen=True)
class Outside:
    """Cells outside of a scope count no longer."""

    outside: NDArray[np.float32]

    def __call__(self, defect: Mapping[str, Any], type_: int | None) -> NDArray[np.float32]:
        """Share of each cell of a defect that counts no longer."""
        return self.outside


@dataclass(frozen=True)
class Tolerated:
    """Defects of some types count no longer where they lie, up to a limit in mm (0: whatever their size)."""

    types: set[int]
    where: NDArray[np.float32]
    limit: float

    def __call__(self, defect: Mapping[str, Any], type_: int | None) -> NDArray[np.float32]:
        """Share of each cell of a defect that counts no longer."""
        within = not self.limit or (0 < defect["size_mm"] <= self.limit)
        return self.where if type_ in self.types and within else np.zeros_like(self.where)


@dataclass(frozen=True)
class OtherThan:
    """Defects of all other types count no longer."""

    types: set[int]

    def __call__(self, defect: Mapping[str, Any], type_: int | None) -> float:
        """Share of each cell of a defect that counts no longer."""
        return 0.0 if type_ in self.types else 1.0


class Truth:
    """Which cells the defects of a picture cover that the modalities at hand show."""

    def __init__(self, episode: Episode, row: int, seen: Mapping[str, NDArray[np.bool_]], types: int) -> None:
        """`seen`: of each modality the cells (h, w) that it tells something of."""
        entries = episode.about["entries"][row]["defects"]
        covers = episode.covers[row].astype(np.float32) / 255
        behind = episode.hidden[row]
        self.shape = covers.shape[1:]
        self.defects, self.covers = [], []
        self.hidden = False
        self.types: list[int | None] = []
        self.known = ~behind
        names = episode.about["types"]
        for defect, cover in zip(entries, covers):
            own = cover > TOUCHED
            shows = (seen[name] for name in defect["visible"].split(" and ") if name in seen)
            if not any(_left(cover, grid & ~behind) for grid in shows):
                self.known &= ~own
                self.hidden = True
                continue
            self.defects.append(defect)
            self.covers.append(cover)
            self.types.append(names.index(defect["type"]) if defect["type"] in names else None)
        together = np.sum(self.covers, axis=0) if self.covers else np.zeros(self.shape, np.float32)
        least = [cover >= min(COVERED, 0.7 * float(cover.max())) for cover in self.covers]
        self._inside = [mask & (cover > TOUCHED) for mask, cover in zip(least, self.covers)]
        self.target = (
            np.any(self._inside, axis=0).astype(np.float32) if self.covers else np.zeros_like(together)
        )
        self.target = self.target.astype(np.float32)
        self.known &= (self.target > 0) | (together <= TOUCHED)
        self.typed = np.zeros((types, *self.shape), np.float32)
        for mask, type_ in zip(self._inside, self.types):
            if type_ is not None:
                self.typed[type_][mask] = 1

    def sizes(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Longest extents in mm, each with an error of a few per cent."""
        sizes = np.zeros(self.shape, np.float32)
        for mask, defect in zip(self._inside, self.defects):
            sizes[mask] = defect["size_mm"] * np.exp(rng.normal(0, 0.12))
        return sizes

    def under(self, excused: Sequence[Any]) -> tuple[NDArray[np.float32], NDArray[np.bool_], bool]:
        """What counts under clauses, where that is certain (a cell that is half excused is not), and whether it is of
        the whole picture."""
        obeyed, known = np.zeros(self.shape, np.float32), self.known.copy()
        sure = True
        for mask, defect, type_ in zip(self._inside, self.defects, self.types):
            gone = np.zeros(self.shape, np.float32)
            for excuse in excused:
                gone = np.maximum(gone, excuse(defect, type_))
            obeyed[mask & (gone < 0.5)] = 1
            known &= ~(mask & (gone > 0.25) & (gone < 0.75))
            sure &= not 0.1 < float(gone[mask].mean()) < 0.6 if mask.any() else True
        return obeyed, known, sure


def _left(cover: NDArray[np.float32], seen: NDArray[np.bool_]) -> bool:
    """Whether enough of a defect that covers cells in part is seen."""
    return bool((cover * seen).sum() >= LEFT * cover.sum() > 0)
