"""A residual network of basic blocks (He et al., CVPR 2016), with the parameters of `transformers`' `ResNetModel`.

In: normalised pixels (B, 3, H, W). Out: a feature map. The stem has stride 4, the first stage 1, every later one 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from specsight.encoders.networks.network import Network, NetworkOutput

COLOURS = 3


@dataclass(frozen=True)
class ResNetConfig:
    """Shape of the network, named as in the checkpoint's `config.json`."""

    embedding_size: int
    """Channels of the stem."""
    hidden_sizes: tuple[int, ...]
    """Channels of the stages."""
    depths: tuple[int, ...]
    """Blocks of the stages."""
    model_type: str = "resnet"


def read_config(values: Mapping[str, Any]) -> ResNetConfig | None:
    """The shape from the vision part of a `config.json`; None where it describes another network, or not in full."""
    fixed = {
        "model_type": "resnet",
        "layer_type": "basic",
        "hidden_act": "relu",
        "num_channels": COLOURS,
        "downsample_in_first_stage": False,
    }
    if any(name not in values or values[name] != value for name, value in fixed.items()):
        return None
    stem: Any
    stem, widths, depths = (values.get(name) for name in ("embedding_size", "hidden_sizes", "depths"))
    if not isinstance(widths, list) or not isinstance(depths, list) or len(widths) != len(depths):
        return None
    if not all(type(number) is int and number > 0 for number in (stem, *widths, *depths)) or not depths:
        return None
    return ResNetConfig(int(stem), tuple(widths), tuple(depths))


class ResNet(Network):
    """Stem, stages, and the mean over the last map's cells."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        # ModuleDicts give parameters the names that `transformers` gives them.
        self.embedder = nn.ModuleDict({"embedder": ConvolutionNorm(COLOURS, config.embedding_size, 7, 2)})
        widths = (config.embedding_size, *config.hidden_sizes)
        stages = [
            Stage(widths[k], widths[k + 1], depth, stride=2 if k else 1)
            for k, depth in enumerate(config.depths)
        ]
        self.encoder = nn.ModuleDict({"stages": nn.ModuleList(stages)})

    def forward(self, pixel_values: Tensor) -> NetworkOutput:
        """Normalised pixels (B, 3, H, W) → the last feature map and its mean over cells."""
        grid = functional.relu(self.embedder["embedder"](pixel_values))
        grid = functional.max_pool2d(grid, 3, stride=2, padding=1)
        stages: Any = self.encoder["stages"]
        for stage in stages:
            grid = stage(grid)
        return NetworkOutput(grid, functional.adaptive_avg_pool2d(grid, 1))


class Stage(nn.Module):
    """Blocks at one stride; the first changes stride and channels."""

    def __init__(self, entering: int, width: int, depth: int, stride: int) -> None:
        super().__init__()
        later = [BasicBlock(width, width, 1) for _ in range(depth - 1)]
        self.layers = nn.Sequential(BasicBlock(entering, width, stride), *later)

    def forward(self, grid: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', h', w')."""
        result: Tensor = self.layers(grid)
        return result


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut, which is a 1 × 1 convolution where stride or channels change."""

    def __init__(self, entering: int, width: int, stride: int) -> None:
        super().__init__()
        same = entering == width and stride == 1
        self.shortcut = nn.Identity() if same else ConvolutionNorm(entering, width, 1, stride)
        self.layer = nn.Sequential(
            ConvolutionNorm(entering, width, 3, stride), ConvolutionNorm(width, width, 3, 1)
        )

    def forward(self, grid: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', h', w')."""
        inner = self.layer[1](functional.relu(self.layer[0](grid)))
        return functional.relu(inner + self.shortcut(grid))


class ConvolutionNorm(nn.Module):
    """A convolution without bias, and batch normalisation."""

    def __init__(self, entering: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(entering, width, kernel, stride, kernel // 2, bias=False)
        self.normalization = nn.BatchNorm2d(width)

    def forward(self, grid: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', h', w'), without activation."""
        result: Tensor = self.normalization(self.convolution(grid))
        return result
