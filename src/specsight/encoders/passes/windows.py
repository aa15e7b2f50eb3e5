"""Windows of WinCLIP (Jeong et al., CVPR 2023): what a k × k patch neighbourhood looks like in the joint space.

In: an encoder that reads, and images. Out: one embedding per window of k × k patches, at stride 1. A transformer sees
only the window's own tokens, so that a small defect is not averaged into the whole image; an encoder without tokens has
none to leave out, and a window is the mean of its patches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Features, Images

if TYPE_CHECKING:
    from torch import Tensor

    from specsight.encoders.towers import TokenTower

TOKENS_AT_ONCE = 8192
"""Tokens per transformer pass: enough to keep matrix products busy, few enough for a few hundred megabytes."""


def embed_windows(encoder: Encoder, images: Images, sizes: Sequence[int]) -> list[Features]:
    """Embeddings of all k × k windows of patches, in the joint space.

    `images` (B, H, W, 3); `sizes`: the values of k, none larger than the grid of patches. Returns one array
    (B, D, h - k + 1, w - k + 1), unit length, per size; size 1 is `Encoder.embed_patches`. Raises SpecsightError where
    the encoder does not read.
    """
    encoder.check_images(images)
    if not encoder.reads:
        raise encoder.no_text_tower()
    return encoder.remember(images, [f"windows{size}" for size in sizes], partial(_windows, sizes=sizes))


def window_means(patches: Features, size: int) -> Features:
    """Unit-length means (B, D, h - k + 1, w - k + 1) of the k × k neighbourhoods of patches (B, D, h, w)."""
    if size == 1:
        return patches
    around = np.lib.stride_tricks.sliding_window_view(patches, (size, size), axis=(2, 3))
    means = around.mean((-1, -2), dtype=np.float32)
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), np.float32)


def window_cells(grid: tuple[int, int], size: int) -> NDArray[np.int64]:
    """Which cells of a grid (h, w), numbered row by row, each window covers: (windows, k²), windows row by row."""
    cells = np.arange(grid[0] * grid[1]).reshape(grid)
    return np.lib.stride_tricks.sliding_window_view(cells, (size, size)).reshape(-1, size * size)


def window_passes(tower: TokenTower, pixels: Tensor, size: int) -> Iterator[Tensor]:
    """Embeddings (n, D), unit length, of the windows of one image (1, 3, H, W), as many at a time as memory allows.

    A pass sees the class token, where the tower has one, and the window's patches as they enter the first block, with
    the positions they have in the image.
    """
    import torch

    tokens = tower.embed(pixels)
    grid = tower.size(pixels)
    prefix = tokens.shape[1] - grid[0] * grid[1]
    cells = torch.from_numpy(window_cells(grid, size) + prefix).to(tower.device)
    for members in torch.split(cells, max(1, TOKENS_AT_ONCE // (prefix + size * size))):
        first = tokens[:, :prefix].expand(len(members), -1, -1)
        encoded = tower.encode(torch.cat([first, tokens[0, members]], 1))
        yield tower.project(tower.pool(encoded))


def _windows(encoder: Encoder, images: Images, sizes: Sequence[int]) -> list[Features]:
    tower = encoder.towers.joint_tokens if encoder.towers is not None else None
    if tower is None:
        patches = encoder.embed_patches(images)
        return [window_means(patches, size) for size in sizes]
    return [encoder.embed_patches(images) if k == 1 else _window_grid(tower, images, k) for k in sizes]


def _window_grid(tower: TokenTower, images: Images, size: int) -> Features:
    """Every window by a short pass of its own, (B, D, h - k + 1, w - k + 1)."""
    import torch

    from specsight.encoders.vision_tower import array

    rows, columns = (side // tower.stride - size + 1 for side in images.shape[1:3])
    with torch.inference_mode():
        pixels = (tower.pixels(image) for image in np.split(images, len(images)))
        joint = np.stack([array(torch.cat(list(window_passes(tower, image, size)))) for image in pixels])
    grid = joint.reshape(len(images), rows, columns, -1)
    return np.ascontiguousarray(grid.transpose(0, 3, 1, 2))
