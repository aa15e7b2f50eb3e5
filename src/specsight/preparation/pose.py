"""Whether good parts lie in one pose, in any rotation, or have no direction: what leave-one-out scores say.

In: pictures of good parts and a function that encodes one. Out: by how much a part that is left out comes nearer to the
others when these are rotated too. (AnomalyDINO, Damm et al., WACV 2025, rotates by product name; here a test decides.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.features.memory_bank import MemoryBank
from specsight.images.rotation import rotated
from specsight.records import Picture

ANGLES = tuple(range(45, 360, 45))
"""Degrees by which good pictures are rotated, beside 0."""
UPRIGHT = 32
"""Pictures that are compared as they lie, at most: more of them show enough poses by themselves."""
TURNED = 8
"""Of these, those that are rotated as well, and left out one by one."""
PATCHES = 256
"""Patches of a left-out picture that are compared."""
CLOSER = 0.9
"""Rotations are used where they bring left-out parts below this share of their distance."""
ALIKE = 1.15
"""Parts whose rotated copies are less than this many times as far as upright ones have no direction."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Pose:
    """How far left-out good parts are from the others: mean squared distances of patches."""

    upright: float
    """To the nearest other part, as it lies."""
    rotated: float
    """To the nearest other part in the nearest pose, as it lies or rotated."""
    turned_away: float
    """To the nearest other part, rotated by the worst angle."""

    @property
    def gain(self) -> float:
        """Share by which rotations bring parts nearer, in [0, 1]."""
        return 1 - self.rotated / self.upright if self.upright > 0 else 0.0

    @property
    def any_rotation(self) -> bool:
        """Whether rotating good pictures lowers the scores of left-out ones enough to be used."""
        return self.gain > 1 - CLOSER

    @property
    def without_direction(self) -> bool:
        """Whether a part looks much the same however it is rotated."""
        return self.turned_away < ALIKE * self.upright


def measure_pose(pictures: Sequence[Picture], encode: Callable[[Picture], Vectors]) -> Pose | None:
    """Leave good parts out one by one; None with fewer than two pictures.

    `encode` gives the patch vectors (n, D) of a picture. At most `UPRIGHT` pictures are compared.
    """
    pictures = pictures[:UPRIGHT]
    if len(pictures) < 2:
        return None
    vectors = [encode(picture) for picture in pictures]
    banks = [MemoryBank(one) for one in vectors]
    left_out = [one[:: max(1, len(one) // PATCHES)] for one in vectors[:TURNED]]
    # One bank a picture and angle: a larger bank would be nearer by its size alone.
    upright = np.array([_distances(one, banks) for one in left_out])
    np.fill_diagonal(upright, np.inf)
    turned = np.full((len(left_out), len(ANGLES), len(left_out)), np.inf)
    for number, picture in enumerate(pictures[:TURNED]):
        for index, angle in enumerate(ANGLES):
            bank = MemoryBank(encode(rotated(picture, angle)))
            for other, one in enumerate(left_out):
                if other != number:
                    turned[other, index, number] = _distances(one, [bank])[0]
    before = upright.min(1)
    by_angle = turned.min(2)
    after = np.minimum(before, by_angle.min(1))
    return Pose(float(before.mean()), float(after.mean()), float(by_angle.max(1).mean()))


def _distances(vectors: Vectors, banks: Sequence[MemoryBank]) -> list[float]:
    """Mean squared distance of vectors (n, D) to their nearest in each bank."""
    return [float((bank.nearest(vectors)[0] ** 2).mean()) for bank in banks]
