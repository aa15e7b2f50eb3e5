"""From surfaces to a photograph: uneven light, blur, noise, grey cameras, eight bits."""

from __future__ import annotations

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


def expose(rng: np.random.Generator, pixels: Pixels) -> NDArray[np.uint8]:
    """Blur, sensor noise, sometimes a grey camera, and quantisation: (H, W, 3) in [0, 1] → uint8."""
    if rng.random() < 0.5:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.5:
        noise = fields.grain(rng, pixels.shape[:2])
        pixels = pixels + np.float32(rng.uniform(0.003, 0.03)) * noise[..., None]
    picture = np.clip(pixels * 255 + np.float32(0.5), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(picture, np.uint8)
