"""Light that is too much at places, or too little: specular highlights, and short exposures with photon noise.

In: RGB. Out: RGB. Both are computed on light, not on stored values; a sensor that is saturated shows white.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.records import RGB, Picture
from specsight.stress.linear import light_of, stored, to_light
from specsight.stress.picture import Pixels, photographs
from specsight.stress.stressor import Stressor, stressors

FALL_OFF = 3.0
"""Exponent of the light around a saturated core, the smaller the wider the glow."""
TEXTURE = 0.3
"""How far the surface breaks up a highlight: its strength follows the fine relief that the picture shows."""
FULL_WELL = 4000.0
"""Electrons of a white pixel: a small machine-vision sensor (10,000 of them) at 8 dB of gain. Shot noise is the square
root of what a pixel collects; read noise is added to it."""
READ_NOISE = 4.0
"""Electrons, standard deviation."""
MIDDLE = 0.5
"""Stored value that the picture's mean has under the exposure that gamma is taken under."""


def specular(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """Highlights that saturate `level` percent of the pixels, with a glow that falls off around them.

    A few elongated lobes, all in one direction as one lamp makes them on one surface; the surface's own fine relief
    breaks them up, as gloss on rubber or brushed metal does. The share of saturated pixels is exact.
    """

    def shine(rgb: Pixels) -> Pixels:
        return _shining(rgb, level, _lobes(picture.size, random, picture.circular))

    return photographs(picture, shine)


def _shining(rgb: Pixels, level: float, lobes: NDArray[np.float32]) -> Pixels:
    light = light_of(rgb)
    field = lobes * _broken_up(light)
    count = max(1, round(field.size * level / 100))
    edge = np.partition(field.ravel(), field.size - count)[field.size - count]
    # A lobe that ends nowhere would lighten the whole picture, as haze does: the glow is cut where it is faint.
    glow = np.clip((field / edge) ** FALL_OFF - 0.01, 0.0, 0.99)[..., None] / np.float32(0.99)
    return stored(light + glow * (1 - light))


def low_light(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """Tones darkened by a gamma of `level`, then photon and read noise of a sensor with some gain.

    A stored value v in [0, 1] becomes v · min(v / 2m, 1)^(level - 1), m the picture's mean: v^level where the mean is
    middle grey, and the same darkening of the mean, to 2^(1 - level) of it, for a black tyre, which a line exposes
    longer. Values from 2m on stay. Poisson noise is drawn for each channel of each pixel from the electrons that the
    darkened light gives, so that it is worst in the shadows.
    """
    return photographs(picture, lambda rgb: _dark(rgb, level, random))


def _dark(rgb: Pixels, level: float, random: np.random.Generator) -> Pixels:
    values = np.arange(256) / 255.0
    mean = max(float(rgb.mean()) / 255.0, 1 / 255)
    # From the values of 8 bits straight to light: rounding in between would leave a handful of steps in the shadows.
    curve = to_light(values * np.minimum(values * MIDDLE / mean, 1.0) ** (level - 1))
    dark = curve[rgb]
    electrons = random.poisson(dark * FULL_WELL) + random.normal(0.0, READ_NOISE, dark.shape)
    return stored(electrons / FULL_WELL)


def _lobes(size: tuple[int, int], random: np.random.Generator, circular: bool) -> NDArray[np.float32]:
    """(H, W) the strongest of two to four elongated lobes, 1 / (1 + r²) each; above 0, at most 1."""
    height, width = size
    side = min(size)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = random.uniform(0, np.pi)
    along, across = np.cos(angle), np.sin(angle)
    field = np.zeros(size, np.float32)
    for _ in range(int(random.integers(2, 5))):
        y, x = random.uniform(0.1, 0.9) * height, random.uniform(0.1, 0.9) * width
        long, short = side * random.uniform(0.12, 0.25), side * random.uniform(0.04, 0.09)
        dy, dx = rows - y, columns - x
        if circular:
            dx = (dx + width / 2) % width - width / 2
        u, v = dx * along + dy * across, dy * along - dx * across
        lobe = random.uniform(0.7, 1.0) / (1 + (u / long) ** 2 + (v / short) ** 2)
        field = np.maximum(field, lobe.astype(np.float32))
    return field


def _broken_up(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) around 1: more where the surface is lighter than what surrounds it, at the scale of its fine relief."""
    # Smoothed by a pixel: the sensor's noise is no relief.
    grey = cv2.GaussianBlur(np.log(light.mean(axis=2) + 0.02), (0, 0), 1.0)
    detail = grey - cv2.GaussianBlur(grey, (0, 0), max(1.0, min(grey.shape) / 64))
    spread = float(detail.std())
    if spread == 0:
        return np.ones(grey.shape, np.float32)
    return np.asarray(np.exp(TEXTURE * np.clip(detail / spread, -2, 2)), np.float32)


stressors.register("specular")(
    Stressor(
        "Specular blobs",
        "highlights of a lamp that saturate this share of the picture, with the glow around them",
        "% of the picture saturated",
        (2.0, 5.0, 10.0),
        50.0,
        (RGB,),
        specular,
    )
)
stressors.register("low_light")(
    Stressor(
        "Low light",
        "tones darkened by a gamma under the product's own exposure, then photon noise of 4,000 electrons at white",
        "gamma",
        (2.0, 2.75, 3.5),
        6.0,
        (RGB,),
        low_light,
        least=1.0,
    )
)
