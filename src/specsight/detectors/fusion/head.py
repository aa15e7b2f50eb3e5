"""The head of `fusion`: deviation tokens and clauses → logits of an anomaly, of types, and of what clauses change.

In: tokens (B, T, h, w), margins and word vectors of types, clauses. Out: an anomaly logit per cell, one per type of any
name (its words are an input), and per clause how far it lowers or raises each cell. Patches attend over clauses
additively (Bahdanau et al., ICLR 2015), each clause with a gate of its own and no softmax between them: without clauses
nothing changes, to the bit, and what a clause says of a part acts on the cells of that part alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

DILATIONS = (1, 2, 4)
KINDS = ("scope", "tolerance", "only", "knowledge")
"""Of clauses, by number. A scope lowers what lies outside of its parts, a tolerance what is of its type and within its
limit, an "only" what is of other types; knowledge raises what is of its type."""
RAISES = KINDS.index("knowledge")
RELATIONS = 5
RARE = -3.0
"""Anomaly logit that a head begins with."""


@dataclass(frozen=True)
class HeadShape:
    """Sizes of a head: tokens of a cell, channels inside, dimensions of word vectors (0: it reads none)."""

    tokens: int
    width: int = 64
    words: int = 256
    pair: int = 32


@dataclass
class ClauseTokens:
    """Up to C clauses for each of B pictures; those that a picture lacks act nowhere."""

    kinds: Tensor
    """(B, C) int64, numbers of `KINDS`."""
    typed: Tensor
    """(B, C, h, w): logits of the types that each names, of several the largest; 0 where it names none."""
    margins: Tensor
    """(B, C, h, w): z-scores of the margins of these types."""
    where: Tensor
    """(B, C, h, w) in [0, 1]: the cells that each acts on."""
    limits: Tensor
    """(B, C): mm; 0: none."""


class Block(nn.Module):
    """Depthwise 3 × 3 convolution, what the whole picture shows on average, and a pointwise network; residual."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(
            width, width, 3, padding=dilation, dilation=dilation, groups=width, padding_mode="replicate"
        )
        self.norm = nn.GroupNorm(1, width)
        self.picture = nn.Linear(width, width)
        self.inner, self.outer = nn.Conv2d(width, 2 * width, 1), nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, W, h, w) → the same shape."""
        mixed = self.norm(self.mix(x))
        mixed = mixed + self.picture(mixed.mean((2, 3)))[:, :, None, None]
        grown: Tensor = x + self.outer(nn.functional.gelu(self.inner(mixed)))
        return grown


class FusionHead(nn.Module):
    """One head for every product and any list of types: 0.1 million parameters."""

    def __init__(self, shape: HeadShape) -> None:
        super().__init__()
        self.shape = shape
        width, pair = shape.width, shape.pair
        self.embed = nn.Conv2d(shape.tokens, width, 1)
        self.blocks = nn.ModuleList(Block(width, dilation) for dilation in DILATIONS)
        self.norm = nn.GroupNorm(1, width)
        self.anomaly = nn.Conv2d(width, 1, 1)
        self.query = nn.Conv2d(width, pair, 1)
        self.words = nn.Linear(shape.words, pair)
        self.trust = nn.Conv2d(width, 1, 1)
        self.offset = nn.Conv2d(width, 1, 1)
        self.patch = nn.Conv2d(width, pair, 1)
        self.kind = nn.Embedding(len(KINDS), pair)
        self.relation = nn.Linear(RELATIONS, pair)
        self.gate = nn.Sequential(nn.GELU(), nn.Linear(pair, pair), nn.GELU(), nn.Linear(pair, 1))
        if self.anomaly.bias is not None:
            nn.init.constant_(self.anomaly.bias, RARE)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, h, w) → what the head knows of each cell (B, W, h, w), and its anomaly logit (B, h, w)."""
        x = self.embed(squashed(tokens))
        for block in self.blocks:
            x = block(x)
        hidden = self.norm(x)
        return hidden, self.anomaly(hidden)[:, 0]

    def typed(self, hidden: Tensor, vectors: Tensor, margins: Tensor) -> Tensor:
        """Logits (B, K, h, w) that a cell, if it is defective, is of each type.

        `vectors` (B, K, E) are what the types' words say beyond a good part's, `margins` (B, K, h, w) z-scores. Each
        type is compared by itself: the list of types changes none of them.
        """
        compared = torch.einsum("bphw,bkp->bkhw", self.query(hidden), self.words(vectors))
        trust = nn.functional.softplus(self.trust(hidden))
        logits: Tensor = compared / self.shape.pair**0.5 + trust * squashed(margins) + self.offset(hidden)
        return logits

    def changes(self, hidden: Tensor, anomaly: Tensor, clauses: ClauseTokens, sizes: Tensor) -> Tensor:
        """By how much each clause raises or lowers the anomaly logit, (B, C, h, w).

        `sizes` (B, h, w): mm, the longest extent of the region that each cell is part of; 0 where that is not known.
        """
        typed = clauses.typed
        limits = clauses.limits[:, :, None, None]
        compared = (limits > 0) & (sizes[:, None] > 0)
        ratio = torch.where(
            compared,
            torch.log(sizes[:, None].clamp(min=0.1) / limits.clamp(min=0.1)),
            torch.zeros_like(typed),
        )
        relations = torch.stack(
            [
                typed,
                squashed(clauses.margins),
                4 * ratio.clamp(-1, 1),
                compared.expand_as(typed).to(typed.dtype),
                anomaly[:, None].expand_as(typed),
            ],
            dim=-1,
        )
        patch = self.patch(hidden).permute(0, 2, 3, 1)[:, None]
        read = patch + self.kind(clauses.kinds)[:, :, None, None] + self.relation(relations)
        strength = nn.functional.softplus(self.gate(read)[..., 0])
        raises = (clauses.kinds == RAISES)[:, :, None, None]
        return torch.where(raises, strength, -strength) * clauses.where


def squashed(values: Tensor) -> Tensor:
    """sign(z) · log(1 + |z|): z-scores of defects reach tens."""
    return torch.sign(values) * torch.log1p(values.abs())
