"""A benchmark of three drawn pictures whose every field is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco

from specsight.benchmark.files import Benchmark, Manifest, write_lines, write_manifest
from specsight.benchmark.records import (
    BenchmarkSample,
    Description,
    Instance,
    Item,
    Provenance,
    Sentence,
)
from specsight.explain.slots import Slots
from specsight.storage.files import sha256

HEIGHT, WIDTH = 40, 60
LICENCE = "CC BY-NC-SA 4.0 (a set)"
BY_RULE = (Provenance(source="rule"),)


def write_small_benchmark(folder: Path) -> Benchmark:
    """`folder`/data: good.png, scratch.png (two defects with masks), boxed.png (a box alone); `folder`/bench."""
    data, bench = folder / "data", folder / "bench"
    for name in ("good", "scratch", "boxed"):
        pixels = np.full((HEIGHT, WIDTH, 3), 110 if name == "boxed" else 120, np.uint8)
        if name != "good":
            pixels[8:12, 0:20] = 220
        data.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(data / f"{name}.png"), pixels)
    bench.mkdir()
    write_lines(bench / "samples.jsonl", samples(data))
    items = small_items()
    write_lines(bench / "items.jsonl", items)
    words = Sentence(aspect="colour", text="The cap is grey.", provenance=Provenance(source="measured"))
    write_lines(bench / "descriptions.jsonl", [Description(product="cap", sentences=(words,))])
    counts = {"samples": 3, "items": len(items)}
    for item in items:
        counts[f"items/{item.task}"] = counts.get(f"items/{item.task}", 0) + 1
    write_manifest(
        bench,
        Manifest(
            name="caps", title="Caps <small>", version="1.0.0", made_by="0", data="../data", layout="folder",
            build={"seed": 0}, products=("cap",), licences=(LICENCE,), counts=counts,
        ),
    )  # fmt: skip
    return Benchmark(bench)


def samples(data: Path) -> list[BenchmarkSample]:
    """In the order of ids."""
    scratch = np.zeros((HEIGHT, WIDTH), np.uint8)
    scratch[8:12, 0:20] = 1
    dent = np.zeros((HEIGHT, WIDTH), np.uint8)
    dent[30:36, 50:58] = 1
    shared = {
        "source": "folder", "licence": LICENCE, "product": "cap", "split": "test", "width": WIDTH, "height": HEIGHT,
    }  # fmt: skip

    def sample(name: str, **more: object) -> BenchmarkSample:
        known = {"id": name, "group": name, "image": f"{name}.png", "sha256": sha256(data / f"{name}.png")}
        return BenchmarkSample.model_validate({**shared, **known, **more})

    box = Instance(
        type_raw="scratch", type="scratch", box=(0, 8, 20, 12), area_px=80, area_share=80 / 2400,
        centroid=(10, 10), cells=("top left",), length_px=20,
    )  # fmt: skip
    defects = (instance("scratch", scratch, "top left"), instance("dent", dent, "bottom right"))
    return [
        sample("boxed", label="defective", instances=(box,)),
        sample("good", label="good"),
        sample(
            "scratch", label="defective", instances=defects, text={"description": "A cap with two defects."}
        ),
    ]


def instance(type_: str, mask: np.ndarray, cell: str) -> Instance:
    """A defect with run lengths."""
    rows, columns = np.nonzero(mask)
    rle = coco.encode(np.asfortranarray(mask))
    return Instance(
        type_raw=type_,
        type=type_,
        superclass="mechanical damage",
        box=(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1),
        area_px=int(mask.sum()),
        area_share=float(mask.mean()),
        centroid=(float(columns.mean()), float(rows.mean())),
        cells=(cell,),
        length_px=float(max(np.ptp(rows), np.ptp(columns)) + 1),
        rle={"size": list(rle["size"]), "counts": rle["counts"].decode()},
    )


def small_items() -> list[Item]:
    """Two choices, several letters, a matched pair and a free text."""

    def item(sample: str, task: str, **more: object) -> Item:
        known = {
            "id": f"{sample}/{task}/0", "task": task, "form": "choice", "sample": sample, "category": "cap",
            "images": [f"{sample}.png"], "provenance": BY_RULE, "licence": LICENCE, "split": "test", "version": "1.0.0",
        }  # fmt: skip
        return Item.model_validate({**known, **more})

    yes_no = {"A": "Yes.", "B": "No."}
    verdicts = {"A": "accept", "B": "reject"}
    return [
        item(
            "good", "anomaly", question="Is anything wrong?", options=yes_no, answer="B",
            slots=Slots(decision="accept"),
        ),
        item(
            "scratch", "anomaly", question="Is anything <b>wrong</b>?", options=yes_no, answer="A",
            reference_images=["good.png"], slots=Slots(decision="reject", types=("scratch", "dent")),
        ),
        item(
            "scratch", "type", form="choices", question="Which types are there?", answer="A, C",
            options={"A": "scratch", "B": "stain", "C": "dent"}, slots=Slots(types=("scratch", "dent")),
        ),
        item(
            "scratch", "part_scope", question="Accept or reject?", options=verdicts, answer="B", pair="p0",
            instruction="Inspect the rim only.", slots=Slots(decision="reject"),
        ),
        item("scratch", "description", form="text", question="Describe it.", answer="A bright scratch and a dent."),
    ]  # fmt: skip
