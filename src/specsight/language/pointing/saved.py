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
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from specsight.checkpoints import (
    checkpoint_folder,
    fingerprint,
    load_tokenizer,
    load_weights,
    local_folder,
)
from specsight.encoders import Encoder
from specsight.errors import SpecsightError, excerpt, require
from specsight.language.loading import WORDING
from specsight.language.pointing.adapters import (
    SMOLLM2,
    Lora,
    adapted,
    base_fingerprint,
    base_folder,
    fill,
    learning,
    load_base,
)
from specsight.language.pointing.tokens import WHAT, knows_tokens
from specsight.record_json import Text, check
from specsight.storage import (
    parse_json,
    read_folder,
    read_text,
    sha256,
    verify_folder,
    whole_folder,
    write_json,
)

FORMAT = 1
LONGEST_DESCRIPTION = 1 << 16
"""Bytes."""
ANEW = "get the model folder again, or train again"
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

    def check_encoder(self, what: str, encoder: Encoder, way_out: str) -> None:
        """Raises SpecsightError, with the way out, where `what` was trained beside another encoder."""
        if self.encoder_fingerprint != encoder.fingerprint:
            raise SpecsightError(
                f"{what} was trained beside encoder '{self.encoder}', and '{encoder.name}' is another: {way_out}"
            )


Size = Annotated[int, Field(ge=1, le=1 << 14)]
"""Channels, dimensions or ranks: more than any network has would only ask for memory."""


class LoraJson(TypedDict):
    """See `Lora`."""

    rank: Annotated[int, Field(ge=1, le=512)]
    alpha: Size
    targets: Annotated[list[Text], Field(min_length=1, max_length=1000)]


class DescriptionJson(TypedDict):
    """See `Description`."""

    encoder: Text
    encoder_fingerprint: Text
    layers: Annotated[list[Text], Field(min_length=1, max_length=8)]
    channels: Annotated[list[Size], Field(min_length=1, max_length=8)]
    joint: Annotated[int, Field(ge=0, le=1 << 14)]
    width: Size
    language_model: Text
    base_fingerprint: Text
    lora: LoraJson | None


def save_pointing(model: Any, encoder: Encoder, language_model: str, lora: Lora | None, folder: Path) -> int:
    """Write a `PointingModel` in half precision, of one that was adapted (`lora`) the adapters; returns its bytes."""
    import torch
    from safetensors.torch import save_file

    with whole_folder(folder, replace=True) as temporary:
        half = {
            name: tensor.detach().to(torch.float16).cpu().contiguous() for name, tensor in _own(model).items()
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
        values: Mapping[str, Any] = dict(parse_json(read_text(path, LONGEST_DESCRIPTION)))
        if values["format"] != FORMAT:
            raise SpecsightError(
                f"'{path}' has format {excerpt(str(values['format']))}, and this version reads {FORMAT}: install the "
                "version that wrote it, or train again"
            )
        sound = check(DescriptionJson, values)
    except (ValueError, TypeError, KeyError) as error:
        raise SpecsightError(f"'{path}' is damaged ({excerpt(str(error))}): {ANEW}") from error
    lists = {name: tuple(sound[name]) for name in ("layers", "channels")}
    known = {name: sound[name] for name in DescriptionJson.__annotations__}
    return Description(**known | lists)


def load_pointing(folder: Path, device: Any = "cpu") -> tuple[Any, Description]:
    """The `PointingModel` of a folder, in float32 and evaluation mode, and what it was trained beside.

    Raises SpecsightError where files are missing, damaged, on no checksum list, or do not fit each other, and where the
    language model that was adapted is not on this machine: nothing is fetched because a folder names it.
    """
    require("torch", "models")
    require("transformers", "models")
    described = read_description(folder)
    model, _ = read_folder(folder, lambda: _read(folder, described), ANEW)
    return model.to(device).eval().requires_grad_(False), described


def _read(folder: Path, described: Description) -> Any:
    """The model on the CPU."""
    import torch
    from safetensors.torch import load_file

    from specsight.language.pointing.model import PointingModel, Shape

    path = folder / HEADS
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
    except Exception as error:  # safetensors raises whatever a damaged file provokes
        raise SpecsightError(f"'{path}' is damaged: {ANEW}") from error
    language, tokenizer = _language(folder / LANGUAGE, described)
    if not knows_tokens(tokenizer, language):
        raise SpecsightError(f"'{folder / LANGUAGE}' has a tokenizer of another language model: {ANEW}")
    shape = Shape(described.channels, described.joint, described.width)
    with torch.device("meta"):  # What the description says takes memory only where the file agrees with it.
        wanted = _own(PointingModel(language, tokenizer, shape))
    if {k: v.shape for k, v in wanted.items()} != {k: v.shape for k, v in tensors.items()}:
        raise SpecsightError(
            f"'{path}' does not fit '{folder / DESCRIPTION}' and '{folder / LANGUAGE}': they are of different models; "
            f"{ANEW}"
        )
    model = PointingModel(language, tokenizer, shape)
    with torch.no_grad():
        for name, tensor in _own(model).items():
            tensor.copy_(tensors[name])
    # Of an adapted one, the rest is in its own checkpoint.
    read = learning(language) if described.lora else language.state_dict()
    broken = [name for name, value in {**tensors, **read}.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise SpecsightError(f"'{folder}' has weights that are no numbers ('{broken[0]}'): {ANEW}")
    return model


def _own(model: Any) -> dict[str, Any]:
    """The arrays of heads and eyes, by the names that they have in the file."""
    parts = (("heads", model.heads), ("eyes", model.eyes))
    return {f"{part}.{name}": value for part, module in parts for name, value in module.state_dict().items()}


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
    base = described.language_model
    if base != SMOLLM2 and local_folder(base) is None:
        raise SpecsightError(
            f"'{folder}' holds adapters of '{excerpt(base)}', which is not on this machine, and nothing is fetched "
            "because a folder names it: put that checkpoint there"
        )
    if base_fingerprint(base) != described.base_fingerprint:
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
        raise SpecsightError(f"'{path}' is missing, damaged or of another model: {ANEW}") from error
    return language, tokenizer


def pointing_fingerprint(folder: Path) -> str:
    """Hex digest over the description, heads and language model of a folder.

    Raises SpecsightError where it is no such model, and where files are missing or damaged.
    """
    import hashlib

    read_description(folder)
    verify_folder(folder, ANEW)
    digest = hashlib.sha256(f"{sha256(folder / DESCRIPTION)} {sha256(folder / HEADS)}".encode())
    digest.update(fingerprint(folder / LANGUAGE, WORDING).encode())
    return digest.hexdigest()
