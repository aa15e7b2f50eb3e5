"""From surfaces to a photograph: uneven light, blur, noise, grey cameras, eight bits."""

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
    """What a camera makes of a scene: `blur` (sigma, pixels), `noise` (deviation, grey levels), colour or grey.

    A defect is part of the scene: it is painted before the camera, and becomes as soft and as noisy as the rest.
    """

    blur: float = 0.0
    noise: float = 0.0
    grey: bool = False
    seed: int = 0
    """Of the noise: the good and the defective picture of a scene share it."""

    @classmethod
    def random(cls, rng: np.random.Generator, *, colour: bool = False) -> Camera:
        """Half of the cameras blur, half have noise; three in ten are grey, unless `colour` is asked for."""
        blur = rng.uniform(0.4, 1.4) if rng.random() < 0.5 else 0.0
        noise = 255 * rng.uniform(0.003, 0.03) if rng.random() < 0.5 else 0.0
        return cls(blur, noise, not colour and rng.random() < 0.3, int(rng.integers(2**31)))

    def expose(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (H, W, 3) uint8 of a lit scene (H, W, 3) uint8; always the same for the same scene."""
        picture = cv2.GaussianBlur(pixels, (0, 0), self.blur) if self.blur > 0 else pixels
        if self.noise > 0:
            noise = fields.grain(np.random.default_rng(self.seed), (pixels.shape[0], pixels.shape[1]))
            noisy = picture + (np.float32(self.noise) * noise + np.float32(0.5))[..., None]
            picture = np.clip(noisy, 0, 255).astype(np.uint8)
        if self.grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return np.asarray(picture, np.uint8)


def eight_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """(H, W, 3) in [0, 1], clipped, as uint8."""
    return np.asarray(np.clip(pixels * 255 + np.float32(0.5), 0, 255), np.uint8)
