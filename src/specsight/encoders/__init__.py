"""Encoders: pixels and words → features. `load_encoder(name)` is the only way to get one."""

from __future__ import annotations

import logging
from pathlib import Path

from specsight.checkpoints import fingerprint, local_folder
from specsight.encoders.checkpoint import BUNDLED, load_checkpoint
from specsight.encoders.contract import Encoder, EncoderFamily, encoders
from specsight.encoders.filters import FILTERS
from specsight.encoders.layer import Features, Images, Layer
from specsight.encoders.placement import JOINT, Placement
from specsight.encoders.runtimes.names import (
    AUTO,
    FAST,
    RUNTIMES,
    TORCH,
    chosen_runtime,
    fastest,
    set_default_runtime,
)
from specsight.errors import SpecsightError, did_you_mean

__all__ = [
    "BUNDLED",
    "FILTERS",
    "JOINT",
    "RUNTIMES",
    "Encoder",
    "EncoderFamily",
    "Features",
    "Images",
    "Layer",
    "Placement",
    "encoder_names",
    "encoders",
    "load_encoder",
    "names_same_encoder",
    "set_default_runtime",
]

CHECKPOINTS = {
    "a folder": "a transformers vision checkpoint on this machine (CNN, ViT, CLIP, SigLIP, DINO)",
    "a hub id": "such as facebook/dinov2-small, fetched by transformers where a network is there",
}
"""What `load_encoder` takes beside registered names → one line about it."""


def load_encoder(name: str | Path, device: str = "auto", runtime: str = "auto") -> Encoder:
    """The encoder called `name`: one of `encoders` ("bundled", "filters", ...), a checkpoint folder, or a hub id.

    A name that no family of encoders has or recognises is a checkpoint's, and is tried on the hub only where no such
    folder exists. `device`: "auto" (a CUDA GPU where there is one, else the CPU), "cpu", "cuda", "cuda:N" or "mps";
    filters run on the CPU. `runtime`: what runs it: "torch", "onnx" or "openvino" (see `runtimes`; the graph is made
    when it is first asked for and kept on this machine; filters have none and run on numpy), "fast": the quickest of
    these that is installed and can, or "auto": torch, unless `set_default_runtime` said otherwise. Raises
    SpecsightError with the way out where there is neither folder nor hub id, where the weights are not safetensors,
    where the family is no vision model, and where the device does not exist or the runtime cannot run it.
    """
    runtime = chosen_runtime(runtime)
    family = _family(str(name))
    if family is None and "/" not in str(name) and not Path(name).exists():
        suggestion = did_you_mean(str(name), encoders)
        if suggestion.startswith("did you mean"):
            raise SpecsightError(f"unknown encoder '{name}': {suggestion}")
    load = load_checkpoint if family is None else family.load
    if runtime == FAST:
        return _fast(str(name), device) if family is None or name == BUNDLED else load(str(name), device)
    if runtime not in (AUTO, TORCH) and name != FILTERS:
        if family is not None and name != BUNDLED:
            raise SpecsightError(
                f"encoder '{name}' is no checkpoint, and runs on {TORCH} or numpy: use --runtime torch"
            )
        from specsight.encoders.runtimes.kept import kept_encoder

        return kept_encoder(str(name), device, runtime)
    return load(str(name), device)


def _fast(name: str, device: str) -> Encoder:
    """A checkpoint, run by what is quickest here; by torch where no graph of it can be made."""
    runtime = fastest(device)
    if runtime != TORCH:
        from specsight.encoders.runtimes.kept import kept_encoder

        try:
            return kept_encoder(name, device, runtime)
        except SpecsightError as error:
            logging.getLogger(__name__).warning("encoder '%s' is run by torch: %s", name, error)
    return load_encoder(name, device, TORCH)


def names_same_encoder(name: str, digest: str, model: Path) -> bool:
    """Whether the encoder that the saved model `model` names may be the one of this fingerprint; nothing of it is
    loaded, and nothing fetched.

    A checkpoint is compared by its files; of a registered encoder nothing is known before it is loaded. Raises
    SpecsightError where the encoder is not on this machine.
    """
    remote = name.startswith(("//", "\\\\"))
    if not remote and _family(name) is not None:
        return True
    folder = None if remote else local_folder(name)
    if folder is None:
        raise SpecsightError(
            f"'{model}' names an encoder that is not on this machine, '{name}', and nothing is fetched because a model "
            "names it: give it with --encoder if you trust it, or where its folder lies now"
        )
    return fingerprint(folder) == digest


def encoder_names() -> dict[str, str]:
    """What `load_encoder` takes → one line about it."""
    return {name: family.title for name, family in encoders.items()} | CHECKPOINTS


def _family(name: str) -> EncoderFamily | None:
    """The family that has this name, or the first that recognises it."""
    if name in encoders or name in encoders.broken:
        return encoders[name]
    matching = (family for _, family in encoders.items() if family.matches and family.matches(name))
    return next(matching, None)
