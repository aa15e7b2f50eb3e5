"""Grids of a frozen encoder and words, or distances to good patches → a map of anomalies; a map → prompt tokens.

After AnomalyGPT (Gu et al., AAAI 2024): one linear layer for each level of the encoder brings patches to sentences, the
mean over levels is the map without good pictures; with some, distances to their nearest patches on every level join it;
a small convolutional network turns the map into embeddings that the language model reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.language.pointing.heads import enlarged

TEMPERATURE = 0.07
"""Where the learned temperatures start (CLIP's)."""
SIDE = 32
"""The map that prompts are made of has this many cells on a side, whatever the picture's size."""
PROMPTS = 9
"""Prompt tokens made of a map, one for each third of rows and columns; there are as many that are always the same."""
FINER, COARSEST = 2.0, 8.0
"""Where the logits' rise with the distance to good patches starts, a distance lying in [0, 2]: single small patches are
often far from the few that are known."""
QUICK = 20.0
"""The few numbers that join words and distances learn so many times as fast as weights: they have farther to go."""


class MapDecoder(nn.Module):
    """Levels of an encoder → logits per cell that it shows what words say, and these with distances to good patches."""

    def __init__(self, channels: Sequence[int], joint: int) -> None:
        """`channels`: of the grids, fine to coarse; `joint`: dimensions of the space of sentences."""
        super().__init__()
        count = len(channels)
        self.levels = nn.ModuleList(nn.Conv2d(c, joint, 1, bias=False) for c in channels)
        self.log_scales = nn.Parameter(torch.full((count,), -log(TEMPERATURE)))
        self.biases = nn.Parameter(torch.full((count,), -1.0))
        self.share_of_words = nn.Parameter(torch.tensor(0.6 / QUICK))
        self.sharpness = nn.Parameter(torch.tensor([*[FINER] * (count - 1), COARSEST]) / QUICK)
        self.offset = nn.Parameter(torch.tensor(-2.5 / QUICK))

    def forward(self, grids: Sequence[Tensor], pictures: Tensor, defects: Tensor, good: Tensor) -> Tensor:
        """Logits (Q, h, w) on the finest grid, the mean over levels, of Q sentences, each over one picture.

        `grids` (B, C_l, h_l, w_l), fine to coarse; `pictures` (Q,): the row of each sentence's picture; `defects` and
        `good` (Q, D), unit length: what is said of a defect and of a good part.
        """
        size = (grids[0].shape[-2], grids[0].shape[-1])
        # Picture by picture: a copy of its cells for each sentence would be most of the work.
        order = torch.argsort(pictures, stable=True)
        back, counts = torch.argsort(order), torch.bincount(pictures, minlength=len(grids[0])).tolist()
        directions = torch.split((defects - good)[order], counts)
        found = []
        for index, (level, grid) in enumerate(zip(self.levels, grids, strict=True)):
            cells = functional.normalize(level(grid), dim=1).flatten(2)
            products = torch.cat([own @ cells[row] for row, own in enumerate(directions)])[back]
            logits = self.log_scales[index].clamp(max=4.6).exp() * products + self.biases[index]
            found.append(enlarged(logits.view(-1, 1, *grid.shape[-2:]), size)[:, 0])
        return torch.stack(found).mean(0)

    def even(self, references: bool) -> Tensor:
        """The logit of a cell that looks as much like a defect as like a good part, and with `references` lies on a
        good cell."""
        by_words = self.biases.mean()
        return QUICK * (self.share_of_words * by_words + self.offset) if references else by_words

    def with_references(self, logits: Tensor, distances: Sequence[Tensor]) -> Tensor:
        """The same logits (Q, h, w) where good pictures are known.

        `distances` (Q, h_l, w_l), one per level: 1 - the largest cosine between a cell and any cell of good pictures.
        """
        size = (logits.shape[-2], logits.shape[-1])
        told = torch.stack([enlarged(one[:, None], size)[:, 0] for one in distances])
        rise = functional.softplus(QUICK * self.sharpness)[:, None, None, None] * told
        joined: Tensor = QUICK * (self.share_of_words * logits + self.offset) + rise.sum(0)
        return joined


class PromptLearner(nn.Module):
    """A map → prompt tokens, and as many that are learned and always the same."""

    def __init__(self, language: int) -> None:
        """`language`: width of the language model's embeddings."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(),
            nn.Conv2d(128, language, 4, stride=2),
        )  # fmt: skip
        self.base = nn.Parameter(0.02 * torch.randn(PROMPTS, language))

    def forward(self, logits: Tensor) -> Tensor:
        """Embeddings (B, 2 · PROMPTS, language) of maps (B, h, w) in logits: the learned ones, then the map's."""
        # The largest of what falls into a cell: a small defect must not be averaged away.
        shown = functional.adaptive_max_pool2d(torch.sigmoid(logits)[:, None], SIDE)
        told = self.layers(shown).flatten(2).transpose(1, 2)
        return torch.cat([self.base.expand(len(told), -1, -1), told], 1)
