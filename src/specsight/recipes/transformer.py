"""`specsight train transformer`: a ViT distilled from a vision-language encoder, to compare architectures.

In: an encoder with a text tower and patches of 16 pixels, and photographs. Out: a `VisionTextDualEncoderModel` with a
CLIP vision tower and the teacher's text tower, which `load_encoder` reads. No labels are used: on the pictures of
`recipes.encoder` the student's patch and picture embeddings learn the teacher's, and their margins between sentences
about defects and about good parts.
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
from specsight.learning.batches import LAGS, ReusingMaker
from specsight.learning.schedule import Schedule
from specsight.learning.task import Maker, Task, Validation
from specsight.recipes.encoder.export import save_encoder
from specsight.recipes.encoder.held_out import SEED, HeldOutExamples, examples_and_held_out
from specsight.recipes.encoder.joint_batches import state_sentences
from specsight.recipes.encoder.pixels import normalise
from specsight.recipes.encoder.recipe import POLISH_SHARES
from specsight.recipes.encoder.scene_examples import TYPES, SceneExamples
from specsight.recipes.run import RunOptions, config_of, recipe_schedule, run_folder, train_task

MARGIN_SCALE = 20.0
"""Inverse temperature at which margins between sentences are compared."""


@dataclass(frozen=True)
class TransformerShape:
    """Shape of a CLIP vision tower; `side` in pixels is that of the pictures its position embeddings are made for."""

    hidden: int = 256
    layers: int = 6
    heads: int = 4
    patch: int = 16
    side: int = 224


@dataclass(frozen=True)
class TransformerRecipe:
    """Every number that the distillation into a ViT depends on."""

    options: RunOptions = field(default_factory=RunOptions)
    tower: TransformerShape = field(default_factory=TransformerShape)
    schedule: Schedule = field(default_factory=lambda: recipe_schedule(1000, 1e-3, warmup=100, cooldown=1.0))
    sides: tuple[int, ...] = (128, 160, 224)
    """Sides of the square pictures, in pixels, by turns."""
    pixels: int = 16 * 160 * 160
    """Pixels of a batch, about."""
    tyres: int = 1500
    """Rendered tyre pictures; 0: none."""
    tyre_size: int = 256
    """Their side in pixels."""
    held_out: int = 36
    """Examples of each kind on which progress is measured."""
    shares: dict[str, float] = field(default_factory=lambda: dict(POLISH_SHARES))
    weights: dict[str, float] = field(default_factory=lambda: {"cells": 1.0, "pooled": 0.5, "margins": 1.0})

    def within(self, minutes: float) -> TransformerRecipe:
        """The same recipe with a time budget."""
        return replace(self, schedule=replace(self.schedule, minutes=minutes))


@dataclass
class ImitationBatch:
    """Pictures (B, S, S, 3) uint8, and the teacher's embeddings of them, unit length and in half precision."""

    pictures: Tensor
    cells: Tensor
    """(B, D, h, w)."""
    pooled: Tensor
    """(B, D)."""


class ImitationBatches:
    """Makes parts of `ImitationBatch`es, each of about `part` of `pixels` pixels, and joins them.

    `teacher` names an encoder; it is loaded in the process that makes the parts, on the CPU.
    """

    def __init__(self, examples: SceneExamples, pixels: int, part: float, teacher: str) -> None:
        self.examples, self.pixels, self.part, self.teacher = examples, pixels, part, teacher
        self._split: Any = None

    def make(self, rng: np.random.Generator, side: int) -> ImitationBatch:
        """A part with pictures of (side, side) pixels."""
        count = max(1, round(self.part * self.pixels / side**2))
        pictures = np.stack([self.examples.make(rng, side).rgb for _ in range(count)])
        if self._split is None:
            self._split = split(load_encoder(self.teacher, "cpu"))
        grid, tokens = self._split.trunk(pictures)
        with torch.inference_mode():
            output = self._split.tail(torch.from_numpy(grid), torch.from_numpy(tokens))
        return ImitationBatch(torch.from_numpy(pictures), output.patches.half(), output.pooled.half())

    def join(self, rng: np.random.Generator, parts: list[ImitationBatch]) -> ImitationBatch:
        """One batch of several parts."""
        names = ImitationBatch.__annotations__
        return ImitationBatch(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_split": None}


class ImitationTask(Task):
    """Cosine distances of the student's cells and pictures to the teacher's, and the difference of their margins."""

    name = "imitation"

    def __init__(
        self,
        recipe: TransformerRecipe,
        model: Any,
        teacher: Encoder,
        maker: Maker,
        held_out: HeldOutExamples,
    ) -> None:
        self.weights, self.config = recipe.weights, config_of(recipe)
        self._maker, self.held_out = maker, held_out
        self.modules = {"tower": model.vision_model, "projection": model.visual_projection}
        good, _, types = state_sentences(np.random.default_rng(SEED))
        embedded = torch.from_numpy(teacher.embed_texts([*good, *types]))
        typed = embedded[len(good) :].view(-1, len(TYPES), embedded.shape[1]).mean(0)
        accepted = functional.normalize(embedded[: len(good)].mean(0), dim=0)
        self._directions = functional.normalize(typed, dim=1) - accepted

    def maker(self) -> Maker:
        """How batches are made."""
        return self._maker

    def loss(self, batch: ImitationBatch, step: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of the three losses, and each by name."""
        output = self.embed(batch.pictures)
        cells, pooled = (target.to(self.device).float() for target in (batch.cells, batch.pooled))
        losses = {
            "cells": 1 - functional.cosine_similarity(output.patches, cells, dim=1).mean(),
            "pooled": 1 - functional.cosine_similarity(output.pooled, pooled, dim=1).mean(),
            "margins": functional.smooth_l1_loss(self._margins(output.patches), self._margins(cells)),
        }
        total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
        numbers = {name: float(loss.detach()) for name, loss in losses.items()}
        return total, {**numbers, "pictures": len(batch.pictures)}

    def validate(self) -> Validation:
        """How well the teacher's sentences find and name defects in held-out examples, by the student's cells."""
        directions = self._directions.to(self.device)
        return Validation(
            self.held_out.measure(
                lambda pictures: self.embed(pictures).patches.permute(0, 2, 3, 1) @ directions.T
            )
        )

    def embed(self, pictures: Tensor) -> TailOutput:
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
            output: TailOutput = tail(grid, tokens[:, :, :1])
        return TailOutput(output.patches.float(), output.pooled.float(), output.activations)

    def _margins(self, cells: Tensor) -> Tensor:
        """Logits of every type over "good", (B, K, h, w)."""
        return MARGIN_SCALE * torch.einsum("bdhw,kd->bkhw", cells, self._directions.to(self.device))


def train(recipe: TransformerRecipe, out: Path, photographs: Path, teacher: str) -> Path:
    """Train, from the last checkpoint where there is one; returns the folder of the exported model.

    `photographs`: a folder; `teacher`: an encoder's name. Raises SpecsightError for a teacher without a text tower or
    with patches of another size than the student's, and for a checkpoint of another recipe in `out`.
    """
    encoder = load_encoder(teacher, "cpu")
    towers = encoder.towers
    if towers is None or towers.text is None or encoder.multiple != recipe.tower.patch:
        raise SpecsightError(
            f"encoder '{teacher}' cannot teach this student: it must read words and see patches of "
            f"{recipe.tower.patch} pixels"
        )
    options = recipe.options
    with run_folder(out, recipe, options, {ImitationTask.name: recipe}) as device:
        torch.manual_seed(options.seed)
        model = build(recipe.tower, towers.model).to(device)
        with processes.first_process_first():
            batches, held_out = _batches(recipe, out, photographs, teacher)
        train_task(ImitationTask(recipe, model, encoder, batches, held_out), recipe.schedule, options, out)
        if processes.rank() == 0:
            save_encoder(model.cpu(), towers.text.tokenizer, out / "model")
        processes.meet()
    return out / "model"


def build(shape: TransformerShape, teacher: Any) -> Any:
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
) -> tuple[ReusingMaker[ImitationBatch], HeldOutExamples]:
    """How batches are made, and the examples that progress is measured on; renders the tyres they need below `out`."""
    examples, held_out = examples_and_held_out(
        photographs, recipe.shares, out / "tyres", recipe.tyres, recipe.tyre_size, recipe.held_out
    )
    parts = ImitationBatches(examples, recipe.pixels, 1 / len(LAGS), teacher)
    return ReusingMaker(parts.make, parts.join, recipe.sides), held_out


def _freeze(parameters: Iterable[nn.Parameter]) -> None:
    for parameter in parameters:
        parameter.requires_grad_(False)
