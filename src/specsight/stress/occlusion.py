"""Something between camera and part: a rectangle of a stated share of the picture that shows no part at all.

In: RGB, and depth where there is some. Out: both; what lies behind is known as `hidden`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.images import is_light
from specsight.records import DEPTH, RGB, Picture
from specsight.stress.linear import light_of, stored
from specsight.stress.picture import Pixels, photographs
from specsight.stress.stressor import Stressor, stressors


def occlude(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """One matt rectangle of `level` percent of the picture, of an even grey with slight shading and a soft edge shadow.

    It is close to the camera, out of the range of a depth sensor: depth and other signals behind it are unknown (NaN).
    """
    inside = covered(picture.size, level, random)
    tone, slope, cast = random.uniform(0.02, 0.5), random.uniform(-0.3, 0.3), random.uniform(-0.05, 0.05, 3)
    height, width = picture.size
    shading = 1 + slope * (np.linspace(-0.5, 0.5, width)[None, :] + np.linspace(-0.5, 0.5, height)[:, None])
    shadow = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(1.0, min(picture.size) / 64))
    grain = random.normal(1.0, 0.02, picture.size)
    matt = tone * (shading * grain)[..., None] * (1 + cast)

    def before(rgb: Pixels) -> Pixels:
        light = light_of(rgb) * (1 - 0.5 * shadow)[..., None]
        light[inside] = matt[inside]
        return stored(light)

    changed = photographs(picture, before)
    signals = {
        name: _unknown(values, inside) for name, values in changed.signals.items() if not is_light(name)
    }
    depth = None if picture.depth is None else np.where(inside, np.float32(np.nan), picture.depth)
    return replace(changed, depth=depth, signals={**changed.signals, **signals})


def _unknown(values: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    changed = np.array(values, np.float32)
    changed[inside] = np.nan
    return changed


def covered(size: tuple[int, int], level: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """(H, W) the pixels behind the rectangle: `level` percent of the picture, to within half a row of the rectangle."""
    height, width = size
    aspect, y, x = np.exp(random.uniform(-np.log(2), np.log(2))), random.uniform(), random.uniform()
    area = height * width * level / 100
    ideal = float(np.clip(np.sqrt(area * aspect), area / width, height))
    nearby = range(max(1, int(0.9 * ideal)), min(height, int(1.1 * ideal) + 1) + 1)
    choices = [(tall, round(area / tall)) for tall in nearby if 1 <= round(area / tall) <= width]
    # Less than half a pixel is none that could be covered.
    tall, wide = min(choices or [(1, 1)], key=lambda one: (abs(one[0] * one[1] - area), abs(one[0] - ideal)))
    # The middle of the rectangle is the same at every level, as far as the picture leaves room.
    top = int(np.clip(round(y * height - tall / 2), 0, height - tall))
    left = int(np.clip(round(x * width - wide / 2), 0, width - wide))
    inside = np.zeros(size, bool)
    inside[top : top + tall, left : left + wide] = True
    return inside


stressors.register("occlusion")(
    Stressor(
        "Occlusion",
        "one matt rectangle before the part, too close for a depth sensor to measure",
        "% of the picture hidden",
        (5.0, 10.0, 20.0),
        50.0,
        (RGB, DEPTH),
        occlude,
        hides=covered,
    )
)
