"""As MMAD (Jiang et al., "MMAD: a comprehensive benchmark for multimodal large language models in industrial anomaly
detection", ICLR 2025) lays its questions out: `mmad.json`, `metadata.csv`, `domain_knowledge.json`, masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from specsight.benchmark.export.contract import Exported, exporters
from specsight.benchmark.files import ONTOLOGY, Benchmark
from specsight.benchmark.instances import united_mask
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.tasks import TASKS
from specsight.ontology import TypeEntry, read_ontology
from specsight.storage.files import write_bytes, write_json
from specsight.storage.tables import write_csv

SEPARATE = {"Object Analysis": "Object Structure"}
"""MMAD's files name two kinds of question that its tables count as one."""


@exporters.register("mmad")
def write_mmad(benchmark: Benchmark, out: Path, exported: Exported) -> None:
    """Pictures with their questions, by path. Left out: items with another form than one letter, without a row in
    MMAD's tables, or with words of an inspection (its prompt has no place for them)."""
    content, rows = dict[str, Any](), list[tuple[str, ...]]()
    for sample, items in benchmark.by_sample():
        kept = [item for item in items if _has_place(item, exported)]
        if not kept:
            continue
        mask = _write_mask(sample, out) if sample.instances else ""
        entry = content.setdefault(
            sample.image,
            {
                "image_path": sample.image,
                "mask_path": mask,
                "conversation": [],
                "random_templates": [],
                "similar_templates": [],
            },
        )
        for item in kept:
            entry["conversation"].append(_question(item))
            for key in ("random_templates", "similar_templates"):
                entry[key] += [one for one in item.reference_images if one not in entry[key]]
            options = "\n".join(f"{letter}: {text}" for letter, text in item.options.items())
            template = item.reference_images[0] if item.reference_images else ""
            rows.append((sample.image, item.question, options, item.answer, template, mask))
            exported.count += 1
    write_json(out / "mmad.json", content)
    write_csv(
        out / "metadata.csv", ("query_image", "question", "options", "answer", "template_image", "mask"), rows
    )
    write_json(out / "domain_knowledge.json", {benchmark.manifest.name: _knowledge(benchmark)})


def _has_place(item: Item, exported: Exported) -> bool:
    reason = ""
    if item.form != "choice":
        reason = f"form '{item.form}'"
    elif TASKS[item.task].subtask is None:
        reason = f"task '{item.task}' has no row in MMAD"
    elif item.instruction is not None:
        reason = "goes with an instruction"
    elif len(item.options) > 5:
        reason = "more than five options"
    if reason:
        exported.left_out[reason] += 1
    return not reason


def _question(item: Item) -> Mapping[str, Any]:
    subtask = TASKS[item.task].subtask or ""
    return {
        "Question": item.question,
        "Options": dict(item.options),
        "Answer": item.answer,
        "type": SEPARATE.get(subtask, subtask),
        "annotation": True,
    }


def _write_mask(sample: BenchmarkSample, out: Path) -> str:
    import cv2
    import numpy as np

    name = f"mask/{Path(sample.image).with_suffix('').as_posix()}_mask.png"
    pixels = united_mask(sample).astype(np.uint8) * np.uint8(255)
    write_bytes(out / name, cv2.imencode(".png", pixels)[1].tobytes())
    return name


def _knowledge(benchmark: Benchmark) -> Mapping[str, Mapping[str, str]]:
    """Product → "good" or a type under the set's own name → what is known of it, in the form of MMAD's file.

    Of types, those that the samples have and the benchmark's ontology knows more of than that something is wrong.
    """
    known: dict[str, dict[str, str]] = {}
    for one in benchmark.descriptions():
        known[one.product] = {"good": _titled("good", (s.text for s in one.sentences))}
    path = benchmark.folder / ONTOLOGY
    if not path.is_file():
        return known
    ontology = read_ontology(path)
    occurring = {
        (sample.product, one.type_raw, one.type) for sample in benchmark.samples() for one in sample.instances
    }
    for product, raw, type_ in sorted(occurring):
        entry = ontology.find(raw, product) or ontology.find(type_, product)
        if entry is not None and not entry.generic:
            known.setdefault(product, {})[raw] = _titled(entry.name, _sentences(entry))
    return known


def _sentences(entry: TypeEntry) -> Iterator[str]:
    """How a type looks, where it comes from, what follows, what is to be done; what is not known is left out."""
    yield entry.looks
    if entry.causes:
        *others, last = entry.causes
        yield f"It is caused by {', '.join(others)}{' or ' if others else ''}{last}."
    yield entry.consequence
    yield entry.action


def _titled(name: str, sentences: Iterable[str]) -> str:
    return f" {name.capitalize()}\n Description: {' '.join(filter(None, sentences))}"
