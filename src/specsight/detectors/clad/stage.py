"""One stage of CLAD's training: batches of pictures and sentences, the sum of its losses, the held-out number.

In: examples, sentences, networks. Out: a `Task` for `train`. L = L_con + L_patches + λ L_rec; see `losses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn import functional

from specsight.detectors.clad.examples import EncodedExample
from specsight.detectors.clad.labels import LabelledExample, PatchLabels, label
from specsight.detectors.clad.losses import (
    label_aware_loss,
    literal_loss,
    reconstruction_loss,
    relations,
    squared_distances,
)
from specsight.detectors.clad.networks import TEXT_TAIL, Networks
from specsight.detectors.clad.sentences import StateSentences
from specsight.learning.task import Task, Validation

GENERAL, TASK = "general", "task"
BATCH = 32
"""Pictures a step, half of them good."""
CELLS = 24
"""Patches a picture and step, of the good ones and of each picture's defective ones."""
SENTENCES = 2
"""Sentences drawn for every state and step."""
TAIL_SHARE = 0.1
"""The encoders learn at a tenth of the heads' rate."""


@dataclass(frozen=True)
class LossWeights:
    """What the loss is made of; see the parameters of `Clad`."""

    contrast: str
    margin: float
    other_margin: float
    hard_negatives: bool
    patches: float
    reconstruction: float
    reconstruct_good_only: bool


class ContrastiveTask(Task):
    """One stage: "general" (every synthetic defect, general sentences) or "task" (the specification's types)."""

    def __init__(
        self,
        stage: str,
        networks: Networks,
        examples: Sequence[EncodedExample],
        held_out: Sequence[EncodedExample],
        sentences: StateSentences,
        weights: LossWeights,
    ) -> None:
        self.name = f"clad: {stage}"
        self.networks, self.sentences, self.weights = networks, sentences, weights
        self.modules = networks.trained_modules()
        self.rate_shares = {"tail": TAIL_SHARE, TEXT_TAIL: TAIL_SHARE}
        self.config = asdict(weights)
        self.examples, self.held_out = (
            [label(example, sentences, general=stage == GENERAL) for example in subset]
            for subset in (examples, held_out)
        )
        self._by_state = [
            [k for k, example in enumerate(self.examples) if example.shows[state]]
            for state in range(len(sentences.sentences))
        ]

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a drawn batch: half good pictures, half defective ones, states by turns."""
        batch = [self.examples[k] for k in self._draw(generator)]
        drawn = self.sentences.draw(SENTENCES, generator)
        sentences = self.placed(drawn.embedded).flatten(0, 1)
        texts = self.networks.text_projection(self.networks.read(drawn.texts, sentences))
        pooled, patches = self._encode(batch)
        pictures = self.networks.picture_projection(pooled)
        loss = self._picture_loss(pictures, batch, texts, generator)
        if self.weights.patches:
            chosen = [example.patches.draw(CELLS, generator) for example in batch]
            loss = loss + self.weights.patches * self._patch_loss(patches, chosen, texts)
        if self.weights.reconstruction:
            loss = loss + self.weights.reconstruction * self._rebuilding_loss(
                pictures, batch, sentences, texts
            )
        return loss, {}

    def validate(self) -> Validation:
        """Return the contrastive loss of the held-out examples against the means of all sentences (of an even sample of
        them where the text encoder learns)."""
        texts = self.networks.text_projection(self._anchors())
        pooled, patches = self._encode(self.held_out)
        pictures = self.networks.picture_projection(pooled)
        loss = self._picture_loss(pictures, self.held_out, texts, torch.Generator().manual_seed(0))
        if self.weights.patches:
            labels = [example.patches for example in self.held_out]
            loss = loss + self.weights.patches * self._patch_loss(patches, labels, texts)
        return Validation({"loss": float(loss)}, float(loss))

    def _anchors(self) -> Tensor:
        """Mean of each state's sentences (C, D), as the text encoder reads them now."""
        if self.networks.text_tail is None:
            return self.placed(self.sentences.anchors())
        means = [self.networks.text_tail(texts).mean(0) for texts in self.sentences.spread()]
        return functional.normalize(torch.stack(means), dim=1)

    def _draw(self, generator: torch.Generator) -> list[int]:
        """Numbers of a batch's examples."""
        good, *states = self._by_state
        states = [examples for examples in states if examples]
        turns = torch.randint(2**31, (BATCH,), generator=generator).tolist()
        order = torch.randperm(len(states), generator=generator).tolist()
        half = BATCH // 2 if states else BATCH
        numbers = [good[turn % len(good)] for turn in turns[:half]]
        for k, turn in enumerate(turns[half:]):
            examples = states[order[k % len(states)]]
            numbers.append(examples[turn % len(examples)])
        return numbers

    def _encode(self, batch: Sequence[LabelledExample]) -> tuple[Tensor, list[Tensor]]:
        """Pooled embeddings (N, D) and each picture's patches (L, D), pictures of one shape at once."""
        shapes: dict[torch.Size, list[int]] = {}
        for k, labelled in enumerate(batch):
            shapes.setdefault(labelled.example.grid.shape, []).append(k)
        pooled: dict[int, Tensor] = {}
        patches: dict[int, Tensor] = {}
        for members in shapes.values():
            for part in (members[k : k + BATCH] for k in range(0, len(members), BATCH)):
                grid = self.placed(torch.stack([batch[k].example.grid for k in part])).float()
                prefix = self.placed(torch.stack([batch[k].example.prefix for k in part])).float()
                weights = self.placed(torch.stack([batch[k].example.weights for k in part]))
                with self.mixed_precision():
                    encoded = self.networks.example_tail(grid, prefix, weights)
                pooled.update(zip(part, encoded.pooled.float()))
                patches.update(zip(part, encoded.patches.float().flatten(2).transpose(1, 2)))
        return torch.stack([pooled[k] for k in range(len(batch))]), [patches[k] for k in range(len(batch))]

    def _picture_loss(
        self, pictures: Tensor, batch: Sequence[LabelledExample], texts: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Contrastive loss of pictures (N, d) with sentences (C · R, d), state by state."""
        shows = self.placed(torch.stack([example.shows for example in batch]))
        if self.weights.contrast == "none":
            return self._classification_loss(pictures, shows[:, 0])
        if self.weights.contrast == "label-aware":
            return self._contrast(pictures, shows, texts)
        repeats = len(texts) // len(self.sentences.sentences)
        turns = self.placed(torch.randint(repeats, (len(batch),), generator=generator))
        right = texts[shows.int().argmax(1) * repeats + turns]
        margins = (self.weights.margin, self.weights.other_margin)
        return literal_loss(squared_distances(pictures, right), *margins)

    def _patch_loss(self, patches: Sequence[Tensor], chosen: Sequence[PatchLabels], texts: Tensor) -> Tensor:
        """Mean over good patches and mean over defective ones, halved, each against its own state."""
        placed = [(cells, self.placed(p.good), self.placed(p.defective)) for cells, p in zip(patches, chosen)]
        good = torch.cat([cells[numbers] for cells, numbers, _ in placed])
        defective = torch.cat([cells[numbers] for cells, _, numbers in placed])
        states = self.placed(torch.cat([labels.states for labels in chosen]))
        losses = []
        for cells, of_cells in ((good, states.new_zeros(len(good))), (defective, states)):
            if len(cells):
                embedded = self.networks.picture_projection(cells)
                shows = functional.one_hot(of_cells, len(self.sentences.sentences)).bool()
                losses.append(
                    self._classification_loss(embedded, shows[:, 0])
                    if self.weights.contrast == "none"
                    else self._contrast(embedded, shows, texts)
                )
        return torch.stack(losses).mean() if losses else texts.sum() * 0

    def _contrast(self, embedded: Tensor, shows: Tensor, texts: Tensor) -> Tensor:
        relation = relations(shows, self.placed(self.sentences.between))
        relation = relation.repeat_interleave(len(texts) // len(self.sentences.sentences), 1)
        weights = self.weights
        return label_aware_loss(
            squared_distances(embedded, texts),
            relation,
            weights.margin,
            weights.other_margin,
            weights.hard_negatives,
        )

    def _classification_loss(self, embedded: Tensor, good: Tensor) -> Tensor:
        """Loss of the ablation without contrast: a linear head separates good from defective, without words."""
        logits = self.networks.head(embedded)[:, 0]
        return functional.binary_cross_entropy_with_logits(logits, (~good).float())

    def _rebuilding_loss(
        self, pictures: Tensor, batch: Sequence[LabelledExample], sentences: Tensor, texts: Tensor
    ) -> Tensor:
        target = self.placed(torch.stack([labelled.example.target for labelled in batch])).float()
        if self.weights.reconstruct_good_only:
            good = [number for number, example in enumerate(batch) if example.shows[0]]
            pictures, target = pictures[good], target[good]
            texts, sentences = texts[:SENTENCES], sentences[:SENTENCES]
        rebuilt = reconstruction_loss(self.networks.picture_decoder(pictures), target)
        return rebuilt + reconstruction_loss(self.networks.text_decoder(texts), sentences)
