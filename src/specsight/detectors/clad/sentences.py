"""The sentences that CLAD's stages compare pictures with, by the state that they describe.

In: a phrase book and prompt banks. Out: `StateSentences`: embedded sentences by state and which states exclude each
other. The first state is "good".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from specsight.detectors.clad.examples import State
from specsight.prompts import PromptBank
from specsight.prompts.anchors import PhraseBook
from specsight.prompts.ensemble import damaged_prompts, defect_prompts, good_prompts
from specsight.specification.synonyms import PHRASES, related

THING = "object"
"""Noun of the general stage's sentences."""


MOST = 16
"""Sentences of each state that a text encoder which learns reads again at each validation, at most."""


@dataclass(frozen=True)
class DrawnSentences:
    """Sentences drawn for one step, C states times R."""

    texts: tuple[str, ...]
    """C · R of them, state by state."""
    embedded: Tensor
    """(C, R, D): as the frozen text encoder reads them."""


@dataclass(frozen=True)
class StateSentences:
    """The states that a stage trains; the first is "good"."""

    states: tuple[State, ...]
    """Those of defects: state k + 1 of everything below."""
    texts: tuple[tuple[str, ...], ...]
    """Different sentences of each state, "good" first."""
    sentences: tuple[Tensor, ...]
    """Their embeddings (n, D)."""
    between: Tensor
    """(C, C): 1 on the diagonal, -1 where two states exclude each other, else 0."""

    def anchors(self) -> Tensor:
        """Return the mean of each state's sentences, (C, D), unit length."""
        return torch.stack([functional.normalize(group.mean(0), dim=0) for group in self.sentences])

    def cover(self, states: Iterable[State]) -> bool:
        """Whether there are sentences for all of these states."""
        return all(state in self.states for state in states)

    def draw(self, count: int, generator: torch.Generator) -> DrawnSentences:
        """Draw `count` sentences of each state."""
        numbers = [torch.randint(len(group), (count,), generator=generator) for group in self.sentences]
        texts = tuple(texts[k] for texts, chosen in zip(self.texts, numbers) for k in chosen.tolist())
        embedded = torch.stack([group[chosen] for group, chosen in zip(self.sentences, numbers)])
        return DrawnSentences(texts, embedded)

    def spread(self) -> tuple[tuple[str, ...], ...]:
        """At most `MOST` sentences of each state, evenly spaced."""
        return tuple(texts[:: -(-len(texts) // MOST)] for texts in self.texts)


def task_sentences(book: PhraseBook, bank: PromptBank, types: Sequence[str]) -> StateSentences:
    """Embed the specification's own states: good, the given types, damage of no particular kind."""
    groups: dict[State, tuple[str, ...]] = {name: bank.defects[name] for name in types}
    return _state_sentences(book, bank.good, {**groups, None: bank.damaged}, {})


def general_sentences(book: PhraseBook, synthetic: Sequence[str]) -> StateSentences:
    """Embed every kind of synthetic defect in the words that inspectors use, for no product in particular.

    Kinds that shade into each other do not exclude each other.
    """
    groups: dict[State, tuple[str, ...]] = {
        name: defect_prompts(THING, PHRASES[name]) if name in PHRASES else damaged_prompts(THING)
        for name in synthetic
    }
    kinds: dict[State, str] = {name: name for name in synthetic if name in PHRASES}
    return _state_sentences(book, good_prompts(THING), groups, kinds)


def _state_sentences(
    book: PhraseBook,
    good: tuple[str, ...],
    groups: Mapping[State, tuple[str, ...]],
    kinds: Mapping[State, str],
) -> StateSentences:
    states = tuple(groups)
    between = torch.full((len(states) + 1, len(states) + 1), -1)
    between.fill_diagonal_(1)
    for i, first in enumerate(states):
        for j, second in enumerate(states):
            if i != j and _may_be_one(first, second, kinds):
                between[i + 1, j + 1] = 0
    read = [book.sentences(group) for group in (good, *groups.values())]
    texts = tuple(tuple(group) for group in read)
    sentences = tuple(torch.from_numpy(np.stack(list(group.values()))) for group in read)
    return StateSentences(states, texts, sentences, between)


def _may_be_one(first: State, second: State, kinds: Mapping[State, str]) -> bool:
    """Damage of no particular kind may be of any; of two kinds with general names, `related` knows."""
    if first is None or second is None:
        return True
    if not kinds:
        return False
    return first not in kinds or second not in kinds or related(kinds[first], kinds[second])
