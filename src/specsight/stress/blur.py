"""Pictures that are not sharp: out of focus, or moved while the shutter was open. In and out: RGB, blurred as light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.records import RGB, Picture
from specsight.stress.linear import light_of, stored
from specsight.stress.picture import Pixels, photographs
from specsight.stress.stressor import Stressor, stressors

FINER = 8
"""Steps into which a pixel is cut to weigh a kernel's rim."""


def defocus(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """The disc that a lens out of focus makes of a point, `level` percent of the picture's shorter side across."""
    return _blurred(picture, disc(min(picture.size) * level / 100))


def motion(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """The streak of a part that moves along the rows during the exposure, `level` percent of the shorter side long."""
    return _blurred(picture, streak(min(picture.size) * level / 100))


def disc(diameter: float) -> NDArray[np.float32]:
    """An even disc of `diameter` pixels as a kernel (K, K) with sum 1, K odd; pixels on the rim count by their area."""
    reach = int(np.ceil(max(diameter, 1.0) / 2))
    at = (np.arange((2 * reach + 1) * FINER) + 0.5) / FINER - (reach + 0.5)
    fine = at[:, None] ** 2 + at[None, :] ** 2 <= (max(diameter, 1.0) / 2) ** 2
    kernel = fine.reshape(2 * reach + 1, FINER, 2 * reach + 1, FINER).mean(axis=(1, 3))
    return np.asarray(kernel / kernel.sum(), np.float32)


def streak(length: float) -> NDArray[np.float32]:
    """An even streak of `length` pixels along a row, (1, K) with sum 1, K odd; a part of a pixel counts in part."""
    reach = int(np.ceil((max(length, 1.0) - 1) / 2))
    at = np.abs(np.arange(-reach, reach + 1))
    kernel = np.clip(max(length, 1.0) / 2 + 0.5 - at, 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)[None]


def _blurred(picture: Picture, kernel: NDArray[np.float32]) -> Picture:
    return photographs(picture, lambda rgb: _spread(rgb, kernel, picture.circular))


def _spread(rgb: Pixels, kernel: NDArray[np.float32], circular: bool) -> Pixels:
    light = light_of(rgb)
    reach = kernel.shape[1] // 2
    if circular:
        light = np.concatenate([light[:, -reach:], light, light[:, :reach]], axis=1) if reach else light
    blurred = cv2.filter2D(light, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
    if circular and reach:
        blurred = blurred[:, reach:-reach]
    return stored(blurred)


stressors.register("defocus")(
    Stressor(
        "Defocus",
        "a lens out of focus: every point becomes an even disc",
        "disc in % of the shorter side",
        (1.0, 2.0, 4.0),
        20.0,
        (RGB,),
        defocus,
    )
)
stressors.register("motion_blur")(
    Stressor(
        "Motion blur",
        "the part moves along the rows of the picture while the shutter is open",
        "streak in % of the shorter side",
        (2.0, 4.0, 8.0),
        50.0,
        (RGB,),
        motion,
    )
)
