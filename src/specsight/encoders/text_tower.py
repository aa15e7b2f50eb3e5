"""The text tower of an encoder as a public object: tokenizer, word vectors, blocks, pooling, projection.

In: the text tower of a `transformers` model (CLIP, SigLIP, BERT and its like). Out: sentences as tokens and, read by
the tower's own forward pass, as unit-length embeddings in the joint space; gradients pass where the caller allows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class TextTower:
    """A frozen text model with its tokenizer and its way into the joint space."""

    model: Any
    tokenizer: Any
    projection: nn.Module
    """From the pooled output into the joint space."""
    longest: int
    """Tokens that the model reads at most; longer sentences are cut."""
    padded: bool = False
    """Whether sentences are padded to full length, as SigLIP was trained; CLIP ignores what follows its end token."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.model.device
        return device

    @property
    def width(self) -> int:
        """Length D of a sentence's embedding."""
        return int(getattr(self.projection, "out_features", self.model.config.hidden_size))

    @property
    def embedding(self) -> nn.Embedding | None:
        """The table of word vectors; None where there is none."""
        size = int(self.model.config.vocab_size)
        tables = (module for module in self.model.modules() if isinstance(module, nn.Embedding))
        return next((table for table in tables if table.num_embeddings == size), None)

    @property
    def blocks(self) -> tuple[nn.Module, ...]:
        """The transformer's blocks, first to last; empty where they are not modules of their own."""
        lists = (module for module in self.model.modules() if isinstance(module, nn.ModuleList))
        return tuple(next(lists, ()))

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each sentence."""
        cut = self.tokenizer(list(texts), truncation=True, max_length=self.longest)
        return [len(tokens) for tokens in cut["input_ids"]]

    def misread(self, texts: Sequence[str]) -> dict[str, str]:
        """Of `texts`, those that are not read as they stand → why."""
        reasons: dict[str, str] = {}
        for text in texts:
            numbers = self.tokenizer(text)["input_ids"]
            unknown = self._unknown(text)
            if unknown:
                reasons[text] = f"it has no token for {', '.join(map(repr, unknown))}"
            elif len(numbers) > self.longest:
                reasons[text] = (
                    f"it reads {self.longest} tokens, and these are {len(numbers)}: the rest is cut off"
                )
        return reasons

    def _unknown(self, text: str) -> list[str]:
        """The words of `text` that the tokenizer gives its token for unknown words, each once."""
        number = self.tokenizer.unk_token_id
        # A vocabulary of bytes has a piece for every sign, and gives the token for unknown words another meaning.
        if number is None or number in (self.tokenizer.eos_token_id, self.tokenizer.pad_token_id):
            return []
        words = dict.fromkeys(text.split())
        return [word for word in words if number in self.tokenizer(word)["input_ids"]]

    def tokens(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """The model's inputs (N, n) for sentences."""
        tokens = self.tokenizer(
            list(texts),
            padding="max_length" if self.padded else "longest",
            truncation=True,
            max_length=self.longest,
            return_tensors="pt",
        )
        names = ("input_ids",) if self.padded else ("input_ids", "attention_mask")
        return {name: tokens[name].to(self.device) for name in names}

    def read(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Tokens (N, n) → embeddings (N, D), unit length, pooled as the model's family pools."""
        pooled = self.model(**inputs).pooler_output
        return nn.functional.normalize(self.projection(pooled), dim=-1)
