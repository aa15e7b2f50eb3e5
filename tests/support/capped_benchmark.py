"""A benchmark written by hand: three caps in train, three in test, an item of each form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from specsight.benchmark.files import Benchmark, Manifest, write_lines, write_manifest
from specsight.benchmark.records import BenchmarkSample, Item, Provenance, Split
from specsight.explain.slots import Slots
from specsight.records import Label

DATASET = (Provenance(source="dataset"),)
YES_NO = {"A": "Yes, something is wrong", "B": "No, nothing is wrong"}
TYPES = {"A": "scratch", "B": "dent", "C": "stain", "D": "none of the above"}


def item(id_: str, sample: str, split: Split, answer: str, **fields: Any) -> Item:
    """An item with what is not said filled in."""
    given: dict[str, Any] = {
        "task": "anomaly", "form": "choice", "category": "cap", "images": (f"{sample}.png",), "options": YES_NO,
        "question": "Is anything wrong with the cap?", "provenance": DATASET, "licence": "CC0", "version": "1.0.0",
        "slots": Slots(decision="reject"),
    }  # fmt: skip
    return Item(id=id_, sample=sample, split=split, answer=answer, **{**given, **fields})


def sample(id_: str, split: Split, label: Label, **fields: Any) -> BenchmarkSample:
    """A sample of 32 × 24 pixels."""
    given: dict[str, Any] = {
        "source": "folder", "licence": "CC0", "product": "cap", "group": id_, "image": f"{id_}.png",
        "sha256": "0" * 64, "width": 32, "height": 24,
    }  # fmt: skip
    return BenchmarkSample(id=id_, split=split, label=label, **{**given, **fields})


def items() -> list[Item]:
    """One of each form on a test picture, and what the train split needs to know answers."""
    report = Slots(decision="reject", types=("dent",), count=1).model_dump_json(exclude_none=True)
    made: list[Item] = []
    rows: tuple[tuple[str, Split, str, str], ...] = (
        ("a", "train", "A", "B"), ("b", "train", "A", "B"), ("c", "train", "B", "A"), ("d", "test", "A", "B"),
        ("e", "test", "B", "C"), ("f", "test", "A", "A"),
    )  # fmt: skip
    for name, split, wrong, kind in rows:
        made += [
            item(f"{name}/anomaly/0", name, split, wrong),
            item(f"{name}/type/0", name, split, kind, task="type", options=TYPES, question="Which type?"),
        ]
    for name, split, *_ in (rows[0], rows[3]):
        free: dict[str, Any] = {"options": {}}
        made += [
            item(f"{name}/type/1", name, split, "A, C", task="type", form="choices", options=TYPES),
            item(
                f"{name}/location/0",
                name,
                split,
                "[100, 200, 300, 400]",
                task="location",
                form="box",
                options={},
            ),
            item(f"{name}/location/1", name, split, "[200, 300]", task="location", form="point", **free),
            item(
                f"{name}/description/0",
                name,
                split,
                "A dent on the rim.",
                task="description",
                form="text",
                options={},
            ),
            item(f"{name}/report/0", name, split, report, task="report", form="report", **free),
        ]
    return sorted(made, key=lambda one: one.sample)


def write_benchmark(
    folder: Path, made: Sequence[Item] | None = None, samples: Sequence[BenchmarkSample] | None = None
) -> Benchmark:
    """The benchmark, with grey pictures beside it where `samples` are not given."""
    made = items() if made is None else made
    folder.mkdir(parents=True, exist_ok=True)
    if samples is None:
        samples = [
            sample(name, "train" if name < "d" else "test", "good" if name in "ce" else "defective")
            for name in "abcdef"
        ]
        for one in samples:
            Image.fromarray(np.full((24, 32, 3), 128, np.uint8)).save(folder / one.image)
    write_lines(folder / "samples.jsonl", samples)
    write_lines(folder / "items.jsonl", made)
    manifest = Manifest(
        name="caps", version="1.0.0", made_by="0", data=".", layout="folder", build={"seed": 0}, products=("cap",),
        licences=("CC0",), counts={"samples": len(samples), "items": len(made)},
    )  # fmt: skip
    write_manifest(folder, manifest)
    return Benchmark(folder)
