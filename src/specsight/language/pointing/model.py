"""LLaVA-ADS as one model: dense heads, visual tokens, and a causal language model whose states point into the picture.

In: grids of a frozen encoder and branches of tokens. Out: hidden states, log-likelihoods, words, margins per cell.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from specsight.language.causal import chosen
from specsight.language.loading import CACHES
from specsight.language.pointing.eyes import Eyes
from specsight.language.pointing.heads import DenseHeads, Seen
from specsight.language.pointing.packing import Branch, Packed, pack
from specsight.language.pointing.tokens import SEG_DEFECT, SEG_NORMAL, Layout


@dataclass(frozen=True)
class Shape:
    """What decides the sizes of the heads."""

    channels: tuple[int, ...]
    """Of the encoder's grids, fine to coarse."""
    joint: int
    """Dimensions of the joint space, 0: the encoder does not read."""
    width: int = 128


class PointingModel(nn.Module):
    """A causal language model of `transformers` with visual tokens in front of it and dense heads behind it."""

    def __init__(self, language: Any, tokenizer: Any, shape: Shape) -> None:
        """`language` knows the tokens of `tokens.TOKENS` already."""
        super().__init__()
        self.shape = shape
        hidden = int(language.config.get_text_config().hidden_size)
        self.language = language
        self.heads = DenseHeads(shape.channels, hidden, shape.joint, shape.width)
        self.eyes = Eyes(shape.width, hidden)
        self.layout = Layout(tokenizer)

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.heads.biases.device

    @cached_property
    def seg(self) -> tuple[int, int]:
        """Numbers of `[SEG_DEFECT]` and `[SEG_NORMAL]`."""
        convert = self.layout.tokenizer.convert_tokens_to_ids
        return int(convert(SEG_DEFECT)), int(convert(SEG_NORMAL))

    def see(self, grids: Sequence[Tensor], joint: Tensor | None = None) -> tuple[Seen, Tensor]:
        """What the heads make of grids (B, C_l, h_l, w_l) and joint patches, and the sequence's begin (B, P, d): the
        opening and the visual tokens."""
        seen = self.heads(grids, joint)
        return seen, self.begin(self.eyes(seen))

    def begin(self, visual: Tensor) -> Tensor:
        """The sequence's begin (B, P, d): the opening, then visual tokens (B, n, d)."""
        opening = self._embed(torch.tensor(self.layout.opening, dtype=torch.int64, device=self.device))
        return torch.cat([opening.to(visual.dtype).expand(len(visual), -1, -1), visual], 1)

    def read(self, begin: Tensor, packed: Packed) -> Tensor:
        """States (B, T, d) of the branches' tokens behind their pictures."""
        visible = begin.shape[1]
        embedded = torch.cat([begin, self._embed(packed.tokens).to(begin.dtype)], 1)
        positions = torch.cat(
            [
                torch.arange(visible, device=begin.device).expand(len(begin), -1),
                packed.positions + visible,
            ],
            1,
        )
        allowed = packed.mask(visible)
        mask = torch.zeros(allowed.shape, dtype=embedded.dtype, device=begin.device)
        mask = mask.masked_fill(~allowed, torch.finfo(embedded.dtype).min)
        output = self._body(
            inputs_embeds=embedded, attention_mask=mask, position_ids=positions, use_cache=False
        )
        states: Tensor = output.last_hidden_state[:, visible:]
        return states

    def logits(self, states: Tensor) -> Tensor:
        """Logits (..., V) of the token that follows each state."""
        found: Tensor = self.language.get_output_embeddings()(states)
        return found

    def yes(self, states: Tensor) -> Tensor:
        """Logits (B,) that "Yes" follows a question, against "No"; `states` (B, d) are those of its last tokens."""
        yes, no = (self.layout.pieces(word)[0] for word in ("Yes", "No"))
        last = self.logits(states)
        return last[:, yes] - last[:, no]

    def weigh(self, begin: Tensor, question: Sequence[int], answers: Sequence[Sequence[int]]) -> list[float]:
        """Log-likelihood in nats of each answer (token numbers) to a question about one picture, `begin` (1, P, d)."""
        branches = [Branch([*question, *answer], len(answer)) for answer in answers]
        packed = pack([branches]).to(self.device)
        chosen = packed.targets[0] >= 0
        logits = self.logits(self.read(begin, packed)[0, chosen]).float()
        own = torch.log_softmax(logits, 1).gather(1, packed.targets[0, chosen][:, None])[:, 0].double()
        numbers = packed.branches[0, chosen]
        return [float(own[numbers == k].sum()) for k in range(len(answers))]

    def write(
        self, begin: Tensor, question: Sequence[int], longest: int, seed: int | None = None
    ) -> Iterator[tuple[int, Tensor]]:
        """The likeliest answer to a question about one picture, or with a `seed` one drawn at temperature 1, token by
        token, each with its state (d,).

        Ends behind the end token, which is not given, and after `longest` tokens.
        """
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        cache, given = None, torch.tensor([list(question)], dtype=torch.int64, device=self.device)
        step = torch.cat([begin, self._embed(given).to(begin.dtype)], 1)
        token, said = -1, 0
        while True:
            output = self._body(inputs_embeds=step, use_cache=True, **({self._cache: cache} if cache else {}))
            cache = output.past_key_values
            state = output.last_hidden_state[0, -1]
            if said:
                yield token, state
            token = chosen(self.logits(state), generator)
            if token == self.layout.end or said >= longest:
                return
            said += 1
            step = self._embed(torch.tensor([[token]], device=self.device)).to(begin.dtype)

    @cached_property
    def _cache(self) -> str:
        """What this version of `transformers` calls the keys and values of tokens read before."""
        arguments = inspect.signature(self._body.forward).parameters
        return next(name for name in CACHES if name in arguments)

    @property
    def _body(self) -> Any:
        """The language model without its last layer."""
        return getattr(self.language, self.language.base_model_prefix)

    def _embed(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.language.get_input_embeddings()(tokens)
        return embedded
