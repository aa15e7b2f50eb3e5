"""The sentences that CLAD's stages compare pictures with, by the state that they describe.

In: a phrase book and prompt banks. Out: `StateSentences`: embedded sentences by state and which states exclude each
other. The first state is "good".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class StateSentences:
    """The states that a stage trains; the first is "good"."""

    states: tuple[State, ...]
    """Those of defects: state k + 1 of everything below."""
    sentences: tuple[Tensor, ...]
    """Embedded sentences (n, D) of each state, "good" first."""
    between: Tensor
    """(C, C): 1 on the diagonal, -1 where two states exclude each other, else 0."""

    def anchors(self) -> Tensor:
        """Return the mean of each state's sentences, (C, D), unit length."""
        return torch.stack([functional.normalize(group.mean(0), dim=0) for group in self.sentences])

    def cover(self, states: Iterable[State]) -> bool:
        """Whether there are sentences for all of these states."""
        return all(state in self.states for state in states)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw `count` sentences of each state, (C, count, D)."""
        return torch.stack(
            [group[torch.randint(len(group), (count,), generator=generator)] for group in self.sentences]
        )


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
    sentences = tuple(torch.from_numpy(book.sentences(group)) for group in (good, *groups.values()))
    return StateSentences(states, sentences, between)


def _may_be_one(first: State, second: State, kinds: Mapping[State, str]) -> bool:
    """Damage of no particular kind may be of any; of two kinds with general names, `related` knows."""
    if first is None or second is None:
        return True
    if not kinds:
        return False
    return first not in kinds or second not in kinds or related(kinds[first], kinds[second])
