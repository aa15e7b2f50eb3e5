"""Linear adapters: one map per layer of a frozen encoder into its joint space, where patches meet sentences.

In: examples with typed masks to train on; then views. Out: for every type of defect, a map of how likely patches show
it, mean over the layers, and the same for the whole picture. What APRIL-GAN and MultiADS have in common; they differ in
which classes compete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View
from specsight.detectors.cross_set.detector import CrossSetTask
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.references import References, unit
from specsight.detectors.saving import State
from specsight.detectors.text import (
    IMAGE,
    inside_picture,
    judgement_of_types,
    judgement_without_types,
    over_frame,
)
from specsight.encoders import Encoder, Features
from specsight.errors import require
from specsight.features import grids
from specsight.learning.losses import class_targets, focal_dice
from specsight.learning.task import Validation
from specsight.records import Judgement
from specsight.specification.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

JOINT = "joint"
LAYERS = 4
"""Layers that get an adapter, spread over a transformer's depth (6, 12, 18, 24 of 24), or a CNN's deepest strides."""
RIDGE = 0.01
"""Of the mean variance of a layer's channels, added to each when adapters start from a regression."""
STARTS = ("joint", "random")


@dataclass(frozen=True)
class Classes:
    """Classes of a product's patches: unit `anchors` (K + 1, D), "good" first, then `types`."""

    types: tuple[str | None, ...]
    anchors: Features


class TypeScorer(Protocol):
    """How likely patches in the joint space show each type of defect."""

    @property
    def types(self) -> tuple[str | None, ...]:
        """Types in the order of their maps; None stands for damage of no particular kind."""
        ...

    def probabilities(self, joint: Features) -> Features:
        """Return how likely each of unit vectors (D, ...) shows each type, (K, ...) in [0, 1]."""
        ...

    def combined(self, probabilities: Features) -> Features:
        """Return how likely any type is shown, (...), from the probabilities (K, ...)."""
        ...


@dataclass(frozen=True)
class AdapterSettings:
    """How adapters are trained; see the parameters of the methods."""

    name: str
    """Of the method."""
    batch: int
    temperature: float
    seed: int


def judge(
    view: View, weights: State, scorer: TypeScorer, references: References | None, sigma: float
) -> Judgement:
    """Judge a view by adapted patches: how likely they show each type, mean over the layers.

    The score is how likely the whole picture shows a defect. With `references` (good pictures), the distance to their
    nearest patches is added to every map, and the score is its mean with the largest map value over (1 + the largest
    distance between good pictures). `sigma` smooths the maps, in pixels of the framed picture.
    """
    size = max((g.shape[1], g.shape[2]) for name, g in view.features.items() if name != IMAGE)
    if not scorer.types:
        return judgement_without_types(view.frame)
    maps = _maps(view, weights, scorer, size)
    combined = scorer.combined(maps)
    score = float(scorer.combined(scorer.probabilities(view.features[IMAGE])).max())
    if references is not None:
        away = references.distances(view)
        maps, combined = maps + away, combined + away
        largest = float(combined[inside_picture(view.frame, size)].max())
        score = (score + largest / (1 + references.largest)) / 2
    return judgement_of_types(score, maps, scorer.types, view.frame, sigma, combined=combined)


def adapter_layers(encoder: Encoder, names: tuple[str, ...] | None) -> list[str]:
    """Return the layers that get an adapter: the given ones, checked, or `spread_layers`."""
    return spread_layers(encoder) if names is None else [encoder.layer(name).name for name in names]


def see(encoder: Encoder, pixels: NDArray[np.uint8], layers: Sequence[str]) -> dict[str, Features]:
    """Encode framed pixels (1, H, W, 3) for judging: patches of every layer and the pooled embedding."""
    return {**_patches(encoder, pixels, layers), IMAGE: encoder.embed_images(pixels)[0][:, None, None]}


def see_for_training(
    encoder: Encoder, pixels: NDArray[np.uint8], layers: Sequence[str], start: str
) -> dict[str, Features]:
    """Encode framed pixels for training: patches of every layer and, for a joint start, the encoder's joint patches."""
    patches = _patches(encoder, pixels, layers)
    return {**patches, JOINT: encoder.embed_patches(pixels)[0]} if start == "joint" else patches


def _patches(encoder: Encoder, pixels: NDArray[np.uint8], layers: Sequence[str]) -> dict[str, Features]:
    return {name: grid[0] for name, grid in zip(layers, encoder.layers(pixels, layers))}


def _maps(view: View, weights: State, scorer: TypeScorer, size: tuple[int, int]) -> Features:
    """Probabilities (K, h, w) of every type on the finest layer's grid, mean over the layers."""
    maps = []
    for name, patches in view.features.items():
        if name != IMAGE:
            grid = (patches.shape[1], patches.shape[2])
            cells = inside_picture(view.frame, grid)
            joint = adapted(weights, name, patches[:, cells[0], cells[1]])
            likely = over_frame(scorer.probabilities(joint), cells, grid)
            maps.append(grids.resized(likely, size))
    return np.asarray(np.mean(maps, axis=0), np.float32)


def adapter_task(
    settings: AdapterSettings,
    examples: Sequence[FrozenExample],
    classes: Sequence[Classes],
    layers: Sequence[str],
    start: str,
) -> AdapterTask:
    """Make the training of one adapter per layer; `classes` are those of each example's patches."""
    classified = [ClassifiedExample(example, its) for example, its in zip(examples, classes)]
    training = [example for example in examples if not example.held_out]
    initial = {} if start == "random" else {name: joint_start(training, name) for name in layers}
    return AdapterTask(settings, classified, layers, initial)


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
        self._held = [e for e in examples if e.example.held_out]
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
        """Of a batch of pictures drawn without repetition."""
        import torch

        drawn = torch.randperm(len(self._training), generator=generator)[: self._batch].tolist()
        return torch.stack([self._of(self._training[k]) for k in drawn]).mean(), {}

    def validate(self) -> Validation:
        """The same loss over all held-out pictures."""
        loss = sum(float(self._of(labelled)) for labelled in self._held) / len(self._held)
        return Validation({"loss": loss}, loss)

    def weights(self) -> State:
        """Weight (D', D) and bias (D',) by layer."""
        return {
            f"{name}/{part}": getattr(layer, part).detach().numpy().copy()
            for name, layer in self.adapters.items()
            for part in ("weight", "bias")
        }

    def _of(self, labelled: ClassifiedExample) -> torch.Tensor:
        """Loss of one picture: logits are brought to the cells of its masks; padding does not count."""
        import torch

        example, targets = labelled.example, self.placed(labelled.targets())
        anchors = self.placed(labelled.classes.anchors)
        losses = []
        for name, layer in self.adapters.items():
            patches = self.placed(example.halves[name]).float()
            logits = cosines(patches.flatten(1), layer.weight, layer.bias, anchors) / self._temperature
            coarse = logits.view(1, len(anchors), *patches.shape[1:])
            fine = torch.nn.functional.interpolate(coarse, size=example.grid, mode="bilinear")[0]
            losses.append(focal_dice(fine[:, example.cells[0], example.cells[1]], targets))
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


def spread_layers(encoder: Encoder) -> list[str]:
    """At most four layers: quarters of a transformer's depth, or the deepest strides of a CNN."""
    blocks = [layer.name for layer in encoder.available if layer.name.startswith("block")]
    if not blocks:
        return [layer.name for layer in encoder.available][-LAYERS:]
    return list(dict.fromkeys(blocks[-(-len(blocks) * k // LAYERS) - 1] for k in range(1, LAYERS + 1)))


def joint_start(examples: Sequence[FrozenExample], layer: str) -> tuple[Features, Features]:
    """Weight (D', D) and bias (D',) of the ridge regression of the encoder's joint patches (D') on the patches (D) of
    a layer at the same place, over all examples."""
    width, joint_width = (examples[0].halves[name].shape[0] for name in (layer, JOINT))
    count, sum_x, sum_y = 0, np.zeros(width), np.zeros(joint_width)
    square, cross = np.zeros((width, width)), np.zeros((width, joint_width))
    for example in examples:
        joint = example.features(JOINT)
        y = grids.vectors(joint).astype(np.float64)
        x = grids.vectors(grids.resized(example.features(layer), (joint.shape[1], joint.shape[2])))
        x = x.astype(np.float64)
        count, sum_x, sum_y = count + len(x), sum_x + x.sum(0), sum_y + y.sum(0)
        square += x.T @ x
        cross += x.T @ y
    mean_x, mean_y = sum_x / count, sum_y / count
    covariance = square / count - np.outer(mean_x, mean_x)
    ridge = RIDGE * float(np.trace(covariance)) / width + np.finfo(np.float32).tiny
    weight = np.linalg.solve(covariance + ridge * np.eye(width), cross / count - np.outer(mean_x, mean_y)).T
    return np.asarray(weight, np.float32), np.asarray(mean_y - weight @ mean_x, np.float32)


def adapted(weights: State, layer: str, patches: Features) -> Features:
    """Patches (D, h, w) of a layer in the joint space, (D', h, w), unit length."""
    weight, bias = weights[f"{layer}/weight"], weights[f"{layer}/bias"]
    joint = weight @ patches.reshape(len(patches), -1) + bias[:, None]
    return unit(np.asarray(joint, np.float32).reshape(len(joint), *patches.shape[1:]))
