"""Divides the probability of damage among the types that words name.

Methods that learn on other products whether something is damaged (good against damaged, whatever the kind) get a map
per type from the specification's words, which no training has seen. The probability of damage S_a of a patch p is
shared out: with t_k the words for type k, t_n and t_a those for good parts and for damage of no particular kind, u_j
those for types to be ignored, and e(t) = exp(cos(p, t) / T),

    type k:    S_a e(t_k) / (e(t_k) + e(t_n) + Σ_j e(u_j)),
    any kind:  S_a (e(t_n) + e(t_a)) / (e(t_n) + e(t_a) + Σ_j e(u_j)).

So the list of types changes no type's own map, a type whose words mislead draws no map where nothing is damaged, and
"any kind" is S_a itself where nothing is to be ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from typing_extensions import Self

from specsight.detectors.text import Words
from specsight.encoders import Features
from specsight.prompts import damaged_prompts, prompt_bank
from specsight.prompts.anchors import Anchors, probability
from specsight.specification import Instruction


@dataclass(frozen=True)
class DamageTypes:
    """Types of damage as anchors: what a probability of damage is divided among."""

    anchors: Anchors
    """Damage of no particular kind comes last."""
    types: tuple[str | None, ...]
    """Types that count, in the order of `anchors`; None, the last, stands for damage of any kind, named or not."""

    @classmethod
    def of(cls, words: Words, instruction: Instruction | None) -> Self:
        """Take the types that a product's words and an instruction name; `only` leaves those that it names."""
        bank = prompt_bank(words.specification, instruction)
        # Words for damage of no particular kind are needed for comparison even where it does not count.
        damaged = damaged_prompts(words.specification.product)
        anchors = words.book.anchors(replace(bank, damaged=damaged))
        return cls(anchors, anchors.types if bank.damaged else anchors.types[:-1])

    def damage(self, vectors: Features, temperature: float) -> Features:
        """Return how likely unit vectors (D, ...) show damage of any kind rather than a good part, (1, ...)."""
        anchors = self.anchors
        no_others = np.zeros((0, len(anchors.good)), np.float32)
        pair = Anchors(anchors.good, (None,), anchors.defects[-1:], no_others)
        return probability(pair.margins(vectors, temperature))

    def shares(self, vectors: Features, temperature: float) -> Features:
        """Return each type's share in the damage that unit vectors (D, ...) show, (K, ...) in [0, 1]."""
        of_types = probability(self.anchors.margins(vectors, temperature)[:-1])
        if None not in self.types:
            return of_types
        any_kind = np.ones((1, *vectors.shape[1:]), np.float32)
        if len(self.anchors.ignored):
            unnamed = np.stack([self.anchors.good, self.anchors.defects[-1]])
            against = Anchors(self.anchors.ignored[0], (), unnamed, self.anchors.ignored[1:])
            any_kind = probability(np.logaddexp.reduce(against.margins(vectors, temperature), keepdims=True))
        return np.concatenate([of_types, any_kind])
