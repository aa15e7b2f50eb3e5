"""Good pictures of the same product in a gallery, and how far a picture's cells lie from theirs.

In: a gallery and the benchmark of the tyre line that it was rendered from. Out: for each picture the numbers of good
ones that are no twin of it: a twin is the same picture before its defects were painted, and would give them away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.recipes.language.gallery import Gallery
from specsight.recipes.language.pictures import LINE, LinePictures

TINY = 1e-9


def references_of(gallery: Gallery, benchmark: Path, good_kept: float) -> Mapping[int, tuple[int, ...]]:
    """Number of a picture of the line → numbers of good pictures that it may be compared with; others have none.

    Raises SpecsightError where the gallery was made of another benchmark.
    """
    kept = [sample for sample, _ in LinePictures(benchmark, good_kept, stride=8).kept]
    numbers = [number for number, entry in enumerate(gallery.entries) if entry.kind == LINE]
    if len(kept) != len(numbers):
        raise SpecsightError(
            f"'{gallery.folder}' shows {len(numbers)} pictures of the line and '{benchmark}' has {len(kept)}: make the "
            "gallery anew"
        )
    good: dict[str, list[tuple[int, str | None]]] = defaultdict(list)
    for number, sample in zip(numbers, kept):
        if not gallery.entries[number].types and sample.label == "good":
            good[sample.product].append((number, sample.group))
    found = {}
    for number, sample in zip(numbers, kept):
        others = tuple(
            other
            for other, group in good[sample.product]
            if other != number and (group is None or group != sample.group)
        )
        if others:
            found[number] = others
    return found


def distances_to(
    grids: Sequence[NDArray[np.float16]], references: Sequence[Sequence[NDArray[np.float16]]]
) -> list[NDArray[np.float32]]:
    """1 - the largest cosine between each cell and any cell of the references, (h_l, w_l) for each level."""
    found = []
    for level, grid in enumerate(grids):
        memory = np.concatenate([_vectors(one[level]) for one in references])
        cosines = _vectors(grid) @ memory.T
        found.append(np.asarray(1 - cosines.max(1), np.float32).reshape(grid.shape[1:]))
    return found


def _vectors(grid: NDArray[np.float16]) -> NDArray[np.float32]:
    vectors = np.asarray(grid, np.float32).reshape(len(grid), -1).T
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(TINY))
    return np.asarray(vectors / lengths, np.float32)
