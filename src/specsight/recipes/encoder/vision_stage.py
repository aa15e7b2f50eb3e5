"""Stage "vision": dense distillation; the vision tower's maps learn to carry those of the teacher, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from specsight.learning import processes
from specsight.learning.batches import SeededMaker
from specsight.learning.task import Maker, Task, Validation, seeded_generator
from specsight.recipes.encoder import distillation
from specsight.recipes.encoder.dense_teacher import DenseTeacher
from specsight.recipes.encoder.pixels import normalise, varied_pixels
from specsight.recipes.encoder.recipe import EncoderRecipe, VisionStage
from specsight.recipes.encoder.student import feature_maps
from specsight.recipes.run import config_of
from specsight.synthetic.scenes.photographs import Photographs
from specsight.synthetic.scenes.scene import render_scene

STATISTICS = "teacher_statistics.safetensors"
STATISTICS_BATCHES = 16
"""Batches on which the teacher's statistics are measured."""
HELD_OUT_SEED = 10**9
"""Scenes for validation come from a seed that training never uses."""


class Pictures:
    """Makes pictures (B, S, S, 3) uint8 of about `pixels` pixels in all, from a generator.

    S is one of `sides`; `photograph_share` of the pictures are crops of photographs, the others scenes.
    """

    def __init__(
        self, photographs: Photographs, sides: tuple[int, ...], pixels: int, photograph_share: float
    ) -> None:
        self.photographs, self.sides, self.pixels = photographs, sides, pixels
        self.photograph_share = photograph_share

    def __call__(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Pictures of one random side (B, side, side, 3), as many as the budget of pixels allows."""
        side = int(rng.choice(self.sides))
        count = max(1, round(self.pixels / side**2))
        return np.stack([self._picture(rng, side) for _ in range(count)])

    def _picture(self, rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
        if rng.random() < self.photograph_share:
            return self.photographs.crop(rng, side)
        return render_scene(rng, side, self.photographs if rng.random() < 0.5 else None).rgb


class DistillationTask(Task):
    """Student tower and auxiliary heads against the maps of a standardised `teacher` on their device."""

    name = "vision"

    def __init__(
        self,
        recipe: EncoderRecipe,
        tower: nn.Module,
        heads: distillation.DistillationHeads,
        teacher: DenseTeacher,
        photographs: Path,
    ) -> None:
        self.recipe, self.teacher, self.tower = recipe, teacher, tower
        stage = recipe.vision
        pictures = Pictures(Photographs(photographs), stage.sides, stage.pixels, stage.photograph_share)
        self.modules = {"tower": tower, "heads": heads}
        self.held_out = held_out_pictures(photographs, stage.held_out)
        self.config = config_of(stage)
        self._maker = SeededMaker(pictures)

    def maker(self) -> Maker:
        """How batches are made."""
        return self._maker

    def loss(self, batch: Any, step: int) -> tuple[Tensor, dict[str, float]]:
        """Losses of values and of distances, and the unexplained variance of each teacher map."""
        seed, number = self.recipe.options.seed, processes.batch_number(step)
        pixels = varied_pixels(
            torch.from_numpy(batch), seeded_generator(seed, number, self.device, "vision: variation")
        )
        generator = seeded_generator(seed, number, stream="vision: relations")
        with self.mixed_precision():
            targets = self.teacher(pixels)
            maps = feature_maps(self.tower, pixels)
            predicted = self.modules["heads"](maps)
        total, shares = distillation.value_loss(predicted, targets)
        stacked = distillation.relation_targets(targets, self.teacher.strides)
        relation = distillation.relation_losses(maps, stacked, self.recipe.vision.relation_samples, generator)
        numbers = {**shares, "relation": float(relation.detach()), "pictures": len(batch)}
        return total + self.recipe.vision.relation_weight * relation, numbers

    def validate(self) -> Validation:
        """Unexplained variance of each teacher map, on held-out photographs and on scenes of unused seeds."""
        result: dict[str, float] = {}
        for kind, pictures in self.held_out.items():
            sums: dict[str, float] = {}
            for start in range(0, len(pictures), 20):
                pixels = normalise(torch.from_numpy(pictures[start : start + 20]), self.device)
                with self.mixed_precision():
                    predicted = self.modules["heads"](feature_maps(self.tower, pixels))
                    targets = self.teacher(pixels)
                for name, share in distillation.value_loss(predicted, targets)[1].items():
                    sums[name] = sums.get(name, 0.0) + share * len(pixels) / len(pictures)
            result.update({f"{kind}/{name}": round(value, 4) for name, value in sums.items()})
        return Validation(result)


def standardise(teacher: DenseTeacher, stage: VisionStage, photographs: Path, seed: int, out: Path) -> None:
    """Give a teacher the statistics in the run folder `out`; they are measured where they are missing."""
    path, device = out / STATISTICS, teacher.device
    if not path.is_file():
        pictures = Pictures(Photographs(photographs), stage.sides, stage.pixels, stage.photograph_share)
        rngs = [np.random.default_rng((seed, 7, k)) for k in range(STATISTICS_BATCHES)]
        teacher.measure(normalise(torch.from_numpy(pictures(rng)), device) for rng in rngs)
        teacher.save(path)
    teacher.load(path, device)


def held_out_pictures(photographs: Path, count: int, side: int = 224) -> dict[str, NDArray[np.uint8]]:
    """Fixed crops of photographs that training never sees, and fixed scenes: {kind: (N, side, side, 3)}."""
    unseen = Photographs(photographs, held_out=True)
    rng = np.random.default_rng(HELD_OUT_SEED)
    return {
        "photographs": np.stack([unseen.crop(rng, side) for _ in range(count)]),
        "scenes": np.stack([render_scene(rng, side).rgb for _ in range(count)]),
    }
