"""How much of a picture each part covers on good ones → a note where one that was found covers much less or more.

A defect at the edge of a part, or a break through it, can make what lies beside it pass for it: the part map is then
wrong where it matters, and its area tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPREADS = 4.0
"""Robust standard deviations of the areas on good pictures beyond which an area is unusual."""
LEAST = 0.1
"""Share of the usual area by which it must differ at least."""
PICTURES = 5
"""Good pictures that it takes to say what is usual."""


@dataclass(frozen=True)
class UsualAreas:
    """What parts cover on good pictures."""

    shares: Mapping[int, tuple[float, float]]
    """Value in part maps → median share of the picture, and by how much another may differ from it."""

    @classmethod
    def of(cls, maps: Sequence[NDArray[np.uint8]], values: Sequence[int]) -> UsualAreas:
        """From the part maps (H, W) of good pictures; empty where there are fewer than `PICTURES`."""
        if len(maps) < PICTURES:
            return cls({})
        shares = {}
        for value in values:
            seen = np.array([_share(one, value) for one in maps])
            usual = float(np.median(seen))
            spread = 1.4826 * float(np.median(np.abs(seen - usual)))
            if usual > 0:
                shares[value] = usual, max(SPREADS * spread, LEAST * usual)
        return cls(shares)

    def note(self, parts: NDArray[np.uint8], names: Mapping[int, str]) -> str:
        """Which parts of a part map (H, W) cover much less or more than usual, in words; empty for none."""
        told = []
        for value, (usual, most) in self.shares.items():
            share = _share(parts, value)
            if abs(share - usual) > most:
                change = f"{abs(share / usual - 1):.0%} {'more' if share > usual else 'less'}"
                told.append(f"{names[value]} covers {change} than on good pictures")
        return f"{'; '.join(told)}: look whether it was found rightly" if told else ""


def _share(parts: NDArray[np.uint8], value: int) -> float:
    return float(np.count_nonzero(parts == value)) / parts.size
