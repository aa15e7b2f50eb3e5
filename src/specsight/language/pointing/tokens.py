"""The tokens that a language model gets besides its own, and the layout of a conversation about one picture.

In: a tokenizer, questions and answers. Out: token numbers. `[SEG_DEFECT]` and `[SEG_NORMAL]` are those of LLaVA-ADS:
the hidden state at the token itself is what maps are made of, in training and in use alike. `<image>` and `<map>` stand
for what is seen, and never reach the language model's own embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from specsight.language.loading import laid_out

SEG_DEFECT, SEG_NORMAL = "[SEG_DEFECT]", "[SEG_NORMAL]"
IMAGE, MAP = "<image>", "<map>"
TOKENS = (IMAGE, MAP, SEG_DEFECT, SEG_NORMAL)
FIRST_WORDS = {SEG_DEFECT: "defect", SEG_NORMAL: "normal", IMAGE: "image", MAP: "map"}
"""Whose embeddings a new token starts from."""
WHAT = "language model"


def add_tokens(tokenizer: Any, model: Any, tokens: Sequence[str] = TOKENS) -> None:
    """Add those of `tokens` that a language model lacks; each starts as the mean of its word's embeddings.

    Parameters: `model` is a language model of `transformers` with this tokenizer; its embeddings, tied or not, grow in
    place.
    """
    import torch

    missing = [
        token for token in tokens if tokenizer.convert_tokens_to_ids(token) in (None, _unknown(tokenizer))
    ]
    if not missing:
        return
    words = {token: tokenizer(FIRST_WORDS[token], add_special_tokens=False)["input_ids"] for token in missing}
    tokenizer.add_special_tokens({"additional_special_tokens": list(missing)})
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    tables = {id(m.weight): m.weight for m in (model.get_input_embeddings(), model.get_output_embeddings())}
    with torch.no_grad():
        for weight in tables.values():
            for token, pieces in words.items():
                weight[tokenizer.convert_tokens_to_ids(token)] = weight[pieces].mean(0)


def knows_tokens(tokenizer: Any, model: Any) -> bool:
    """Whether a tokenizer has every one of `TOKENS`, and a language model an embedding for each of its pieces."""
    unknown = (None, _unknown(tokenizer))
    known = all(tokenizer.convert_tokens_to_ids(token) not in unknown for token in TOKENS)
    return known and len(tokenizer) <= int(model.get_input_embeddings().weight.shape[0])


def _unknown(tokenizer: Any) -> int:
    return -1 if tokenizer.unk_token_id is None else int(tokenizer.unk_token_id)


@dataclass(frozen=True)
class Layout:
    """How a conversation about one picture is laid out in tokens, by the tokenizer's own chat template.

    The sequence is `opening`, the visual tokens, and then branches that do not see one another: `question` and its
    `answer`, or a `pointing` phrase. So a picture is read once, whatever is asked about it.
    """

    tokenizer: Any
    name: str = ""

    def pieces(self, text: str) -> list[int]:
        """Token numbers of a text; the tokens above are one each."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @cached_property
    def _parts(self) -> tuple[str, str, str]:
        """What stands before the picture, between it and the question, and between question and answer."""
        before, _, after = self._laid_out(f"{IMAGE}\n").partition(f"{IMAGE}\n")
        return before, "\n", after

    @cached_property
    def opening(self) -> list[int]:
        """What stands in front of the picture."""
        return self.pieces(self._parts[0])

    @cached_property
    def end(self) -> int:
        """The token that ends an answer."""
        return int(self.tokenizer.eos_token_id)

    def question(self, text: str) -> list[int]:
        """A question up to where its answer begins. Special tokens in the text are taken apart, for a person who
        writes one must not end a turn."""
        return self.pieces(self._parts[1] + harmless(text, self.tokenizer) + self._parts[2])

    def answer(self, text: str) -> list[int]:
        """An answer with its end. Tokens of `TOKENS` in it are tokens."""
        return [*self.pieces(text), self.end]

    def pointing(self, words: str) -> list[int]:
        """A phrase whose place is asked for: its words, then `[SEG_DEFECT]`."""
        return self.pieces(f" {harmless(words, self.tokenizer)}{SEG_DEFECT}")

    @cached_property
    def normal(self) -> list[int]:
        """The phrase that is compared with: what is good."""
        return self.pieces(f" good{SEG_NORMAL}")

    def _laid_out(self, text: str) -> str:
        if self.tokenizer.chat_template is None:
            return f"User:\n{text}\n\nAssistant:\n"
        return laid_out(self.tokenizer, [{"role": "user", "content": text}], WHAT, self.name)


def harmless(text: str, tokenizer: Any) -> str:
    """A text without special tokens: each that stands in it is split by a space behind its first sign."""
    for token in sorted(_special(tokenizer), key=len, reverse=True):
        text = text.replace(token, f"{token[:1]} {token[1:]}")
    return text


def _special(tokenizer: Any) -> Sequence[str]:
    return [token for token in {*tokenizer.all_special_tokens, *TOKENS} if len(token) > 1]
