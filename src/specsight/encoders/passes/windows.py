"""Windows of WinCLIP (Jeong et al., CVPR 2023): what a k × k patch neighbourhood looks like in the joint space.

In: patch embeddings or a CLIP-like tower with a picture. Out: one embedding per window of k × k patches, at stride 1.
A transformer sees only the window's own tokens, so that a small defect is not averaged into the whole picture; a
convolutional encoder has no tokens to leave out, and a window there is the mean of its patches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.encoders.contract import Features

TOKENS_AT_ONCE = 8192
"""Tokens per transformer pass: enough to keep matrix products busy, few enough for a few hundred megabytes."""


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


def window_passes(tower: Any, pixels: Any, size: int, stride: int, options: dict[str, Any]) -> Iterator[Any]:
    """Pooled, unprojected embeddings of the windows of one picture (1, 3, H, W), some (n, C) at a time.

    Each window is a short pass of its own: the class token, where the tower has one, and the window's patches as they
    enter the first block, with the positions they have in the picture.
    """
    import torch

    tokens = tower.embeddings(pixels, **options)
    if hasattr(tower, "pre_layrnorm"):
        tokens = tower.pre_layrnorm(tokens)
    grid = (pixels.shape[2] // stride, pixels.shape[3] // stride)
    in_front = tokens.shape[1] - grid[0] * grid[1]
    cells = torch.from_numpy(window_cells(grid, size) + in_front)
    for members in torch.split(cells, max(1, TOKENS_AT_ONCE // (in_front + size * size))):
        front = tokens[:, :in_front].expand(len(members), -1, -1)
        seen = tower.encoder(inputs_embeds=torch.cat([front, tokens[0, members]], 1)).last_hidden_state
        head = getattr(tower, "head", None)
        yield tower.post_layernorm(seen[:, 0]) if head is None else head(tower.post_layernorm(seen))
