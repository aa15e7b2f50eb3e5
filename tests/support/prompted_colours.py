"""The encoder of colours with a text tower that takes learned tokens: a small random BERT."""

from __future__ import annotations

from tests.support.colour_encoder import ColourEncoder


class PromptedColours(ColourEncoder):
    """Words mean what they mean to `ColourEncoder`; prompts are read by a BERT lively enough to say anything in four
    dimensions."""

    def __init__(self) -> None:
        import torch
        import transformers

        from specsight.encoders.text_tower import TextTower
        from specsight.encoders.towers import Towers

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
        projection = torch.nn.Linear(16, 4, bias=False).requires_grad_(False)
        self.towers = Towers(text=TextTower(self.bert, tokenise, projection, longest=32))


def tokenise(words: str, return_special_tokens_mask: bool) -> dict[str, list[int]]:
    """A token per word, the same ones for all sentences of a length, between a start and an end token."""
    tokens = [3 + k for k in range(len(words.split()))]
    return {"input_ids": [0, *tokens, 1], "special_tokens_mask": [1, *(0 for _ in tokens), 1]}


def colours_for(name: str) -> ColourEncoder:
    """An encoder of colours that the detector `name` can learn with."""
    return PromptedColours() if name == "anomalyclip" else ColourEncoder()
