"""A checkpoint's name → its folder, its weights and its preprocessing, through `transformers`.

In: a local folder or a hub id. Out: a `PretrainedEncoder`, with a text tower where the checkpoint has one in a joint
space with its vision tower. Only safetensors are read and no code from a checkpoint is ever run.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.encoders.preprocessing import read_preprocessing
from specsight.errors import SpecsightError, require
from specsight.learning.device import choose_device
from specsight.storage import sha256

if TYPE_CHECKING:
    from specsight.encoders.pretrained import PretrainedEncoder
    from specsight.encoders.text_tower import TextTower

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
JOINT_FAMILIES = frozenset({"clip", "siglip"})
DUAL_FAMILY = "vision-text-dual-encoder"
BUNDLED = "bundled"
SHIPPED = Path(__file__).parent / BUNDLED
"""The weights that ship with the package; made by `specsight train encoder`."""


def load_checkpoint(name: str, device: str) -> PretrainedEncoder:
    """Load the vision checkpoint `name` on `device`; see `load_encoder` for both, and for the errors."""
    # OpenMP threads that wait by spinning slow a pass down fivefold as soon as anything else wants the processor,
    # our own matrix products included. Read when torch is loaded for the first time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    require("torch", "models")
    require("transformers", "models")
    place = choose_device(device)
    if device == "auto" and place.type == "mps":
        # No checkpoint has been compared with itself there: Apple's GPU is used only where it is named.
        place = choose_device("cpu")
    folder = _folder(name)
    _check_files(folder, name)
    model, family = _load_model(folder, name)
    model = model.to(place)
    preprocessing = read_preprocessing(folder)
    from torch import nn

    from specsight.encoders.pretrained import PretrainedEncoder
    from specsight.encoders.towers import vision_tower

    if family == DUAL_FAMILY:
        _check_joint_space(name, model.vision_model)
    # CLIP and dual encoders project behind their towers; SigLIP's pooling heads already end in the joint space.
    projections = [
        getattr(model, f"{tower}_projection", None) or nn.Identity() for tower in ("visual", "text")
    ]
    vision = vision_tower(name, getattr(model, "vision_model", model), projections[0], preprocessing)
    reads = family in JOINT_FAMILIES or family == DUAL_FAMILY
    text = _text_tower(folder, name, model, projections[1]) if reads else None
    return PretrainedEncoder(name, fingerprint(folder), model, vision, text)


def fingerprint(folder: Path) -> str:
    """Digest over everything in a checkpoint folder that features depend on: its JSON files and its weights."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")]):
        digest.update(f"{path.name}:{sha256(path)}\n".encode())
    return digest.hexdigest()


def _folder(name: str) -> Path:
    """The local folder of a checkpoint, downloaded from the hub where `name` is no folder."""
    if name == BUNDLED:
        return SHIPPED
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise SpecsightError(f"encoder '{name}' is a file: give the checkpoint's folder")
    if name.startswith((".", "/", "~")) or not HUB_ID.fullmatch(name):
        raise SpecsightError(
            f"encoder '{name}': no such folder; give a checkpoint folder, a hub id, 'bundled' or 'filters'"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES, ignore_patterns=["*/*"]))
    except (OSError, ValueError, RuntimeError) as error:
        raise SpecsightError(
            f"encoder '{name}' is no local folder and could not be fetched from the hub ({type(error).__name__}): "
            "check the name and the network, or give a checkpoint folder, or use 'bundled'"
        ) from error


def _check_joint_space(name: str, vision: Any) -> None:
    """Raise SpecsightError for a dual encoder whose vision tower is a ViT that is not CLIP's."""
    if hasattr(vision.config, "patch_size") and not hasattr(vision, "post_layernorm"):
        raise SpecsightError(
            f"encoder '{name}' joins a {vision.config.model_type} with words, whose patches have no "
            "joint space: choose a CLIP or SigLIP checkpoint, or a dual encoder with a convolutional tower"
        )


def _text_tower(folder: Path, name: str, model: Any, projection: Any) -> TextTower:
    """The text tower with the tokenizer that stands beside its weights."""
    import transformers

    from specsight.encoders.text_tower import TextTower

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # transformers raises whatever the tokenizer's files provoke
        raise SpecsightError(
            f"encoder '{name}' has no usable tokenizer beside its weights: add its tokenizer files to the folder"
        ) from error
    longest = int(model.config.text_config.max_position_embeddings)
    padded = model.config.model_type == "siglip"
    return TextTower(model.text_model, tokenizer, projection, longest, padded)


def _check_files(folder: Path, name: str) -> None:
    if not (folder / "config.json").is_file():
        raise SpecsightError(f"encoder '{name}' has no config.json: it is no transformers checkpoint")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(p.name for p in [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
        found = f" (found '{pickled[0]}', which can run code and is not read)" if pickled else ""
        raise SpecsightError(
            f"encoder '{name}' has no *.safetensors{found}: convert it with save_pretrained()"
        )


def _load_model(folder: Path, name: str) -> tuple[Any, str]:
    """The model in evaluation mode and its family (`model_type`)."""
    import torch
    import transformers

    _quiet(transformers)
    options = {"trust_remote_code": False, "local_files_only": True}
    try:
        config = transformers.AutoConfig.from_pretrained(folder, **options)
        model, report = transformers.AutoModel.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **options,
        )
    except (
        Exception
    ) as error:  # transformers and safetensors raise whatever their parsers do on a broken checkpoint
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SpecsightError(f"encoder '{name}' cannot be loaded: {reason}") from error
    # Weights that a checkpoint lacks are drawn at random by transformers; poolers are never used here.
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:
        raise SpecsightError(
            f"encoder '{name}' lacks {len(missing)} of its weights (first: '{missing[0]}'): get a complete checkpoint"
        )
    return model.eval().requires_grad_(False), str(config.model_type)


def _quiet(transformers: Any) -> None:
    """Keep loading reports and bars out of our own output; real problems arrive as exceptions."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
