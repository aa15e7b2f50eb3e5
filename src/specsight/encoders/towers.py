"""The networks of an encoder as public objects, so that passes can run any part of them: blocks, norms, projections.

In: vision towers of `transformers` models (CNN, ViT, DINO, CLIP, SigLIP, VisionTextDualEncoder). Out: `VisionTower`s
that bring images and patches into the joint space of an encoder that reads. Tensors are on the tower's device.

Patches of a CLIP-like ViT come into that space the way of MaskCLIP (Zhou et al., ECCV 2022): in the last block every
token attends to itself only, because there the attention of the original model gathers the whole image into each token.
Of a CNN every cell of the last feature map lies in it, and the image is the mean of its cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.encoders.preprocessing import Preprocessing
from specsight.encoders.probing import Tap, find_taps
from specsight.encoders.text_tower import TextTower
from specsight.encoders.vision_tower import VisionTower, Weigh, pass_options
from specsight.errors import SpecsightError


class ConvolutionalTower(VisionTower):
    """A CNN. In the joint space, its patches are the cells of the last feature map."""

    def pooled(self, pixels: Tensor, weigh: Weigh | None = None) -> Tensor:
        """The mean (B, C) of the model's last feature map."""
        grid: Tensor = self.run(pixels).last_hidden_state
        return mean_of_cells(grid, weigh and weigh(grid))

    def joint(self, pixels: Tensor, weigh: Weigh | None = None) -> Tensor:
        """The mean (B, D) of the cells, unit length."""
        grid = self.cells(pixels)
        return functional.normalize(mean_of_cells(grid, weigh and weigh(grid)), dim=1)

    def joint_patches(self, pixels: Tensor) -> Tensor:
        """The cells (B, D, h, w), unit length."""
        return functional.normalize(self.cells(pixels), dim=1)

    def cells(self, pixels: Tensor) -> Tensor:
        """The last feature map in the joint space, (B, D, h, w), of any length."""
        deepest = self.taps[-1]
        return project_cells(self.projection, self.outputs(pixels, [deepest])[deepest.layer.name])

    def all_grids(self, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """All layers by name, and `joint_patches`, of one pass."""
        found = self.outputs(pixels, self.taps)
        cells = project_cells(self.projection, found[self.taps[-1].layer.name])
        return found, functional.normalize(cells, dim=1)


class TokenTower(VisionTower):
    """A vision transformer. The joint space and what leads there (`norm`, `head`, `embed`, `encode`, `pool`) exist for
    the CLIP-like towers of encoders that read."""

    @property
    def blocks(self) -> tuple[Any, ...]:
        """The transformer's blocks, first to last."""
        return tuple(tap.module for tap in self.taps if tap.module is not None)

    @property
    def norm(self) -> Any:
        """The normalisation behind the last block."""
        return self.model.post_layernorm

    @property
    def head(self) -> Any:
        """SigLIP's attention-pooling head (B, n, C) → (B, C); None for CLIP, whose class token is the image."""
        return getattr(self.model, "head", None)

    @property
    def before_last(self) -> Tap:
        """The input of the last block. Raises SpecsightError for a tower of a single block."""
        if len(self.blocks) < 2:
            raise SpecsightError(f"encoder '{self.name}' has a single block: its patches have no joint space")
        return self.taps[-3]

    def size(self, pixels: Tensor) -> tuple[int, int]:
        """Rows and columns of patches of pixels (B, 3, H, W)."""
        return pixels.shape[2] // self.stride, pixels.shape[3] // self.stride

    def embed(self, pixels: Tensor) -> Tensor:
        """Tokens (B, n, C) as they enter the first block."""
        tokens: Tensor = self.model.embeddings(pixels, **self.options)
        return self.model.pre_layrnorm(tokens) if hasattr(self.model, "pre_layrnorm") else tokens

    def encode(self, tokens: Tensor) -> Tensor:
        """Tokens (B, n, C) through all blocks, not yet normalised."""
        encoded: Tensor = self.model.encoder(inputs_embeds=tokens).last_hidden_state
        return encoded

    def pool(self, tokens: Tensor) -> Tensor:
        """Tokens (B, n, C) behind the last block → the image (B, C), normalised and pooled as the family does it."""
        return pool(self.norm, self.head, tokens)

    def project_patches(self, tokens: Tensor) -> Tensor:
        """Tokens (B, n, C) behind the last block → (B, n, D), unit length, each by itself."""
        return project_patches(self.norm, self.head, self.projection, tokens)

    def pooled(self, pixels: Tensor, weigh: Weigh | None = None) -> Tensor:
        """The class token (B, C) behind the last normalisation; it is no mean over cells."""
        pooled: Tensor = self.run(pixels).last_hidden_state[:, 0]
        return pooled

    def joint(self, pixels: Tensor, weigh: Weigh | None = None) -> Tensor:
        """The pooled output of the model's own pass, (B, D), unit length; it is no mean over cells."""
        return self.project(self.run(pixels).pooler_output)

    def project(self, pooled: Tensor) -> Tensor:
        """Pooled outputs (B, C) → (B, D), unit length."""
        return functional.normalize(self.projection(pooled), dim=-1)

    def joint_patches(self, pixels: Tensor) -> Tensor:
        """Patches (B, D, h, w), unit length, each of which sees itself alone in the last block."""
        before = self.before_last
        tokens = self.outputs(pixels, [before])[before.layer.name]
        return self.joint_grid(attend_to_self(self.blocks[-1], patches_of(tokens, self.size(pixels))), pixels)

    def joint_grid(self, tokens: Tensor, pixels: Tensor) -> Tensor:
        """Tokens (B, n, C) behind the last block, patches of `pixels` last → (B, D, h, w), unit length."""
        size = self.size(pixels)
        joint = self.project_patches(patches_of(tokens, size))
        return joint.transpose(1, 2).reshape(len(tokens), -1, *size)


@dataclass(frozen=True)
class Towers:
    """The networks of one encoder."""

    vision: VisionTower | None = None
    text: TextTower | None = None
    model: Any = None
    """The `transformers` model that holds both, with their projections and its `logit_scale`."""

    @property
    def joint_tokens(self) -> TokenTower | None:
        """The vision tower where it is a transformer with a joint space: passes can change its tokens and attention."""
        return self.vision if self.text is not None and isinstance(self.vision, TokenTower) else None

    @property
    def joint_cells(self) -> ConvolutionalTower | None:
        """The vision tower where it is a CNN with a joint space."""
        return self.vision if self.text is not None and isinstance(self.vision, ConvolutionalTower) else None


def vision_tower(name: str, model: Any, projection: nn.Module, preprocessing: Preprocessing) -> VisionTower:
    """The tower of a vision model. Raises SpecsightError where the model is no CNN and no plain ViT."""
    taps = find_taps(model, pass_options(model), name)
    if taps[-1].module is None:
        return TokenTower(name, model, taps, projection, preprocessing)
    # Pixels are stored channels last; kernels that are not would be copied into that order at every pass.
    model.to(memory_format=torch.channels_last)
    return ConvolutionalTower(name, model, taps, projection, preprocessing)


def attend_to_self(block: Any, tokens: Tensor) -> Tensor:
    """A pre-norm block whose attention map is the identity: values pass straight to the output projection."""
    attention = block.self_attn
    tokens = tokens + attention.out_proj(attention.v_proj(block.layer_norm1(tokens)))
    result: Tensor = tokens + block.mlp(block.layer_norm2(tokens))
    return result


def pool(norm: Any, head: Any, tokens: Tensor) -> Tensor:
    """Tokens (B, n, C) behind the last block → (B, C): the normalised class token, or what SigLIP's head pools."""
    pooled: Tensor = norm(tokens[:, 0]) if head is None else head(norm(tokens))
    return pooled


def project_patches(norm: Any, head: Any, projection: Any, tokens: Tensor) -> Tensor:
    """Tokens (B, n, C) behind the last block → (B, n, D), unit length; SigLIP's head pools each by itself."""
    patches: Tensor = norm(tokens)
    if head is not None:
        patches = head(patches.flatten(0, 1).unsqueeze(1)).view_as(patches)
    return functional.normalize(projection(patches), dim=-1)


def mean_of_cells(grid: Tensor, weights: Tensor | None) -> Tensor:
    """The mean (B, C) over the cells of (B, C, h, w), weighted by `weights` (..., h, w), which sum to one."""
    return grid.mean((2, 3)) if weights is None else (grid * weights).sum((2, 3))


def project_cells(projection: Any, grid: Tensor) -> Tensor:
    """A feature map (B, C, h, w) → (B, D, h, w), of any length: every cell through the projection."""
    cells: Tensor = projection(grid.permute(0, 2, 3, 1))
    return cells.permute(0, 3, 1, 2)


def patches_of(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """The last h · w of tokens (B, n, C): without class and register tokens."""
    return tokens[:, tokens.shape[1] - size[0] * size[1] :]
