"""What every language model of `transformers` has in common: how it is loaded, where it ends, how its template is used.

In: a checkpoint's name. Out: its weights on a device with what they say of themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specsight.checkpoints import checkpoint_folder, fingerprint, load_weights
from specsight.errors import SpecsightError, require
from specsight.learning.device import choose_device

CACHES = ("cache", "past_key_values")
"""What `transformers` calls the keys and values of tokens read before, newer versions first."""
LAST_ALONE = "logits_to_keep"
"""What it calls how many of the last tokens are weighed: the others' weights are a fifth of a small model's work."""
WORDING = (".jinja", ".model", ".txt")
"""Endings of files beside JSON that say how a conversation becomes tokens."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint: float32 on a CPU, its own precision elsewhere."""

    folder: Path
    fingerprint: str
    device: Any
    """A `torch.device`."""
    model: Any
    context: int | None
    """The longest conversation in tokens; None: not known."""


def load_model(kind: str, name: str, what: str, device: str) -> Loaded:
    """The checkpoint `name` as a model of `transformers` of the class `kind`; `what` it is, for messages.

    Raises SpecsightError for a missing extra, and for a checkpoint without safetensors or of another kind.
    """
    require("torch", "models")
    require("transformers", "models")
    import torch
    import transformers

    folder = checkpoint_folder(name, what)
    digest = fingerprint(folder, WORDING)
    where = choose_device(device)
    dtype = torch.float32 if where.type == "cpu" else "auto"
    model = load_weights(getattr(transformers, kind), folder, name, what, dtype=dtype)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return Loaded(folder, digest, where, model.to(where), context)


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end an answer, by the model's generation settings and by its tokenizer."""
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return {end for end in (*ends, tokenizer.eos_token_id) if end is not None}


def laid_out(tokenizer: Any, turns: Sequence[Mapping[str, Any]], what: str, name: str) -> str:
    """A conversation as one text, by a tokenizer's chat template.

    It ends with the opening of the assistant's turn unless that has spoken last. Raises SpecsightError where the
    template refuses the conversation: it raises what its author wrote, such as for roles that it does not know.
    """
    goes_on = turns[-1]["role"] != "assistant"
    try:
        return str(tokenizer.apply_chat_template(list(turns), tokenize=False, add_generation_prompt=goes_on))
    except Exception as error:
        reason = " ".join(str(error).split())
        raise SpecsightError(
            f"the chat template of {what} '{name}' refuses this conversation: {reason}"
        ) from error
