"""An encoder cut before its last block: pixels → input of that block, once and frozen; from there on, differentiable.

In: an encoder that reads. Out: its trunk (pictures → arrays that a view keeps) and its tail (those arrays → patch and
picture embeddings in the joint space), a torch module of its own: training it leaves the encoder as it is. Grad-CAM
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
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import Self

from specsight.encoders.cache import CachedEncoder
from specsight.encoders.contract import Encoder, Features
from specsight.encoders.dual import DualEncoder
from specsight.encoders.joint import JointEncoder, _attend_to_self
from specsight.encoders.pretrained import _Reached, array


class Seen(NamedTuple):
    """What a tail sees."""

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
    def forward(self, grid: Tensor, front: Tensor) -> Seen:
        """(B, C, h, w) and the tokens beside the grid, (B, C, k), as the trunk gave them."""

    def train(self, mode: bool = True) -> Self:
        return super().train(False)


Trunk = Callable[[NDArray[np.uint8]], tuple[Features, Features]]
"""Framed pictures (B, H, W, 3) → grid (B, C, h, w) and tokens beside it (B, C, k); k = 0 without class token."""


@dataclass(frozen=True)
class Split:
    """An encoder in two pieces."""

    trunk: Trunk
    tail: Tail


def split(encoder: Encoder) -> Split:
    """`encoder` before and behind its last block.

    An encoder of which nothing but embeddings is known is cut behind its patches: its tail is their mean.
    """
    if isinstance(encoder, CachedEncoder):
        return _split_cached(encoder)
    if isinstance(encoder, DualEncoder):
        return _split_convolutional(encoder)
    if isinstance(encoder, JointEncoder) and len(encoder._taps) > 2:
        return _split_tokens(encoder)
    return Split(lambda pictures: (encoder.embed_patches(pictures), _nothing(pictures, 1)), PatchMean())


class PatchMean(Tail):
    """Patches as they are, and their mean."""

    def forward(self, grid: Tensor, front: Tensor) -> Seen:
        """`grid` holds patch embeddings (B, D, h, w)."""
        return Seen(grid, functional.normalize(grid.mean((2, 3)), dim=1), grid)


class Passed(Tail):
    """What another tail has seen, passed on: `front` is the pooled embedding. For tails that do not train."""

    def forward(self, grid: Tensor, front: Tensor) -> Seen:
        """`grid` holds patch embeddings (B, D, h, w), `front` the pooled one (B, D, 1)."""
        return Seen(grid, front[:, :, 0], grid)


class ConvolutionalTail(Tail):
    """The last residual block (or stage) of a CNN, and the projection of its cells and of their mean."""

    def __init__(self, block: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.block, self.projection = block, projection

    def forward(self, grid: Tensor, front: Tensor) -> Seen:
        """`grid` is the block's input."""
        last = _first(self.block(grid))
        cells = self.projection(last.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        pooled = functional.normalize(cells.mean((2, 3)), dim=1)
        return Seen(functional.normalize(cells, dim=1), pooled, last)


class TokenTail(Tail):
    """The last block of a CLIP or SigLIP ViT, its last normalisation, its pooling and its projection."""

    def __init__(self, block: nn.Module, norm: nn.Module, head: nn.Module | None, projection: nn.Module):
        super().__init__()
        self.block, self.norm, self.head, self.projection = block, norm, head, projection

    def forward(self, grid: Tensor, front: Tensor) -> Seen:
        """`grid` and `front` are the input of the block's first normalisation."""
        patches = grid.flatten(2).transpose(1, 2)
        alone = self.norm(_attend_to_self(self.block, patches))
        tokens = torch.cat([front.transpose(1, 2), patches], 1)
        block: Any = self.block
        tokens = tokens + block.self_attn(hidden_states=block.layer_norm1(tokens))[0]
        tokens = tokens + block.mlp(block.layer_norm2(tokens))
        if self.head is None:
            pooled = self.norm(tokens[:, 0])
        else:
            pooled = self.head(self.norm(tokens))
            alone = self.head(alone.flatten(0, 1).unsqueeze(1)).view_as(alone)
        joint = functional.normalize(self.projection(alone), dim=-1).transpose(1, 2)
        seen = joint.reshape(len(grid), -1, *grid.shape[2:])
        return Seen(seen, functional.normalize(self.projection(pooled), dim=-1), grid)


def _split_cached(encoder: CachedEncoder) -> Split:
    inner = split(encoder._encoder)

    def trunk(pictures: NDArray[np.uint8]) -> tuple[Features, Features]:
        encoder.check_images(pictures)
        names = ["cut-grid", "cut-front"]
        found = [encoder._remembered(picture, names, lambda one: [*inner.trunk(one)]) for picture in pictures]
        return np.concatenate([grid for grid, _ in found]), np.concatenate([front for _, front in found])

    return Split(trunk, inner.tail)


def _split_convolutional(encoder: DualEncoder) -> Split:
    stage = encoder._taps[-1].module
    assert stage is not None
    block = _last_block(encoder, stage)

    def trunk(pictures: NDArray[np.uint8]) -> tuple[Features, Features]:
        encoder.check_images(pictures)
        with torch.inference_mode():
            inputs = [_input(encoder, picture, block) for picture in np.split(pictures, len(pictures))]
        grid = np.concatenate([array(entered) for entered in inputs])
        return grid, _nothing(pictures, grid.shape[1])

    return Split(trunk, _own(ConvolutionalTail(block, _projection(encoder))))


def _split_tokens(encoder: JointEncoder) -> Split:
    before, last = encoder._taps[-3], encoder._taps[-2].module
    assert last is not None

    def trunk(pictures: NDArray[np.uint8]) -> tuple[Features, Features]:
        encoder.check_images(pictures)
        with torch.inference_mode():
            runs = [
                encoder._run(encoder._pixels(picture), [before])[before.layer.name]
                for picture in np.split(pictures, len(pictures))
            ]
        tokens = array(torch.cat(runs).transpose(1, 2))
        rows, columns = (side // before.layer.stride for side in pictures.shape[1:3])
        beside = tokens.shape[2] - rows * columns
        grid = np.ascontiguousarray(tokens[:, :, beside:]).reshape(*tokens.shape[:2], rows, columns)
        return grid, np.ascontiguousarray(tokens[:, :, :beside])

    tower = encoder._tower
    tail = TokenTail(last, tower.post_layernorm, getattr(tower, "head", None), _projection(encoder))
    return Split(trunk, _own(tail))


def _last_block(encoder: DualEncoder, stage: nn.Module) -> nn.Module:
    """The last residual block of the last stage, where the stage's output is the block's; else the whole stage."""
    layers = getattr(stage, "layers", None)
    if not isinstance(layers, nn.Sequential | nn.ModuleList) or len(layers) < 2:
        return stage
    outputs: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda module, given, output: outputs.append(_first(output)))
        for module in (layers[-1], stage)
    ]
    try:
        with torch.inference_mode(), encoder._one_pass:
            side = encoder.multiple * 2
            encoder._tower(pixel_values=torch.zeros(1, 3, side, side), **encoder._options)
    finally:
        for handle in handles:
            handle.remove()
    return layers[-1] if len(outputs) == 2 and torch.equal(*outputs) else stage


def _input(encoder: DualEncoder, picture: NDArray[np.uint8], block: nn.Module) -> Tensor:
    """What enters `block` when the encoder sees one picture (1, H, W, 3)."""
    entered: list[Tensor] = []

    def catch(module: nn.Module, given: tuple[Any, ...]) -> None:
        entered.append(given[0])
        raise _Reached

    with encoder._one_pass:
        handle = block.register_forward_pre_hook(catch)
        try:
            encoder._tower(pixel_values=encoder._pixels(picture), **encoder._options)
        except _Reached:
            pass
        finally:
            handle.remove()
    return entered[0]


def _projection(encoder: JointEncoder) -> nn.Module:
    """CLIP and dual encoders project behind the tower; SigLIP's pooling head already ends in the joint space."""
    projection = getattr(encoder._model, "visual_projection", None)
    return nn.Identity() if projection is None else projection


def _own(tail: Tail) -> Tail:
    """A frozen copy with weights of its own."""
    return copy.deepcopy(tail).requires_grad_(False).eval()


def _nothing(pictures: NDArray[np.uint8], channels: int) -> Features:
    return np.zeros((len(pictures), channels, 0), np.float32)


def _first(output: Any) -> Tensor:
    result: Tensor = output[0] if isinstance(output, tuple) else output
    return result
