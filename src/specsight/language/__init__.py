"""Language models behind one protocol. `load_language_model(name)` is the only way to get one."""

from __future__ import annotations

from pathlib import Path

from specsight.checkpoints import fingerprint, local_folder
from specsight.errors import SpecsightError
from specsight.language.contract import Adapter, AttentionGrid, LanguageModel, Message, language_models
from specsight.language.loading import WORDING

__all__ = [
    "Adapter",
    "AttentionGrid",
    "LanguageModel",
    "Message",
    "language_models",
    "load_language_model",
    "names_same_model",
]

TRANSFORMERS = "transformers"
CHECKPOINTS = (TRANSFORMERS, "vision")
"""Adapters whose names are checkpoints of `transformers`."""


def load_language_model(name: str | Path, device: str = "auto", words_alone: bool = False) -> LanguageModel:
    """The language model called `name` on `device`.

    Parameters: `name` is "ADAPTER:NAME" with an adapter of `language_models`, an adapter alone where it needs no more,
    or a checkpoint folder or hub id, which the adapter "transformers" loads; `device` is "auto", "cpu", "cuda" or
    "cuda:N"; `words_alone` says that it will be shown no picture. Raises SpecsightError with the way out where there is
    no such model or device, and with `words_alone` for a model that speaks of pictures alone.
    """
    adapter, rest = _parted(str(name))
    model = language_models[adapter](rest, device)
    if words_alone and not model.reads:
        raise SpecsightError(
            f"language model '{name}' speaks of pictures alone, and here it would get sentences: name one that reads, "
            "such as smollm2"
        )
    return model


def names_same_model(name: str, digest: str) -> bool:
    """Whether the language model that a saved model names may be the one of this fingerprint; nothing of it is loaded,
    fetched or asked.

    A checkpoint is compared by its files; an adapter that needs no name says nothing before it is loaded. Raises
    SpecsightError for a checkpoint that is not on this machine and for what an adapter would look for elsewhere.
    """
    adapter, rest = _parted(name)
    if not rest:
        return True
    remote = adapter not in CHECKPOINTS or rest.startswith(("//", "\\\\"))
    folder = None if remote else local_folder(rest)
    if folder is None:
        raise SpecsightError(
            f"the language model '{name}' is not on this machine, and nothing is fetched or asked because a model "
            "names it: put the checkpoint's folder there, or fit again with another"
        )
    return fingerprint(folder, WORDING) == digest


def _parted(name: str) -> tuple[str, str]:
    """An adapter, and what is behind it."""
    adapter, _, rest = name.partition(":")
    known = adapter in language_models or adapter in language_models.broken
    return (adapter, rest) if known else (TRANSFORMERS, name)
