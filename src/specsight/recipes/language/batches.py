"""Pictures of a gallery and what is said of them → batches: features, branches of tokens, and where each token points.

In: a gallery, a layout of tokens, a generator. Out: `Batch`es. A batch is a function of (seed, number) alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specsight.language.pointing.packing import Branch, Packed, pack
from specsight.language.pointing.tokens import SEG_DEFECT, SEG_NORMAL, Layout
from specsight.recipes.language.conversations import (
    ANYTHING,
    Turn,
    alike,
    caption,
    conversation,
    pointed,
)
from specsight.recipes.language.gallery import IGNORED, UNNAMED, Entry, Gallery
from specsight.recipes.language.recipe import SpeakingStage


@dataclass
class Pointers:
    """Every `[SEG_DEFECT]` of a batch (Q of them)."""

    pictures: Tensor
    """(Q,) int64: the row of the picture."""
    defect: Tensor
    """(Q,) int64: the token's place in its row."""
    normal: Tensor
    """(Q,) int64: the place of the `[SEG_NORMAL]` that it is compared with."""
    words: list[str]
    """(Q,): the words that it stands for; empty: any defect."""
    types: list[str]
    """(Q,): the type that is meant."""
    typed: list[tuple[int, int]]
    """Of each picture, from where to where its phrases stand that are pointed at; those in answers follow."""
    targets: Tensor
    """(Q, h, w) float32 in {0, 1}."""
    known: Tensor
    """(Q, h, w) bool: cells whose truth is known."""
    present: Tensor
    """(Q,) float32: whether the picture shows it; NaN where that is not known."""


@dataclass
class Batch:
    """What a step learns from."""

    grids: list[Tensor]
    """(B, C_l, h_l, w_l) float16, fine to coarse."""
    labels: Tensor
    """(B, h, w) uint8."""
    packed: Packed
    pointers: Pointers
    numbers: list[int]
    """Of the pictures in the gallery."""
    entries: list[Entry]


@dataclass(frozen=True)
class Drawn:
    """What is said of one picture: branches, and where and at what their tokens point."""

    branches: list[Branch]
    pointers: list[tuple[int, int, str, str]]
    """Place of the defect token, place of its normal token, words, type."""
    phrases: int
    """How many of the first are phrases, not in an answer."""


class BatchMaker:
    """Draws pictures by kind, half of them with a defect where a kind has any, and what is said of them."""

    def __init__(self, gallery: Gallery, layout: Layout, stage: SpeakingStage) -> None:
        self.gallery, self.layout, self.stage = gallery, layout, stage

    @cached_property
    def groups(self) -> list[NDArray[np.int64]]:
        """Numbers of good and of defective pictures, of each kind apart."""
        by: dict[tuple[str, bool], list[int]] = {}
        for number, entry in enumerate(self.gallery.entries):
            by.setdefault((entry.kind, bool(entry.types)), []).append(number)
        return [np.array(numbers) for _, numbers in sorted(by.items())]

    @cached_property
    def chances(self) -> NDArray[np.float64]:
        """How often each group is drawn from: by its number of pictures, defective ones counting twice."""
        kinds = sorted({(entry.kind, bool(entry.types)) for entry in self.gallery.entries})
        weights = np.array([len(own) * (2.0 if kind[1] else 1.0) for own, kind in zip(self.groups, kinds)])
        return np.asarray(weights / weights.sum(), np.float64)

    def __call__(self, seed: int, number: int) -> Batch:
        """The batch of this number under this seed."""
        rng = np.random.default_rng((seed, number))
        groups = rng.choice(len(self.groups), self.stage.pictures, p=self.chances)
        return self.batch(rng, [int(rng.choice(self.groups[int(group)])) for group in groups])

    def batch(self, rng: np.random.Generator, numbers: Sequence[int]) -> Batch:
        """A batch of pictures by number."""
        found = [self.gallery.features(number) for number in numbers]
        entries = [self.gallery.entries[number] for number in numbers]
        labels = np.stack([own for _, own in found])
        drawn = [self.say(rng, entry) for entry in entries]
        grids = [torch.from_numpy(np.stack(level)) for level in zip(*(grids for grids, _ in found))]
        return Batch(
            grids,
            torch.from_numpy(labels),
            pack([one.branches for one in drawn]),
            _pointers(drawn, labels, entries),
            list(numbers),
            entries,
        )

    def say(self, rng: np.random.Generator, entry: Entry) -> Drawn:
        """What is pointed at in a picture, and the turns about it."""
        branches, pointers = [Branch(self.layout.normal)], list[tuple[int, int, str, str]]()
        normal = len(self.layout.normal) - 1
        at = len(self.layout.normal)
        for one in pointed(rng, entry, self.stage.absent):
            tokens = self.layout.pointing(one.words)
            branches.append(Branch(tokens))
            at += len(tokens)
            pointers.append((at - 1, normal, _words(one.words, one.type), one.type))
        phrases = len(pointers)
        for turn in self._turns(rng, entry):
            tokens, learned = self._spoken(turn)
            branches.append(Branch(tokens, learned))
            places = [at + k for k, token in enumerate(tokens) if token == self._defect][-len(turn.types) :]
            own = at + max(k for k, token in enumerate(tokens) if token == self._normal)
            pointers += [(place, own, _words(t, t), t) for place, t in zip(places, turn.types)]
            at += len(tokens)
        return Drawn(branches, pointers, phrases)

    def _turns(self, rng: np.random.Generator, entry: Entry) -> list[Turn]:
        stage = self.stage
        turns = (
            caption(rng, entry) if stage.captions else conversation(rng, entry, stage.items)
            for _ in range(stage.conversations)
        )
        return [turn for turn in turns if turn is not None]

    def _spoken(self, turn: Turn) -> tuple[list[int], int]:
        answer = self.layout.answer(turn.answer)
        return [*self.layout.question(turn.question), *answer], len(answer)

    @cached_property
    def _defect(self) -> int:
        return int(self.layout.tokenizer.convert_tokens_to_ids(SEG_DEFECT))

    @cached_property
    def _normal(self) -> int:
        return int(self.layout.tokenizer.convert_tokens_to_ids(SEG_NORMAL))


def _words(words: str, type_: str) -> str:
    return "" if type_ == ANYTHING else words


def _pointers(drawn: Sequence[Drawn], labels: NDArray[np.uint8], entries: Sequence[Entry]) -> Pointers:
    rows = [(row, *one) for row, own in enumerate(drawn) for one in own.pointers]
    targets, known, present = [], [], []
    for row, _, _, _, type_ in rows:
        target, sure = target_of(labels[row], entries[row], type_)
        targets.append(target)
        known.append(sure)
        if target.any():
            present.append(1.0)
        else:
            # Where cells may show it, nobody knows.
            present.append(0.0 if sure.all() else float("nan"))
    starts = [0, *np.cumsum([len(own.pointers) for own in drawn]).tolist()]
    return Pointers(
        torch.tensor([row for row, *_ in rows]),
        torch.tensor([defect for _, defect, *_ in rows]),
        torch.tensor([normal for _, _, normal, *_ in rows]),
        [words for _, _, _, words, _ in rows],
        [type_ for *_, type_ in rows],
        [(start, start + own.phrases) for start, own in zip(starts, drawn)],
        torch.from_numpy(np.stack(targets).astype(np.float32)),
        torch.from_numpy(np.stack(known)),
        torch.tensor(present),
    )


def target_of(
    labels: NDArray[np.uint8], entry: Entry, type_: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells (h, w) that show a type, and cells of which that is known.

    Of a type, cells with one that shades into it are not known, nor those with a defect of no named type.
    """
    known = labels != IGNORED
    if type_ == ANYTHING:
        return (labels > 0) & known, known
    own = np.zeros(labels.shape, bool)
    for number, name in enumerate(entry.types, 1):
        if name == type_:
            own |= labels == number
        elif alike(name, type_):
            known = known & (labels != number)
    return own, known & (labels != UNNAMED)
