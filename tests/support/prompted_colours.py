"""The encoder of colours with a text tower that takes learned tokens: a small random BERT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.colour_encoder import ColourEncoder

from specsight.encoders.passes.prompting import PromptedText


class PromptedColours(ColourEncoder):
    """Words mean what they mean to `ColourEncoder`; prompts are read by a BERT lively enough to say anything in four
    dimensions."""

    promptable = True

    def __init__(self) -> None:
        import torch
        import transformers

        super().__init__()
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=8,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=4,
            num_attention_heads=2,
            max_position_embeddings=32,
            initializer_range=0.3,
        )
        self.bert = transformers.BertModel(config).eval().requires_grad_(False)
        self.projection = torch.nn.Linear(16, 4, bias=False).requires_grad_(False)

    def prompted(self, words: str, tokens: int) -> PromptedText:
        import torch

        ids = [0, *([2] * tokens), *(3 + k for k in range(len(words.split()))), 1]
        return PromptedText(self.bert, self._read, {"input_ids": torch.tensor([ids])}, start=1)

    def _read(self, inputs: Mapping[str, Any]) -> Any:
        import torch

        return torch.nn.functional.normalize(self.projection(self.bert(**inputs).pooler_output), dim=-1)


def colours_for(name: str) -> ColourEncoder:
    """An encoder of colours that the detector `name` can learn with."""
    return PromptedColours() if name == "anomalyclip" else ColourEncoder()
