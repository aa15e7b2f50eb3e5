"""A language model that points, as a folder: what it was trained beside, the language model, heads and eyes.

pointing.json        format, encoder (name, fingerprint, layers), shape, what language model it is
language/            the language model and its tokenizer, as `transformers` saves them; of one that was adapted the
                     adapters alone, for the rest is in its own checkpoint
heads.safetensors    heads and eyes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from specsight.checkpoints import checkpoint_folder, fingerprint, load_tokenizer, load_weights
from specsight.encoders import Encoder
from specsight.errors import SpecsightError, require
from specsight.language.loading import WORDING
from specsight.language.pointing.adapters import (
    Lora,
    adapted,
    base_fingerprint,
    base_folder,
    fill,
    learning,
    load_base,
)
from specsight.language.pointing.tokens import WHAT
from specsight.storage import parse_json, read_text, sha256, whole_folder, write_json

FORMAT = 1
DESCRIPTION, LANGUAGE, HEADS = "pointing.json", "language", "heads.safetensors"
ADAPTERS = "adapters.safetensors"


@dataclass(frozen=True)
class Description:
    """What `pointing.json` says."""

    encoder: str
    encoder_fingerprint: str
    layers: tuple[str, ...]
    channels: tuple[int, ...]
    joint: int
    width: int
    language_model: str
    base_fingerprint: str = ""
    """Of the checkpoint that was adapted; empty: the language model is whole."""
    lora: Mapping[str, Any] | None = None


def save_pointing(model: Any, encoder: Encoder, language_model: str, lora: Lora | None, folder: Path) -> int:
    """Write a `PointingModel` in half precision, of one that was adapted (`lora`) the adapters; returns its bytes."""
    import torch
    from safetensors.torch import save_file

    with whole_folder(folder, replace=True) as temporary:
        half = {
            name: tensor.detach().to(torch.float16).cpu().contiguous()
            for part, module in (("heads", model.heads), ("eyes", model.eyes))
            for name, tensor in ((f"{part}.{key}", value) for key, value in module.state_dict().items())
        }
        save_file(half, temporary / HEADS)
        save_language(model.language, model.layout.tokenizer, temporary / LANGUAGE, lora)
        described = Description(
            encoder.name,
            encoder.fingerprint,
            tuple(encoder.default_layers),
            tuple(model.shape.channels),
            model.shape.joint,
            model.shape.width,
            language_model,
            base_fingerprint(language_model) if lora else "",
            asdict(lora) if lora else None,
        )
        write_json(temporary / DESCRIPTION, {"format": FORMAT, **asdict(described)})
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def save_language(language: Any, tokenizer: Any, folder: Path, lora: Lora | None) -> None:
    """Write a language model in half precision with its tokenizer, or its adapters."""
    import copy

    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    if lora:
        own = {k: v.detach().to(torch.float16).cpu().contiguous() for k, v in learning(language).items()}
        save_file(own, folder / ADAPTERS)
    else:
        copy.deepcopy(language).half().save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)


def read_description(folder: Path) -> Description:
    """What a folder says of itself. Raises SpecsightError where it is no such model, or of another format."""
    path = folder / DESCRIPTION
    if not path.is_file():
        raise SpecsightError(f"{WHAT} '{folder}' has no {DESCRIPTION}: it is no language model that points")
    try:
        values: Mapping[str, Any] = dict(parse_json(read_text(path)))
        if values["format"] != FORMAT:
            raise SpecsightError(
                f"'{path}' has format {values['format']}, and this version reads {FORMAT}: install the version that "
                "wrote it, or train again"
            )
        lists = {name: tuple(values[name]) for name in ("layers", "channels")}
        return Description(**{k: v for k, v in values.items() if k != "format"} | lists)
    except (ValueError, TypeError, KeyError) as error:
        raise SpecsightError(f"'{path}' is damaged: get the model folder again") from error


def load_pointing(folder: Path, device: Any = "cpu") -> tuple[Any, Description]:
    """The `PointingModel` of a folder, in float32 and evaluation mode, and what it was trained beside.

    Raises SpecsightError where files are missing or damaged.
    """
    require("torch", "models")
    require("transformers", "models")
    from safetensors.torch import load_file

    from specsight.language.pointing.model import PointingModel, Shape

    described = read_description(folder)
    language, tokenizer = _language(folder / LANGUAGE, described)
    model = PointingModel(language, tokenizer, Shape(described.channels, described.joint, described.width))
    path = folder / HEADS
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        for part, module in (("heads", model.heads), ("eyes", model.eyes)):
            start = f"{part}."
            module.load_state_dict({k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)})
    except FileNotFoundError as error:
        raise SpecsightError(f"'{path}' is missing: get the model folder again") from error
    except Exception as error:  # safetensors and torch raise whatever a damaged file provokes
        raise SpecsightError(f"'{path}' is damaged: get the model folder again") from error
    return model.to(device).eval().requires_grad_(False), described


def _language(folder: Path, described: Description) -> tuple[Any, Any]:
    """The language model and its tokenizer; of one that was adapted its own checkpoint with the adapters."""
    import torch
    import transformers
    from safetensors.torch import load_file

    if described.lora is None:
        found = checkpoint_folder(str(folder), WHAT)
        language = load_weights(
            transformers.AutoModelForCausalLM,
            found,
            str(found),
            WHAT,
            dtype=torch.float32,
            attn_implementation="sdpa",
        )
        return language, load_tokenizer(found, str(found), WHAT)
    if base_fingerprint(described.language_model) != described.base_fingerprint:
        raise SpecsightError(
            f"'{folder}' holds adapters of another '{described.language_model}' than is installed: get that one"
        )
    language, tokenizer = load_base(base_folder(described.language_model))
    lora = Lora(**{**described.lora, "targets": tuple(described.lora["targets"])})
    language = adapted(language, tokenizer, lora)
    path = folder / ADAPTERS
    try:
        fill(language, load_file(path))
    except Exception as error:  # safetensors raises whatever a damaged file provokes
        raise SpecsightError(f"'{path}' is missing or damaged: get the model folder again") from error
    return language, tokenizer


def pointing_fingerprint(folder: Path) -> str:
    """Hex digest over the description, heads and language model of a folder."""
    import hashlib

    digest = hashlib.sha256(f"{sha256(folder / DESCRIPTION)} {sha256(folder / HEADS)}".encode())
    digest.update(fingerprint(folder / LANGUAGE, WORDING).encode())
    return digest.hexdigest()
