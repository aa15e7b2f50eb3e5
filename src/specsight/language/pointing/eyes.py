"""The projector: adapted grids of a picture → visual tokens of the language model.

In: `Seen`. Out: embeddings in the language model's space. A coarse grid of the whole picture comes first; then one
token for each of the most suspicious places (Anomaly-OneVision's idea): a small defect is averaged away in a grid of
8 × 8.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.language.pointing.heads import Seen, enlarged

ACROSS = 8
"""The coarse grid has this many cells on a side, whatever the picture's size."""
LOOKS = 8
"""Suspicious places with a token of their own."""
WAVES = 8
"""Frequencies in which the place of such a token is told, along each side."""


class Eyes(nn.Module):
    """Projects what is seen into `language` dimensions; a projector of two layers, as LLaVA 1.5 has it."""

    def __init__(self, width: int, language: int) -> None:
        """`width`: of the adapted grids."""
        super().__init__()
        self.grid = _projector(2 * width, language)
        self.places = nn.Parameter(0.02 * torch.randn(ACROSS * ACROSS, language))
        self.looks = _projector(2 * width + 4 * WAVES + 1, language)
        self.ranks = nn.Parameter(0.02 * torch.randn(LOOKS, language))

    @property
    def count(self) -> int:
        """Visual tokens of a picture."""
        return ACROSS * ACROSS + LOOKS

    def forward(self, seen: Seen) -> Tensor:
        """Visual tokens (B, count, language)."""
        deep = functional.adaptive_avg_pool2d(seen.deep, ACROSS)
        fine = functional.adaptive_max_pool2d(seen.fine, ACROSS)
        cells = torch.cat([deep, fine], 1).flatten(2).transpose(1, 2)
        return torch.cat([self.grid(cells) + self.places, self.looks(self._looked(seen)) + self.ranks], 1)

    def _looked(self, seen: Seen) -> Tensor:
        """The most suspicious places (B, LOOKS, ...), no two beside each other, the strongest first."""
        height, width = seen.fine.shape[-2:]
        suspicion = seen.suspicion.detach()
        highest = functional.max_pool2d(suspicion[:, None], 3, stride=1, padding=1)[:, 0]
        peaks = torch.where(suspicion >= highest, suspicion, suspicion - 100.0).flatten(1)
        peaks = functional.pad(peaks, (0, max(0, LOOKS - peaks.shape[1])), value=-200.0)
        at = peaks.topk(LOOKS, dim=1).indices.clamp(max=height * width - 1)
        deep = enlarged(seen.deep, (height, width))
        features = torch.cat([seen.fine, deep], 1).flatten(2).transpose(1, 2)
        own = features.gather(1, at[..., None].expand(-1, -1, features.shape[2]))
        strength = torch.sigmoid(seen.suspicion.flatten(1).gather(1, at))[..., None]
        rows, columns = (at // width + 0.5) / height, (at % width + 0.5) / width
        return torch.cat([own, _waves(rows), _waves(columns), strength], 2)


def _waves(share: Tensor) -> Tensor:
    """Sines and cosines (..., 2 * WAVES) of a share of a side in [0, 1], from half a wave on it to many."""
    angles = share[..., None] * torch.pi * 2.0 ** torch.arange(WAVES, device=share.device).mul(0.75)
    return torch.cat([angles.sin(), angles.cos()], -1)


def _projector(given: int, language: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(given), nn.Linear(given, language), nn.GELU(), nn.Linear(language, language)
    )
