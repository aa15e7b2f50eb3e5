"""A text tower whose last block learns: sentences → embeddings, differentiable from that block on.

In: an encoder that reads. Out: a torch module with a copy of its text tower, of which the last block and all that
follows it (normalisation, pooling, projection) learn; word vectors and earlier blocks stay frozen and move with it. The
encoder itself stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

from specsight.encoders.contract import Encoder
from specsight.encoders.layer import Features
from specsight.encoders.passes.prompting import can_be_prompted
from specsight.encoders.text_tower import TextTower
from specsight.encoders.vision_tower import array
from specsight.errors import SpecsightError


class TextTail(nn.Module):
    """A copy of a text tower, on the CPU; its parameters are those that learn. Always in evaluation mode."""

    def __init__(self, tower: TextTower) -> None:
        super().__init__()
        model, projection = (copy.deepcopy(part).cpu().eval() for part in (tower.model, tower.projection))
        # In a tuple, so that the frozen part is neither trained, nor checkpointed, nor saved.
        self._towers = (replace(tower, model=model, projection=projection),)
        model.requires_grad_(False)
        self.learned = nn.ModuleDict({"projection": projection, **_behind_earlier_blocks(self._towers[0])})
        self.learned.requires_grad_(True)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Sentences → (N, D), unit length, in the joint space, on the device of the module."""
        (tower,) = self._towers
        return tower.read(tower.tokens(texts))

    def embed_texts(self, texts: Sequence[str]) -> Features:
        """Read sentences as `Encoder.embed_texts` does, with what was learned: (N, D), unit length."""
        with torch.inference_mode():
            return array(self(texts))

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: no dropout."""
        return super().train(False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """Move the frozen part along."""
        self._towers[0].model._apply(fn)
        module: Any = super()
        return module._apply(fn, recurse)


def text_tail(encoder: Encoder) -> TextTail:
    """The text tower of `encoder` with a last block that learns.

    Raises SpecsightError where the encoder does not read, or has a text tower whose blocks are not modules of their own
    (ALBERT).
    """
    text = encoder.towers.text if encoder.towers is not None else None
    if not encoder.reads:
        raise encoder.no_text_tower()
    if text is None or not can_be_prompted(encoder):
        raise SpecsightError(
            f"the text tower of encoder '{encoder.name}' has no last block that could learn: choose one with a "
            "transformer of CLIP, SigLIP or BERT kind as its text tower"
        )
    return TextTail(text)


def _behind_earlier_blocks(tower: TextTower) -> dict[str, nn.Module]:
    """The last block, and the modules with parameters that are neither in a block nor word vectors, by name."""
    in_blocks = {module for block in tower.blocks for module in block.modules()}
    others = {
        name.replace(".", "/"): module
        for name, module in tower.model.named_modules()
        if module not in in_blocks
        and any(True for _ in module.parameters(recurse=False))
        and "embedding" not in name
    }
    return {"block": tower.blocks[-1], **others}
