"""A checkpoint's vision tower as one ONNX graph: uint8 pixels in, everything that an encoder is asked for out.

In: a `PretrainedEncoder`. Out: the bytes of a graph of opset 17. Its input `images` is (1, H, W, 3) uint8 of any sides
that are multiples of the encoder's `multiple`; normalisation is inside. Its outputs: each layer by its name, (1, D, h,
w); of a CNN `cells`, the last feature map in the joint space, of any length, or `last`, where the encoder does not
read; of a ViT `pooled` and, where it reads, `joint`, both as the encoder returns them.
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from specsight.encoders.runtimes.names import CELLS, IMAGES, JOINT_PATCHES, LAST, POOLED
from specsight.encoders.runtimes.plain_attention import with_plain_attention
from specsight.encoders.towers import ConvolutionalTower, TokenTower, patches_of, project_cells
from specsight.errors import SpecsightError, require

if TYPE_CHECKING:
    from specsight.encoders.pretrained import PretrainedEncoder

OPSET = 17
TRACED = (4, 5)
"""Sides of the traced picture in cells of the deepest layer: not square, lest height and width be taken for one."""


class VisionGraph(nn.Module):
    """What is traced: one picture through the tower, all outputs of one pass."""

    def __init__(self, encoder: PretrainedEncoder) -> None:
        super().__init__()
        tower = copy.copy(encoder.vision)
        # A copy on the CPU in plain order: weights stored channels last are exported in the wrong order.
        memo: dict[int, object] = {id(tower._one_pass): tower._one_pass}
        tower = copy.deepcopy(tower, memo)
        tower.model.to("cpu", memory_format=torch.contiguous_format)
        with_plain_attention(tower.model)
        tower.projection.to("cpu")
        tower.device = torch.device("cpu")
        tower._mean, tower._deviation = tower._mean.cpu(), tower._deviation.cpu()
        self.tower, self.model, self.reads = tower, tower.model, encoder.reads
        self.names = [tap.layer.name for tap in tower.taps] + self._further()

    def _further(self) -> list[str]:
        if isinstance(self.tower, ConvolutionalTower):
            return [CELLS if self.reads else LAST]
        several = isinstance(self.tower, TokenTower) and len(self.tower.blocks) > 1
        return [POOLED, JOINT_PATCHES] if self.reads and several else [POOLED]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(1, H, W, 3) uint8 → the outputs, in the order of `names`."""
        tower = self.tower
        values = images.permute(0, 3, 1, 2).to(torch.float32)
        pixels = (values * tower._scale - tower._mean) / tower._deviation
        modules = [tap.module for tap in tower.taps if tap.module is not None]
        calls, result = tower.watch(pixels, modules)
        found = [call.output for call in calls if call is not None]
        if isinstance(tower, ConvolutionalTower):
            last = project_cells(tower.projection, found[-1]) if self.reads else result.last_hidden_state
            return (*found, last)
        assert isinstance(tower, TokenTower)
        grids = [_grid(tokens, tower.size(pixels)) for tokens in (*found, result.last_hidden_state)]
        pooled = tower.project(result.pooler_output) if self.reads else result.last_hidden_state[:, 0]
        joint = [tower.joint_patches(pixels)] if JOINT_PATCHES in self.names else []
        return (*grids, pooled, *joint)


def vision_graph(encoder: PretrainedEncoder) -> tuple[bytes, tuple[str, ...]]:
    """The graph and the names of its outputs. Raises SpecsightError where the network cannot be written as one."""
    require("onnx", "onnx")
    module = VisionGraph(encoder).eval()
    sides = [side * encoder.multiple for side in TRACED]
    written = io.BytesIO()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The exporter that traces: it keeps sides that vary, and starts in a second instead of ten.
            torch.onnx.export(
                module,
                (torch.zeros(1, *sides, 3, dtype=torch.uint8),),
                written,  # type: ignore[arg-type]  # this exporter takes a stream
                input_names=[IMAGES],
                output_names=module.names,
                dynamic_axes={IMAGES: {1: "height", 2: "width"}},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:  # the exporter raises whatever an operation without a counterpart provokes
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SpecsightError(f"encoder '{encoder.name}' cannot be written as a graph: {reason}") from error
    return written.getvalue(), tuple(module.names)


def _grid(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Tokens (1, n, C) as (1, C, h, w), without those in front of the patches."""
    return patches_of(tokens, size).transpose(1, 2).reshape(1, tokens.shape[2], *size)
