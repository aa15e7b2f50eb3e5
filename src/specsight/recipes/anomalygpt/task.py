"""What the stage trains: words by cross-entropy, maps by focal loss and Dice.

In: batches of a gallery. Out: losses, and numbers on held-out pictures. Maps learn from masks alone: what is said of
a map does not change it.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor

from specsight.encoders import Encoder
from specsight.language.map_prompts.model import MapPrompted
from specsight.language.pointing.packing import Branch, pack
from specsight.learning.losses import dice_of_maps, focal_of_maps
from specsight.learning.task import Maker, Task, Validation
from specsight.metrics import image_auroc
from specsight.recipes.anomalygpt.batches import MapBatch, MapBatchMaker
from specsight.recipes.anomalygpt.recipe import PromptStage
from specsight.recipes.language.anchors import SentenceAnchors
from specsight.recipes.language.conversations import THINGS
from specsight.recipes.language.task import auroc_of, loss_of_words
from specsight.recipes.run import config_of

VALIDATED = 12
"""Batches of held-out pictures that progress is measured on."""
HELD_OUT_SEED = 7
QUESTION = "Is anything wrong?"
"""Whose "Yes" is compared with what a picture shows."""


class PromptTask(Task):
    """The one stage of the recipe."""

    name = "prompts"

    def __init__(
        self,
        stage: PromptStage,
        model: MapPrompted,
        encoder: Encoder,
        maker: MapBatchMaker,
        held_out: MapBatchMaker,
    ) -> None:
        self.stage, self.model, self.config = stage, model, config_of(stage)
        self.modules = {
            "decoder": model.decoder,
            "prompts": model.prompts,
            "eyes": model.speaker.eyes,
            "language": model.speaker.language,
        }
        self.rate_shares = {"eyes": stage.language_rate, "language": stage.language_rate}
        self._anchors = SentenceAnchors(encoder)
        self._maker, self._held_out = maker, held_out

    def maker(self) -> Maker:
        """How batches are made."""
        return self._maker

    def loss(self, batch: MapBatch, step: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of all losses, and each of them by name."""
        with self.mixed_precision():
            by_words, joined, begin = self._passed(batch)
            words = self._words_loss(batch, begin)
        targets, known = self.placed(batch.targets), self.placed(batch.known)
        focal, dice = focal_of_maps(by_words, targets, known), dice_of_maps(by_words, targets, known)
        compared = self.placed(batch.referenced[batch.pictures])
        if compared.any():
            own = (joined[compared], targets[compared], known[compared])
            focal, dice = focal + focal_of_maps(*own), dice + dice_of_maps(*own)
        losses = {"words": words, "focal": focal, "dice": dice}
        weights = (self.stage.words_weight, self.stage.focal_weight, self.stage.dice_weight)
        total = torch.stack([weight * loss for weight, loss in zip(weights, losses.values())]).sum()
        return total, {
            **{name: float(loss.detach()) for name, loss in losses.items()},
            "pictures": len(batch.entries),
        }

    def validate(self) -> Validation:
        """Words in nats per token; AUROC of cells by the map for any defect, with and without references, and of
        pictures by the "Yes" to the question whether anything is wrong."""
        words, truths, yes = [], list[bool](), list[float]()
        cells: dict[str, list[tuple[Tensor, Tensor]]] = {"cell_auroc": [], "few_shot/cell_auroc": []}
        for number in range(VALIDATED):
            batch: MapBatch = self._held_out(HELD_OUT_SEED, number)
            by_words, joined, begin = self._passed(batch)
            words.append(float(self._words_loss(batch, begin)))
            odds = self._yes(begin)
            for row, at in enumerate(batch.anything.tolist()):
                known = batch.known[at]
                for name, maps in (("cell_auroc", by_words), ("few_shot/cell_auroc", joined)):
                    if name == "cell_auroc" or batch.referenced[row]:
                        cells[name].append((batch.targets[at][known], maps[at].float().cpu()[known]))
                if batch.entries[row].certain:
                    truths.append(bool(batch.entries[row].spots))
                    yes.append(odds[row])
        numbers = {"words": float(np.mean(words)), **{k: auroc_of(v) for k, v in cells.items() if v}}
        if 0 < sum(truths) < len(truths):
            numbers["yes/image_auroc"] = image_auroc(np.array(truths), np.array(yes))
            right = [said == (odd > 0) for said, odd in zip(truths, yes)]
            numbers["yes/accuracy"] = float(np.mean(right))
        return Validation({name: round(value, 4) for name, value in numbers.items()})

    def _passed(self, batch: MapBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Maps (Q, h, w) by words, and with references where there are some; the begin (B, P, d) of sequences."""
        grids = [self.placed(grid).float() for grid in batch.grids]
        with torch.no_grad():
            seen = self.model.speaker.heads(grids)
        rows = self.placed(batch.pictures)
        things = [THINGS.get(batch.entries[row].kind, "part") for row in batch.pictures.tolist()]
        defects, good = cast("tuple[Tensor, Tensor]", self._anchors.of(things, batch.words))
        by_words = self.model.decoder(grids, rows, self.placed(defects), self.placed(good)).float()
        far = [self.placed(one)[rows] for one in batch.distances]
        compared = self.placed(batch.referenced)[rows][:, None, None]
        joined = torch.where(compared, self.model.decoder.with_references(by_words, far), by_words)
        shown = joined[self.placed(batch.anything)].detach()
        return by_words, joined, self.model.begin(seen, shown)

    def _words_loss(self, batch: MapBatch, begin: Tensor) -> Tensor:
        packed = batch.packed.to(self.device)
        return loss_of_words(self.model.speaker, self.model.speaker.read(begin, packed), packed)

    def _yes(self, begin: Tensor) -> list[float]:
        layout = self.model.speaker.layout
        packed = pack([[Branch(layout.question(QUESTION))]] * len(begin)).to(self.device)
        odds: list[float] = (
            self.model.speaker.yes(self.model.speaker.read(begin, packed)[:, -1]).float().cpu().tolist()
        )
        return odds
