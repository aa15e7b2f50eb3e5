"""CLAD's networks: the encoder's tail, the projections g_v and g_t, their inverse decoders, and the ablation's head."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from specsight.detectors.clad.maps import grad_cam, mismatch
from specsight.encoders.passes.split import IdentityTail, Tail
from specsight.encoders.passes.text_tail import TextTail
from specsight.prompts.anchors import Anchors
from specsight.storage import below

REBUILT = 8
"""Cells along each side of the patch map that D_v rebuilds."""
PICTURE_PROJECTION, TEXT_PROJECTION = "see", "read"
"""Names of the projections in saved models and checkpoints."""
TEXT_TAIL = "text tail"
"""Name of the text encoder that learns in saved models and checkpoints."""


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


class JointSpace(nn.Module):
    """The encoder's own joint space in place of a learned one: (..., D) → (..., D), unit length."""

    def forward(self, embeddings: Tensor) -> Tensor:
        """(..., D) → (..., D), unit length."""
        return functional.normalize(embeddings, dim=-1)


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

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, d) → (B, D, 8, 8)."""
        rebuilt: Tensor = self.layers(vectors[:, :, None, None])
        return rebuilt


class Networks:
    """All modules that train: `picture_projection` is g_v, `text_projection` is g_t.

    Parameters: `tail` of the encoder, copied where it is `tuned` (otherwise examples hold its output, which
    `example_tail` hands on unchanged); `text_tail`, the text encoder where it learns; `embedding` D dimensions of the
    encoder's joint space, `width` d of the learned one, None for no learned one; `classifies`: the head judges instead
    of the sentences.
    """

    def __init__(
        self,
        tail: Tail,
        embedding: int,
        width: int | None,
        seed: int,
        *,
        tuned: bool,
        classifies: bool,
        text_tail: TextTail | None = None,
    ) -> None:
        self.tuned, self.classifies, self.text_tail, self.embedding = tuned, classifies, text_tail, embedding
        learned = width is not None
        width = embedding if width is None else width
        self.tail = copy.deepcopy(tail).requires_grad_(True) if tuned else tail
        self.example_tail = self.tail if tuned else IdentityTail()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.picture_projection: nn.Module = Projection(embedding, width) if learned else JointSpace()
            # Pictures and sentences lie in one space already: with equal projections they still do at step 0.
            self.text_projection = copy.deepcopy(self.picture_projection)
            self.picture_decoder = PictureDecoder(width, embedding)
            self.text_decoder = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, embedding))
            self.head = nn.Linear(width, 1)

    def judging_modules(self) -> dict[str, nn.Module]:
        """Return the modules with weights of their own that judging needs, by name."""
        modules: dict[str, nn.Module] = {
            PICTURE_PROJECTION: self.picture_projection,
            TEXT_PROJECTION: self.text_projection,
            "head": self.head,
        }
        if self.tuned:
            modules["tail"] = self.tail
        if self.text_tail is not None:
            modules[TEXT_TAIL] = self.text_tail
        return modules

    def trained_modules(self) -> dict[str, nn.Module]:
        """Return the modules that training changes, by name."""
        decoders = {"picture_decoder": self.picture_decoder, "text_decoder": self.text_decoder}
        return {**self.judging_modules(), **decoders}

    def read(self, texts: Sequence[str], embedded: Tensor) -> Tensor:
        """Return the embeddings (N, D) of sentences: `embedded`, the frozen encoder's, or those of one that learns."""
        return embedded if self.text_tail is None else self.text_tail(texts).to(embedded.device)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the weights that judging needs, by "module/name"."""
        return {
            f"{name}/{key}": value.numpy()
            for name, module in self.judging_modules().items()
            for key, value in module.state_dict().items()
        }

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Load weights that `arrays` returned. Raises ValueError where they do not fit."""
        for name, module in self.judging_modules().items():
            own = below(arrays, f"{name}/")
            try:
                module.load_state_dict({key: torch.from_numpy(value) for key, value in own.items()})
            except RuntimeError as error:
                raise ValueError(name) from error
        self.freeze()

    def freeze(self) -> None:
        """Switch to evaluation, without gradients."""
        for module in self.trained_modules().values():
            module.eval().requires_grad_(False)

    def project_anchors(self, anchors: Anchors) -> tuple[Tensor, Tensor]:
        """Return the acceptable anchors (J, d) and those of defects (K, d) in the learned space."""
        accepted = np.vstack([anchors.good[None], anchors.ignored])
        with torch.no_grad():
            return self.text_projection(torch.from_numpy(accepted)), self.text_projection(
                torch.from_numpy(anchors.defects)
            )

    def margins(self, vectors: Tensor, accepted: Tensor, defects: Tensor) -> Tensor:
        """Return the evidence (K, N) of vectors (N, d) for each defect; (1, N) where the networks classify."""
        return self.head(vectors).T if self.classifies else mismatch(vectors, accepted, defects)

    def cams(
        self, grid: Tensor, prefix: Tensor, weights: Tensor, accepted: Tensor, defects: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return a picture's evidence for each defect (K,) and its Grad-CAM (K, h, w).

        `grid` (1, C, h', w'), `prefix` (1, C, k) and `weights` (1, 1, h, w) are what the tail takes.
        """
        with torch.enable_grad():
            encoded = self.tail(grid.detach().clone().requires_grad_(), prefix, weights)
            evidence = self.margins(self.picture_projection(encoded.pooled), accepted, defects)[:, 0]
            maps = torch.stack([grad_cam(target, encoded.activations) for target in evidence])
        return evidence.detach(), maps.detach()
