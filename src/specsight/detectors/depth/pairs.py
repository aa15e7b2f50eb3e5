"""Places of good pictures where colours and depth are both known, for what is trained on pairs of patches.

In: views as they stream by. Out: at most `MOST` pairs, as many from every picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specsight.detectors.contract import View
from specsight.detectors.depth.looking import GEOMETRY, KNOWN, SEEN, colours, counted, widths
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.features.moments import Vectors

MOST = 40_000
"""Pairs to learn from: 70 MB of the bundled encoder's patches."""


@dataclass(frozen=True)
class PatchPairs:
    """Pairs of each picture in turn."""

    colours: list[Vectors]
    """(n, D₁) of each picture."""
    geometry: list[Vectors]
    """(n, D₂)"""
    groups: list[int]
    """Widths of the layers that colours were joined from."""

    def joined(self) -> tuple[Vectors, Vectors]:
        """All pairs, (N, D₁) and (N, D₂)."""
        return np.concatenate(self.colours), np.concatenate(self.geometry)


def collected(method: str, views: Iterator[View], expected: int, neighbourhood: int, seed: int) -> PatchPairs:
    """Pairs of good pictures. Raises SpecsightError, which speaks of `method`, where there are none."""
    pairs = PatchPairs([], [], [])
    share = max(1, MOST // max(1, expected))
    for number, view in enumerate(views):
        places = np.flatnonzero(counted(view, KNOWN) & counted(view, SEEN))
        chosen = np.random.default_rng([seed, number]).permutation(places)[:share]
        if len(chosen):
            pairs.colours.append(colours(view, neighbourhood)[chosen])
            pairs.geometry.append(grids.vectors(view.features[GEOMETRY])[chosen])
            pairs.groups[:] = widths(view)
    if not pairs.colours:
        raise SpecsightError(
            f"{method} compares colours with depth, and no good picture shows a place in both"
        )
    return pairs
