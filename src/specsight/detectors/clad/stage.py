"""One stage of CLAD's training: batches of pictures and sentences, the sum of its losses, the held-out number.

In: examples, words, networks. Out: a `Task` for `train`. L = L_con + L_patches + λ L_rec; see `clad_losses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from specsight.detectors.clad.examples import COVERED, EncodedExample, Sentences
from specsight.detectors.clad.losses import (
    label_aware_loss,
    literal_loss,
    reconstruction_loss,
    relations,
    squared_distances,
)
from specsight.detectors.clad.networks import Networks
from specsight.learning.task import Task, Validation

GENERAL, TASK = "general", "task"
BATCH = 32
"""Pictures a step, half of them good."""
CELLS = 24
"""Patches a picture and step, of the good ones and of each picture's defective ones."""
SENTENCES = 2
"""Sentences drawn for every state and step."""
IGNORED = -1
TAIL_SHARE = 0.1
"""The encoder learns at a tenth of the heads' rate."""


@dataclass(frozen=True)
class Weights:
    """What the loss is made of; see `Clad`."""

    contrast: str
    margin: float
    other_margin: float
    hard_negatives: bool
    patches: float
    reconstruction: float
    reconstruct_good_only: bool


@dataclass(frozen=True)
class _Labelled:
    """An example in the terms of one stage's states (0: good)."""

    example: EncodedExample
    shows: Tensor
    """(C,) bool."""
    good: Tensor
    """Numbers of good patches, row by row."""
    defective: Tensor
    """Numbers of defective patches."""
    states: Tensor
    """State of each defective patch."""


class Stage(Task):
    """One stage: "general" (every synthetic defect, general sentences) or "task" (the specification's types)."""

    def __init__(
        self,
        stage: str,
        networks: Networks,
        examples: Sequence[EncodedExample],
        held_out: Sequence[EncodedExample],
        words: Sentences,
        weights: Weights,
    ) -> None:
        self.name = f"clad: {stage}"
        self.networks, self.words, self.weights = networks, words, weights
        self.modules = networks.trained()
        self.rate_shares = {"tail": TAIL_SHARE}
        self.config = asdict(weights)
        self.examples, self.held_out = (
            [_labelled(example, words, stage == GENERAL) for example in some] for some in (examples, held_out)
        )
        self._by_state = [
            [k for k, known in enumerate(self.examples) if known.shows[state]]
            for state in range(len(words.sentences))
        ]

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of one batch, drawn with `generator`: half good pictures, half defective ones, states by turns."""
        batch = [self.examples[k] for k in self._draw(generator)]
        drawn = self.words.draw(SENTENCES, generator)
        texts = self.networks.read(drawn.flatten(0, 1))
        pooled, patches = self._see(batch)
        seen = self.networks.see(pooled)
        loss = self._picture_loss(seen, batch, texts, generator)
        if self.weights.patches:
            chosen = [_some_cells(known, generator) for known in batch]
            loss = loss + self.weights.patches * self._patch_loss(patches, batch, chosen, texts)
        if self.weights.reconstruction:
            loss = loss + self.weights.reconstruction * self._rebuilding_loss(seen, batch, drawn, texts)
        return loss, {}

    def validate(self) -> Validation:
        """Contrastive loss of the held-out examples against the means of all sentences."""
        texts = self.networks.read(self.words.anchors())
        pooled, patches = self._see(self.held_out)
        seen = self.networks.see(pooled)
        loss = self._picture_loss(seen, self.held_out, texts, torch.Generator().manual_seed(0))
        if self.weights.patches:
            chosen = [(known.good, known.defective, known.states) for known in self.held_out]
            loss = loss + self.weights.patches * self._patch_loss(patches, self.held_out, chosen, texts)
        return Validation({"loss": float(loss)}, float(loss))

    def _draw(self, generator: torch.Generator) -> list[int]:
        """Numbers of a batch's examples."""
        good, *kinds = self._by_state
        kinds = [some for some in kinds if some]
        turns = torch.randint(2**31, (BATCH,), generator=generator).tolist()
        order = torch.randperm(len(kinds), generator=generator).tolist()
        half = BATCH // 2 if kinds else BATCH
        drawn = [good[turn % len(good)] for turn in turns[:half]]
        for k, turn in enumerate(turns[half:]):
            some = kinds[order[k % len(kinds)]]
            drawn.append(some[turn % len(some)])
        return drawn

    def _see(self, batch: Sequence[_Labelled]) -> tuple[Tensor, list[Tensor]]:
        """Pooled embeddings (N, D) and each picture's patches (L, D), pictures of one shape at once."""
        shapes: dict[torch.Size, list[int]] = {}
        for k, known in enumerate(batch):
            shapes.setdefault(known.example.grid.shape, []).append(k)
        pooled: dict[int, Tensor] = {}
        patches: dict[int, Tensor] = {}
        for members in shapes.values():
            for some in (members[k : k + BATCH] for k in range(0, len(members), BATCH)):
                grid = torch.stack([batch[k].example.grid for k in some]).float()
                front = torch.stack([batch[k].example.front for k in some]).float()
                seen = self.networks.example_tail(grid, front)
                pooled.update(zip(some, seen.pooled))
                patches.update(zip(some, seen.patches.flatten(2).transpose(1, 2)))
        return torch.stack([pooled[k] for k in range(len(batch))]), [patches[k] for k in range(len(batch))]

    def _picture_loss(
        self, seen: Tensor, batch: Sequence[_Labelled], texts: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Of pictures (N, d) with sentences (C · R, d), state by state."""
        shows = torch.stack([known.shows for known in batch])
        if self.weights.contrast == "none":
            return self._classification_loss(seen, shows[:, 0])
        if self.weights.contrast == "label-aware":
            return self._contrast(seen, shows, texts)
        repeats = len(texts) // len(self.words.sentences)
        turns = torch.randint(repeats, (len(batch),), generator=generator)
        own = texts[shows.int().argmax(1) * repeats + turns]
        margins = (self.weights.margin, self.weights.other_margin)
        return literal_loss(squared_distances(seen, own), *margins)

    def _patch_loss(
        self,
        patches: Sequence[Tensor],
        batch: Sequence[_Labelled],
        chosen: Sequence[tuple[Tensor, Tensor, Tensor]],
        texts: Tensor,
    ) -> Tensor:
        """The same of patches against their own states: mean over good ones and mean over defective ones, halved."""
        good = torch.cat([cells[numbers] for cells, (numbers, _, _) in zip(patches, chosen)])
        defective = torch.cat([cells[numbers] for cells, (_, numbers, _) in zip(patches, chosen)])
        states = torch.cat([states for _, _, states in chosen])
        losses = []
        for cells, labels in ((good, torch.zeros(len(good), dtype=torch.long)), (defective, states)):
            if len(cells):
                seen = self.networks.see(cells)
                shows = functional.one_hot(labels, len(self.words.sentences)).bool()
                losses.append(
                    self._classification_loss(seen, shows[:, 0])
                    if self.weights.contrast == "none"
                    else self._contrast(seen, shows, texts)
                )
        return torch.stack(losses).mean() if losses else texts.sum() * 0

    def _contrast(self, seen: Tensor, shows: Tensor, texts: Tensor) -> Tensor:
        relation = relations(shows, self.words.between)
        relation = relation.repeat_interleave(len(texts) // len(self.words.sentences), 1)
        w = self.weights
        distances = squared_distances(seen, texts)
        return label_aware_loss(distances, relation, w.margin, w.other_margin, w.hard_negatives)

    def _classification_loss(self, seen: Tensor, good: Tensor) -> Tensor:
        """The ablation without contrast: a linear head tells good from defective, words play no part."""
        logits = self.networks.head(seen)[:, 0]
        return functional.binary_cross_entropy_with_logits(logits, (~good).float())

    def _rebuilding_loss(
        self, seen: Tensor, batch: Sequence[_Labelled], drawn: Tensor, texts: Tensor
    ) -> Tensor:
        target = torch.stack([known.example.target for known in batch]).float()
        sentences = drawn.flatten(0, 1)
        if self.weights.reconstruct_good_only:
            fine = torch.tensor([bool(known.shows[0]) for known in batch])
            seen, target = seen[fine], target[fine]
            texts, sentences = texts[:SENTENCES], sentences[:SENTENCES]
        pictures = reconstruction_loss(self.networks.picture_decoder(seen), target)
        return pictures + reconstruction_loss(self.networks.text_decoder(texts), sentences)


def _labelled(example: EncodedExample, words: Sentences, general: bool) -> _Labelled:
    """Patches whose cover lies between none and enough say nothing, as do those of padding."""
    shows = torch.zeros(len(words.sentences), dtype=torch.bool)
    cells = np.where(example.inside, 0, IGNORED)
    covers = {words.states.index(state) + 1: cover for state, cover in example.shows(general).items()}
    shows[list(covers) or [0]] = True
    if covers:
        stacked = np.stack([np.where(example.inside, cover, 0) for cover in covers.values()])
        enough = np.minimum(COVERED, stacked.max((1, 2)))[:, None, None]
        clear = np.where((stacked >= enough) & (stacked > 0), stacked, 0)
        cells[stacked.max(0) > 0] = IGNORED
        marked = clear.max(0) > 0
        cells[marked] = np.array(list(covers))[clear.argmax(0)][marked]
    flat = torch.from_numpy(cells.ravel().astype(np.int64))
    defective = torch.nonzero(flat > 0)[:, 0]
    return _Labelled(example, shows, torch.nonzero(flat == 0)[:, 0], defective, flat[defective])


def _some_cells(known: _Labelled, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers of at most `CELLS` good patches and of as many defective ones, with their states."""
    good = known.good[torch.randperm(len(known.good), generator=generator)[:CELLS]]
    some = torch.randperm(len(known.defective), generator=generator)[:CELLS]
    return good, known.defective[some], known.states[some]
