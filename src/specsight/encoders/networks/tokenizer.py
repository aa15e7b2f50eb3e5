"""A `tokenizer.json` as a tokenizer, called as `transformers` calls its own, whose class for such files it stands for.

In: the folder of a checkpoint. Out: sentences → numbers of tokens, without importing `transformers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
import torch

from specsight.errors import SpecsightError
from specsight.storage import parse_json, read_text, write_text

TOKENIZER, SETTINGS = "tokenizer.json", "tokenizer_config.json"
PLAIN = ("TokenizersBackend", "PreTrainedTokenizerFast")
"""Classes of `transformers` that do what `tokenizer.json` says, and nothing else: since version 5, and before."""
TOKENS = ("bos_token", "cls_token", "eos_token", "mask_token", "pad_token", "sep_token", "unk_token")
HARMLESS = {
    *TOKENS,
    "added_tokens_decoder",
    "backend",
    "clean_up_tokenization_spaces",
    "extra_special_tokens",
    "model_max_length",
    "tokenizer_class",
}
"""Settings under which sentences are cut as `tokenizer.json` says."""


def read_settings(folder: Path) -> Mapping[str, Any] | None:
    """What `tokenizer_config.json` says, where `tokenizer.json` alone decides how sentences are cut and a token pads
    them; else None: `transformers` reads it."""
    if not (folder / TOKENIZER).is_file():
        return None
    try:
        settings = parse_json(read_text(folder / SETTINGS))
    except (ValueError, OSError):
        return None
    plain = isinstance(settings, Mapping) and settings.get("tokenizer_class") in PLAIN
    return settings if plain and settings.keys() <= HARMLESS and _token(settings, "pad_token") else None


class FileTokenizer:
    """Sentences → tokens, as `tokenizer.json` says, padded and cut as a call asks for."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """`settings`: those that `read_settings` returned. Raises SpecsightError for a damaged file."""
        self._files = {name: read_text(folder / name) for name in (TOKENIZER, SETTINGS)}
        try:
            self._tokenizer = tokenizers.Tokenizer.from_str(self._files[TOKENIZER])
        except Exception as error:  # the library raises nothing narrower
            raise SpecsightError(f"'{folder / TOKENIZER}' is damaged: get the checkpoint anew") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.pad_token_id, self.unk_token_id, self.eos_token_id = (
            self._tokenizer.token_to_id(_token(settings, name))
            for name in ("pad_token", "unk_token", "eos_token")
        )
        if self.pad_token_id is None:
            token = _token(settings, "pad_token")
            raise SpecsightError(
                f"'{folder / TOKENIZER}' has no token '{token}' to pad with: get the checkpoint anew"
            )

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        add_special_tokens: bool = True,
        truncation: bool = False,
        max_length: int | None = None,
        padding: str | None = None,
        return_special_tokens_mask: bool = False,
        return_tensors: str | None = None,
    ) -> dict[str, Any]:
        """{"input_ids", "attention_mask", "special_tokens_mask" where asked for}: a list of a sentence, a list of
        lists of several; with `return_tensors` = "pt" and `padding`, "longest" or "max_length", tensors (N, n).
        """
        texts = [text] if isinstance(text, str) else list(text)
        encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        if truncation and max_length is not None:
            added = self._tokenizer.num_special_tokens_to_add(False) if add_special_tokens else 0
            for encoding in encodings:
                encoding.truncate(max(0, max_length - added))
        if add_special_tokens:
            encodings = [self._tokenizer.post_process(encoding) for encoding in encodings]
        if padding is not None:
            lengths = [max_length or 0] if padding == "max_length" else [len(e.ids) for e in encodings]
            for encoding in encodings:
                encoding.pad(max(lengths), pad_id=self.pad_token_id)
        found: dict[str, Any] = {
            "input_ids": [encoding.ids for encoding in encodings],
            "attention_mask": [encoding.attention_mask for encoding in encodings],
        }
        if return_special_tokens_mask:
            found["special_tokens_mask"] = [encoding.special_tokens_mask for encoding in encodings]
        if return_tensors is not None:
            return {name: torch.tensor(rows) for name, rows in found.items()}
        return {name: rows[0] for name, rows in found.items()} if isinstance(text, str) else found

    def save_pretrained(self, folder: Path) -> None:
        """Write the files that the tokenizer was read from."""
        for name, content in self._files.items():
            write_text(folder / name, content)


def _token(settings: Mapping[str, Any], name: str) -> str:
    """A token of the settings, which is text or a mapping with its text; "" where there is none."""
    token = settings.get(name)
    content = token.get("content") if isinstance(token, Mapping) else token
    return content if isinstance(content, str) else ""
