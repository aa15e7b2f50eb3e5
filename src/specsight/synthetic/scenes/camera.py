"""From surfaces to a photograph: uneven light, and what lens, sensor and file make of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic import fields
from specsight.synthetic.compositing import Pixels


def illuminate(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Multiply by a smooth light field: a gradient, a spot or a cloud; overall exposure varies."""
    shape = pixels.shape[:2]
    kind = rng.random()
    rows, columns = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None]
    if kind < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        light = 1 + rng.uniform(0, 0.45) * (rows * np.sin(angle) + columns * np.cos(angle))
    elif kind < 0.6:
        centre = rng.uniform(-1, 1, 2)
        light = 1 + rng.uniform(-0.4, 0.5) * np.exp(
            -((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 0.6
        )
    elif kind < 0.75:
        light = 1 + rng.uniform(0, 0.15) * fields.cloud(rng, shape, rng.uniform(40, 150), exact=True)
    else:
        light = np.ones(shape)
    lit: Pixels = pixels * (light * np.exp(rng.normal(0, 0.12)))[..., None].astype(np.float32)
    return lit


@dataclass(frozen=True)
class Camera:
    """What a camera, and the file it writes, make of a scene.

    A defect is part of the scene: it is painted before the camera, and becomes as soft and as noisy as the rest.
    """

    blur: float = 0.0
    """Standard deviation of the lens's blur, in pixels."""
    noise: float = 0.0
    """Standard deviation of the sensor's noise, in grey levels."""
    grey: bool = False
    seed: int = 0
    """Of the noise: the good and the defective picture of a scene share it."""
    coarseness: float = 1.0
    """Pixels of the scene to one of the sensor; the file is enlarged to the scene's size again."""
    sharpening: float = 0.0
    """How much of the difference to a blurred copy is added."""
    jpeg: int = 0
    """Quality, 1 to 100, of the JPEG file; 0: no loss."""

    @classmethod
    def random(cls, rng: np.random.Generator, *, colour: bool = False) -> Camera:
        """Half of the cameras blur, half have noise, a quarter are coarse, a quarter sharpen, a third write JPEG; three
        in ten are grey, unless `colour` is asked for."""
        blur = rng.uniform(0.4, 1.4) if rng.random() < 0.5 else 0.0
        noise = 255 * rng.uniform(0.003, 0.03) if rng.random() < 0.5 else 0.0
        return cls(
            blur,
            noise,
            not colour and rng.random() < 0.3,
            int(rng.integers(2**31)),
            rng.uniform(1.1, 2.5) if rng.random() < 0.25 else 1.0,
            rng.uniform(0.3, 1.5) if rng.random() < 0.25 else 0.0,
            int(rng.integers(40, 96)) if rng.random() < 0.35 else 0,
        )

    def expose(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (H, W, 3) uint8 of a lit scene (H, W, 3) uint8; always the same for the same scene."""
        picture = cv2.GaussianBlur(pixels, (0, 0), self.blur) if self.blur > 0 else pixels
        size = (pixels.shape[1], pixels.shape[0])
        if self.coarseness > 1:
            sensor = (max(1, round(size[0] / self.coarseness)), max(1, round(size[1] / self.coarseness)))
            picture = cv2.resize(picture, sensor, interpolation=cv2.INTER_AREA)
        if self.noise > 0:
            noise = fields.grain(np.random.default_rng(self.seed), (picture.shape[0], picture.shape[1]))
            noisy = picture + (np.float32(self.noise) * noise + np.float32(0.5))[..., None]
            picture = np.clip(noisy, 0, 255).astype(np.uint8)
        if self.grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if self.sharpening > 0:
            soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
            picture = cv2.addWeighted(picture, 1 + self.sharpening, soft, -self.sharpening, 0)
        if self.jpeg:
            _, coded = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, self.jpeg))
            picture = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        if self.coarseness > 1:
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
        return np.asarray(picture, np.uint8)


def eight_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """(H, W, 3) in [0, 1], clipped, as uint8."""
    return np.asarray(np.clip(pixels * 255 + np.float32(0.5), 0, 255), np.uint8)
