"""A benchmark → the same for others to answer, without the answers of its test split; and their runs → runs on it.

In: a benchmark, a secret key. Out: a folder in which every answer and all truth of the test split is gone, and in the
answer's place stands a commitment (HMAC-SHA256 under the key, over the item's id and its answer): whoever keeps the key
can show later that no answer was changed, and nobody else can try out which answer it is.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from specsight.benchmark.answering.running import read_run
from specsight.benchmark.answers import ANSWERS, RUN, Run
from specsight.benchmark.files import (
    CHANGELOG,
    DESCRIPTIONS,
    ITEMS,
    ONTOLOGY,
    SAMPLES,
    SPECIFICATION,
    SPLITS,
    Benchmark,
    Manifest,
    line_of,
    write_lines,
    write_manifest,
)
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.splits import Splits
from specsight.datasets.contract import GOOD_NAMES
from specsight.errors import SpecsightError
from specsight.explain.slots import Slots
from specsight.specification.vocabulary import normal_form
from specsight.storage import sha256
from specsight.storage.files import cannot_write, write_json
from specsight.storage.reading import check_regular, read_text

HIDDEN = "hidden:"
"""What the answer of a hidden item begins with; 64 hex digits follow."""
LEAST_KEY = 32
"""Characters of a key file."""


def read_key(path: Path) -> bytes:
    """The key in a file, which is made, readable by its owner alone, where there is none.

    Raises SpecsightError for a file of fewer than 32 characters, which could be guessed.
    """
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32) + "\n")
        check_regular(path)
        key = read_text(path, 4096).strip().encode()
    except OSError as error:
        raise SpecsightError(f"cannot use the key file '{path}': {error.strerror or error}") from error
    if len(key) < LEAST_KEY:
        raise SpecsightError(
            f"the key in '{path}' has {len(key)} characters, fewer than {LEAST_KEY}: make a longer one"
        )
    return key


def commitment(item: Item, key: bytes) -> str:
    """What stands in the place of an item's answer."""
    told = f"{item.id}\0{item.answer}".encode("utf-8", "replace")
    return HIDDEN + hmac.new(key, told, hashlib.sha256).hexdigest()


def without_answer(item: Item, key: bytes) -> Item:
    """A test item as others get it; items of other splits stay as they are."""
    if item.split != "test":
        return item
    return item.model_copy(
        update={"answer": commitment(item, key), "slots": Slots(), "masks": (), "difficulty": None}
    )


def without_truth(sample: BenchmarkSample) -> BenchmarkSample:
    """A test sample as others get it; samples of other splits stay as they are.

    What a set writes beside a picture may speak of its defects: conditions and texts are left out as well.
    """
    if sample.split != "test":
        return sample
    return sample.model_copy(
        update={
            "label": "unknown",
            "masks": (),
            "instances": (),
            "masks_known": False,
            "instructions": (),
            "conditions": {},
            "text": {},
        }
    )


def hide_answers(benchmark: Benchmark, target: Path, key: bytes) -> Manifest:
    """Write the benchmark without the answers and the truth of its test split to the new folder `target`.

    Raises SpecsightError where `target` exists, where there are no test items, and where the id or a file of a test
    sample names its label or its type, as public sets do in their folders: hiding would hide nothing.
    """
    if target.exists():
        raise SpecsightError(f"'{target}' exists already: name a new folder")
    for sample in benchmark.samples():
        if sample.split == "test":
            _check_names(sample)
    manifest = benchmark.manifest
    test = sum(item.split == "test" for item in benchmark.items())
    if not test:
        raise SpecsightError(f"'{benchmark.folder}' has no test items: there is nothing to hide")
    try:
        target.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(target, error) from error
    write_lines(target / SAMPLES, map(without_truth, benchmark.samples()))
    write_lines(target / ITEMS, (without_answer(item, key) for item in benchmark.items()))
    for name in (DESCRIPTIONS, SPECIFICATION, ONTOLOGY, CHANGELOG):
        if (benchmark.folder / name).is_file():
            shutil.copyfile(benchmark.folder / name, target / name)
    if (benchmark.folder / SPLITS).is_file():
        splits = Splits.model_validate_json(read_text(benchmark.folder / SPLITS))
        counts = {name: count for name, count in splits.counts.items() if not name.startswith("test/")}
        write_json(target / SPLITS, splits.model_copy(update={"counts": counts}).model_dump(mode="json"))
    build = {**manifest.build, "hidden": test}
    data = Path(os.path.relpath((benchmark.folder / manifest.data).resolve(), target.resolve())).as_posix()
    return write_manifest(target, manifest.model_copy(update={"build": build, "data": data, "files": {}}))


def open_run(run: Path, benchmark: Benchmark, target: Path, key: bytes) -> Run:
    """Write a run over the hidden form of a benchmark as a run over the benchmark itself, to be scored.

    Raises SpecsightError where `target` exists, and where the run is not over this benchmark hidden with this key.
    """
    if target.exists():
        raise SpecsightError(f"'{target}' exists already: name a new folder")
    found = read_run(run)
    if found.digest != _digest(without_answer(item, key) for item in benchmark.items()):
        raise SpecsightError(
            f"'{run}' holds answers to other items than those of '{benchmark.folder}' hidden with this key"
        )
    opened = found.model_copy(update={"digest": sha256(benchmark.folder / ITEMS)})
    try:
        target.mkdir(parents=True)
        shutil.copyfile(run / ANSWERS, target / ANSWERS)
    except OSError as error:
        raise cannot_write(target, error) from error
    write_json(target / RUN, opened.model_dump(mode="json"))
    return opened


def _check_names(sample: BenchmarkSample) -> None:
    types = {name for one in sample.instances for name in (one.type, one.type_raw)}
    told = {normal_form(name): name for name in (*types, *(GOOD_NAMES if sample.label == "good" else ()))}
    files = (sample.image, sample.depth, sample.normals, sample.reference)
    for name in (sample.id, sample.group, *filter(None, files)):
        words = " / ".join(map(normal_form, name.replace("\\", "/").rsplit(".", 1)[0].split("/")))
        for form, answer in told.items():
            if f" {form} " in f" {words} ":
                raise SpecsightError(
                    f"'{name}' tells that its answer is '{answer}': give pictures names that say nothing, list them in "
                    "a manifest, and build again"
                )


def _digest(items: Iterator[Item]) -> str:
    """SHA-256 of the file that these items would be."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(line_of(item).encode("utf-8"))
    return digest.hexdigest()
