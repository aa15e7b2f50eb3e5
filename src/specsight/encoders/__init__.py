"""Encoders: pixels and words → features. `load_encoder(name)` is the only way to get one."""

from __future__ import annotations

from pathlib import Path

from specsight.encoders.checkpoint import BUNDLED
from specsight.encoders.contract import Encoder, Features, Images, Layer, Loader, encoders
from specsight.encoders.filters import FILTERS

__all__ = [
    "BUNDLED",
    "FILTERS",
    "Encoder",
    "Features",
    "Images",
    "Layer",
    "Loader",
    "encoder_names",
    "encoders",
    "load_encoder",
]

CHECKPOINTS = {
    "a folder": "a transformers vision checkpoint on this machine (CNN, ViT, CLIP, SigLIP, DINO)",
    "a hub id": "such as facebook/dinov2-small, fetched by transformers where a network is there",
}
"""What `load_encoder` takes beside registered names → one line about it."""


def load_encoder(name: str | Path, device: str = "auto") -> Encoder:
    """The encoder called `name`: a registered one ("bundled", "filters", ...), a checkpoint folder, or a hub id.

    A name is tried on the hub only where no such folder exists. `device`: "auto" (a CUDA GPU where there is one, else
    the CPU), "cpu", "cuda", "cuda:N" or "mps"; filters run on the CPU. Raises SpecsightError with the way out where
    there is neither folder nor hub id, where the weights are not safetensors, where the family is no vision model, and
    where the device does not exist.
    """
    if str(name) in encoders or str(name) in encoders.broken:
        return encoders[str(name)](device)
    from specsight.encoders.checkpoint import load_checkpoint

    return load_checkpoint(str(name), device)


def encoder_names() -> dict[str, str]:
    """What `load_encoder` takes → one line about it."""
    lines = {name: (loader.__doc__ or "").partition("\n")[0] for name, loader in encoders.items()}
    return lines | CHECKPOINTS
