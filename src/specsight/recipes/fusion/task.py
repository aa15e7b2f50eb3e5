"""What the head learns: where defects are, of which type, and what counts under an instruction.

In: batches of episodes. Out: focal and Dice loss of the map with and without clauses, binary cross-entropy of the
picture's score and of the types of defective cells; on held-out products AUROC of pictures and cells, whole and with a
modality missing, the share of typed defects, and AUROC of cells under clauses.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from specsight.detectors.fusion.head import ClauseTokens, FusionHead
from specsight.learning.losses import dice_of_maps, focal_of_maps
from specsight.learning.task import Maker, Task, Validation
from specsight.metrics import image_auroc
from specsight.recipes.fusion.batches import EpisodeBatch, EpisodeMaker
from specsight.recipes.fusion.recipe import HeadStage
from specsight.recipes.run import config_of

VALIDATED = 10
HELD_OUT_SEED = 7
TOP = 0.01
LOWEST = -30.0
VALIDATIONS: dict[str, dict[str, Any]] = {
    "rgb/": {"gone": frozenset({"depth"})},
    "depth/": {"gone": frozenset({"rgb", "text"})},
    "stressed/": {"stressed": 1.0},
    "silent colours/": {"silent": 1.0, "silenced": ("rgb",)},
    "silent depth/": {"silent": 1.0, "silenced": ("depth",)},
}
"""What held-out pictures are judged under, beside how they are."""
CRITERIA = ("", "clauses/", "stressed/", "silent colours/")


class HeadTask(Task):
    """The one stage of the recipe."""

    name = "head"

    def __init__(
        self, stage: HeadStage, head: FusionHead, maker: EpisodeMaker, held_out: EpisodeMaker
    ) -> None:
        self.stage, self.head, self.config = stage, head, config_of(stage)
        self.modules = {"head": head}
        self._maker, self._held_out = maker, held_out

    def maker(self) -> Maker:
        """How batches are made."""
        return self._maker

    def loss(self, batch: EpisodeBatch, step: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of all losses, and each of them by name."""
        anomaly, typed, obeyed = passed(self.head, batch)
        known, obeyed_known = batch.known.float(), batch.obeyed_known.float()
        types = functional.binary_cross_entropy_with_logits(typed, batch.typed, reduction="none")
        defective = (batch.typed.amax(1, keepdim=True) * batch.named[:, :, None, None]).expand_as(typed)
        losses = {
            "focal": focal_of_maps(anomaly, batch.target, known),
            "dice": dice_of_maps(anomaly, batch.target, known),
            "image": image_loss(anomaly, batch.target, batch.certain[:, 0].float()),
            "types": (types * defective).sum() / defective.sum().clamp(min=1) * 4,
            "clauses": focal_of_maps(obeyed, batch.obeyed, obeyed_known)
            + 0.5 * dice_of_maps(obeyed, batch.obeyed, obeyed_known)
            + 0.5 * image_loss(obeyed, batch.obeyed, batch.certain[:, 1].float())
            + 0.5 * verdict_loss(obeyed, batch.verdict),
        }
        stage = self.stage
        weights = (
            stage.focal_weight, stage.dice_weight, stage.image_weight, stage.typed_weight, stage.clause_weight
        )  # fmt: skip
        total = torch.stack([weight * loss for weight, loss in zip(weights, losses.values())]).sum()
        return total, {
            **{name: float(loss.detach()) for name, loss in losses.items()},
            "pictures": len(batch.tokens),
        }

    def validate(self) -> Validation:
        """See the module; the criterion is 1 - the mean of AUROC of pictures: as they are, under clauses, under
        stressors, and with defects that depth alone shows beside colours."""
        numbers = dict[str, float]()
        for name, changes in VALIDATIONS.items():
            batches = self._batches(**changes)
            found = torch.cat([self.head(batch.tokens)[1] for batch in batches])
            numbers |= _areas(name, found, batches, "target")
        batches = self._batches()
        of_all = [passed(self.head, batch) for batch in batches]
        plain, obeyed = (torch.cat([one[k] for one in of_all]) for k in (0, 2))
        numbers |= _areas("", plain, batches, "target")
        numbers |= _areas("clauses/", obeyed, batches, "obeyed")
        numbers |= _areas("ignoring/", plain, batches, "obeyed")
        said = torch.cat([batch.verdict for batch in batches])
        if 0 < int((said == 1).sum()) < int((said >= 0).sum()):
            ranked = scores(obeyed)[said >= 0].numpy().astype(np.float64)
            numbers["knowledge/image"] = image_auroc((said[said >= 0] == 1).numpy(), ranked)
        numbers["typed"] = _typed(of_all, batches)
        criterion = 1 - float(np.mean([numbers.get(f"{name}image", 0) for name in CRITERIA]))
        return Validation({name: round(value, 4) for name, value in numbers.items()}, criterion)

    def _batches(self, **changes: Any) -> list[EpisodeBatch]:
        """Held-out pictures as they are, or with `changes` to how they are drawn."""
        maker = copy.copy(self._held_out)
        plain = {"missing": 0.0, "wordless": 0.0, "stressed": 0.0, "silent": 0.0}
        for name, value in {**plain, **changes}.items():
            setattr(maker, name, value)
        return [maker(HELD_OUT_SEED, number) for number in range(VALIDATED)]


def passed(head: FusionHead, batch: EpisodeBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Logits of an anomaly (B, h, w), of types (B, K, h, w), and of an anomaly under the clauses (B, h, w)."""
    hidden, anomaly = head(batch.tokens)
    typed = head.typed(hidden, batch.vectors, batch.margins)
    changes = head.changes(hidden, anomaly, clause_tokens(batch, typed), batch.sizes)
    return anomaly, typed, anomaly + changes.sum(1)


def clause_tokens(batch: EpisodeBatch, typed: Tensor) -> ClauseTokens:
    """The clauses of a batch, with the logits and margins of the types that they name."""
    named = batch.types[:, :, :, None, None]
    none = ~batch.types.any(2)[:, :, None, None]

    def largest(grids: Tensor) -> Tensor:
        return grids[:, None].masked_fill(~named, LOWEST).amax(2).masked_fill(none, 0)

    return ClauseTokens(batch.kinds, largest(typed), largest(batch.margins), batch.where, batch.limits)


def scores(logits: Tensor) -> Tensor:
    """Mean of the largest `TOP` of each map, (B,)."""
    flat = logits.flatten(1)
    return flat.topk(max(1, round(TOP * flat.shape[1])), dim=1).values.mean(1)


def image_loss(logits: Tensor, target: Tensor, certain: Tensor) -> Tensor:
    """Cross-entropy of whether a picture shows a defect, of those where that is `certain` (B,)."""
    raw = functional.binary_cross_entropy_with_logits(
        scores(logits), target.flatten(1).amax(1), reduction="none"
    )
    return (raw * certain).sum() / certain.sum().clamp(min=1)


def verdict_loss(logits: Tensor, verdict: Tensor) -> Tensor:
    """The same of pictures whose verdict under the clauses is all that is known."""
    said = (verdict >= 0).float()
    raw = functional.binary_cross_entropy_with_logits(scores(logits), verdict.clamp(min=0), reduction="none")
    return (raw * said).sum() / said.sum().clamp(min=1)


def _areas(name: str, logits: Tensor, batches: Sequence[EpisodeBatch], truth: str) -> dict[str, float]:
    """AUROC of pictures and of cells for "target" or "obeyed"."""
    target = torch.cat([getattr(batch, truth) for batch in batches])
    known = torch.cat([batch.known if truth == "target" else batch.obeyed_known for batch in batches])
    certain = torch.cat([batch.certain[:, 0 if truth == "target" else 1] for batch in batches])
    found = {
        "image": (target.flatten(1).amax(1)[certain] > 0, scores(logits)[certain]),
        "cells": (target[known] > 0, logits[known]),
    }
    return {
        f"{name}{what}": image_auroc(labels.numpy(), values.numpy().astype(np.float64))
        for what, (labels, values) in found.items()
        if 0 < int(labels.sum()) < len(labels)
    }


def _typed(found: Sequence[tuple[Tensor, Tensor, Tensor]], batches: Sequence[EpisodeBatch]) -> float:
    """Share of defective cells whose type is the likeliest of those of the product."""
    right, count = 0, 0
    for (_, typed, _), batch in zip(found, batches):
        cells = batch.typed.amax(1) > 0
        likeliest = typed.masked_fill(~batch.named[:, :, None, None], LOWEST).argmax(1)
        right += int((batch.typed.gather(1, likeliest[:, None])[:, 0] * cells).sum())
        count += int(cells.sum())
    return right / max(1, count)
