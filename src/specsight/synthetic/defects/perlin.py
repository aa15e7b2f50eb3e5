"""DRAEM's simulated anomalies (Zavrtanik et al., ICCV 2021): foreign texture within thresholded Perlin noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.defects import brush
from specsight.synthetic.defects.painting import Pixels, Where, synthesisers

THRESHOLD = 0.5


@synthesisers.register("draem")
def draem(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """x' = (1 - M) x + M ((1 - b) source + b x), b ~ U(0, 0.8); the source is the picture itself, thoroughly altered,
    or a random texture, since no folder of textures can be presumed."""
    noise = perlin(rng, where.shape)
    if rng.random() < 0.5:
        noise = np.ascontiguousarray(noise[::-1])
    mask = ((noise > THRESHOLD) & where).astype(np.float32)
    source = _altered(rng, pixels) if rng.random() < 0.5 else _texture(rng, where.shape)
    return brush.over(pixels, source, mask * np.float32(1 - rng.uniform(0, 0.8)))


def perlin(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Perlin gradient noise in about [-1, 1] with 2^U{0..5} cells along each axis."""
    cells = [int(2 ** rng.integers(0, 6)) for _ in shape]
    angle = rng.uniform(0, 2 * np.pi, (cells[0] + 1, cells[1] + 1))
    gradients = np.stack([np.sin(angle), np.cos(angle)], -1).astype(np.float32)
    axes = [
        np.linspace(0, count, side, endpoint=False, dtype=np.float32) for count, side in zip(cells, shape)
    ]
    row, column = (axis.astype(int) for axis in axes)
    dy, dx = (axes[0] - row)[:, None], (axes[1] - column)[None]

    def corner(down: int, right: int) -> NDArray[np.float32]:
        gradient = gradients[row + down][:, column + right]
        ramp: NDArray[np.float32] = gradient[..., 0] * (dy - down) + gradient[..., 1] * (dx - right)
        return ramp

    fade_y, fade_x = (t**3 * (t * (t * 6 - 15) + 10) for t in (dy, dx))
    top = corner(0, 0) + fade_x * (corner(0, 1) - corner(0, 0))
    bottom = corner(1, 0) + fade_x * (corner(1, 1) - corner(1, 0))
    noise: NDArray[np.float32] = np.float32(np.sqrt(2)) * (top + fade_y * (bottom - top))
    return noise


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
    field = brush.clouds(rng, shape, float(np.exp(rng.uniform(np.log(2), np.log(40)))))
    if rng.random() < 0.4:
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, 30)
        rows, columns = np.indices(shape, dtype=np.float32)
        field = field * 0.4 + np.sin((columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / period)
    share = (1 / (1 + np.exp(-3 * field)))[..., None].astype(np.float32)
    first, second = rng.random((2, 3)).astype(np.float32)
    mixed: Pixels = first * share + second * (1 - share)
    return mixed
