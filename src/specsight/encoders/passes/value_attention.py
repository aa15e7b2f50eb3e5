"""Patches that attend to their like: a second path of value-value attention beside a vision transformer's own.

In: an encoder that reads, and images. Out: the pooled embedding of the tower's own path, untouched, and patches of the
second path. Queries and keys of a transformer trained on whole images gather the whole image into every patch; values
alone leave a patch with those that look like it (CLIP Surgery, Li et al. 2023; the DPAM of AnomalyCLIP, Zhou et al.,
ICLR 2024). With x_b the tokens before block b and A_b(x) = softmax(V Vᵀ / √d) V of its values,

    x̂_b = x_b,   x̂_{b+1} = x̂_b + A_b(norm(x_b)),

from some block on: the second path is residual, has no feed-forward, and never feeds back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Features, Images
from specsight.images.cells import Region

if TYPE_CHECKING:
    from torch import Tensor

    from specsight.encoders.towers import TokenTower


def embed_by_values(
    encoder: Encoder, images: Images, share: float, levels: int, inside: Region | None = None
) -> tuple[Features, list[Features]]:
    """Pooled embeddings (B, D) and, per level, patches (B, D, h, w), unit length, in the joint space.

    `images` (B, H, W, 3); `share` in (0, 1]: the part of a transformer's blocks, the last ones, that have a second
    path; `levels`: at how many places, at most, it is read (see `levels_of`); `inside` as `Encoder.embed_images` takes
    it. Of an encoder without attention: patches as they are, on one level. Raises SpecsightError where the encoder
    does not read.
    """
    encoder.check_images(images)
    if not encoder.reads:
        raise encoder.no_text_tower()
    names = [f"values{share!r}x{levels}-{part}" for part in (f"pooled{inside or ''}", "patches")]
    compute = partial(_by_values, share=share, levels=levels, inside=inside)
    pooled, patches = encoder.remember(images, names, compute)
    return pooled, [np.ascontiguousarray(patches[:, level]) for level in range(patches.shape[1])]


def value_attention(attention: Any, tokens: Tensor) -> Tensor:
    """softmax(V Vᵀ / √d) V by heads of normalised tokens (B, n, C), through the attention's output projection."""
    from torch.nn import functional

    values = attention.v_proj(tokens).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    mixed = functional.scaled_dot_product_attention(values, values, values)
    result: Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return result


def two_paths(tower: TokenTower, pixels: Tensor, share: float, levels: int) -> tuple[Tensor, list[Tensor]]:
    """One pass: the tower's own pooled output (B, C), and the second path's tokens (B, n, C) at each level."""
    blocks = tower.blocks
    first = first_block(len(blocks), share)
    calls, result = tower.watch(pixels, [block.layer_norm1 for block in blocks[first - 1 :]])
    normalised = [call for call in calls if call is not None]
    path: Tensor = normalised[0].given
    places, read = levels_of(len(blocks), share, levels), []
    for number, (block, call) in enumerate(zip(blocks[first - 1 :], normalised, strict=True), start=first):
        path = path + value_attention(block.self_attn, call.output)
        if number in places:
            read.append(path)
    return result.pooler_output, read


def first_block(depth: int, share: float) -> int:
    """Number, from 1, of the first of the last `share` of `depth` blocks; the last block at least has a second path."""
    return depth - max(1, round(depth * share)) + 1


def levels_of(depth: int, share: float, levels: int) -> tuple[int, ...]:
    """Blocks behind which the second path is read: those at 1/levels, 2/levels, … of the depth that it reaches."""
    places = {round(depth * k / levels) for k in range(1, levels + 1)}
    return tuple(sorted(place for place in places if place >= first_block(depth, share)))


def _by_values(
    encoder: Encoder, images: Images, share: float, levels: int, inside: Region | None
) -> list[Features]:
    """Pooled embeddings (B, D) and the patches of all levels (B, L, D, h, w)."""
    tower = encoder.towers.joint_tokens if encoder.towers is not None else None
    if tower is None:
        return [encoder.embed_images(images, inside), encoder.embed_patches(images)[:, None]]
    embedded = [_one_image(tower, image, share, levels) for image in np.split(images, len(images))]
    return [np.concatenate(parts) for parts in zip(*embedded, strict=True)]


def _one_image(tower: TokenTower, image: Images, share: float, levels: int) -> tuple[Features, Features]:
    import torch

    from specsight.encoders.vision_tower import array

    with torch.inference_mode():
        pixels = tower.pixels(image)
        pooled, read = two_paths(tower, pixels, share, levels)
        patches = torch.stack([tower.joint_grid(tokens, pixels) for tokens in read], 1)
        return array(tower.project(pooled)), array(patches)
