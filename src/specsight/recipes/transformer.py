"""`specsight train transformer`: a ViT that sees what an encoder that reads sees, so that CNN or ViT can be asked.

In: an encoder with patches of 16 pixels, its own words, and photographs. Out: a `VisionTextDualEncoderModel` with a
CLIP vision tower and the teacher's text tower, which `load_encoder` reads. Nothing is labelled: the student's patches
(self-attending in the last block, as CLIP's are taken here) and its class token learn the teacher's cells and pictures
on the lessons of `training.encoder`, and how both lie to the words for good and for every type of defect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional

from specsight.encoders import Encoder, load_encoder
from specsight.encoders.passes.split import TailOutput, TokenTail, split
from specsight.errors import SpecsightError
from specsight.learning import processes
from specsight.learning.batches import LAGS, Reused
from specsight.learning.schedule import Schedule
from specsight.learning.task import Maker, Task, Validation
from specsight.recipes.encoder.batches import state_sentences
from specsight.recipes.encoder.dense_teacher import normalise
from specsight.recipes.encoder.export import save_encoder
from specsight.recipes.encoder.held_out import SEED, HeldOut, lessons_and_held_out
from specsight.recipes.encoder.recipe import POLISH_SHARES
from specsight.recipes.encoder.scene_examples import TYPES, Lessons
from specsight.recipes.run import RunOptions, config_of, recipe_schedule, run_folder, train_task

MARGIN_SCALE = 20.0
"""Margins between words are compared in logits at this inverse temperature."""


@dataclass(frozen=True)
class TransformerTower:
    """A ViT as CLIP has it; `side` is that of the pictures whose patches have places of their own."""

    hidden: int = 256
    layers: int = 6
    heads: int = 4
    patch: int = 16
    side: int = 224


@dataclass(frozen=True)
class TransformerRecipe:
    """Another architecture for the joint space of an encoder that reads."""

    options: RunOptions = field(default_factory=RunOptions)
    tower: TransformerTower = field(default_factory=TransformerTower)
    schedule: Schedule = field(default_factory=lambda: recipe_schedule(1000, 1e-3, warmup=100, cooldown=1.0))
    sides: tuple[int, ...] = (128, 160, 224)
    pixels: int = 16 * 160 * 160
    tyres: int = 1500
    tyre_size: int = 256
    held_out: int = 36
    """Lessons of each kind on which progress is measured."""
    shares: dict[str, float] = field(default_factory=lambda: dict(POLISH_SHARES))
    weights: dict[str, float] = field(default_factory=lambda: {"cells": 1.0, "pooled": 0.5, "margins": 1.0})

    def within(self, minutes: float) -> TransformerRecipe:
        """The same recipe with a time budget."""
        return replace(self, schedule=replace(self.schedule, minutes=minutes))


@dataclass
class Watched:
    """Pictures (B, S, S, 3) uint8, and what the teacher sees of them: `cells` (B, D, h, w) and `pooled` (B, D)."""

    pictures: Tensor
    cells: Tensor
    pooled: Tensor


class Watching:
    """Draws lessons' pictures, `part` of `pixels` pixels at once, and looks at them with `teacher` (in the workers)."""

    def __init__(self, lessons: Lessons, pixels: int, part: float, teacher: str) -> None:
        self.lessons, self.pixels, self.share, self.teacher = lessons, pixels, part, teacher
        self._split: Any = None

    def draw(self, rng: np.random.Generator, side: int) -> Watched:
        """Pictures of (side, side) pixels."""
        count = max(1, round(self.share * self.pixels / side**2))
        pictures = np.stack([self.lessons.draw(rng, side).rgb for _ in range(count)])
        if self._split is None:
            self._split = split(load_encoder(self.teacher, "cpu"))
        grid, front = self._split.trunk(pictures)
        with torch.inference_mode():
            seen = self._split.tail(torch.from_numpy(grid), torch.from_numpy(front))
        return Watched(torch.from_numpy(pictures), seen.patches.half(), seen.pooled.half())

    def join(self, rng: np.random.Generator, parts: list[Watched]) -> Watched:
        """One batch of several parts."""
        return Watched(*(torch.cat([getattr(p, name) for p in parts]) for name in Watched.__annotations__))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_split": None}


class Imitation(Task):
    """The student's cells and pictures against the teacher's."""

    name = "imitation"

    def __init__(
        self,
        recipe: TransformerRecipe,
        model: Any,
        teacher: Encoder,
        feed: Reused[Watched],
        held_out: HeldOut,
    ) -> None:
        self.weights, self.config = recipe.weights, config_of(recipe)
        self._maker, self.held_out = feed, held_out
        self.modules = {"tower": model.vision_model, "projection": model.visual_projection}
        good, _, types = state_sentences(np.random.default_rng(SEED))
        read = torch.from_numpy(teacher.embed_texts([*good, *types]))
        named = read[len(good) :].view(-1, len(TYPES), read.shape[1]).mean(0)
        accepted = functional.normalize(read[: len(good)].mean(0), dim=0)
        self._directions = functional.normalize(named, dim=1) - accepted

    def maker(self) -> Maker:
        return self._maker

    def loss(self, batch: Watched, step: int) -> tuple[Tensor, dict[str, float]]:
        seen = self.see(batch.pictures)
        cells, pooled = (target.to(self.device).float() for target in (batch.cells, batch.pooled))
        losses = {
            "cells": 1 - functional.cosine_similarity(seen.patches, cells, dim=1).mean(),
            "pooled": 1 - functional.cosine_similarity(seen.pooled, pooled, dim=1).mean(),
            "margins": functional.smooth_l1_loss(self._margins(seen.patches), self._margins(cells)),
        }
        total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
        numbers = {name: float(loss.detach()) for name, loss in losses.items()}
        return total, {**numbers, "pictures": len(batch.pictures)}

    def validate(self) -> Validation:
        """How well the teacher's words find and name defects in held-out lessons, by the student's cells."""
        directions = self._directions.to(self.device)
        return Validation(
            self.held_out.measure(
                lambda pictures: self.see(pictures).patches.permute(0, 2, 3, 1) @ directions.T
            )
        )

    def see(self, pictures: Tensor) -> TailOutput:
        """Cells and pictures in the joint space, as `PretrainedEncoder` takes them from such a tower."""
        tower: Any = self.modules["tower"]
        tail = TokenTail(tower.encoder.layers[-1], tower.post_layernorm, None, self.modules["projection"])
        with self.mixed_precision():
            states = tower(
                pixel_values=normalise(pictures, self.device).contiguous(),
                interpolate_pos_encoding=True,
                output_hidden_states=True,
            ).hidden_states
            tokens = states[-2].transpose(1, 2)
            side = pictures.shape[1] // tower.config.patch_size
            grid = tokens[:, :, 1:].reshape(*tokens.shape[:2], side, side)
            seen: TailOutput = tail(grid, tokens[:, :, :1])
        return TailOutput(seen.patches.float(), seen.pooled.float(), seen.activations)

    def _margins(self, cells: Tensor) -> Tensor:
        """Logits of every type over "good", (B, K, h, w)."""
        return MARGIN_SCALE * torch.einsum("bdhw,kd->bkhw", cells, self._directions.to(self.device))


def train(recipe: TransformerRecipe, out: Path, photographs: Path, teacher: str) -> Path:
    """Train, from the last checkpoint where there is one; returns the folder of the exported model.

    Raises SpecsightError for a teacher that does not read or has no patches of the student's size.
    """
    encoder = load_encoder(teacher, "cpu")
    towers = encoder.towers
    if towers is None or towers.text is None or encoder.multiple != recipe.tower.patch:
        raise SpecsightError(
            f"encoder '{teacher}' cannot teach this student: it must read words and see patches of "
            f"{recipe.tower.patch} pixels"
        )
    options = recipe.options
    with run_folder(out, recipe, options) as device:
        torch.manual_seed(options.seed)
        model = build(recipe.tower, towers.model).to(device)
        with processes.first_process_first():
            batches, held_out = _batches(recipe, out, photographs, teacher)
        train_task(Imitation(recipe, model, encoder, batches, held_out), recipe.schedule, options, out)
        if processes.rank() == 0:
            save_encoder(model.cpu(), towers.text.tokenizer, out / "model")
        processes.meet()
    return out / "model"


def build(shape: TransformerTower, teacher: Any) -> Any:
    """A student with a random vision tower and the text tower of `teacher`, a `VisionTextDualEncoderModel`."""
    vision = transformers.CLIPVisionConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.hidden,
        patch_size=shape.patch,
        image_size=shape.side,
    )
    width = teacher.text_projection.out_features
    config = transformers.VisionTextDualEncoderConfig.from_vision_text_configs(
        vision, teacher.config.text_config, projection_dim=width
    )
    model = transformers.VisionTextDualEncoderModel(config)
    model.text_model.load_state_dict(teacher.text_model.state_dict())
    model.text_projection.load_state_dict(teacher.text_projection.state_dict())
    with torch.no_grad():
        model.logit_scale.copy_(teacher.logit_scale)
    for module in (model.text_model, model.text_projection):
        _freeze(module.parameters())
    return model


def _batches(
    recipe: TransformerRecipe, out: Path, photographs: Path, teacher: str
) -> tuple[Reused[Watched], HeldOut]:
    """The feed, and the lessons that progress is measured on; renders the tyres they need below `out`."""
    drawn, held_out = lessons_and_held_out(
        photographs, recipe.shares, out / "tyres", recipe.tyres, recipe.tyre_size, recipe.held_out
    )
    watching = Watching(drawn, recipe.pixels, 1 / len(LAGS), teacher)
    return Reused(watching.draw, watching.join, recipe.sides), held_out


def _freeze(parameters: Iterable[nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.requires_grad_(False)
