"""A picture, the name of a stressor, a level and a seed → the picture under that stress, always the same one.

Stressors compose: what one returned is a picture that the next one takes. The truth about the part (masks, part map,
label) stays as it is; what cannot be seen any more `hidden` says.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.records import DEPTH, Picture
from specsight.stress.stressor import stressors


def apply(picture: Picture, name: str, level: float, seed: int) -> Picture:
    """`picture` under the stressor `name`; level 0 is the picture itself, bit for bit.

    `level` is in the stressor's unit, `seed` at least 0: of several pictures each has its own (`seed_of`), or they all
    have the same blob. Raises SpecsightError for an unknown name, a level out of range, and where the picture has
    nothing that could be stressed (its depth, without depth).
    """
    one = stressors[name]
    one.check(name, level)
    if level == 0:
        return picture
    if one.touches == (DEPTH,) and picture.depth is None:
        raise SpecsightError(f"'{name}' acts on depth, and this picture has none: leave it out")
    return one.change(picture, level, _random(name, seed))


def hidden(size: tuple[int, int], name: str, level: float, seed: int) -> NDArray[np.bool_] | None:
    """(H, W) pixels of the part that `apply` with the same arguments hides; None where it hides none.

    What lies under an occluder cannot be known by anyone: such pixels are neither good nor defective, and numbers about
    pixels leave them out. Scores and verdicts count the picture all the same: the line rejects or accepts it whole.
    """
    one = stressors[name]
    one.check(name, level)
    if level == 0 or one.hides is None:
        return None
    return one.hides(size, level, _random(name, seed))


def seed_of(id_: str, seed: int = 0) -> int:
    """The seed of one picture of a set: the same for the same id and seed, another one for every other id."""
    return zlib.crc32(f"{seed}:{id_}".encode("utf-8", "surrogatepass"))


def _random(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng((zlib.crc32(name.encode()), seed))
