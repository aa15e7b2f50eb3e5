"""The encoder that is trained: a small residual network and a small BERT in Hugging Face form, and their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from specsight.recipes.encoder.recipe import EncoderRecipe, TextShape, VisionShape

STAGE_STRIDES = {"stride4": 1, "stride8": 2, "stride16": 3}
"""Name of a feature map → its place among the tower's hidden states (0 is the stem)."""


def build_vision_tower(shape: VisionShape) -> Any:
    """A `ResNetModel` of basic blocks at random, with stages at strides 4, 8 and 16.

    Plain 3 × 3 convolutions: on CPUs with matrix units they outrun depthwise ones of the same accuracy. No stage at
    stride 32: the last map is the joint space with sentences and must still resolve small defects.
    """
    config = transformers.ResNetConfig(
        embedding_size=shape.stem,
        hidden_sizes=list(shape.widths),
        depths=list(shape.depths),
        layer_type="basic",
    )
    return transformers.ResNetModel(config).to(memory_format=torch.channels_last)


def text_config(shape: TextShape, tokenizer: Any) -> Any:
    """The configuration of a text tower of this shape that reads with `tokenizer`."""
    return transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.hidden,
        max_position_embeddings=shape.longest,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
    )


def feature_maps(tower: Any, pixels: Tensor) -> dict[str, Tensor]:
    """{"stride8": (B, D, H/8, W/8), "stride16": ...} of normalised pixels (B, 3, H, W)."""
    states = tower(pixel_values=pixels, output_hidden_states=True).hidden_states
    return {name: states[index] for name, index in STAGE_STRIDES.items()}


class StudentText(nn.Module):
    """A BERT, its tokenizer, and the projection into the joint space."""

    def __init__(self, recipe: EncoderRecipe, tokenizer: Any) -> None:
        super().__init__()
        shape = recipe.text_tower
        self.bert = transformers.BertModel(text_config(shape, tokenizer))
        self.projection = nn.Linear(shape.hidden, recipe.width, bias=False)
        self.tokenizer = tokenizer
        self.longest = shape.longest

    def forward(self, sentences: Sequence[str]) -> Tensor:
        """Sentences → (N, D) in the joint space, not normalised."""
        tokens = self.tokenizer(
            list(sentences), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        )
        device = self.projection.weight.device
        pooled = self.bert(
            input_ids=tokens["input_ids"].to(device), attention_mask=tokens["attention_mask"].to(device)
        ).pooler_output
        joint: Tensor = self.projection(pooled)
        return joint
