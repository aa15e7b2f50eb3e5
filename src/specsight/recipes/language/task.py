"""What a stage trains: words by cross-entropy, maps by focal loss and Dice, and whether a type is there at all.

In: batches of a gallery. Out: losses, and numbers on held-out pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.encoders import Encoder
from specsight.language.pointing.adapters import learning
from specsight.language.pointing.heads import Seen
from specsight.language.pointing.model import PointingModel
from specsight.language.pointing.packing import Packed
from specsight.learning.losses import dice_of_maps, focal_of_maps
from specsight.learning.task import Maker, Task, Validation
from specsight.metrics import image_auroc
from specsight.recipes.language.anchors import SentenceAnchors
from specsight.recipes.language.batches import Batch, BatchMaker, Pointers
from specsight.recipes.language.conversations import THINGS, alike
from specsight.recipes.language.gallery import IGNORED, Gallery
from specsight.recipes.language.pictures import LINE
from specsight.recipes.language.recipe import SpeakingStage
from specsight.recipes.run import config_of

VALIDATED = 12
"""Batches of held-out pictures that progress is measured on."""
HELD_OUT_SEED = 7


class SpeakingTask(Task):
    """One stage of the recipe."""

    def __init__(
        self,
        name: str,
        stage: SpeakingStage,
        model: PointingModel,
        encoder: Encoder,
        gallery: Gallery,
        held_out: Gallery,
    ) -> None:
        self.name, self.stage, self.model, self.config = name, stage, model, config_of(stage)
        self.modules = {"heads": model.heads, "eyes": model.eyes, "language": _learning(model)}
        self.rate_shares = {"language": stage.language_rate}
        self._anchors = SentenceAnchors(encoder)
        self._projection = joint_projection(encoder)
        self._maker = BatchMaker(gallery, model.layout, stage)
        self._held_out = BatchMaker(held_out, model.layout, stage)

    def maker(self) -> Maker:
        """How batches are made."""
        return self._maker

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of all losses, and each of them by name."""
        with self.mixed_precision():
            seen, states = self._passed(batch)
            words = self._words_loss(batch, states)
            margins, defect = self._pointed(batch, seen, states)
        of = batch.pointers
        losses = {
            "words": words,
            "focal": focal_of_maps(margins.float(), of.targets.to(self.device), of.known.to(self.device)),
            "dice": dice_of_maps(margins.float(), of.targets.to(self.device), of.known.to(self.device)),
            "presence": self._presence_loss(of, defect, margins),
            "typing": self._typing_loss(batch, margins.float()),
            "suspicion": self._suspicion_loss(batch, seen),
        }
        stage = self.stage
        weights = {
            "words": stage.words_weight,
            "focal": stage.focal_weight,
            "dice": stage.dice_weight,
            "presence": stage.presence_weight,
            "typing": stage.typing_weight,
            "suspicion": 1.0,
        }
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        return total, {
            **{name: float(loss.detach()) for name, loss in losses.items()},
            "pictures": len(batch.labels),
        }

    def validate(self) -> Validation:
        """Words in nats per token; AUROC of cells and pictures by the token for any defect, and of types' presence."""
        words, rows = [], list[tuple[str, float, float]]()
        cells: list[tuple[Tensor, Tensor]] = []
        presence: list[tuple[Tensor, Tensor]] = []
        for number in range(VALIDATED):
            batch = self._held_out(HELD_OUT_SEED, number)
            seen, states = self._passed(batch)
            words.append(float(self._words_loss(batch, states)))
            margins, defect = self._pointed(batch, seen, states)
            of, logits = batch.pointers, self.model.heads.present(defect, margins).float().cpu()
            margins = margins.float().cpu()
            first = [self._first(of, row) for row in range(len(batch.labels))]
            for row, at in enumerate(first):
                entry = batch.entries[row]
                if entry.certain and not bool((of.present[at]).isnan()):
                    rows.append((entry.kind, float(of.present[at]), float(logits[at])))
                cells.append((of.targets[at][of.known[at]], margins[at][of.known[at]]))
            typed = torch.tensor([bool(word) for word in of.words]) & ~of.present.isnan()
            presence.append((of.present[typed], logits[typed]))
        numbers = {
            "words": float(np.mean(words)),
            "cell_auroc": auroc_of(cells),
            "type_auroc": auroc_of(presence),
        }
        for group in (LINE, "others"):
            own = [(truth, score) for kind, truth, score in rows if (kind == LINE) == (group == LINE)]
            if 0 < sum(truth for truth, _ in own) < len(own):
                truths, scores = (np.array(values) for values in zip(*own))
                numbers[f"{group}/image_auroc"] = image_auroc(truths > 0, scores)
        return Validation({name: round(value, 4) for name, value in numbers.items()})

    def _first(self, of: Pointers, row: int) -> int:
        """The pointer at any defect among the phrases of a row."""
        return next(k for k in range(*of.typed[row]) if not of.words[k])

    def _passed(self, batch: Batch) -> tuple[Seen, Tensor]:
        grids = [grid.to(self.device).float() for grid in batch.grids]
        joint = None
        if self._projection is not None:
            weight = self._projection.to(self.device)
            joint = functional.normalize(torch.einsum("bchw,dc->bdhw", grids[-1], weight), dim=1)
        seen, begin = self.model.see(grids, joint)
        return seen, self.model.read(begin, batch.packed.to(self.device))

    def _words_loss(self, batch: Batch, states: Tensor) -> Tensor:
        return loss_of_words(self.model, states, batch.packed.to(self.device))

    def _pointed(self, batch: Batch, seen: Seen, states: Tensor) -> tuple[Tensor, Tensor]:
        of, device = batch.pointers, self.device
        rows = of.pictures.to(device)
        defect, normal = (states[rows, places.to(device)] for places in (of.defect, of.normal))
        things = [THINGS.get(batch.entries[row].kind, "part") for row in of.pictures.tolist()]
        anchors = self._anchors.of(things, of.words)
        if anchors is not None:
            anchors = cast("tuple[Tensor, Tensor]", tuple(one.to(device) for one in anchors))
        return self.model.heads.margins(seen, rows, defect, normal, anchors), defect

    def _presence_loss(self, of: Pointers, defect: Tensor, margins: Tensor) -> Tensor:
        known = ~of.present.isnan()
        logits = self.model.heads.present(defect.float(), margins.float())[known.to(self.device)]
        return functional.binary_cross_entropy_with_logits(logits, of.present[known].to(self.device))

    def _typing_loss(self, batch: Batch, margins: Tensor) -> Tensor:
        """Cross-entropy, over the types that are pointed at in a picture, at the cells that show one of them; those
        that shade into the one shown are left out."""
        of, labels = batch.pointers, batch.labels.to(self.device)
        losses = []
        for row, entry in enumerate(batch.entries):
            own = [k for k in range(*of.typed[row]) if of.words[k]]
            numbers = [entry.types.index(of.types[k]) + 1 if of.types[k] in entry.types else -1 for k in own]
            shown = torch.isin(labels[row], torch.tensor([n for n in numbers if n > 0], device=self.device))
            if len(own) < 2 or not shown.any():
                continue
            places = torch.full((len(entry.types) + 1,), -1, device=self.device)
            places[[n for n in numbers if n > 0]] = torch.tensor(
                [k for k, n in enumerate(numbers) if n > 0], device=self.device
            )
            values = labels[row][shown].long()
            # A cell with one of two types that shade into each other may be called the other.
            close = [
                [False, *(name != of.types[k] and alike(name, of.types[k]) for name in entry.types)]
                for k in own
            ]
            barred = torch.tensor(close, device=self.device)[:, values]
            logits = margins[own][:, shown].masked_fill(barred, -torch.inf)
            losses.append(functional.cross_entropy(logits.T, places[values]))
        return torch.stack(losses).mean() if losses else margins.sum() * 0

    def _suspicion_loss(self, batch: Batch, seen: Seen) -> Tensor:
        labels = batch.labels.to(self.device)
        targets = ((labels > 0) & (labels != IGNORED)).float()
        known = labels != IGNORED
        logits = seen.suspicion.float()
        return focal_of_maps(logits, targets, known) + 0.5 * dice_of_maps(logits, targets, known)


def _learning(model: PointingModel) -> nn.Module:
    """The language model, or of one that is adapted what learns: the rest is in its own checkpoint."""
    own = learning(model.language)
    if len(own) == sum(1 for _ in model.language.parameters()):
        return cast("nn.Module", model.language)
    return nn.ParameterDict({name.replace(".", "/"): parameter for name, parameter in own.items()})


def loss_of_words(model: PointingModel, states: Tensor, packed: Packed) -> Tensor:
    """Cross-entropy of answers, in nats per token; `states` (B, T, d) are those of the branches' tokens."""
    chosen = packed.targets >= 0
    if not chosen.any():
        return states.new_zeros(())
    return functional.cross_entropy(model.logits(states[chosen]).float(), packed.targets[chosen])


def joint_projection(encoder: Encoder) -> Tensor | None:
    """The matrix (D, C) that brings cells of the coarsest grid into the joint space, of an encoder whose joint patches
    are that projection: galleries then need not hold them."""
    projection = getattr(getattr(encoder, "vision", None), "projection", None)
    weight = getattr(projection, "weight", None)
    return None if not encoder.reads or weight is None else weight.detach().float().reshape(weight.shape[:2])


def auroc_of(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """AUROC over all pairs (truth, scores) together; NaN where truth has one value."""
    truth, scores = (torch.cat(values).numpy() for values in zip(*pairs))
    found = truth > 0
    return image_auroc(found, scores) if 0 < found.sum() < len(found) else math.nan
