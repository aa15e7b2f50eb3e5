"""A checkpoint's name → its folder, its weights and its preprocessing.

In: a local folder or a hub id. Out: a `PretrainedEncoder`, with a text tower where the checkpoint has one in a joint
space with its vision tower. Checkpoints of our own kind are read by `networks`, all others through `transformers`,
whose import takes longer than everything else. Only safetensors are read and no code from a checkpoint is ever run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.checkpoints import checkpoint_folder, fingerprint, load_tokenizer, load_weights
from specsight.encoders.contract import EncoderFamily, encoders
from specsight.encoders.preprocessing import read_preprocessing
from specsight.errors import SpecsightError, require
from specsight.learning.device import choose_device

if TYPE_CHECKING:
    from specsight.encoders.pretrained import PretrainedEncoder

JOINT_FAMILIES = frozenset({"clip", "siglip"})
DUAL_FAMILY = "vision-text-dual-encoder"
BUNDLED = "bundled"
WHAT = "encoder"
SHIPPED = Path(__file__).parent / BUNDLED
"""The weights that ship with the package; made by `specsight train encoder`."""


def load_checkpoint(name: str, device: str) -> PretrainedEncoder:
    """Load the vision checkpoint `name` on `device`; see `load_encoder` for both, and for the errors."""
    # OpenMP threads that wait by spinning slow a pass down fivefold as soon as anything else wants the processor,
    # our own matrix products included. Read when torch is loaded for the first time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    require("torch", "models")
    place = choose_device(device)
    import torch

    folder = SHIPPED if name == BUNDLED else checkpoint_folder(name, WHAT, "'bundled' or 'filters'")
    model, tokenizer = _networks(folder, name)
    family = str(model.config.model_type)
    model = model.to(place)
    preprocessing = read_preprocessing(folder)
    from specsight.encoders.pretrained import PretrainedEncoder
    from specsight.encoders.text_tower import TextTower
    from specsight.encoders.towers import vision_tower

    if family == DUAL_FAMILY:
        _check_joint_space(name, model.vision_model)
    # CLIP and dual encoders project behind their towers; SigLIP's pooling heads already end in the joint space.
    projections = [
        getattr(model, f"{tower}_projection", None) or torch.nn.Identity() for tower in ("visual", "text")
    ]
    vision = vision_tower(name, getattr(model, "vision_model", model), projections[0], preprocessing)
    text = None
    if tokenizer is not None:
        longest = int(model.config.text_config.max_position_embeddings)
        text = TextTower(model.text_model, tokenizer, projections[1], longest, padded=family == "siglip")
    return PretrainedEncoder(name, fingerprint(folder), model, vision, text)


def _networks(folder: Path, name: str) -> tuple[Any, Any]:
    """A checkpoint's model in float32, and its tokenizer; None for the latter where it does not read."""
    require("tokenizers", "models")
    import torch

    from specsight.encoders.networks.dual_encoder import read_config, read_dual_encoder
    from specsight.encoders.networks.tokenizer import FileTokenizer, read_settings

    config, settings = read_config(folder), read_settings(folder)
    if config is not None and settings is not None:
        return read_dual_encoder(folder, config, name), FileTokenizer(folder, settings)
    require("transformers", "models")
    import transformers

    model = load_weights(transformers.AutoModel, folder, name, WHAT, dtype=torch.float32)
    reads = model.config.model_type in (*JOINT_FAMILIES, DUAL_FAMILY)
    return model, load_tokenizer(folder, name, WHAT) if reads else None


def _check_joint_space(name: str, vision: Any) -> None:
    """Raise SpecsightError for a dual encoder whose vision tower is a ViT that is not CLIP's."""
    if hasattr(vision.config, "patch_size") and not hasattr(vision, "post_layernorm"):
        raise SpecsightError(
            f"encoder '{name}' joins a {vision.config.model_type} with words, whose patches have no "
            "joint space: choose a CLIP or SigLIP checkpoint, or a dual encoder with a convolutional tower"
        )


encoders.register(BUNDLED)(
    EncoderFamily(
        "small vision-language encoder that ships with the package: sees and reads, needs torch, no network",
        load_checkpoint,
    )
)
