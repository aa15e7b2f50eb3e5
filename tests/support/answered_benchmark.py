"""A small benchmark with answers to it, as folders: what scoring and its page are tested on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from specsight.benchmark.answers import ANSWERS, RUN, Answer, Run
from specsight.benchmark.files import ITEMS, SAMPLES, Benchmark, Manifest, write_lines, write_manifest
from specsight.benchmark.records import BenchmarkSample, Item, Provenance
from specsight.explain.slots import Slots
from specsight.storage.files import sha256

Given = str | None | Answer


def sample(id_: str, **changed: Any) -> BenchmarkSample:
    """A picture; a good one of an object of its own unless `changed` says otherwise."""
    values = {
        "id": id_, "source": "folder:caps", "licence": "CC0", "product": "cap", "split": "test", "label": "good",
        "group": id_, "image": f"{id_}.png", "sha256": "0" * 64, "width": 90, "height": 60, **changed,
    }  # fmt: skip
    return BenchmarkSample(**values)


def item(id_: str, sample_: str, task: str = "anomaly", **changed: Any) -> Item:
    """A question; whether anything is wrong, with the answer no, unless `changed` says otherwise."""
    values = {
        "id": id_, "task": task, "form": "choice", "sample": sample_, "category": "cap",
        "images": (f"{sample_}.png",), "question": "Is anything wrong?", "options": {"A": "Yes", "B": "No"},
        "answer": "B", "provenance": (Provenance(source="dataset"),), "licence": "CC0", "split": "test",
        "version": "1.0.0", **changed,
    }  # fmt: skip
    return Item(**values)


def verdict_item(id_: str, sample_: str, truth: str, task: str = "anomaly", **changed: Any) -> Item:
    """A question whose option A rejects and whose option B accepts."""
    answer = "A" if truth == "reject" else "B"
    return item(id_, sample_, task, answer=answer, slots=Slots(decision=truth), **changed)  # type: ignore[arg-type]


def write_benchmark(folder: Path, samples: Sequence[BenchmarkSample], items: Iterable[Item]) -> Benchmark:
    """The benchmark as a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / SAMPLES, samples)
    count = write_lines(folder / ITEMS, items)
    manifest = Manifest(
        name="caps", title="Caps", version="1.0.0", made_by="0", data=".", layout="folder", build={"seed": 0},
        products=("cap",), licences=("CC0",), counts={"samples": len(samples), "items": count}, synthetic=True,
    )  # fmt: skip
    write_manifest(folder, manifest)
    return Benchmark(folder)


def write_run(
    folder: Path, benchmark: Benchmark, answers: Mapping[str, Given] | Iterable[Answer], model: str = "some"
) -> Path:
    """A run over the benchmark: item → answer."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = answers if not isinstance(answers, Mapping) else (
        one if isinstance(one, Answer) else Answer(item=id_, raw=one or "", given=one) for id_, one in answers.items()
    )  # fmt: skip
    write_lines(folder / ANSWERS, lines)
    run = Run(
        benchmark="caps", version="1.0.0", digest=sha256(benchmark.folder / ITEMS), model=model, protocol={}
    )
    (folder / RUN).write_text(json.dumps(run.model_dump(mode="json")))
    return folder
