"""Encoders: pixels and words → features. `load_encoder(name)` is the only way to get one."""

from __future__ import annotations

from pathlib import Path

from specsight.encoders.checkpoint import BUNDLED
from specsight.encoders.contract import Encoder, Features, Layer

__all__ = ["BUNDLED", "ENCODERS", "FILTERS", "Encoder", "Features", "Layer", "load_encoder"]

FILTERS = "filters"
ENCODERS = {
    BUNDLED: "small vision-language encoder that ships with the package: sees and reads, needs torch, no network",
    FILTERS: "hand-made bank of oriented, colour and contrast filters; no weights, no torch",
    "a folder": "a transformers vision checkpoint on this machine (CNN, ViT, CLIP, SigLIP, DINO)",
    "a hub id": "such as facebook/dinov2-small, fetched by transformers where a network is there",
}
"""What `load_encoder` takes → one line about it."""


def load_encoder(name: str | Path) -> Encoder:
    """The encoder called `name`: "bundled", "filters" (no weights, no torch), a checkpoint folder, or a hub id.

    A name is tried on the hub only where no such folder exists. Raises SpecsightError with the way out where there
    is neither, where the weights are not safetensors, and where the family is no vision model.
    """
    if str(name) == FILTERS:
        from specsight.encoders.filters import FilterBank

        return FilterBank()
    from specsight.encoders.checkpoint import load_checkpoint

    return load_checkpoint(str(name))
