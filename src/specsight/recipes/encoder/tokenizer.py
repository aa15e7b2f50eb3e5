"""The tokenizer of the text tower: WordPiece over the words of our sentences and of general English.

Words of the recipe's own sentences are entries; the frequent words and word endings of a public English vocabulary
(BERT's, Apache-2.0) follow, so that a word without an entry is split where English splits, down to letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def general_words(vocabulary: Path, words: int) -> list[str]:
    """The `words` most frequent English words of a WordPiece vocabulary file that is ordered by frequency."""
    lines = vocabulary.read_text("utf-8").split("\n")
    return [line for line in lines if line.isascii() and line.isalpha() and len(line) > 1][:words]


def build_tokenizer(
    sentences: Iterable[str], vocabulary: Path, words: int, endings: int, longest: int
) -> Any:
    """A `PreTrainedTokenizerFast` (lower case, BERT's marks) for sentences of up to `longest` tokens."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    own = sorted({word for sentence in sentences for word in re.findall(r"[a-z]+|[0-9]+", sentence.lower())})
    lines = vocabulary.read_text("utf-8").split("\n")
    pieces = [line for line in lines if line.startswith("##") and line[2:].isascii() and line[2:].isalpha()]
    letters = [*ascii_lowercase, *digits, *"-.,:;'\"()/%?!&+"]
    entries = [*SPECIAL, *letters, *(f"##{c}" for c in ascii_lowercase + digits), *own]
    entries += [*general_words(vocabulary, words), *pieces[:endings]]
    index = {entry: number for number, entry in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(models.WordPiece(index, unk_token="[UNK]", max_input_chars_per_word=60))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", index["[CLS]"]), ("[SEP]", index["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    names = dict(
        zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True)
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=longest, **names)
