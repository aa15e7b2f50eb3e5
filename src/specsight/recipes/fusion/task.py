"""What the head learns: where defects are, of which type, and what counts under an instruction.

In: batches of episodes. Out: focal and Dice loss of the map with and without clauses, binary cross-entropy of the
picture's score and of the types of defective cells; on held-out products AUROC of pictures and cells, whole and with a
modality missing, the share of typed defects, and AUROC of cells under clauses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from specsight.detectors.fusion.head import ClauseTokens, FusionHead
from specsight.detectors.fusion.tokens import SLICES
from specsight.learning.task import Maker, Task, Validation
from specsight.metrics import image_auroc
from specsight.recipes.fusion.batches import EpisodeBatch, EpisodeMaker
from specsight.recipes.fusion.recipe import HeadStage
from specsight.recipes.language.task import dice_of_maps, focal_of_maps
from specsight.recipes.run import config_of

VALIDATED = 8
HELD_OUT_SEED = 7
TOP = 0.01
LOWEST = -30.0


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
            "image": image_loss(anomaly, batch.target, batch.known),
            "types": (types * defective).sum() / defective.sum().clamp(min=1) * 4,
            "clauses": focal_of_maps(obeyed, batch.obeyed, obeyed_known)
            + 0.5 * dice_of_maps(obeyed, batch.obeyed, obeyed_known)
            + 0.5 * image_loss(obeyed, batch.obeyed, batch.obeyed_known)
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
        """See the module; the criterion is 1 - the mean of AUROC of pictures, whole and under clauses."""
        batches = [self._held_out(HELD_OUT_SEED, number) for number in range(VALIDATED)]
        numbers = {}
        for name, gone in (("", ()), ("rgb/", ("depth",)), ("depth/", ("rgb", "text"))):
            found = [passed(self.head, without(batch, gone))[0] for batch in batches]
            numbers |= _areas(name, found, [b.target for b in batches], [b.known for b in batches])
        of_all = [passed(self.head, batch) for batch in batches]
        obeyed = [one[2] for one in of_all]
        numbers |= _areas("clauses/", obeyed, [b.obeyed for b in batches], [b.obeyed_known for b in batches])
        ignoring = [one[0] for one in of_all]
        numbers |= _areas(
            "ignoring/", ignoring, [b.obeyed for b in batches], [b.obeyed_known for b in batches]
        )
        right, count = 0, 0
        for (_, typed, _), batch in zip(of_all, batches):
            cells = batch.typed.amax(1) > 0
            likeliest = typed.masked_fill(~batch.named[:, :, None, None], LOWEST).argmax(1)
            right += int((batch.typed.gather(1, likeliest[:, None])[:, 0] * cells).sum())
            count += int(cells.sum())
        said = torch.cat([b.verdict for b in batches])
        if 0 < int((said == 1).sum()) < int((said >= 0).sum()):
            found = scores(torch.cat(obeyed))[said >= 0].numpy().astype(np.float64)
            numbers["knowledge/image"] = image_auroc((said[said >= 0] == 1).numpy(), found)
        numbers["typed"] = right / max(1, count)
        criterion = 1 - (numbers.get("image", 0) + numbers.get("clauses/image", 0)) / 2
        return Validation({name: round(value, 4) for name, value in numbers.items()}, criterion)


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


def without(batch: EpisodeBatch, gone: Sequence[str]) -> EpisodeBatch:
    """The batch without modalities."""
    from dataclasses import replace

    tokens = batch.tokens.clone()
    for name in gone:
        tokens[:, SLICES[name]] = 0
    return replace(batch, tokens=tokens, margins=batch.margins * 0 if "text" in gone else batch.margins)


def scores(logits: Tensor) -> Tensor:
    """Mean of the largest `TOP` of each map, (B,)."""
    flat = logits.flatten(1)
    return flat.topk(max(1, round(TOP * flat.shape[1])), dim=1).values.mean(1)


def image_loss(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy of whether a picture shows a defect, of those where that is certain."""
    defective = target.flatten(1).amax(1)
    certain = (known.flatten(1).all(1) | (defective > 0)).float()
    raw = functional.binary_cross_entropy_with_logits(scores(logits), defective, reduction="none")
    return (raw * certain).sum() / certain.sum().clamp(min=1)


def verdict_loss(logits: Tensor, verdict: Tensor) -> Tensor:
    """The same of pictures whose verdict under the clauses is all that is known."""
    said = (verdict >= 0).float()
    raw = functional.binary_cross_entropy_with_logits(scores(logits), verdict.clamp(min=0), reduction="none")
    return (raw * said).sum() / said.sum().clamp(min=1)


def _areas(
    name: str, logits: Sequence[Tensor], targets: Sequence[Tensor], known: Sequence[Tensor]
) -> dict[str, float]:
    """AUROC of pictures and of cells."""
    found, truth, sure = torch.cat(list(logits)), torch.cat(list(targets)), torch.cat(list(known))
    pictures = truth.flatten(1).amax(1) > 0
    certain = sure.flatten(1).all(1) | pictures
    numbers = {}
    image = pictures[certain].numpy(), scores(found)[certain].numpy().astype(np.float64)
    if 0 < image[0].sum() < len(image[0]):
        numbers[f"{name}image"] = image_auroc(*image)
    cells = truth[sure].numpy() > 0, found[sure].numpy().astype(np.float64)
    if 0 < cells[0].sum() < len(cells[0]):
        numbers[f"{name}cells"] = image_auroc(*cells)
    return numbers
