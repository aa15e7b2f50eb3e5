"""Learned tokens in front of words: a text tower that gradients pass through to its prompts (CoOp, Zhou et al. 2022).

In: a text transformer, words, and learned tokens as tensors. Out: an embedding in the joint space. The tower's own
forward pass runs, so that sentences are masked, pooled and projected as its family does it; only the vectors of the
first tokens are replaced: where words are embedded, and again before later blocks for deep prompts (MaPLe, Khattak et
al., CVPR 2023). With the vectors of real words and no deep prompts it reads the sentence they make.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from specsight.errors import SpecsightError


class PromptedText:
    """The sentence [1] … [E] words, whose first E tokens are given as vectors at each reading."""

    def __init__(
        self,
        tower: Any,
        read: Callable[[Mapping[str, Any]], torch.Tensor],
        inputs: Mapping[str, Any],
        start: int,
    ) -> None:
        self._embedding = word_embedding(tower)
        self._blocks = text_blocks(tower)
        self._read, self._inputs, self._start = read, inputs, start

    @property
    def width(self) -> int:
        """Length C of a token's vector."""
        return int(self._embedding.embedding_dim)

    @property
    def depth(self) -> int:
        """Blocks of the tower."""
        return len(self._blocks)

    def vectors(self, tokens: Sequence[int]) -> torch.Tensor:
        """The tower's own vectors (N, C) of vocabulary entries."""
        return self._embedding.weight[list(tokens)].detach()

    def __call__(self, context: torch.Tensor, deep: torch.Tensor | None = None) -> torch.Tensor:
        """The embedding (D,), unit length, behind `context` (E, C) tokens.

        `deep` (J, M, C), M ≤ E: vectors that stand in for the first M tokens before blocks 2 … J + 1.
        """
        later = () if deep is None else deep.unbind(0)
        with _replaced(self._embedding, self._blocks[1 : 1 + len(later)], self._start, context, later):
            return self._read(self._inputs)[0]


def prompted_inputs(
    tokenizer: Any, words: str, tokens: int, longest: int, padded: bool
) -> tuple[dict[str, Any], int]:
    """Inputs of a text tower with `tokens` places in front of `words`, behind what the tokenizer itself puts in front
    (its start token, where it has one), and the number of the first place. `padded`: up to the tower's full length.
    """
    read = tokenizer(words, return_special_tokens_mask=True)
    ids, special = list(read["input_ids"]), list(read["special_tokens_mask"])
    if 0 not in special:
        raise SpecsightError(f"a prompt needs words behind its learned tokens, got {words!r}")
    start = special.index(0)
    if len(ids) + tokens > longest:
        raise SpecsightError(
            f"{tokens} learned tokens before '{words}' make {len(ids) + tokens} tokens, and this text tower reads "
            f"{longest}: learn at most {longest - len(ids)}"
        )
    # Any word may hold the places, for its vector is replaced; special tokens may not: towers pool and mask by them.
    ids[start:start] = [ids[start]] * tokens
    if padded:
        ids = tokenizer.pad({"input_ids": ids}, padding="max_length", max_length=longest)["input_ids"]
        return {"input_ids": torch.tensor([list(ids)])}, start
    return {
        "input_ids": torch.tensor([ids]),
        "attention_mask": torch.ones(1, len(ids), dtype=torch.long),
    }, start


def can_be_prompted(tower: Any) -> bool:
    """Whether words enter a text tower as vectors of its blocks' own width, and each block is a module of its own.

    Not so for ALBERT, whose words are narrower than its blocks, and whose one block runs again and again.
    """
    try:
        width, depth = int(tower.config.hidden_size), int(tower.config.num_hidden_layers)
        return word_embedding(tower).embedding_dim == width and len(text_blocks(tower)) == depth
    except (AttributeError, StopIteration):
        return False


def word_embedding(tower: Any) -> torch.nn.Embedding:
    """The table of word vectors; StopIteration where there is none."""
    size = int(tower.config.vocab_size)
    tables = (m for m in tower.modules() if isinstance(m, torch.nn.Embedding))
    return next(table for table in tables if table.num_embeddings == size)


def text_blocks(tower: Any) -> list[torch.nn.Module]:
    """The transformer's blocks, first to last; StopIteration where there are none."""
    return list(next(m for m in tower.modules() if isinstance(m, torch.nn.ModuleList)))


@contextmanager
def _replaced(
    embedding: torch.nn.Module,
    blocks: Sequence[torch.nn.Module],
    start: int,
    context: torch.Tensor,
    deep: Sequence[torch.Tensor],
) -> Iterator[None]:
    """While it lasts, this thread's tokens from `start` on are `context` as words and `deep` before each block."""
    mine = threading.get_ident()

    def embedded(module: torch.nn.Module, arguments: Any, output: torch.Tensor) -> torch.Tensor:
        return _put(output, start, context) if threading.get_ident() == mine else output

    def deeper(tokens: torch.Tensor) -> Any:
        def enter(module: torch.nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            if threading.get_ident() != mine:
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


def _put(sequence: torch.Tensor, start: int, tokens: torch.Tensor) -> torch.Tensor:
    """(B, n, C) with `tokens` (M, C) in the places from `start` on."""
    tokens = tokens.expand(len(sequence), -1, -1)
    return torch.cat([sequence[:, :start], tokens, sequence[:, start + tokens.shape[1] :]], 1)
