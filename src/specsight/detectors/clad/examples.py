"""What CLAD learns from: examples as the encoder's tail takes them, and the sentences of every state they may show.

In: `TrainingExample`s and prompt banks. Out: `EncodedExample`s in half precision, so that the trunk of the encoder sees
each picture once, and `Sentences`: embedded sentences by state and which states exclude each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from specsight.detectors.clad.networks import REBUILT
from specsight.detectors.examples import TrainingExample
from specsight.detectors.text_detector import shown
from specsight.encoders.passes.split import Tail
from specsight.errors import SpecsightError
from specsight.prompts import PromptBank
from specsight.prompts.anchors import PhraseBook
from specsight.prompts.ensemble import damaged_prompts, defect_prompts, good_prompts
from specsight.specification.synonyms import PHRASES, related

COVERED = 0.2
"""A cell shows a defect where this share of it is covered; of a defect too fine for that, its most covered cells do."""
HALF_LARGEST = 65504.0
GRID, FRONT = "cut grid", "cut front"
"""Names of what a view holds: the input of the encoder's last block, and the tokens beside that grid."""
THING = "object"
"""Noun of the general stage's sentences."""

State = str | None
"""A kind of defect; None: damage of no particular kind."""


@dataclass(frozen=True)
class EncodedExample:
    """One example, looked at once."""

    grid: Tensor
    """(C, h, w) half: what the tail takes."""
    front: Tensor
    """(C, k) half."""
    target: Tensor
    """(D, 8, 8) half: the frozen patch map, averaged; what D_v rebuilds."""
    inside: NDArray[np.bool_]
    """(h', w'): patches that show the picture rather than padding."""
    covered: Mapping[State, NDArray[np.float32]]
    """Type of the specification → share of each patch (h', w') that it covers. Good pictures have none."""
    synthetic: str | None
    source: int
    cut: tuple[Tensor, Tensor] | None = None
    """What the tail took, where Grad-CAM will ask for it."""

    @classmethod
    def of(cls, example: TrainingExample, tail: Tail, *, tuned: bool, keep_cut: bool) -> EncodedExample:
        """Keep what training needs: the tail's input where the tail is tuned, else what it sees."""
        grid, front = tail_inputs(example.features)
        if not all(bool(torch.isfinite(values).all()) for values in (grid, front)):
            raise SpecsightError(
                "the encoder's features of a picture to learn from are not all numbers: choose another encoder"
            )
        cut = (_half(grid), _half(front)) if keep_cut else None
        with torch.inference_mode():
            seen = tail(grid, front)
            size = (seen.patches.shape[2], seen.patches.shape[3])
            target = functional.adaptive_avg_pool2d(seen.patches, REBUILT)
        if not tuned:
            grid, front = seen.patches, seen.pooled[:, :, None]
        inside = np.zeros(size, np.bool_)
        inside[shown(example.frame, size)] = True
        covered = {type_: example.covered(type_, size) for type_ in example.masks}
        kept = (_half(grid), _half(front), _half(target))
        return cls(*kept, inside, covered, example.synthetic, example.source, cut)

    @property
    def good(self) -> bool:
        """Whether the picture shows no defect."""
        return not self.covered

    def shows(self, general: bool) -> Mapping[State, NDArray[np.float32]]:
        """Coverage by state: by type of the specification, or (general) by name of the synthetic defect."""
        if not general or not self.covered:
            return self.covered
        return {self.synthetic: np.maximum.reduce(list(self.covered.values()))}


@dataclass(frozen=True)
class Sentences:
    """The states that a stage teaches; the first is "good"."""

    states: tuple[State, ...]
    """Those of defects: state k + 1 of everything below."""
    sentences: tuple[Tensor, ...]
    """Embedded sentences (n, D) of each state, "good" first."""
    between: Tensor
    """(C, C): 1 on the diagonal, -1 where two states exclude each other, else 0."""

    def anchors(self) -> Tensor:
        """The mean of each state's sentences, (C, D), unit length."""
        return torch.stack([functional.normalize(some.mean(0), dim=0) for some in self.sentences])

    def say(self, shown: Mapping[State, object]) -> bool:
        """Whether there are words for everything an example shows."""
        return all(state in self.states for state in shown)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` sentences of each state, (C, count, D)."""
        return torch.stack(
            [some[torch.randint(len(some), (count,), generator=generator)] for some in self.sentences]
        )


def task_words(book: PhraseBook, bank: PromptBank, taught: Sequence[str]) -> Sentences:
    """The specification's own states: good, the types in `taught`, damage of no particular kind."""
    groups: dict[State, tuple[str, ...]] = {name: bank.defects[name] for name in taught}
    return _words(book, bank.good, {**groups, None: bank.damaged}, {})


def general_words(book: PhraseBook, synthetic: Sequence[str]) -> Sentences:
    """Every kind of synthetic defect in the words that inspectors use, for no product in particular.

    Kinds that shade into each other do not exclude each other.
    """
    groups: dict[State, tuple[str, ...]] = {
        name: defect_prompts(THING, PHRASES[name]) if name in PHRASES else damaged_prompts(THING)
        for name in synthetic
    }
    return _words(book, good_prompts(THING), groups, {name: name for name in synthetic if name in PHRASES})


def tail_inputs(features: Mapping[str, NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """A view's features as one picture for the tail: (1, C, h, w) and (1, C, k)."""
    grid = torch.from_numpy(features[GRID])[None]
    front = features.get(FRONT)
    if front is None:
        return grid, grid.new_zeros(1, grid.shape[1], 0)
    return grid, torch.from_numpy(front[:, 0])[None]


def _words(
    book: PhraseBook,
    good: tuple[str, ...],
    groups: Mapping[State, tuple[str, ...]],
    kinds: Mapping[State, str],
) -> Sentences:
    states = tuple(groups)
    between = torch.full((len(states) + 1, len(states) + 1), -1)
    between.fill_diagonal_(1)
    for i, first in enumerate(states):
        for j, second in enumerate(states):
            if i != j and _may_be_one(first, second, kinds):
                between[i + 1, j + 1] = 0
    sentences = tuple(_embedded(book, some) for some in (good, *groups.values()))
    return Sentences(states, sentences, between)


def _may_be_one(first: State, second: State, kinds: Mapping[State, str]) -> bool:
    """Damage of no particular kind may be of any; of two kinds with general names, `related` knows."""
    if first is None or second is None:
        return True
    if not kinds:
        return False
    return first not in kinds or second not in kinds or related(kinds[first], kinds[second])


def _embedded(book: PhraseBook, sentences: tuple[str, ...]) -> Tensor:
    bank = PromptBank(good=sentences[:1], defects={sentence: (sentence,) for sentence in sentences})
    return torch.from_numpy(book.anchors(bank).defects)


def _half(values: Tensor) -> Tensor:
    """One picture's values without its batch dimension."""
    return values[0].clamp(-HALF_LARGEST, HALF_LARGEST).half()
