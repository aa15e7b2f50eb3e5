"""What single products stand on: an even dark, grey or lit ground, a surface, sometimes with light or shade on it."""

from __future__ import annotations

import numpy as np

from specsight.synthetic.compositing import Pixels
from specsight.synthetic.fields import Shape
from specsight.synthetic.scenes import gleams
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.scenes.materials import surface


def ground(rng: np.random.Generator, shape: Shape) -> Pixels:
    """(H, W, 3) in [0, 1]; four in five are of one tone, a third of these with falloff, caustics or a shadow."""
    if rng.random() < 0.2:
        return surface(rng, shape).pixels
    tones = [rng.uniform(0.02, 0.2), rng.uniform(0.3, 0.7), rng.uniform(0.75, 1.0)]
    pixels = np.full((*shape, 3), rng.choice(tones, p=[0.4, 0.15, 0.45]), np.float32)
    if rng.random() < 0.35:
        draws = (gleams.falloff, gleams.caustics, gleams.cast_shadow)
        draw = draws[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
        pixels = draw(rng, pixels, Body.whole(rng, shape))
    return pixels
