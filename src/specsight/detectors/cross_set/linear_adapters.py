"""Linear adapters: one map per layer of a frozen encoder into its joint space, where patches meet sentences.

In: examples with typed masks to train on; then views. Out: for every type of defect, a map of how likely patches show
it, mean over the layers, and the same for the whole picture. What APRIL-GAN and MultiADS have in common; they differ in
which classes compete.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import State, View
from specsight.detectors.cross_set.detector import CrossSetDetector, CrossSetTask
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.references import unit
from specsight.detectors.parameters import layer_names, parameter
from specsight.detectors.text_detector import IMAGE, TypeMaps, framed, shown
from specsight.encoders import Encoder, Features
from specsight.errors import require
from specsight.features import grids
from specsight.learning.losses import class_targets, focal_dice
from specsight.learning.task import Validation
from specsight.prompts.anchors import PhraseBook
from specsight.records import Judgement
from specsight.specification import Instruction, Specification
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
    """What the patches of a product are told apart into: unit `anchors` (K + 1, D), "good" first, then `types`."""

    types: tuple[str | None, ...]
    anchors: Features


class Asked(Protocol):
    """Types in the order of their maps; None stands for damage of no particular kind."""

    @property
    def types(self) -> tuple[str | None, ...]: ...


Words = TypeVar("Words", bound=Asked)


@dataclass
class LinearAdapters(CrossSetDetector, Generic[Words]):
    """Base of the methods with linear adapters, which look for `Words`."""

    temperature: float = parameter(
        0.01,
        "Divides cosines between pictures and sentences: the papers' logit scale of 100.",
        low=1e-3,
        high=10,
    )
    layers: tuple[str, ...] | None = layer_names(
        "Layers that get an adapter; None: four over the encoder's depth."
    )
    start: str = parameter(
        "joint",
        "Adapters before training: joint (they predict the encoder's own joint patches) or random.",
        choices=STARTS,
    )

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map of a type: how likely patches show it, mean over the layers; with good pictures, the distance to their
        nearest patches is added to every map. The score is how likely the whole picture shows a defect; with good
        pictures, its mean with the largest map value over (1 + the largest distance between good pictures)."""
        asked = self._asked(*self._known_words(), instruction)
        size = max((g.shape[1], g.shape[2]) for name, g in view.features.items() if name != IMAGE)
        if not asked.types:
            return self._judgement(0.0, np.zeros((0, *size), np.float32), (), view)
        maps = self._maps(view, asked, size)
        together = self._together(maps)
        score = float(self._together(self._probabilities(asked, view.features[IMAGE])).max())
        if self.references_ is not None:
            away = self.references_.distances(view)
            maps, together = maps + away, together + away
            largest = float(together[shown(view.frame, size)].max())
            score = (score + largest / (1 + self.references_.largest)) / 2
        named = {name: maps[k] for k, name in enumerate(asked.types) if name is not None}
        drawn = grids.on_picture(together, view.frame, self.sigma)
        return Judgement(score, drawn, TypeMaps(named, view.frame, self.sigma))

    @abstractmethod
    def _asked(
        self, book: PhraseBook, specification: Specification, instruction: Instruction | None
    ) -> Words:
        """What is to be looked for."""

    @abstractmethod
    def _probabilities(self, asked: Words, seen: Features) -> Features:
        """How likely each of unit vectors (D, ...) shows each type, (K, ...) in [0, 1]."""

    @abstractmethod
    def _together(self, probabilities: Features) -> Features:
        """How likely any type is shown, from (K, ...): (...)."""

    @abstractmethod
    def _classes(self, examples: Sequence[FrozenExample]) -> list[Classes]:
        """What each example's patches are told apart into."""

    def _maps(self, view: View, asked: Words, size: tuple[int, int]) -> Features:
        """Probabilities (K, h, w) of every type on the finest layer's grid, mean over the layers."""
        maps = []
        for name, patches in view.features.items():
            if name != IMAGE:
                grid = (patches.shape[1], patches.shape[2])
                cells = shown(view.frame, grid)
                joint = adapted(self.weights_, name, patches[:, cells[0], cells[1]])
                likely = framed(self._probabilities(asked, joint), cells, grid)
                maps.append(grids.resized(likely, size))
        return np.asarray(np.mean(maps, axis=0), np.float32)

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        if self.layers is not None:
            return [encoder.layer(name).name for name in self.layers]
        return spread_layers(encoder)

    def _see(self, encoder: Encoder, pixels: NDArray[np.uint8]) -> Mapping[str, Features]:
        names = self._layers(encoder)
        layers = {name: grid[0] for name, grid in zip(names, encoder.layers(pixels, names))}
        return {**layers, IMAGE: encoder.embed_images(pixels)[0][:, None, None]}

    def _see_for_training(self, encoder: Encoder, pixels: NDArray[np.uint8]) -> Mapping[str, Features]:
        names = self._layers(encoder)
        layers = {name: grid[0] for name, grid in zip(names, encoder.layers(pixels, names))}
        if self.start == "random":
            return layers
        # Adapters start from the encoder's own joint patches; judging does without that pass.
        return {**layers, JOINT: encoder.embed_patches(pixels)[0]}

    def _task(self, examples: Sequence[FrozenExample]) -> CrossSetTask:
        exercises = [
            Exercise(example, classes) for example, classes in zip(examples, self._classes(examples))
        ]
        layers = self._layers(self.get_encoder())
        own = [example for example in examples if not example.held_out]
        start = {} if self.start == "random" else {name: joint_start(own, name) for name in layers}
        return AdapterTask(self, exercises, layers, start)


@dataclass(frozen=True)
class Exercise:
    """An example and what its patches are told apart into."""

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
        method: LinearAdapters[Any],
        exercises: Sequence[Exercise],
        layers: Sequence[str],
        start: Mapping[str, tuple[Features, Features]],
    ) -> None:
        torch = require("torch", "models")
        self.name = f"{method.name}: adapters"
        self._own = [e for e in exercises if not e.example.held_out]
        self._held = [e for e in exercises if e.example.held_out]
        self._batch, self._temperature = method.batch, method.temperature
        width = exercises[0].classes.anchors.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(method.seed)
            self.adapters = torch.nn.ModuleDict(
                {name: torch.nn.Linear(exercises[0].example.halves[name].shape[0], width) for name in layers}
            )
        with torch.no_grad():
            for name, (weight, bias) in start.items():
                self.adapters[name].weight.copy_(torch.from_numpy(weight))
                self.adapters[name].bias.copy_(torch.from_numpy(bias))
        self.modules = {"adapters": self.adapters}

    def loss(self, generator: torch.Generator, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        """Of a batch of pictures drawn without repetition."""
        import torch

        drawn = torch.randperm(len(self._own), generator=generator)[: self._batch].tolist()
        return torch.stack([self._of(self._own[k]) for k in drawn]).mean(), {}

    def validate(self) -> Validation:
        """The same loss over all held-out pictures."""
        loss = sum(float(self._of(exercise)) for exercise in self._held) / len(self._held)
        return Validation({"loss": loss}, loss)

    def weights(self) -> State:
        """Weight (D', D) and bias (D',) by layer."""
        return {
            f"{name}/{part}": getattr(layer, part).detach().numpy().copy()
            for name, layer in self.adapters.items()
            for part in ("weight", "bias")
        }

    def _of(self, exercise: Exercise) -> torch.Tensor:
        """Loss of one picture: logits are brought to the cells of its masks; padding does not count."""
        import torch

        example, targets = exercise.example, exercise.targets()
        anchors = torch.from_numpy(exercise.classes.anchors)
        losses = []
        for name, layer in self.adapters.items():
            patches = torch.from_numpy(example.halves[name]).float()
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
