"""A transformer over words (BERT, Devlin et al., NAACL 2019), with the parameters of `transformers`' `BertModel`.

In: numbers of tokens (N, n) and which of them are no padding. Out: tokens, and the first one pooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.encoders.networks.network import Network, NetworkOutput

SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)


@dataclass(frozen=True)
class BertConfig:
    """Shape of the network, named as in the checkpoint's `config.json`."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float
    values: Mapping[str, Any]
    """Everything that the checkpoint says of it."""
    model_type: str = "bert"

    def to_dict(self) -> dict[str, Any]:
        """What a `config.json` says of the network: other networks are built like it from this."""
        return dict(self.values)


def read_config(values: Mapping[str, Any]) -> BertConfig | None:
    """The shape from the text part of a `config.json`; None where it describes another network, or not in full."""
    fixed = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "is_decoder": False,
        "add_cross_attention": False,
    }
    if any(name not in values or values[name] != value for name, value in fixed.items()):
        return None
    if values.get("position_embedding_type", "absolute") != "absolute":
        return None
    sizes = [values.get(name) for name in SIZES]
    epsilon = values.get("layer_norm_eps")
    if not isinstance(epsilon, float) or not all(type(size) is int and size > 0 for size in sizes):
        return None
    shape: dict[str, Any] = dict(zip(SIZES, sizes))
    if shape["hidden_size"] % shape["num_attention_heads"]:
        return None
    return BertConfig(**shape, layer_norm_eps=epsilon, values=values)


class Bert(Network):
    """Vectors of words and places, blocks, and the pooled first token; without dropout."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        # ModuleDicts give parameters the names that `transformers` gives them.
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": _table(config.vocab_size, width),
                "position_embeddings": _table(config.max_position_embeddings, width),
                "token_type_embeddings": _table(config.type_vocab_size, width),
                "LayerNorm": nn.LayerNorm(width, config.layer_norm_eps),
            }
        )
        blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": blocks})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> NetworkOutput:
        """Numbers of tokens (N, n), and 1 where they are read, 0 where they pad → tokens (N, n, C), pooled (N, C)."""
        of: Any = self.embeddings
        tokens = of["word_embeddings"](input_ids) + of["token_type_embeddings"].weight[0]
        tokens = of["LayerNorm"](tokens + of["position_embeddings"].weight[: input_ids.shape[1]])
        mask = None if bool(attention_mask.all()) else attention_mask.bool()[:, None, None, :]
        blocks: Any = self.encoder["layer"]
        for block in blocks:
            tokens = block(tokens, mask)
        return NetworkOutput(tokens, self.pooler["dense"](tokens[:, 0]).tanh())


class Block(nn.Module):
    """Attention of every token to all, and a feed-forward network; each is added to its input and normalised."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width, wide, epsilon = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.heads = config.num_attention_heads
        roles = nn.ModuleDict({role: nn.Linear(width, width) for role in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"self": roles, "output": _output(width, width, epsilon)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, wide)})
        self.output = _output(wide, width, epsilon)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Tokens (N, n, C) → (N, n, C); `mask` (N, 1, 1, n): which tokens are attended to, None: all."""
        attention: Any = self.attention
        query, key, value = (
            project(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in attention["self"].values()
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        tokens = _added(attention["output"], mixed.transpose(1, 2).flatten(2), tokens)
        return _added(self.output, functional.gelu(self.intermediate["dense"](tokens)), tokens)


def _table(rows: int, width: int) -> nn.Embedding:
    """Vectors (rows, width) without values: drawing normal ones on no device makes torch import its compiler."""
    table: nn.Embedding = nn.Embedding.from_pretrained(torch.empty(rows, width))  # type: ignore[no-untyped-call]
    return table


def _output(entering: int, width: int, epsilon: float) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": nn.Linear(entering, width), "LayerNorm": nn.LayerNorm(width, epsilon)})


def _added(output: nn.ModuleDict, inner: Tensor, tokens: Tensor) -> Tensor:
    result: Tensor = output["LayerNorm"](output["dense"](inner) + tokens)
    return result
