"""Patches that attend to their like: a second path of value-value attention beside a vision transformer's own.

In: a CLIP-like tower and a picture. Out: the pooled embedding of the tower's own path, untouched, and patch tokens of
the second path. Queries and keys of a transformer trained on whole pictures gather the whole picture into every patch;
values alone leave a patch with those that look like it (CLIP Surgery, Li et al. 2023; the DPAM of AnomalyCLIP, Zhou et
al., ICLR 2024). With x_b the tokens before block b and A_b(x) = softmax(V Vᵀ / √d) V of its values,

    x̂_b = x_b,   x̂_{b+1} = x̂_b + A_b(norm(x_b)),

from some block on: the second path is residual, has no feed-forward, and never feeds back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch


def value_attention(attention: Any, tokens: torch.Tensor) -> torch.Tensor:
    """softmax(V Vᵀ / √d) V by heads of normalised tokens (B, n, C), through the attention's output projection."""
    values = attention.v_proj(tokens).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    mixed = torch.nn.functional.scaled_dot_product_attention(values, values, values)
    result: torch.Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return result


def two_paths(
    tower: Any,
    blocks: Sequence[Any],
    pixels: torch.Tensor,
    options: dict[str, Any],
    share: float,
    levels: int,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One pass: the tower's own pooled embedding (B, C), and the second path's tokens (B, n, C) at each level.

    The second path runs beside the last `share` of the blocks; see `levels_of` for where it is read.
    """
    first = first_block(len(blocks), share)
    seen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    with _normalised({number: blocks[number - 1] for number in range(first, len(blocks) + 1)}, seen):
        pooled: torch.Tensor = tower(pixel_values=pixels, **options).pooler_output
    path = seen[first][0]
    wanted, read = levels_of(len(blocks), share, levels), []
    for number in range(first, len(blocks) + 1):
        path = path + value_attention(blocks[number - 1].self_attn, seen[number][1])
        if number in wanted:
            read.append(path)
    return pooled, read


def first_block(depth: int, share: float) -> int:
    """Number, from 1, of the first of the last `share` of `depth` blocks; the last block at least has a second path."""
    return depth - max(1, round(depth * share)) + 1


def levels_of(depth: int, share: float, levels: int) -> tuple[int, ...]:
    """Blocks behind which the second path is read: those at 1/levels, 2/levels, … of the depth that it reaches."""
    places = {round(depth * k / levels) for k in range(1, levels + 1)}
    return tuple(sorted(place for place in places if place >= first_block(depth, share)))


@contextmanager
def _normalised(blocks: dict[int, Any], seen: dict[int, tuple[torch.Tensor, torch.Tensor]]) -> Iterator[None]:
    """While it lasts, what enters each block lands in `seen`, as it is and normalised for its attention."""

    def catcher(number: int) -> Any:
        def catch(module: torch.nn.Module, arguments: Any, output: torch.Tensor) -> None:
            seen[number] = (arguments[0], output)

        return catch

    handles = [block.layer_norm1.register_forward_hook(catcher(number)) for number, block in blocks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
