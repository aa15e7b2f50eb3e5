"""CLAD's networks: the encoder's tail, the projections g_v and g_t, their inverse decoders, and the ablation's head."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from specsight.detectors.clad.maps import grad_cam, mismatch
from specsight.encoders.passes.split import IdentityTail, Tail
from specsight.prompts.anchors import Anchors

REBUILT = 8
"""Cells along each side of the patch map that D_v rebuilds."""


class Projection(nn.Module):
    """Linear–GELU–Linear onto the unit sphere: (..., D) → (..., d)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, width)
        # Of a unit vector the entries have variance 1/D; layers are initialised for entries of variance 1.
        self.scale = math.sqrt(inputs)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(..., D) → (..., d), unit length."""
        hidden = functional.gelu(self.first(functional.normalize(embeddings, dim=-1) * self.scale))
        return functional.normalize(self.second(hidden), dim=-1)


class PictureDecoder(nn.Module):
    """D_v: v (B, d) → the patch map it came from, (B, D, 8, 8); four transposed convolutions."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(width, 128, 2),
            nn.GELU(),
            nn.ConvTranspose2d(128, 64, 2, stride=2),
            nn.GELU(),
            nn.ConvTranspose2d(64, 64, 2, stride=2),
            nn.GELU(),
            nn.ConvTranspose2d(64, channels, 3, padding=1),
        )

    def forward(self, seen: Tensor) -> Tensor:
        """(B, d) → (B, D, 8, 8)."""
        rebuilt: Tensor = self.layers(seen[:, :, None, None])
        return rebuilt


class Networks:
    """All that trains. `see` is g_v, `read` is g_t; `classifies`: the head judges instead of the sentences.

    `tail` is the encoder's own where it is not `tuned`; examples then hold what it has seen, and `example_tail` passes
    that on.
    """

    def __init__(
        self, tail: Tail, embedding: int, width: int, seed: int, *, tuned: bool, classifies: bool
    ) -> None:
        self.tuned, self.classifies = tuned, classifies
        self.tail = copy.deepcopy(tail).requires_grad_(True) if tuned else tail
        self.example_tail = self.tail if tuned else IdentityTail()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.see = Projection(embedding, width)
            # Pictures and sentences lie in one space already: with equal projections they still do at step 0.
            self.read = copy.deepcopy(self.see)
            self.picture_decoder = PictureDecoder(width, embedding)
            self.text_decoder = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, embedding))
            self.head = nn.Linear(width, 1)

    def lasting(self) -> dict[str, nn.Module]:
        """The modules with weights of their own that judging needs, by name."""
        modules: dict[str, nn.Module] = {"see": self.see, "read": self.read, "head": self.head}
        return {**modules, "tail": self.tail} if self.tuned else modules

    def trained(self) -> dict[str, nn.Module]:
        """The modules that training changes, by name."""
        decoders = {"picture_decoder": self.picture_decoder, "text_decoder": self.text_decoder}
        return {**self.lasting(), **decoders}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that judging needs, by "module/name"."""
        return {
            f"{name}/{key}": value.numpy()
            for name, module in self.lasting().items()
            for key, value in module.state_dict().items()
        }

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Load such weights; ValueError where they do not fit."""
        for name, module in self.lasting().items():
            own = {k.removeprefix(f"{name}/"): v for k, v in arrays.items() if k.startswith(f"{name}/")}
            try:
                module.load_state_dict({key: torch.from_numpy(value) for key, value in own.items()})
            except RuntimeError as error:
                raise ValueError(name) from error
        self.freeze()

    def freeze(self) -> None:
        """Evaluation mode; no weight asks for gradients any more."""
        for module in self.trained().values():
            module.eval().requires_grad_(False)

    def words(self, anchors: Anchors) -> tuple[Tensor, Tensor]:
        """What is acceptable (J, d) and the defects (K, d)."""
        accepted = np.vstack([anchors.good[None], anchors.ignored])
        with torch.no_grad():
            return self.read(torch.from_numpy(accepted)), self.read(torch.from_numpy(anchors.defects))

    def margins(self, seen: Tensor, accepted: Tensor, defects: Tensor) -> Tensor:
        """Evidence (K, N) of vectors (N, d) for each defect; a classifier knows only one, (1, N)."""
        return self.head(seen).T if self.classifies else mismatch(seen, accepted, defects)

    def cams(self, grid: Tensor, prefix: Tensor, accepted: Tensor, defects: Tensor) -> tuple[Tensor, Tensor]:
        """A picture's evidence for each defect (K,) and its Grad-CAM (K, h, w); the tail takes (1, C, h', w') and
        (1, C, k)."""
        with torch.enable_grad():
            seen = self.tail(grid.detach().clone().requires_grad_(), prefix)
            evidence = self.margins(self.see(seen.pooled), accepted, defects)[:, 0]
            maps = torch.stack([grad_cam(target, seen.activations) for target in evidence])
        return evidence.detach(), maps.detach()
