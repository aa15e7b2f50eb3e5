"""A `transformers` checkpoint as an `Encoder`: a vision tower, convolutional or ViT, and an optional text tower.

In: framed images and sentences. Out: numpy features. Each image is a pass of its own: on a CPU as fast as a batch, and
features cannot depend on batch mates, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Features, Images
from specsight.encoders.placement import JOINT, Placement, measure, pooling_weights
from specsight.encoders.probing import middle_layers
from specsight.encoders.text_tower import TextTower
from specsight.encoders.towers import ConvolutionalTower, TokenTower, Towers, patches_of
from specsight.encoders.vision_tower import VisionTower, array
from specsight.images.cells import Region

TOGETHER = 64
"""Sentences read in one pass."""


class PretrainedEncoder(Encoder):
    """A checkpoint as an encoder; it reads where `towers` has a text tower. Layers: see `probing`."""

    towers: Towers
    runtime = "torch"
    runtime_version = torch.__version__

    def __init__(
        self, name: str, fingerprint: str, model: Any, vision: VisionTower, text: TextTower | None = None
    ) -> None:
        """`model` holds the two towers; `fingerprint` is that of its weights and configuration."""
        self.name = name
        self.fingerprint = fingerprint
        self.vision = vision
        self.text = text
        self.towers = Towers(vision, text, model)
        self.available = tuple(tap.layer for tap in vision.taps)
        self.default_layers = middle_layers(self.available)
        self.multiple = vision.stride
        self.reads = text is not None
        self.padding_counts = isinstance(vision, TokenTower)
        self.device = str(vision.device)

    @cached_property
    def placements(self) -> Mapping[str, Placement]:
        """See `Encoder.placements`. A ViT's tokens are patches side by side: there is nothing to measure."""
        if not isinstance(self.vision, TokenTower):
            return measure(self.all_grids, self.multiple)
        side = float(self.vision.stride)
        names = [layer.name for layer in self.available] + [JOINT] * self.reads
        return dict.fromkeys(names, Placement((side, side), (0.0, 0.0)))

    def layers(self, images: Images, which: Sequence[str] | None = None) -> list[Features]:
        """Dense features (B, D, h, w) of framed images (B, H, W, 3), one per name in `which`."""
        names = [self.layer(name).name for name in (self.default_layers if which is None else which)]
        self.check_images(images)
        vision = self.vision
        taps = [tap for tap in vision.taps if tap.layer.name in names]
        grids: dict[str, list[Features]] = {name: [] for name in names}
        for image in np.split(images, len(images)):
            with torch.inference_mode():
                outputs = vision.outputs(vision.pixels(image), taps)
            for tap in taps:
                stride = tap.layer.stride
                size = (image.shape[1] // stride, image.shape[2] // stride)
                grids[tap.layer.name].append(_grid(outputs[tap.layer.name], size))
        return [np.concatenate(grids[name]) for name in names]

    def embed_images(self, images: Images, inside: Region | None = None) -> Features:
        """Pooled embeddings (B, D), unit length, in the joint space; where the encoder does not read, the class token
        behind the last normalisation (ViT) or the mean of the last feature map.

        Of a CNN, cells count by the share of them that lies `inside`; a ViT sees padding, whatever is said of it.
        """
        embed = self.vision.joint if self.reads else self.vision.pooled
        if inside is None or self.padding_counts:
            return self._each(images, embed)
        deepest = self.placements[JOINT if self.reads else self.available[-1].name]
        size = (images.shape[1], images.shape[2])

        def weigh(grid: torch.Tensor) -> torch.Tensor:
            cells = deepest.cells((grid.shape[2], grid.shape[3]))
            return torch.from_numpy(pooling_weights(cells, size, inside)).to(grid.device)

        return self._each(images, partial(embed, weigh=weigh))

    def embed_patches(self, images: Images) -> Features:
        """Patch embeddings (B, D, h, w), unit length, in the joint space (see `towers`).

        Raises SpecsightError where the encoder does not read, and for a ViT of a single block.
        """
        if not self.reads:
            raise self.no_text_tower()
        return self._each(images, self.vision.joint_patches)

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Sentence embeddings (N, D), unit length; longer sentences are cut at the model's own length.

        Sentences of like length are read together: padding is most of the work otherwise.
        """
        text = self.text
        if text is None:
            raise self.no_text_tower()
        if not texts:
            return np.zeros((0, text.width), np.float32)
        if len(texts) <= TOGETHER:
            return _read(text, texts)
        order = np.argsort(text.lengths(texts), kind="stable")
        embedded = np.empty((len(texts), text.width), np.float32)
        for begin in range(0, len(order), TOGETHER):
            batch = order[begin : begin + TOGETHER]
            embedded[batch] = _read(text, [texts[int(k)] for k in batch])
        return embedded

    def all_grids(self, images: Images) -> dict[str, Features]:
        """See `Encoder.all_grids`; of a CNN, one pass yields them all."""
        if not self.reads or not isinstance(self.vision, ConvolutionalTower):
            return super().all_grids(images)
        self.check_images(images)
        with torch.inference_mode():
            layers, patches = self.vision.all_grids(self.vision.pixels(images))
            return {name: array(grid) for name, grid in {**layers, JOINT: patches}.items()}

    def misread(self, texts: Sequence[str]) -> dict[str, str]:
        """Of `texts`, those that hold signs without a token, or are cut → why."""
        return {} if self.text is None else self.text.misread(texts)

    def _each(self, images: Images, embed: Callable[[torch.Tensor], torch.Tensor]) -> Features:
        """What `embed` makes of the pixels of each image, one below the other."""
        self.check_images(images)
        with torch.inference_mode():
            embedded = [array(embed(self.vision.pixels(image))) for image in np.split(images, len(images))]
        return np.concatenate(embedded)


def _read(text: TextTower, texts: Sequence[str]) -> Features:
    with torch.inference_mode():
        return array(text.read(text.tokens(texts)))


def _grid(output: torch.Tensor, size: tuple[int, int]) -> Features:
    """A tapped output as (B, D, h, w): tokens in front of the patches (class, registers) are dropped."""
    if output.ndim == 3:
        patches = patches_of(output, size).transpose(1, 2)
        output = patches.reshape(len(patches), -1, *size)
    return array(output)
