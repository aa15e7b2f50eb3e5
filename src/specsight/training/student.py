"""The student: a small residual network (vision tower) in Hugging Face form, and how its maps are taken."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor

from specsight.training.recipe import VisionTower

STAGE_STRIDES = {"stride4": 1, "stride8": 2, "stride16": 3}
"""Name of a feature map → its place among the tower's hidden states (0 is the stem)."""


def build_vision_tower(shape: VisionTower) -> Any:
    """A randomly initialised ResNet of basic blocks with stages at strides 4, 8 and 16.

    Plain 3 × 3 convolutions: on CPUs with matrix units they outrun depthwise ones of the same accuracy. No stage at
    stride 32: the last map is the joint space with sentences and must still resolve small defects.
    """
    config = transformers.ResNetConfig(
        embedding_size=shape.stem, hidden_sizes=list(shape.widths), depths=list(shape.depths), layer_type="basic"
    )
    return transformers.ResNetModel(config).to(memory_format=torch.channels_last)


def feature_maps(tower: Any, pixels: Tensor) -> dict[str, Tensor]:
    """{"stride8": (B, D, H/8, W/8), "stride16": ...} of normalised pixels (B, 3, H, W)."""
    states = tower(pixel_values=pixels, output_hidden_states=True).hidden_states
    return {name: states[index] for name, index in STAGE_STRIDES.items()}
