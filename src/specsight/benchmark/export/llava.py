"""As LLaVA's instruction data (Liu et al., NeurIPS 2023; "sharegpt"): conversations with pictures, a file per split.

Answers end in the two tokens of LLaVA-ADS, a `[SEG_DEFECT]` per named type in order and a `[SEG_NORMAL]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specsight.benchmark.export.contract import Exported, exporters
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Item
from specsight.errors import SpecsightError

SEG_DEFECT, SEG_NORMAL = "[SEG_DEFECT]", "[SEG_NORMAL]"
IMAGE = "<image>"


@exporters.register("llava")
def write_llava(benchmark: Benchmark, out: Path, exported: Exported) -> None:
    """Every item as one conversation: `train.json`, `validation.json`, `test.json`, one conversation per line of the
    list."""
    for split in ("train", "validation", "test"):
        path = out / f"{split}.json"
        try:
            with path.open("w", encoding="utf-8") as file:
                file.write("[")
                for k, line in enumerate(_conversations(benchmark, split)):
                    file.write(("\n" if k == 0 else ",\n") + json.dumps(line, ensure_ascii=False))
                    exported.count += 1
                file.write("\n]\n")
        except OSError as error:
            raise SpecsightError(f"cannot write '{path}': {error.strerror or error}") from error


def _conversations(benchmark: Benchmark, split: str) -> Iterator[dict[str, Any]]:
    for item in benchmark.items():
        if item.split == split:
            pictures = [*item.reference_images, *item.images]
            yield {
                "id": item.id,
                "image": pictures if len(pictures) > 1 else pictures[0],
                "conversations": [
                    {"from": "human", "value": asked(item, len(pictures))},
                    {"from": "gpt", "value": answered(item)},
                ],
            }


def asked(item: Item, pictures: int) -> str:
    """What is asked, with a place for each picture before the words."""
    options = [f"{letter}. {text}" for letter, text in item.options.items()]
    words = [*([item.instruction] if item.instruction else []), item.question, *options]
    return "\n".join([*([IMAGE] * pictures), *(word.replace(IMAGE, "") for word in words)])


def answered(item: Item) -> str:
    """The answer in words, with its tokens."""
    if item.form == "choice":
        words = f"{item.answer}. {item.options[item.answer]}"
    elif item.form == "choices":
        letters = [letter.strip() for letter in item.answer.split(",") if letter.strip()]
        words = "; ".join(f"{letter}. {item.options[letter]}" for letter in letters)
    else:
        words = item.answer
    named = item.slots.types or ()
    return " ".join([words.replace(IMAGE, ""), *([SEG_DEFECT] * max(1, len(named))), SEG_NORMAL])
