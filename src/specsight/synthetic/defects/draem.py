"""DRAEM's simulated anomalies (Zavrtanik et al., ICCV 2021): foreign texture within thresholded Perlin noise."""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic import fields
from specsight.synthetic.compositing import Pixels, over
from specsight.synthetic.defects.painting import Where, synthesisers

THRESHOLD = 0.5


@synthesisers.register("draem")
def paint_draem(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """x' = (1 - M) x + M ((1 - b) source + b x), b ~ U(0, 0.8); the source is the picture itself, thoroughly altered,
    or a random texture, since no folder of textures can be presumed."""
    noise = fields.perlin(rng, where.shape)
    if rng.random() < 0.5:
        noise = np.ascontiguousarray(noise[::-1])
    mask = ((noise > THRESHOLD) & where).astype(np.float32)
    source = _altered(rng, pixels) if rng.random() < 0.5 else _texture(rng, where.shape)
    return over(pixels, source, mask * np.float32(1 - rng.uniform(0, 0.8)))


def _altered(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """The picture itself, shuffled by blocks, turned, recoloured or inverted."""
    blocks = [part for band in np.array_split(pixels, 4, 0) for part in np.array_split(band, 4, 1)]
    order = rng.permutation(len(blocks))
    size = (pixels.shape[1] // 4 + 1, pixels.shape[0] // 4 + 1)
    tiles = [cv2.resize(blocks[i], size) for i in order]
    mosaic = np.vstack([np.hstack(tiles[4 * k : 4 * k + 4]) for k in range(4)])[
        : pixels.shape[0], : pixels.shape[1]
    ]
    changed = mosaic ** np.float32(rng.uniform(0.5, 2)) * np.exp(rng.normal(0, 0.3, 3)).astype(np.float32)
    changed = 1 - changed if rng.random() < 0.3 else changed[..., rng.permutation(3)]
    return np.asarray(np.clip(changed, 0, 1), np.float32)


def _texture(rng: np.random.Generator, shape: tuple[int, int]) -> Pixels:
    """Stripes or clouds between two random colours."""
    field = fields.cloud(rng, shape, float(np.exp(rng.uniform(np.log(2), np.log(40)))), exact=False)
    if rng.random() < 0.4:
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, 30)
        field = field * 0.4 + np.sin(fields.position_along(shape, angle, np.float64) * 2 * np.pi / period)
    share = (1 / (1 + np.exp(-3 * field)))[..., None].astype(np.float32)
    first, second = rng.random((2, 3)).astype(np.float32)
    mixed: Pixels = first * share + second * (1 - share)
    return mixed
