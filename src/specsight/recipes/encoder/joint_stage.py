"""Stages "joint" and "polish": cells and sentences are trained into one space, while the distillation goes on."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.learning import processes
from specsight.learning.batches import LAGS, ReusingMaker
from specsight.learning.task import Maker, Task, Validation, seeded_generator
from specsight.recipes.encoder import contrast, distillation
from specsight.recipes.encoder.dense_teacher import DenseTeacher
from specsight.recipes.encoder.held_out import SEED, HeldOutExamples, examples_and_held_out
from specsight.recipes.encoder.joint_batches import (
    IGNORED,
    UNNAMED,
    JointBatch,
    JointBatches,
    mark_sentences,
    state_sentences,
)
from specsight.recipes.encoder.pixels import normalise, varied_pixels
from specsight.recipes.encoder.recipe import EncoderRecipe, JointStage
from specsight.recipes.encoder.scene_examples import MARK_KINDS, TYPES
from specsight.recipes.encoder.student import StudentText, feature_maps
from specsight.recipes.run import config_of
from specsight.specification.synonyms import related


class JointHead(nn.Module):
    """Projection of cells (and of their mean) into the joint space, and the inverse temperature."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(channels, width, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(3.0))

    @property
    def scale(self) -> Tensor:
        """The inverse temperature, between e and e^3.7."""
        return self.logit_scale.clamp(1.0, 3.7).exp()

    def forward(self, cells: Tensor) -> Tensor:
        """(..., C) → unit vectors (..., D)."""
        return functional.normalize(self.projection(cells), dim=-1)


class JointTask(Task):
    """Cells, regions and pictures against sentences, and distillation: a weighted sum of the losses in `contrast`."""

    def __init__(
        self,
        name: str,
        recipe: EncoderRecipe,
        stage: JointStage,
        modules: dict[str, nn.Module],
        teacher: DenseTeacher,
        maker: Maker,
        held_out: HeldOutExamples,
    ) -> None:
        """`modules`: vision "tower", distillation "heads", "text" tower, joint "head"; `teacher`: on their device."""
        self.name, self.recipe, self.config, self._maker = name, recipe, config_of(stage), maker
        self.weights, self.held_out, self.modules = stage.weights, held_out, modules
        self.teacher = teacher
        self.head = cast("JointHead", modules["head"])
        self.heads = cast("distillation.DistillationHeads", modules["heads"])
        self.rate_shares = {
            "tower": stage.trunk_rate,
            "heads": stage.trunk_rate,
            "text": stage.text_rate,
        }
        _unfreeze_last(cast("StudentText", modules["text"]), stage.text_layers)
        names = ("good", *TYPES)
        table = [[a != "good" and b != "good" and related(a, b) for b in names] for a in names]
        self._close = torch.tensor(table)

    def maker(self) -> Maker:
        """How batches are made."""
        return self._maker

    def loss(self, batch: JointBatch, step: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of all losses, each of them by name, and the unexplained variance of each teacher map."""
        seed, number = self.recipe.options.seed, processes.batch_number(step)
        pixels = varied_pixels(
            batch.pictures, seeded_generator(seed, number, self.device, "joint: variation")
        )
        maps, cells, pooled = self._embed_pixels(pixels)
        states = (batch.good_sentences, batch.damaged_sentences, batch.type_sentences, batch.mark_sentences)
        good, damaged, wordings, of_marks, sentences = self._embed_sentences(*states, batch.region_sentences)
        types = functional.normalize(wordings.mean(0), dim=1)
        scale, labels = self.head.scale, batch.labels.to(self.device)
        close = self._close.to(self.device)
        named, labelled = (labels != IGNORED) & (labels != UNNAMED), labels != IGNORED
        anchors = torch.cat([good[None], types])
        losses = {
            "typing": contrast.typing_loss(cells[named], labels[named], anchors, close, scale),
            "damage": contrast.damage_loss(cells[labelled], labels[labelled] > 0, good, damaged, scale),
            "evidence": contrast.evidence_loss(cells @ (types - good).T, labels, scale),
            "picture": contrast.picture_loss(pooled, _present(labels, len(anchors)), anchors, scale),
        }
        losses["window"] = contrast.window_loss(cells, labels, good, damaged, scale)
        kinds = functional.normalize(of_marks.mean(0), dim=1)
        found = batch.marks.to(self.device)
        told = torch.where(found > 0, -found, labels)
        asked = named & ((found != IGNORED) | (labels > 0))
        losses["mark"] = contrast.mark_loss(cells[asked], told[asked], anchors, kinds, scale)
        losses["wording"] = contrast.wording_loss(wordings, close[1:, 1:], scale)
        if len(sentences):
            masks, own = batch.regions.to(self.device).float(), cells[batch.of_regions.to(self.device)]
            regions = functional.normalize(torch.einsum("rhw,rhwd->rd", masks, own), dim=1)
            losses["region"] = contrast.region_loss(
                regions, sentences, batch.negatives.to(self.device), scale
            )
        with self.mixed_precision():
            targets = self.teacher(pixels)
            predicted = self.modules["heads"](maps)
        losses["distillation"], shares = distillation.value_loss(predicted, targets)
        stacked = distillation.relation_targets(targets, self.heads.strides)
        generator = seeded_generator(seed, number, stream="joint: relations")
        losses["relation"] = distillation.relation_losses(
            maps, stacked, self.recipe.vision.relation_samples, generator
        )
        total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
        numbers = {name: float(loss.detach()) for name, loss in losses.items()}
        return total, {**numbers, **shares, "scale": float(scale.detach()), "pictures": len(batch.pictures)}

    def validate(self) -> Validation:
        """How well sentences find and name defects in held-out examples."""
        rng = np.random.default_rng(SEED)
        good, _, wordings, of_marks, _ = self._embed_sentences(*state_sentences(rng), mark_sentences(rng), [])
        named = torch.cat([wordings.mean(0), of_marks.mean(0)])
        directions = functional.normalize(named, dim=1) - good
        return Validation(
            self.held_out.measure(
                lambda pictures: self._embed_pixels(normalise(pictures, self.device))[1] @ directions.T
            )
        )

    def _embed_pixels(self, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Feature maps by name; cells (B, h, w, D) and pictures (B, D) in the joint space."""
        with self.mixed_precision():
            maps = feature_maps(self.modules["tower"], pixels)
        last = maps["stride16"].float()
        return maps, self.head(last.permute(0, 2, 3, 1)), self.head(last.mean((2, 3)))

    def _embed_sentences(self, *groups: list[str]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Sentences about good, damaged, types, marks and regions → good (D,), damaged (D,), wordings of types
        (W, K, D) and of marks (W, M, D), sentences of regions (R, D)."""
        with self.mixed_precision():
            joint = self.modules["text"]([sentence for group in groups for sentence in group])
        unit = functional.normalize(joint.float(), dim=1)
        good, damaged, types, marks, regions = torch.split(unit, [len(group) for group in groups])
        width = unit.shape[1]
        of_types, of_marks = types.view(-1, len(TYPES), width), marks.view(-1, len(MARK_KINDS), width)
        return _mean(good), _mean(damaged), of_types, of_marks, regions


def batches_and_held_out(stage: JointStage, photographs: Path, out: Path) -> tuple[Maker, HeldOutExamples]:
    """How a stage's batches are made, and the examples that progress is measured on; renders tyres below `out`."""
    examples, held_out = examples_and_held_out(
        photographs, stage.shares, out / "tyres", stage.tyres, stage.tyre_size, stage.held_out
    )
    parts = JointBatches(examples, stage.pixels, 1 / len(LAGS))
    return ReusingMaker(parts.make, parts.join, stage.sides), held_out


def _present(labels: Tensor, anchors: int) -> Tensor:
    """(B, 1 + K): all on "good" for a good picture, shared by the named types of a defective one."""
    found = torch.stack([(labels == k).flatten(1).any(1) for k in range(1, anchors)], 1).float()
    unnamed = (labels == UNNAMED).flatten(1).any(1)
    good = ((found.sum(1) == 0) & ~unnamed).float()
    table = torch.cat([good[:, None], found], 1)
    return table / table.sum(1, keepdim=True).clamp_min(1)


def _mean(vectors: Tensor) -> Tensor:
    return functional.normalize(vectors.mean(0), dim=0)


def _unfreeze_last(text: StudentText, layers: int) -> None:
    """Let only the last `layers` of the text tower and its projection learn: the rest keeps its general English."""
    text.requires_grad_(False)
    for module in (
        *text.bert.encoder.layer[len(text.bert.encoder.layer) - layers :],
        text.bert.pooler,
        text.projection,
    ):
        module.requires_grad_(True)
