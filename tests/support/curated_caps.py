"""A small benchmark of drawn caps, made line by line, for what persons do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as run_lengths
from tests.support.caps import SIZE, YAML, cap

from specsight.benchmark.files import Benchmark, Manifest, write_lines, write_manifest
from specsight.benchmark.records import BenchmarkSample, Instance, Item, Provenance
from specsight.explain.slots import Slots

SOURCE = (Provenance(source="rule", by="test"),)


def item(number: int, **changes: Any) -> Item:
    """Item `number`, of the picture with the same number; every other picture has a scratch."""
    scratched = number % 2 == 1
    given: dict[str, Any] = {
        "id": f"cap-{number}/anomaly/0", "task": "anomaly", "form": "choice", "sample": f"cap-{number}",
        "category": "cap", "images": (f"cap-{number}.png",), "question": f"Is anything wrong with cap {number}?",
        "options": {"A": "Yes.", "B": "No."}, "answer": "A" if scratched else "B",
        "slots": Slots(decision="reject" if scratched else "accept"), "provenance": SOURCE, "licence": "CC0",
        "split": "test", "version": "1.0.0",
    }  # fmt: skip
    return Item(**{**given, **changes})


def sample(number: int, folder: Path) -> BenchmarkSample:
    """Its picture is written, too."""
    rgb = cap(number)[0].copy()
    instances: tuple[Instance, ...] = ()
    if number % 2 == 1:
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[60:64, 40:80] = 1
        rgb[mask > 0] = 250
        coded = run_lengths.encode(np.asfortranarray(mask))
        instances = (
            Instance(
                type_raw="scratch", type="scratch", box=(40, 60, 80, 64), area_px=160, area_share=160 / SIZE**2,
                centroid=(60, 62), cells=("centre",), part="face", length_px=40, severity="minor",
                rle={"size": coded["size"], "counts": coded["counts"].decode()},
            ),
        )  # fmt: skip
    path = folder / f"cap-{number}.png"
    Image.fromarray(rgb).save(path)
    return BenchmarkSample(
        id=f"cap-{number}", source="folder", licence="CC0", product="cap", split="test",
        label="defective" if instances else "good", group=f"cap-{number}", image=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(), width=SIZE, height=SIZE, instances=instances,
    )  # fmt: skip


def make(folder: Path, items: Iterable[Item], synthetic: bool = False, pictures: int = 4) -> Benchmark:
    """A benchmark in `folder` with these items, and pictures beside it."""
    data = folder.parent / "pictures"
    data.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True)
    items = list(items)
    write_lines(folder / "samples.jsonl", [sample(number, data) for number in range(pictures)])
    write_lines(folder / "items.jsonl", items)
    (folder / "specification.yaml").write_text(YAML)
    tasks = {f"items/{task}": sum(i.task == task for i in items) for task in {i.task for i in items}}
    manifest = Manifest(
        name="caps", version="1.0.0", made_by="0", data="../pictures", layout="folder", synthetic=synthetic,
        build={"seed": 0}, products=("cap",), licences=("CC0",),
        counts={"samples": pictures, "items": len(items), **tasks},
    )  # fmt: skip
    write_manifest(folder, manifest)
    return Benchmark(folder)
