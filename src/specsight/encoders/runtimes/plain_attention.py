"""Attention in plain operations: torch's own module fixes the traced number of tokens in a graph (SigLIP's head)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


class PlainAttention(nn.Module):
    """What a `torch.nn.MultiheadAttention` with the batch first and without masks computes."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, query: Tensor, key: Tensor, value: Tensor, **_: Any) -> tuple[Tensor, None]:
        """(B, n, C), and (B, m, C) twice → (B, n, C)."""
        own = self.attention
        weights = own.in_proj_weight.chunk(3)
        biases = (None,) * 3 if own.in_proj_bias is None else own.in_proj_bias.chunk(3)
        queries, keys, values = (
            self._by_heads(functional.linear(tokens, weight, bias))
            for tokens, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        mixed = functional.scaled_dot_product_attention(queries, keys, values).transpose(1, 2)
        return own.out_proj(mixed.reshape(mixed.shape[0], mixed.shape[1], own.embed_dim)), None

    def _by_heads(self, tokens: Tensor) -> Tensor:
        own = self.attention
        split = tokens.reshape(tokens.shape[0], tokens.shape[1], own.num_heads, own.head_dim)
        return split.transpose(1, 2)


def with_plain_attention(model: nn.Module) -> None:
    """Put `PlainAttention` in the place of each of torch's own in `model`."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MultiheadAttention) and child.batch_first:
                setattr(module, name, PlainAttention(child))
