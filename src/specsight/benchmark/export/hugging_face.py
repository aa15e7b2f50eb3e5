"""As an image folder of Hugging Face `datasets`: a `metadata.jsonl` per split, and a README with its header.

Paths in `file_name` are those of the data folder: an image folder that loads is one with its pictures
(`--pictures` copies them for one's own use).
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import yaml

from specsight.benchmark.export.contract import Exported, exporters
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Item
from specsight.errors import SpecsightError
from specsight.storage.files import write_text
from specsight.storage.tables import markdown_text


@exporters.register("hf")
def write_hugging_face(benchmark: Benchmark, out: Path, exported: Exported) -> None:
    """Every item as a line of `metadata-SPLIT.jsonl` under its first picture's name; nested fields as JSON text."""
    try:
        with ExitStack() as stack:
            files: dict[str, TextIO] = {}
            for item in benchmark.items():
                if item.split not in files:
                    files[item.split] = stack.enter_context(
                        (out / f"{item.split}.jsonl").open("w", encoding="utf-8")
                    )
                files[item.split].write(json.dumps(_row(item), ensure_ascii=False) + "\n")
                exported.count += 1
    except OSError as error:
        raise SpecsightError(f"cannot write '{out}': {error.strerror or error}") from error
    write_text(out / "README.md", _readme(benchmark, list(files)))


def _row(item: Item) -> dict[str, Any]:
    """One flat row: every row has the same columns of the same types, as tables need."""
    return {
        "file_name": item.images[0],
        "further_images": list(item.images[1:]),
        "reference_images": list(item.reference_images),
        **{
            name: getattr(item, name)
            for name in ("id", "task", "form", "sample", "category", "question", "answer")
        },
        "letters": list(item.options),
        "options": list(item.options.values()),
        "instruction": item.instruction or "",
        "pair": item.pair or "",
        "slots": item.slots.model_dump_json(exclude_none=True),
        **{name: getattr(item, name) for name in ("licence", "split", "version")},
    }


def _readme(benchmark: Benchmark, splits: list[str]) -> str:
    manifest = benchmark.manifest
    header = {
        "pretty_name": manifest.title or manifest.name,
        "license": "other",
        "license_name": "; ".join(manifest.licences) or "unknown",
        "language": ["en"],
        "task_categories": ["visual-question-answering"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{split}.jsonl"} for split in splits],
            }
        ],
    }
    title = markdown_text(manifest.title or manifest.name)
    return (
        f"---\n{yaml.safe_dump(header, allow_unicode=True)}---\n\n# {title}\n\nVersion {manifest.version}. "
        "`file_name` is relative to the folder of the pictures, which their owners give.\n"
    )
