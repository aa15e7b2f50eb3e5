"""Patches of good pictures in colours and in depth, place by place, for what is trained on pairs of them.

In: views as they stream by. Out: at most `MOST` places, as many from every picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View
from specsight.detectors.depth.looking import GEOMETRY, KNOWN, SEEN, colours, counted, widths
from specsight.features import grids
from specsight.features.moments import Vectors

MOST = 40_000
"""Places to learn from: 70 MB of the bundled encoder's patches."""


@dataclass
class Places:
    """Places of each picture in turn, where colours or depth are known."""

    colours: list[Vectors] = field(default_factory=list)
    """(n, D₁) of each picture."""
    geometry: list[Vectors] = field(default_factory=list)
    """(n, D₂)"""
    seen: list[NDArray[np.bool_]] = field(default_factory=list)
    """(n,) where colours are known."""
    known: list[NDArray[np.bool_]] = field(default_factory=list)
    """(n,) where depth is."""
    groups: list[int] = field(default_factory=list)
    """Widths of the layers that colours were joined from."""

    def pairs(self) -> tuple[Vectors, Vectors]:
        """Patches of the places that are known in both, (N, D₁) and (N, D₂)."""
        both = np.concatenate(self.seen) & np.concatenate(self.known)
        return np.concatenate(self.colours)[both], np.concatenate(self.geometry)[both]


def collected(views: Iterator[View], expected: int, neighbourhood: int, seed: int) -> Places:
    """Places of good pictures, drawn by `seed`."""
    places, share = Places(), max(1, MOST // max(1, expected))
    for number, view in enumerate(views):
        seen, known = counted(view, SEEN), counted(view, KNOWN)
        chosen = np.random.default_rng([seed, number]).permutation(np.flatnonzero(seen | known))[:share]
        places.colours.append(colours(view, neighbourhood)[chosen])
        places.geometry.append(grids.vectors(view.features[GEOMETRY])[chosen])
        places.seen.append(seen[chosen])
        places.known.append(known[chosen])
        places.groups = widths(view)
    return places
