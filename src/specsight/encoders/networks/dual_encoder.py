"""Our own encoders' checkpoints (a ResNet of basic blocks and a BERT in one joint space), read without `transformers`.

In: the folder of a `VisionTextDualEncoderModel`. Out: the same networks as plain torch modules, with the same outputs.
Whatever else a folder holds is not read here: `read_config` returns None, and `transformers` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from specsight.encoders.networks import bert, resnet
from specsight.encoders.networks.bert import Bert, BertConfig
from specsight.encoders.networks.network import Network
from specsight.encoders.networks.resnet import ResNet, ResNetConfig
from specsight.errors import SpecsightError
from specsight.storage import parse_json, read_text

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class DualEncoderConfig:
    """Shape of both towers, named as in the checkpoint's `config.json`."""

    vision_config: ResNetConfig
    text_config: BertConfig
    projection_dim: int
    """Dimensions of the joint space."""
    model_type: str = "vision-text-dual-encoder"


def read_config(folder: Path) -> DualEncoderConfig | None:
    """The shape of a checkpoint of ours; None where the folder holds another one, or does not tell all that counts."""
    if not (folder / WEIGHTS).is_file():
        return None
    try:
        values = parse_json(read_text(folder / "config.json"))
    except (ValueError, OSError):
        return None
    if not isinstance(values, Mapping) or values.get("model_type") != DualEncoderConfig.model_type:
        return None
    vision, text, width = (values.get(name) for name in ("vision_config", "text_config", "projection_dim"))
    if (
        not isinstance(vision, Mapping)
        or not isinstance(text, Mapping)
        or type(width) is not int
        or width < 1
    ):
        return None
    seeing, reading = resnet.read_config(vision), bert.read_config(text)
    return None if seeing is None or reading is None else DualEncoderConfig(seeing, reading, width)


class DualEncoder(Network):
    """A vision tower and a text tower with their projections into the joint space."""

    def __init__(self, config: DualEncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.projection_dim
        self.vision_model = ResNet(config.vision_config)
        self.text_model = Bert(config.text_config)
        self.visual_projection = nn.Linear(config.vision_config.hidden_sizes[-1], width, bias=False)
        self.text_projection = nn.Linear(config.text_config.hidden_size, width, bias=False)
        self.logit_scale = nn.Parameter(torch.zeros(()))


def read_dual_encoder(folder: Path, config: DualEncoderConfig, name: str) -> DualEncoder:
    """The networks with their weights in float32, in evaluation mode and without gradients.

    `name`: the encoder's, for messages. Raises SpecsightError where the weights are damaged, of another shape, or not
    all there.
    """
    # On no device: values would be drawn for all parameters, only to be replaced.
    with torch.device("meta"):
        model = DualEncoder(config)
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SpecsightError(f"encoder '{name}' cannot be loaded: {reason}") from error
    expected: Mapping[str, Any] = model.state_dict()
    missing = sorted(expected.keys() - weights.keys())
    if missing:
        raise SpecsightError(
            f"encoder '{name}' lacks {len(missing)} of its weights (first: '{missing[0]}'): get a complete checkpoint"
        )
    for key, parameter in expected.items():
        if weights[key].shape != parameter.shape:
            raise SpecsightError(
                f"encoder '{name}' cannot be loaded: '{key}' is {tuple(weights[key].shape)} in its weights, and "
                f"{tuple(parameter.shape)} by its config.json"
            )
    # Copied: what was read is a view of the file, which may change on the disk.
    plain = {key: weights[key].to(parameter.dtype, copy=True) for key, parameter in expected.items()}
    model.load_state_dict(plain, assign=True)
    return model.eval().requires_grad_(False)
