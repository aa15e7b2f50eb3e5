"""Low-rank adapters of a causal language model that is there already, and the rows of its new tokens (`peft`).

In: a checkpoint. Out: the model with its weights frozen and few that learn; those few as arrays, and back.
LoRA: Hu et al., ICLR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.checkpoints import checkpoint_folder, fingerprint, load_tokenizer, load_weights
from specsight.errors import SpecsightError, require
from specsight.language.loading import WORDING
from specsight.language.pointing.tokens import TOKENS, WHAT, add_tokens

if TYPE_CHECKING:
    import torch

SMOLLM2 = "smollm2"


@dataclass(frozen=True)
class Lora:
    """Shape of the adapters."""

    rank: int = 16
    alpha: int = 32
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    """Layers by the ends of their names, or by whole names."""


def base_folder(name: str) -> Path:
    """The checkpoint folder of a language model: `smollm2`, a folder or a hub id."""
    if name == SMOLLM2:
        from specsight.language.smollm2 import smollm2_folder

        return smollm2_folder()
    return checkpoint_folder(name, WHAT, SMOLLM2)


def base_fingerprint(name: str) -> str:
    """Hex digest of the checkpoint that adapters belong to."""
    if name == SMOLLM2:
        from specsight.language.smollm2 import FINGERPRINT

        return FINGERPRINT
    return fingerprint(base_folder(name), WORDING)


def load_base(folder: Path) -> tuple[Any, Any]:
    """A causal language model and its tokenizer, with the tokens of `TOKENS` added."""
    torch, transformers = require("torch", "models"), require("transformers", "models")
    tokenizer = load_tokenizer(folder, str(folder), WHAT)
    model = load_weights(
        transformers.AutoModelForCausalLM,
        folder,
        str(folder),
        WHAT,
        dtype=torch.float32,
        attn_implementation="sdpa",
    )
    add_tokens(tokenizer, model)
    return model, tokenizer


def adapted(model: Any, tokenizer: Any, lora: Lora, tokens: Sequence[str] = TOKENS) -> Any:
    """The model with adapters and new tokens' rows that learn, all else frozen. Without dropout: what learns is small.

    Raises SpecsightError where it has no layers of the names that adapters are for.
    """
    peft = require("peft", "smollm2")
    named = [name for name, _ in model.named_modules()]
    if not set(lora.targets) & {*named, *(name.rsplit(".", 1)[-1] for name in named)}:
        raise SpecsightError(
            f"the language model has no layers {', '.join(lora.targets)} to adapt: name those of its queries and "
            "values (Lora.targets)"
        )
    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        target_modules=list(lora.targets),
        trainable_token_indices=_rows(model, [tokenizer.convert_tokens_to_ids(token) for token in tokens]),
    )
    return peft.get_peft_model(model, config).get_base_model()


def _rows(model: Any, tokens: list[int]) -> dict[str, list[int]]:
    """The rows of tokens in the embeddings, and in the last layer where that has rows of its own."""
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    if tables[0].weight is tables[1].weight:
        del tables[1]
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(table)].rsplit(".", 1)[-1]: tokens for table in tables}


def learning(model: Any) -> dict[str, torch.nn.Parameter]:
    """The parameters that learn, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def fill(model: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put arrays of `learning` back. Raises ValueError where they are of another model."""
    import torch

    own = learning(model)
    if {name: tuple(one.shape) for name, one in own.items()} != {
        k: tuple(v.shape) for k, v in tensors.items()
    }:
        raise ValueError("these adapters belong to another language model")
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)
