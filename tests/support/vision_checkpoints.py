"""Small randomly initialised checkpoints of each family of vision models, on disk as the hub has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VIT = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
}
CONVOLUTIONAL = ("mobilenet_v2", "resnet", "convnext")
FAMILIES = (*CONVOLUTIONAL, "vit", "dinov2", "dinov2_with_registers", "dinov3_vit")


def build(family: str) -> Any:
    """A model of `family` with random weights, the same ones at every call."""
    import torch
    import transformers as t

    torch.manual_seed(0)
    stages: dict[str, Any] = {"hidden_sizes": [8, 12, 16, 20], "depths": [1, 1, 1, 1]}
    if family == "mobilenet_v2":
        return t.MobileNetV2Model(t.MobileNetV2Config(depth_multiplier=0.35, tf_padding=False))
    if family == "resnet":
        return t.ResNetModel(t.ResNetConfig(embedding_size=8, layer_type="basic", **stages))
    if family == "convnext":
        return t.ConvNextModel(t.ConvNextConfig(**stages))
    if family == "vit":
        return t.ViTModel(t.ViTConfig(**VIT))
    if family == "dinov2":
        return t.Dinov2Model(t.Dinov2Config(**VIT))
    if family == "dinov2_with_registers":
        return t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(**VIT, num_register_tokens=4))
    if family == "dinov3_vit":
        return t.DINOv3ViTModel(t.DINOv3ViTConfig(**VIT, num_register_tokens=4))
    raise ValueError(f"no model of family {family!r}")


def save_vision(family: str, folder: Path) -> Path:
    """A checkpoint of `family` in `folder`."""
    build(family).eval().save_pretrained(folder, safe_serialization=True)
    return folder
