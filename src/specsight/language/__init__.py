"""Language models behind one protocol. `load_language_model(name)` is the only way to get one."""

from __future__ import annotations

from pathlib import Path

from specsight.language.contract import Adapter, AttentionGrid, LanguageModel, Message, language_models

__all__ = ["Adapter", "AttentionGrid", "LanguageModel", "Message", "language_models", "load_language_model"]

TRANSFORMERS = "transformers"


def load_language_model(name: str | Path, device: str = "auto") -> LanguageModel:
    """The language model called `name` on `device`.

    Parameters: `name` is "ADAPTER:NAME" with an adapter of `language_models`, an adapter alone where it needs no more,
    or a checkpoint folder or hub id, which the adapter "transformers" loads; `device` is "auto", "cpu", "cuda" or
    "cuda:N". Raises SpecsightError with the way out where there is no such model or device.
    """
    adapter, _, rest = str(name).partition(":")
    if adapter in language_models or adapter in language_models.broken:
        return language_models[adapter](rest, device)
    return language_models[TRANSFORMERS](str(name), device)
