"""Learned tokens in front of words: a text tower that gradients pass through to its prompts (CoOp, Zhou et al. 2022).

In: an encoder's text tower, words, and learned tokens as tensors. Out: an embedding in the joint space. The tower's own
forward pass runs, so that sentences are masked, pooled and projected as its family does it; only the vectors of the
first tokens are replaced: where words are embedded, and again before later blocks for deep prompts (MaPLe, Khattak et
al., CVPR 2023). With the vectors of real words and no deep prompts it reads the sentence they make.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from specsight.encoders.contract import Encoder
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specsight.encoders.text_tower import TextTower


def can_be_prompted(encoder: Encoder) -> bool:
    """Whether words enter the encoder's text tower as vectors of its blocks' own width, and each block is a module.

    Not so for ALBERT, whose words are narrower than its blocks, and whose one block runs again and again.
    """
    text = encoder.towers.text if encoder.towers is not None else None
    if text is None or text.embedding is None:
        return False
    width = getattr(text.model.config, "hidden_size", None)
    depth = getattr(text.model.config, "num_hidden_layers", None)
    return bool(text.embedding.embedding_dim == width and len(text.blocks) == depth)


def prompted(encoder: Encoder, words: str, tokens: int) -> PromptedText:
    """The sentence [1] … [`tokens`] `words`, ready to be read with gradients.

    Raises SpecsightError where the encoder's text tower takes no learned tokens (`can_be_prompted`), where `words` is
    empty, and where the sentence is longer than the tower reads.
    """
    text = encoder.towers.text if encoder.towers is not None else None
    if not encoder.reads:
        raise encoder.no_text_tower()
    if text is None or not can_be_prompted(encoder):
        raise SpecsightError(
            f"encoder '{encoder.name}' takes no learned tokens in front of words: choose one with a transformer of "
            "CLIP, SigLIP or BERT kind as its text tower"
        )
    inputs, start = _inputs(text, words, tokens)
    return PromptedText(text, inputs, start)


class PromptedText:
    """A sentence whose first tokens are given as vectors at each reading."""

    def __init__(self, tower: TextTower, inputs: Mapping[str, Tensor], start: int) -> None:
        """`inputs`: the sentence's tokens (1, n) as the tower takes them; `start`: the number of the first that is
        replaced."""
        embedding = tower.embedding
        if embedding is None:
            raise ValueError("the text tower has no table of word vectors")
        self.embedding, self.blocks, self.start = embedding, tower.blocks, start
        self._tower, self._inputs = tower, inputs

    @property
    def width(self) -> int:
        """Length C of a token's vector."""
        return int(self.embedding.embedding_dim)

    @property
    def depth(self) -> int:
        """Blocks of the tower."""
        return len(self.blocks)

    def vectors(self, tokens: Sequence[int]) -> Tensor:
        """The tower's own vectors (N, C) of vocabulary entries, on the CPU."""
        return self.embedding.weight[list(tokens)].detach().cpu()

    def __call__(self, context: Tensor, deep: Tensor | None = None) -> Tensor:
        """The embedding (D,), unit length, behind `context` (E, C), on the device of `context`.

        `deep` (J, M, C), M ≤ E: vectors that stand in for the first M tokens before blocks 2 … J + 1.
        """
        later = () if deep is None else deep.unbind(0)
        with _replaced(self.embedding, self.blocks[1 : 1 + len(later)], self.start, context, later):
            return self._tower.read(self._inputs)[0].to(context.device)


def _inputs(text: TextTower, words: str, tokens: int) -> tuple[dict[str, Tensor], int]:
    """Inputs of a text tower with `tokens` places in front of `words`, behind what the tokenizer itself puts in front
    (its start token, where it has one), and the number of the first place.
    """
    import torch

    read = text.tokenizer(words, return_special_tokens_mask=True)
    ids, special = list(read["input_ids"]), list(read["special_tokens_mask"])
    if 0 not in special:
        raise SpecsightError(f"a prompt needs words behind its learned tokens, got {words!r}")
    start = special.index(0)
    if len(ids) + tokens > text.longest:
        raise SpecsightError(
            f"{tokens} learned tokens before '{words}' make {len(ids) + tokens} tokens, and this text tower reads "
            f"{text.longest}: learn at most {text.longest - len(ids)}"
        )
    # Any word may hold the places, for its vector is replaced; special tokens may not: towers pool and mask by them.
    ids[start:start] = [ids[start]] * tokens
    if text.padded:
        padded = text.tokenizer.pad({"input_ids": ids}, padding="max_length", max_length=text.longest)
        return {"input_ids": torch.tensor([list(padded["input_ids"])], device=text.device)}, start
    return {
        "input_ids": torch.tensor([ids], device=text.device),
        "attention_mask": torch.ones(1, len(ids), dtype=torch.long, device=text.device),
    }, start


@contextmanager
def _replaced(
    embedding: nn.Module, blocks: Sequence[nn.Module], start: int, context: Tensor, deep: Sequence[Tensor]
) -> Iterator[None]:
    """While it lasts, this thread's tokens from `start` on are `context` as words and `deep` before each block."""
    thread = threading.get_ident()

    def embedded(module: nn.Module, arguments: Any, output: Tensor) -> Tensor:
        return _put(output, start, context) if threading.get_ident() == thread else output

    def deeper(tokens: Tensor) -> Any:
        def enter(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            if threading.get_ident() != thread:
                return arguments
            return (_put(arguments[0], start, tokens), *arguments[1:])

        return enter

    handles = [embedding.register_forward_hook(embedded)]
    handles += [block.register_forward_pre_hook(deeper(tokens)) for block, tokens in zip(blocks, deep)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _put(sequence: Tensor, start: int, tokens: Tensor) -> Tensor:
    """(B, n, C) with `tokens` (M, C) in the places from `start` on."""
    import torch

    tokens = tokens.to(sequence.device).expand(len(sequence), -1, -1)
    return torch.cat([sequence[:, :start], tokens, sequence[:, start + tokens.shape[1] :]], 1)
