"""A picture of a product with what is true of it, as it is, and as a line may show it.

In: a picture, its defects. Out: the same under a stressor of the room `stress`, at a level that is drawn. What a
stressor adds is no defect; what it hides nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.records import Picture
from specsight.stress import apply, hidden, stressors

STRESSORS = ("specular", "specular", "low_light", "occlusion", "defocus", "motion_blur", "jpeg")
"""Drawn equally often: highlights twice as often as others."""
OF_DEPTH = ("depth_dropout", "depth_quantisation", "misregistration")
SEEDS = 2**31


@dataclass(frozen=True)
class Shown:
    """A picture of a product and what is true of it."""

    picture: Picture
    masks: tuple[NDArray[np.bool_], ...] = ()
    """Of each defect, (H, W)."""
    defects: tuple[Mapping[str, Any], ...] = ()
    """Of each defect: type, size_mm (0: unknown), part, visible ("rgb", "depth", "rgb and depth" or "hardly")."""
    instructions: tuple[Mapping[str, Any], ...] = ()
    stressor: str = ""
    hidden: NDArray[np.bool_] | None = None
    """(H, W): what the stressor hides; None: nothing."""


def stressed(rng: np.random.Generator, shown: Shown) -> Shown:
    """The picture under one stressor, from half of its lowest level to its highest."""
    with_depth = shown.picture.depth is not None
    name = str(rng.choice(STRESSORS + (OF_DEPTH if with_depth else ())))
    one = stressors[name]
    level = float(rng.uniform(max(one.least, one.levels[0] / 2), one.levels[-1]))
    level = float(max(1, round(level))) if one.whole else level
    seed = int(rng.integers(SEEDS))
    picture = apply(shown.picture, name, level, seed)
    return replace(shown, picture=picture, stressor=name, hidden=hidden(picture.size, name, level, seed))
