"""Linear adapters: one map per layer of a frozen encoder into its joint space, where patches meet sentences.

In: views and the weights that `adapter_training` has trained. Out: for every type of defect, a map of how likely
patches show it, mean over the layers, and the same for the whole picture. APRIL-GAN and MultiADS judge so; they differ
in which classes compete.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View
from specsight.detectors.cross_set.references import References, finest, unit
from specsight.detectors.parameters import layer_names, parameter
from specsight.detectors.saving import State
from specsight.detectors.text import (
    IMAGE,
    judgement_of_types,
    judgement_without_types,
)
from specsight.encoders import JOINT, Encoder, Features
from specsight.features import grids
from specsight.images import Cells, Frame
from specsight.records import Judgement

LAYERS = 4
"""Layers that get an adapter, spread over a transformer's depth (6, 12, 18, 24 of 24), or a CNN's deepest strides."""
STARTS = ("joint", "random")
"""How adapters may start, see the methods' parameter."""


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


def temperature_parameter() -> float:
    """Declare the temperature of methods with adapters."""
    return parameter(
        0.01,
        "Divides cosines between pictures and sentences: the papers' logit scale of 100.",
        low=1e-3,
        high=10,
    )


def layers_parameter() -> tuple[str, ...] | None:
    """Declare which layers get an adapter."""
    return layer_names("Layers that get an adapter; None: four over the encoder's depth.")


def start_parameter() -> str:
    """Declare where adapters start."""
    return parameter(
        "joint",
        "Adapters before training: joint (they predict the encoder's own joint patches) or random.",
        choices=STARTS,
    )


def judge(
    view: View, weights: State, scorer: TypeScorer, references: References | None, sigma: float
) -> Judgement:
    """Judge a view by adapted patches: how likely they show each type, mean over the layers.

    The score is how likely the whole picture shows a defect. With `references` (good pictures), the distance to their
    nearest patches is added to every map, and the score is its mean with the largest map value over (1 + the largest
    distance between good pictures). `sigma` smooths the maps, in pixels of the framed picture.
    """
    if not scorer.types:
        return judgement_without_types(view.frame)
    cells = finest(view, view.cells)
    maps = _maps(view, weights, scorer, cells)
    combined = scorer.combined(maps)
    score = float(scorer.combined(scorer.probabilities(view.features[IMAGE])).max())
    if references is not None:
        away, _ = references.distances(view)
        maps, combined = maps + away, combined + away
        largest = float(combined.max())
        score = (score + largest / (1 + references.largest)) / 2
    return judgement_of_types(score, maps, scorer.types, cells, view.frame, sigma, combined=combined)


def adapter_layers(encoder: Encoder, names: tuple[str, ...] | None) -> list[str]:
    """Return the layers that get an adapter: the given ones, checked, or `spread_layers`."""
    return spread_layers(encoder) if names is None else [encoder.layer(name).name for name in names]


def judging_features(
    encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame, layers: Sequence[str]
) -> dict[str, Features]:
    """Encode framed pixels (1, H, W, 3) for judging: patches of every layer and the pooled embedding."""
    pooled = encoder.embed_images(pixels, frame.region)[0][:, None, None]
    return {**_patches(encoder, pixels, layers), IMAGE: pooled}


def training_features(
    encoder: Encoder, pixels: NDArray[np.uint8], layers: Sequence[str], start: str
) -> dict[str, Features]:
    """Encode framed pixels for training: patches of every layer and, for a joint start, the encoder's joint patches."""
    patches = _patches(encoder, pixels, layers)
    return {**patches, JOINT: encoder.embed_patches(pixels)[0]} if start == "joint" else patches


def _patches(encoder: Encoder, pixels: NDArray[np.uint8], layers: Sequence[str]) -> dict[str, Features]:
    return {name: grid[0] for name, grid in zip(layers, encoder.layers(pixels, layers))}


def _maps(view: View, weights: State, scorer: TypeScorer, cells: Cells) -> Features:
    """Probabilities (K, h, w) of every type on `cells`, mean over the layers."""
    maps = []
    for name, own in view.cells.items():
        likely = scorer.probabilities(adapted(weights, name, view.features[name]))
        maps.append(grids.resampled(likely, own, cells))
    return np.asarray(np.mean(maps, axis=0), np.float32)


def spread_layers(encoder: Encoder) -> list[str]:
    """At most four layers: quarters of a transformer's depth, or the deepest strides of a CNN."""
    blocks = [layer.name for layer in encoder.available if layer.name.startswith("block")]
    if not blocks:
        return [layer.name for layer in encoder.available][-LAYERS:]
    return list(dict.fromkeys(blocks[-(-len(blocks) * k // LAYERS) - 1] for k in range(1, LAYERS + 1)))


def adapted(weights: State, layer: str, patches: Features) -> Features:
    """Patches (D, h, w) of a layer in the joint space, (D', h, w), unit length."""
    weight, bias = weights[f"{layer}/weight"], weights[f"{layer}/bias"]
    joint = weight @ patches.reshape(len(patches), -1) + bias[:, None]
    return unit(np.asarray(joint, np.float32).reshape(len(joint), *patches.shape[1:]))
