"""How linear adapters are trained: focal and Dice loss of every layer's adapter against masks by type.

In: examples with typed masks, the classes of each and the layers that get an adapter. Out: a task for the training
engine, whose weights `linear_adapters.judge` takes. The losses are those of APRIL-GAN (Chen et al., VAND 2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from specsight.detectors.cross_set.detector import CrossSetTask
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.saving import State
from specsight.encoders import JOINT, Features
from specsight.errors import require
from specsight.features import grids
from specsight.learning.losses import class_targets, focal_dice
from specsight.learning.task import Validation
from specsight.specification.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

RIDGE = 0.01
"""Of the mean variance of a layer's channels, added to each when adapters start from a regression."""


@dataclass(frozen=True)
class Classes:
    """Classes of a product's patches: unit `anchors` (K + 1, D), "good" first, then `types`."""

    types: tuple[str | None, ...]
    anchors: Features


@dataclass(frozen=True)
class AdapterSettings:
    """How adapters are trained; see the parameters of the methods."""

    name: str
    """Of the method."""
    batch: int
    temperature: float
    seed: int


def adapter_task(
    settings: AdapterSettings,
    examples: Sequence[FrozenExample],
    classes: Sequence[Classes],
    layers: Sequence[str],
    start: str,
) -> AdapterTask:
    """Make the training of one adapter per layer; `classes` are those of each example's patches."""
    pairs = [ClassifiedExample(example, of_example) for example, of_example in zip(examples, classes)]
    training = [example for example in examples if not example.held_out]
    initial = {} if start == "random" else {name: joint_start(training, name) for name in layers}
    return AdapterTask(settings, pairs, layers, initial)


@dataclass(frozen=True)
class ClassifiedExample:
    """An example and the classes of its patches."""

    example: FrozenExample
    classes: Classes

    def targets(self) -> torch.Tensor:
        """(K + 1, rows, columns) over the cells that show the picture."""
        import torch

        if self.classes.types == (None,):
            return class_targets(torch.from_numpy(self.example.damaged()[None]))
        # Products may spell a type differently: Scratch and scratch are one.
        named = Vocabulary([type_ for type_ in self.classes.types if type_])
        shares = []
        for type_ in self.classes.types:
            spellings = [name for name in self.example.masks if (name and named.spelling(name)) == type_]
            shares.append(np.maximum.reduce([self.example.covered(name) for name in (*spellings, type_)]))
        return class_targets(torch.from_numpy(np.stack(shares)))


class AdapterTask(CrossSetTask):
    """Focal and Dice loss of every layer's adapter, mean over layers and pictures."""

    def __init__(
        self,
        settings: AdapterSettings,
        examples: Sequence[ClassifiedExample],
        layers: Sequence[str],
        start: Mapping[str, tuple[Features, Features]],
    ) -> None:
        torch = require("torch", "models")
        self.name = f"{settings.name}: adapters"
        self._training = [e for e in examples if not e.example.held_out]
        self._held_out = [e for e in examples if e.example.held_out]
        self._batch, self._temperature = settings.batch, settings.temperature
        width = examples[0].classes.anchors.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.adapters = torch.nn.ModuleDict(
                {name: torch.nn.Linear(examples[0].example.halves[name].shape[0], width) for name in layers}
            )
        with torch.no_grad():
            for name, (weight, bias) in start.items():
                self.adapters[name].weight.copy_(torch.from_numpy(weight))
                self.adapters[name].bias.copy_(torch.from_numpy(bias))
        self.modules = {"adapters": self.adapters}

    def loss(self, generator: torch.Generator, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        """Return the mean loss of a batch of different pictures."""
        import torch

        batch = torch.randperm(len(self._training), generator=generator)[: self._batch].tolist()
        return torch.stack([self._picture_loss(self._training[k]) for k in batch]).mean(), {}

    def validate(self) -> Validation:
        """Return the mean loss of all held-out pictures."""
        loss = sum(float(self._picture_loss(classified)) for classified in self._held_out) / len(
            self._held_out
        )
        return Validation({"loss": loss}, loss)

    def weights(self) -> State:
        """Return weight (D', D) and bias (D',) by layer."""
        return {
            f"{name}/{part}": getattr(layer, part).detach().numpy().copy()
            for name, layer in self.adapters.items()
            for part in ("weight", "bias")
        }

    def _picture_loss(self, classified: ClassifiedExample) -> torch.Tensor:
        """Loss of one picture: logits are brought to the cells of its masks; padding does not count."""
        import torch

        example, targets = classified.example, self.placed(classified.targets())
        anchors = self.placed(classified.classes.anchors)
        losses = []
        for name, layer in self.adapters.items():
            patches = self.placed(example.halves[name]).float()
            logits = cosines(patches.flatten(1), layer.weight, layer.bias, anchors) / self._temperature
            down, across = (self.placed(weights) for weights in example.spread(name))
            fine = down @ logits.view(len(anchors), *patches.shape[1:]) @ across.T
            losses.append(focal_dice(fine, targets))
        return torch.stack(losses).mean()


def cosines(
    patches: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, anchors: torch.Tensor
) -> torch.Tensor:
    """Between W x + b of patches x (D, n) and unit anchors (C, D'): (C, n)."""
    import torch

    if weight.shape[1] >= weight.shape[0]:
        joint = torch.nn.functional.normalize(weight @ patches + bias[:, None], dim=0)
        return anchors @ joint
    # Fewer channels than the joint space has: |W x + b|² is a quadratic form in x, and W x is never written down
    # (24 channels, 5,632 patches: 3 ms, forth and back, in place of 58).
    square = (patches * (weight.T @ weight @ patches)).sum(0) + 2 * (bias @ weight) @ patches + bias @ bias
    dots = (anchors @ weight) @ patches + (anchors @ bias)[:, None]
    return dots / square.clamp(min=1e-12).sqrt()


def joint_start(examples: Sequence[FrozenExample], layer: str) -> tuple[Features, Features]:
    """Weight (D', D) and bias (D',) of the ridge regression of the encoder's joint patches (D') on the patches (D) of
    a layer at the same place, over all examples."""
    width, joint_width = (examples[0].halves[name].shape[0] for name in (layer, JOINT))
    count, sum_x, sum_y = 0, np.zeros(width), np.zeros(joint_width)
    square, cross = np.zeros((width, width)), np.zeros((width, joint_width))
    for example in examples:
        y = grids.vectors(example.features(JOINT)).astype(np.float64)
        placed = grids.resampled(example.features(layer), example.cells[layer], example.cells[JOINT])
        x = grids.vectors(placed).astype(np.float64)
        count, sum_x, sum_y = count + len(x), sum_x + x.sum(0), sum_y + y.sum(0)
        square += x.T @ x
        cross += x.T @ y
    mean_x, mean_y = sum_x / count, sum_y / count
    covariance = square / count - np.outer(mean_x, mean_x)
    ridge = RIDGE * float(np.trace(covariance)) / width + np.finfo(np.float32).tiny
    weight = np.linalg.solve(covariance + ridge * np.eye(width), cross / count - np.outer(mean_x, mean_y)).T
    return np.asarray(weight, np.float32), np.asarray(mean_y - weight @ mean_x, np.float32)
