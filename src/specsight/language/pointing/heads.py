"""Grids of visual features and hidden states of tokens → maps: how far each cell looks more like a defect than good.

In: grids of a frozen encoder at several strides, its joint patches where it reads, and the states of a language model
at `[SEG_DEFECT]` and `[SEG_NORMAL]`. Out: margins in logits, one map per defect token. After LISA (Lai et al., CVPR
2024) and LLaVA-ADS: e = MLP(h), z = <n(W F), n(e)> / tau at several levels. Levels are averaged as logits, before any
softmax: probabilities saturate, and a mean of them ranks worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional

TEMPERATURE = 0.07
"""Where the learned temperatures start (LISA's and CLIP's)."""
PEAKS = 8
"""Cells whose mean margin says how present a defect is."""


@dataclass(frozen=True)
class Seen:
    """What the heads make of a batch of pictures."""

    fine: Tensor
    """(B, C, h, w), on the finest grid."""
    deep: Tensor
    """(B, C, h', w'), on the coarsest."""
    joint: Tensor | None
    """(B, D, h', w'), unit length, where the encoder reads."""
    suspicion: Tensor
    """(B, h, w): logits of "some defect", before any word."""


class DenseHeads(nn.Module):
    """Adapters of the encoder's grids, and queries made of hidden states."""

    def __init__(self, channels: Sequence[int], language: int, joint: int = 0, width: int = 128) -> None:
        """`channels`: of the grids, fine to coarse; `language`: width of the hidden states; `joint`: dimensions of
        the joint space, 0 for an encoder that does not read; `width`: of the adapted grids."""
        super().__init__()
        self.adapters = nn.ModuleList(nn.Sequential(ChannelNorm(c), nn.Conv2d(c, width, 1)) for c in channels)
        self.deep_blocks = nn.Sequential(Block(width), Block(width))
        self.fine_blocks = nn.Sequential(Block(width), Block(width), Block(width))
        self.suspicion = nn.Conv2d(width, 1, 1)
        self.queries = nn.ModuleList(Query(language, width) for _ in range(2))
        self.joint_query = nn.Linear(language, joint) if joint else None
        self.word_queries = nn.ModuleList(
            nn.Linear(joint, width, bias=False) for _ in range(2 if joint else 0)
        )
        levels = 3 if joint else 2
        self.log_scales = nn.Parameter(torch.full((levels,), -log(TEMPERATURE)))
        self.biases = nn.Parameter(torch.full((levels,), -1.0))
        self.presence = nn.Linear(language, 1)
        self.presence_of_map = nn.Parameter(torch.tensor(0.5))
        if self.joint_query is not None:  # At first the joint level is that of the words alone.
            nn.init.zeros_(self.joint_query.weight)
            nn.init.zeros_(self.joint_query.bias)
        with torch.no_grad():
            self.suspicion.weight.mul_(0.1)

    def forward(self, grids: Sequence[Tensor], joint: Tensor | None = None) -> Seen:
        """Adapt grids (B, C_l, h_l, w_l), fine to coarse, and joint patches (B, D, h', w')."""
        adapted = [adapter(grid) for adapter, grid in zip(self.adapters, grids, strict=True)]
        deep = self.deep_blocks(adapted[-1])
        fine = adapted[0]
        for grid in (*adapted[1:-1], deep):
            fine = fine + enlarged(grid, (fine.shape[-2], fine.shape[-1]))
        fine = self.fine_blocks(fine)
        return Seen(fine, deep, joint, self.suspicion(fine)[:, 0])

    def margins(
        self,
        seen: Seen,
        pictures: Tensor,
        defect: Tensor,
        normal: Tensor,
        anchors: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Margins (Q, h, w) of Q defect tokens, each over the picture of its row number in `pictures` (Q,).

        `defect`, `normal`: states (Q, d) at the tokens. `anchors`: embeddings (Q, D), unit length, of what the words
        say of a defect and of a good part; given where the encoder reads.
        """
        size = (seen.fine.shape[-2], seen.fine.shape[-1])
        levels = []
        for index, grid in enumerate((seen.fine, seen.deep)):
            told = [self.queries[index](state) for state in (defect, normal)]
            if self.word_queries and anchors is not None:
                # What the encoder's text tower knows of words a small language model would have to learn anew.
                told = [query + self.word_queries[index](word) for query, word in zip(told, anchors)]
            levels.append(self._level(index, grid, pictures, *told))
        if self.joint_query is not None and seen.joint is not None and anchors is not None:
            told = [word + self.joint_query(state) for word, state in zip(anchors, (defect, normal))]
            levels.append(self._level(2, seen.joint, pictures, *told))
        return torch.stack([enlarged(level[:, None], size)[:, 0] for level in levels]).mean(dim=0)

    def present(self, defect: Tensor, margins: Tensor) -> Tensor:
        """Logits (Q,) that each token's defect is on its picture: of its state (Q, d) and its map (Q, h, w)."""
        flat = margins.flatten(1)
        peaks = flat.topk(min(PEAKS, flat.shape[1]), dim=1).values.mean(1)
        logits: Tensor = self.presence(defect)[:, 0] + self.presence_of_map * peaks
        return logits

    def _level(self, index: int, grid: Tensor, pictures: Tensor, defect: Tensor, normal: Tensor) -> Tensor:
        scale, bias = self.log_scales[index].clamp(max=4.6).exp(), self.biases[index]
        direction = functional.normalize(defect, dim=1) - functional.normalize(normal, dim=1)
        cells = functional.normalize(grid, dim=1).flatten(2)
        # Picture by picture: a copy of its cells for each token would be most of the work.
        order = torch.argsort(pictures, stable=True)
        counts = torch.bincount(pictures, minlength=len(grid)).tolist()
        parts = [own @ cells[row] for row, own in enumerate(torch.split(direction[order], counts))]
        products = torch.cat(parts)[torch.argsort(order)]
        margins: Tensor = scale * products.view(-1, *grid.shape[-2:]) + bias
        return margins


def enlarged(grid: Tensor, size: tuple[int, int]) -> Tensor:
    """A coarse grid (B, C, h', w') on a finer one of `size`, bilinear, cell i of the one upon cell r·i of the other.

    That is where the cells of convolutional towers lie; behind the last one its values go on.
    """
    old = (grid.shape[-2], grid.shape[-1])
    if old == size:
        return grid
    inner = [round(new / side) * (side - 1) + 1 for new, side in zip(size, old)]
    larger = functional.interpolate(grid, inner, mode="bilinear", align_corners=True)[
        ..., : size[0], : size[1]
    ]
    missing = (0, size[1] - larger.shape[-1], 0, size[0] - larger.shape[-2])
    return functional.pad(larger, missing, mode="replicate") if any(missing) else larger


class Query(nn.Sequential):
    """LISA's projection of a hidden state."""

    def __init__(self, language: int, width: int) -> None:
        super().__init__(nn.Linear(language, language), nn.ReLU(), nn.Linear(language, width))


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of a grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, grid: Tensor) -> Tensor:
        """(B, C, h, w) → the same."""
        normed: Tensor = self.norm(grid.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normed


class Block(nn.Module):
    """A residual block: depthwise 5 × 5, then two pointwise layers (ConvNeXt; Liu et al., CVPR 2022)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.back = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.share = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, grid: Tensor) -> Tensor:
        """(B, C, h, w) → the same."""
        cells = self.norm(self.near(grid).permute(0, 2, 3, 1))
        cells = self.back(functional.gelu(self.wide(cells))) * self.share
        added: Tensor = grid + cells.permute(0, 3, 1, 2)
        return added
