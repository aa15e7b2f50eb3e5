"""Encoders: pixels and words → features. `load_encoder(name)` is the only way to get one."""

from __future__ import annotations

from pathlib import Path

from specsight.encoders.checkpoint import BUNDLED
from specsight.encoders.contract import Encoder, Features, Images, Layer
from specsight.errors import SpecsightError

__all__ = ["BUNDLED", "ENCODERS", "FILTERS", "Encoder", "Features", "Images", "Layer", "load_encoder"]

FILTERS = "filters"
ENCODERS = {
    BUNDLED: "small vision-language encoder that ships with the package: sees and reads, needs torch, no network",
    FILTERS: "hand-made bank of oriented, colour and contrast filters; no weights, no torch",
    "a folder": "a transformers vision checkpoint on this machine (CNN, ViT, CLIP, SigLIP, DINO)",
    "a hub id": "such as facebook/dinov2-small, fetched by transformers where a network is there",
}
"""What `load_encoder` takes → one line about it."""


def load_encoder(name: str | Path, device: str = "auto") -> Encoder:
    """The encoder called `name`: "bundled", "filters" (no weights, no torch), a checkpoint folder, or a hub id.

    A name is tried on the hub only where no such folder exists. `device`: "auto" (a CUDA GPU where there is one, else
    the CPU), "cpu", "cuda", "cuda:N" or "mps"; filters run on the CPU. Raises SpecsightError with the way out where
    there is neither folder nor hub id, where the weights are not safetensors, where the family is no vision model, and
    where the device does not exist.
    """
    if str(name) == FILTERS:
        from specsight.encoders.filters import FilterBank

        if device not in ("auto", "cpu"):
            raise SpecsightError(
                f"encoder '{FILTERS}' runs on the CPU, not on '{device}': use device auto or cpu"
            )
        return FilterBank()
    from specsight.encoders.checkpoint import load_checkpoint

    return load_checkpoint(str(name), device)
