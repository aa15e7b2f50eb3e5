"""A modality that a picture does not have: a camera that is dead, a depth sensor that is unplugged.

In: a picture. Out: the same without its colours (black, and named in `Picture.absent`), or without depth.
"""

from __future__ import annotations

import numpy as np

from specsight.errors import SpecsightError
from specsight.records import DEPTH, NORMALS, RGB, XYZ, Picture
from specsight.stress.stressor import Stressor, stressors


def without_rgb(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """Black, and `absent`: nobody may score it. Raises SpecsightError where nothing else was measured."""
    return _without(picture, "rgb_missing", RGB)


def without_depth(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """No depth, and no normals or coordinates, which come from the same sensor."""
    return _without(picture, "depth_missing", DEPTH, NORMALS, XYZ)


def _without(picture: Picture, name: str, *modalities: str) -> Picture:
    try:
        return picture.without(*modalities)
    except ValueError as error:
        raise SpecsightError(f"'{name}' would leave nothing of this picture: leave it out") from error


stressors.register("rgb_missing")(
    Stressor(
        "RGB missing",
        "the picture has no colours",
        "missing",
        (1.0,),
        1.0,
        (RGB,),
        without_rgb,
        whole=True,
    )
)
stressors.register("depth_missing")(
    Stressor(
        "Depth missing",
        "the picture has no depth, and neither normals nor coordinates",
        "missing",
        (1.0,),
        1.0,
        (DEPTH,),
        without_depth,
        whole=True,
    )
)
