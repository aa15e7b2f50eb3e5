"""Episodes → batches: tokens with modalities missing at random, typed truth, and instructions whose truth is computed.

In: files that `episodes` made. Out: `EpisodeBatch`es; a batch is a function of (seed, number) alone. An instruction is
drawn clause by clause (a scope, what is tolerated up to a limit, types that alone count), and which defects count under
it follows from their types, parts and sizes. Defects that the modalities at hand do not show are no one's truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specsight.detectors.fusion.head import KINDS
from specsight.detectors.fusion.tokens import SLICES, masked
from specsight.errors import SpecsightError
from specsight.recipes.fusion.truth import Episode, OtherThan, Outside, Tolerated, Truth

AROUND = 7
"""Cells across that are silenced with each cell of a defect: patches see their surroundings."""
LEAST_PART = 0.05
"""Share of the cells from which on a part is worth a scope."""


@dataclass
class EpisodeBatch:
    """B pictures of one or more products, K types each, up to C clauses."""

    tokens: Tensor
    """(B, T, h, w)"""
    margins: Tensor
    """(B, K, h, w)"""
    vectors: Tensor
    """(B, K, E)"""
    named: Tensor
    """(B, K) bool: types that there are; products have different numbers of them."""
    target: Tensor
    """(B, h, w) in {0, 1}."""
    known: Tensor
    """(B, h, w) bool."""
    typed: Tensor
    """(B, K, h, w) in {0, 1}: the type of defective cells; all 0 where it is none of the K."""
    sizes: Tensor
    """(B, h, w): mm of the defect that covers a cell, as measured with an error; 0: none, or unknown."""
    kinds: Tensor
    """(B, C)"""
    types: Tensor
    """(B, C, K) bool: the types that each clause names."""
    where: Tensor
    """(B, C, h, w)"""
    limits: Tensor
    """(B, C)"""
    obeyed: Tensor
    """(B, h, w) in {0, 1}: what counts under the clauses."""
    obeyed_known: Tensor
    """(B, h, w) bool."""
    certain: Tensor
    """(B, 2) bool: whether `target` and `obeyed` tell if the picture shows a defect, and one that counts."""
    verdict: Tensor
    """(B,): 1 reject, 0 accept under the clauses, where that is known of the picture alone; -1: it follows from
    `obeyed`."""


def read_episodes(folder: Path) -> list[Episode]:
    """All episodes of a folder, by name. Raises SpecsightError where there is none."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise SpecsightError(f"'{folder}' holds no episodes: make them first")
    return [Episode.read(file) for file in files]


class EpisodeMaker:
    """Draws pictures from episodes, each episode equally often."""

    def __init__(
        self,
        episodes: Sequence[Episode],
        pictures: int,
        clauses: int,
        missing: float,
        wordless: float,
        gone: frozenset[str] = frozenset(),
        stressed: float = 0.0,
        silent: float = 0.0,
        silenced: Sequence[str] = ("rgb", "depth"),
    ) -> None:
        """`stressed`, `silent`: shares of pictures under a stressor, and of defects that one of `silenced` shows no
        more; the others as in `HeadStage`. `gone`: modalities that every picture lacks."""
        self.episodes, self.pictures, self.clauses = episodes, pictures, clauses
        self.missing, self.wordless, self.gone = missing, wordless, gone
        self.stressed, self.silent, self.silenced = stressed, silent, silenced
        self.types = max(len(one.vectors) for one in episodes)

    def __call__(self, seed: int, number: int) -> EpisodeBatch:
        """The batch of this number under this seed."""
        rng = np.random.default_rng((seed, number))
        drawn = []
        for _ in range(self.pictures):
            episode = self.episodes[int(rng.integers(len(self.episodes)))]
            rows = episode.rows(bool(rng.random() < self.stressed)) or episode.rows(False)
            drawn.append(self._picture(rng, episode, rows[int(rng.integers(len(rows)))]))
        return EpisodeBatch(*(torch.from_numpy(np.stack(values)) for values in zip(*drawn)))

    def _picture(self, rng: np.random.Generator, episode: Episode, row: int) -> tuple[NDArray[Any], ...]:
        tokens = episode.tokens[row].astype(np.float32)
        margins, vectors = self._words(rng, episode, row)
        gone = set(self.gone)
        if rng.random() < self.missing:
            gone |= [{"depth"}, {"rgb", "text"}, {"text"}][int(rng.integers(3))]
        has_depth = bool(tokens[SLICES["depth"]][-1].any())
        if not has_depth and "rgb" in gone:
            gone = set()
        lost: dict[str, NDArray[np.bool_]] = {}
        if has_depth and not gone and rng.random() < self.silent:
            lost = self._silence(rng, episode, row, tokens, margins)
        for name in gone:
            tokens[SLICES[name]] = 0
        if "text" in gone:
            margins[:] = 0
        coloured = ~(episode.blind[row] & (tokens[SLICES["depth"]][-1] > 0))
        tokens, margins = masked(tokens, coloured), margins * coloured
        seen = {
            name: (tokens[SLICES[name]][-1] > 0) & ~lost.get(name, np.False_) for name in ("rgb", "depth")
        }
        truth = Truth(episode, row, seen, self.types)
        sizes = truth.sizes(rng)
        told = self._told(rng, episode, row)
        if told is None:
            kinds, types, where, limits, excused = self._instruction(rng, episode, row, truth)
            obeyed, obeyed_known, sure = truth.under(excused)
            verdict = np.float32(-1)
        else:
            kinds, types, where, limits, verdict = told
            obeyed, obeyed_known, sure = np.zeros_like(truth.target), np.zeros_like(truth.known), False
        certain = np.array(
            [bool(truth.defects) or not truth.hidden, sure and (obeyed.any() or not truth.hidden)]
        )
        named = np.arange(self.types) < sum(map(bool, episode.about["types"]))
        arrays = (
            tokens, margins, vectors, named, truth.target, truth.known, truth.typed, sizes,
            kinds, types, where, limits, obeyed, obeyed_known, certain, verdict,
        )  # fmt: skip
        return _mirrored(rng, arrays, truth.target.shape)

    def _silence(
        self,
        rng: np.random.Generator,
        episode: Episode,
        row: int,
        tokens: NDArray[np.float32],
        margins: NDArray[np.float32],
    ) -> dict[str, NDArray[np.bool_]]:
        """Have one modality say of the defects and their surroundings what it says there of a good picture.

        Changes tokens and margins in place, and returns where which modality shows nothing any more. Few defects of the
        rendered sets are seen in depth alone; beside colours that are there and show nothing they must be found too.
        """
        good = [other for other in episode.good_rows() if other != row]
        around = (episode.covers[row].max(0) > 0).astype(np.uint8)
        if not good or not around.any():
            return {}
        other = good[int(rng.integers(len(good)))]
        name = str(rng.choice(list(self.silenced)))
        where = cv2.dilate(around, np.ones((AROUND, AROUND), np.uint8)) > 0
        for one in ("rgb", "text") if name == "rgb" else ("depth",):
            tokens[SLICES[one]][:, where] = episode.tokens[other][SLICES[one]][:, where]
        if name == "rgb":
            margins[: len(episode.vectors), where] = episode.margins[other][:, where]
        return {name: where}

    def _words(
        self, rng: np.random.Generator, episode: Episode, row: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        own = len(episode.vectors)
        margins = np.zeros((self.types, *episode.margins.shape[2:]), np.float32)
        vectors = np.zeros((self.types, episode.vectors.shape[1]), np.float32)
        margins[:own] = episode.margins[row]
        if rng.random() >= self.wordless:
            vectors[:own] = episode.vectors
        return margins, vectors

    def _instruction(
        self, rng: np.random.Generator, episode: Episode, row: int, truth: Truth
    ) -> tuple[Any, ...]:
        """Clauses as arrays, and a function of defects that says which of them count no longer."""
        kinds, types, where, limits = self._no_clauses(truth.target.shape)
        excused: list[Any] = []
        makers = [self._scope, self._tolerance, self._only]
        count = int(rng.choice([0, 1, self.clauses], p=(0.1, 0.65, 0.25)))
        for slot, maker in enumerate(rng.permutation(len(makers))[:count]):
            made = makers[int(maker)](rng, episode, row, truth)
            if made is None:
                continue
            kinds[slot], types[slot], where[slot], limits[slot], excuse = made
            excused.append(excuse)
        return kinds, types, where, limits, excused

    def _no_clauses(self, size: tuple[int, ...]) -> tuple[NDArray[Any], ...]:
        """Kinds, types, cells and limits of clauses that act nowhere."""
        return (
            np.zeros(self.clauses, np.int64),
            np.zeros((self.clauses, self.types), np.bool_),
            np.zeros((self.clauses, *size), np.float32),
            np.zeros(self.clauses, np.float32),
        )

    def _told(self, rng: np.random.Generator, episode: Episode, row: int) -> tuple[Any, ...] | None:
        """One time in three, an instruction of the set about an acceptable mark of a good picture: that it is a defect
        now, or that it stays one that is accepted. Where the mark lies is not known; that the picture shows it is."""
        told = [
            one
            for one in episode.about["entries"][row]["instructions"]
            if one["kind"] == "knowledge" and not episode.about["entries"][row]["defects"]
        ]
        if not told or rng.random() > 1 / 3:
            return None
        one = told[int(rng.integers(len(told)))]
        taught = one["clause"].get("known_defects")
        name = taught[0]["name"] if taught else one["clause"]["tolerances"][0]["defect"]
        if name not in episode.about["types"]:
            return None
        kinds, types, where, limits = self._no_clauses(episode.tokens.shape[2:])
        kinds[0] = KINDS.index("knowledge" if taught else "tolerance")
        types[0, episode.about["types"].index(name)], where[0] = True, 1
        return kinds, types, where, limits, np.float32(one["verdict"] == "reject")

    def _scope(self, rng: np.random.Generator, episode: Episode, row: int, truth: Truth) -> Any:
        """One part, that of a defect or another; or all but one."""
        shares = episode.parts[row].astype(np.float32) / 255
        large = [k for k in range(len(shares)) if shares[k].mean() > LEAST_PART]
        if not large:
            return None
        homes = [k for k in large if any(d["part"] == episode.about["parts"][k] for d in truth.defects)]
        part = int(rng.choice(homes if homes and rng.random() < 0.5 else large))
        exclude = rng.random() < 0.2
        outside = shares[part] if exclude else 1 - shares[part]
        return KINDS.index("scope"), np.zeros(self.types, np.bool_), outside, 0.0, Outside(outside)

    def _tolerance(self, rng: np.random.Generator, episode: Episode, row: int, truth: Truth) -> Any:
        """A type that is accepted, in half of them up to a limit, one time in four on one part."""
        named = [k for k, name in enumerate(episode.about["types"]) if name]
        present = [k for k in truth.types if k is not None]
        type_ = int(rng.choice(present if present and rng.random() < 0.7 else named))
        largest = max((d["size_mm"] for d, k in zip(truth.defects, truth.types) if k == type_), default=0.0)
        limit = 0.0
        if largest and rng.random() < 0.6:
            limit = float(largest * rng.choice([0.4, 0.6, 0.75, 1.3, 1.6, 2.2]))
        elif rng.random() < 0.3 and episode.about["cell_mm"]:
            limit = float(rng.uniform(3, 40))
        where = np.ones(truth.target.shape, np.float32)
        shares = episode.parts[row].astype(np.float32) / 255
        if len(shares) and rng.random() < 0.25:
            where = shares[int(rng.integers(len(shares)))]
        types = np.zeros(self.types, np.bool_)
        types[type_] = True
        return KINDS.index("tolerance"), types, where, limit, Tolerated({type_}, where, limit)

    def _only(self, rng: np.random.Generator, episode: Episode, row: int, truth: Truth) -> Any:
        """One or two types that alone count."""
        named = [k for k, name in enumerate(episode.about["types"]) if name]
        present = [k for k in truth.types if k is not None]
        chosen = {int(rng.choice(present if present and rng.random() < 0.5 else named))}
        if rng.random() < 0.3:
            chosen.add(int(rng.choice(named)))
        types = np.zeros(self.types, np.bool_)
        types[list(chosen)] = True
        everywhere = np.ones(truth.target.shape, np.float32)
        return KINDS.index("only"), types, everywhere, 0.0, OtherThan(chosen)


def _mirrored(
    rng: np.random.Generator, arrays: Sequence[NDArray[Any]], size: tuple[int, ...]
) -> tuple[NDArray[Any], ...]:
    """All grids (..., h, w) mirrored or transposed alike: deviations have no direction."""
    flips = [axis for axis in (-1, -2) if rng.random() < 0.5]
    turned = rng.random() < 0.5 and size[0] == size[1]
    found = []
    for array in arrays:
        if array.shape[-2:] == size and array.ndim >= 2:
            array = np.flip(array, tuple(flips)) if flips else array
            array = np.swapaxes(array, -1, -2) if turned else array
        found.append(np.ascontiguousarray(array) if array.ndim else np.asarray(array))
    return tuple(found)
