"""What our own networks have in common.

Names of parameters, inputs and outputs are those of `transformers`, which reads and writes the same checkpoints.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class NetworkOutput(NamedTuple):
    """What a network makes of a batch."""

    last_hidden_state: Tensor
    """The last feature map (B, C, h, w), or tokens (B, n, C)."""
    pooler_output: Tensor
    """The pooled feature: (B, C, 1, 1) of a feature map, (B, C) of tokens."""


class Network(nn.Module):
    """A module that tells where its weights are."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device
