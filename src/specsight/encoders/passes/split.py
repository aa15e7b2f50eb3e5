"""An encoder cut before its last block: images → input of that block, once and frozen; from there on, differentiable.

In: an encoder that reads. Out: its trunk (images → arrays that a view keeps) and its tail (those arrays → patch and
image embeddings in the joint space), a torch module of its own: training it leaves the encoder as it is. Grad-CAM
(Selvaraju et al., ICCV 2017) differentiates through the tail alone.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import Self

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Features, Images
from specsight.encoders.probing import first_output
from specsight.encoders.towers import (
    ConvolutionalTower,
    TokenTower,
    attend_to_self,
    mean_of_cells,
    pool,
    project_cells,
    project_patches,
)
from specsight.encoders.vision_tower import array

NAMES = ("cut-grid", "cut-prefix")
"""Under which an encoder remembers what a trunk returns."""


class TailOutput(NamedTuple):
    """What a tail makes of a batch."""

    patches: Tensor
    """(B, D, h, w), unit length, in the joint space."""
    pooled: Tensor
    """(B, D), unit length, in the joint space."""
    activations: Tensor
    """(B, C, h', w'): the grid that Grad-CAM weighs. The last feature map of a CNN; of a ViT the input of the last
    block, for behind it patches no longer act on the pooled embedding."""


class Tail(nn.Module, ABC):
    """The part of an encoder behind the cut. Always in evaluation mode: batch statistics stay those it came with."""

    @abstractmethod
    def forward(self, grid: Tensor, prefix: Tensor, weights: Tensor | None = None) -> TailOutput:
        """`grid` (B, C, h, w) and `prefix`, the tokens beside the grid, (B, C, k): as the trunk gave them.

        `weights` (B, 1, h', w'), each summing to one: what the patches count where the pooled embedding is their mean;
        None: all alike.
        """

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: statistics of the frozen part must not move."""
        return super().train(False)


Trunk = Callable[[Images], tuple[Features, Features]]
"""Framed images (B, H, W, 3) → grid (B, C, h, w) and tokens beside it (B, C, k); k = 0 without class token."""


@dataclass(frozen=True)
class Split:
    """An encoder in two pieces; the tail is on the CPU, with weights of its own."""

    trunk: Trunk
    tail: Tail


def split(encoder: Encoder) -> Split:
    """`encoder` before and behind its last block; of a CNN, its last residual block.

    An encoder without towers, and a ViT of a single block, are cut behind their patches: the tail is their mean. The
    trunk raises SpecsightError where the encoder does not read.
    """
    towers = encoder.towers
    if towers is not None and towers.joint_cells is not None:
        return _split_cells(encoder, towers.joint_cells)
    if towers is not None and towers.joint_tokens is not None and len(towers.joint_tokens.blocks) > 1:
        return _split_tokens(encoder, towers.joint_tokens)

    def cut(encoder: Encoder, images: Images) -> list[Features]:
        return [encoder.embed_patches(images), _no_prefix(images, 1)]

    return Split(_trunk(encoder, cut), PatchMean())


class PatchMean(Tail):
    """Patches as they are, and their mean."""

    def forward(self, grid: Tensor, prefix: Tensor, weights: Tensor | None = None) -> TailOutput:
        """`grid` holds patch embeddings (B, D, h, w)."""
        return TailOutput(grid, functional.normalize(mean_of_cells(grid, weights), dim=1), grid)


class IdentityTail(Tail):
    """Returns the output of another tail: for tails that do not train, whose output has been stored."""

    def forward(self, grid: Tensor, prefix: Tensor, weights: Tensor | None = None) -> TailOutput:
        """`grid` holds patch embeddings (B, D, h, w), `prefix` the pooled one (B, D, 1)."""
        return TailOutput(grid, prefix[:, :, 0], grid)


class ConvolutionalTail(Tail):
    """The last residual block (or stage) of a CNN, and the projection of its cells and of their mean."""

    def __init__(self, block: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.block, self.projection = block, projection

    def forward(self, grid: Tensor, prefix: Tensor, weights: Tensor | None = None) -> TailOutput:
        """`grid` is the block's input."""
        last = first_output(self.block(grid))
        cells = project_cells(self.projection, last)
        pooled = functional.normalize(mean_of_cells(cells, weights), dim=1)
        return TailOutput(functional.normalize(cells, dim=1), pooled, last)


class TokenTail(Tail):
    """The last block of a CLIP or SigLIP ViT, its last normalisation, its pooling and its projection."""

    def __init__(self, block: nn.Module, norm: nn.Module, head: nn.Module | None, projection: nn.Module):
        super().__init__()
        self.block, self.norm, self.head, self.projection = block, norm, head, projection

    def forward(self, grid: Tensor, prefix: Tensor, weights: Tensor | None = None) -> TailOutput:
        """`grid` and `prefix` are the block's input."""
        patches = grid.flatten(2).transpose(1, 2)
        alone = attend_to_self(self.block, patches)
        together = self._attend(torch.cat([prefix.transpose(1, 2), patches], 1))
        pooled = pool(self.norm, self.head, together)
        joint = project_patches(self.norm, self.head, self.projection, alone).transpose(1, 2)
        return TailOutput(
            joint.reshape(len(grid), -1, *grid.shape[2:]),
            functional.normalize(self.projection(pooled), dim=-1),
            grid,
        )

    def _attend(self, tokens: Tensor) -> Tensor:
        """The block as it is: every token attends to all."""
        block: Any = self.block
        tokens = tokens + block.self_attn(hidden_states=block.layer_norm1(tokens))[0]
        result: Tensor = tokens + block.mlp(block.layer_norm2(tokens))
        return result


def _trunk(encoder: Encoder, cut: Callable[[Encoder, Images], list[Features]]) -> Trunk:
    def trunk(images: Images) -> tuple[Features, Features]:
        encoder.check_images(images)
        grid, prefix = encoder.remember(images, NAMES, cut)
        return grid, prefix

    return trunk


def _split_cells(encoder: Encoder, tower: ConvolutionalTower) -> Split:
    block = _last_block(tower)

    def cut(encoder: Encoder, images: Images) -> list[Features]:
        with torch.inference_mode():
            inputs = [
                array(tower.entering(tower.pixels(image), block)) for image in np.split(images, len(images))
            ]
        grid = np.concatenate(inputs)
        return [grid, _no_prefix(images, grid.shape[1])]

    return Split(_trunk(encoder, cut), _frozen_copy(ConvolutionalTail(block, tower.projection)))


def _split_tokens(encoder: Encoder, tower: TokenTower) -> Split:
    before = tower.before_last

    def cut(encoder: Encoder, images: Images) -> list[Features]:
        with torch.inference_mode():
            inputs = [
                array(tower.outputs(tower.pixels(image), [before])[before.layer.name].transpose(1, 2))
                for image in np.split(images, len(images))
            ]
        tokens = np.concatenate(inputs)
        rows, columns = (side // before.layer.stride for side in images.shape[1:3])
        beside = tokens.shape[2] - rows * columns
        grid = np.ascontiguousarray(tokens[:, :, beside:]).reshape(*tokens.shape[:2], rows, columns)
        return [grid, np.ascontiguousarray(tokens[:, :, :beside])]

    tail = TokenTail(tower.blocks[-1], tower.norm, tower.head, tower.projection)
    return Split(_trunk(encoder, cut), _frozen_copy(tail))


def _last_block(tower: ConvolutionalTower) -> nn.Module:
    """The last residual block of the last stage, where the stage's output is the block's; else the whole stage."""
    stage = tower.taps[-1].module
    assert stage is not None
    layers = getattr(stage, "layers", None)
    if not isinstance(layers, nn.Sequential | nn.ModuleList) or len(layers) < 2:
        return stage
    side = tower.stride * 2
    with torch.inference_mode():
        (block, whole), _ = tower.watch(
            torch.zeros(1, 3, side, side, device=tower.device), [layers[-1], stage]
        )
    same = block is not None and whole is not None and torch.equal(block.output, whole.output)
    return layers[-1] if same else stage


def _frozen_copy(tail: Tail) -> Tail:
    """`tail` with weights of its own, on the CPU."""
    return copy.deepcopy(tail).cpu().requires_grad_(False).eval()


def _no_prefix(images: Images, channels: int) -> Features:
    return np.zeros((len(images), channels, 0), np.float32)
