"""A benchmark → one of counterfactual pictures: what is answered when the defect is gone, and when something else is.

In: the questions "is anything wrong?" about defective pictures. Out: a small benchmark that asks each of them of three
pictures: the original; the same with its defects painted over, where the answer must become the other one; and one in
which an equal region without defects was painted over, where it must stay. The good training pictures come with it, for
answerers that learn from them. `scoring.counterfactual` counts.

Both edits are made alike (`painting_over`): an answerer that sees the edit and not the defect is told apart.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from specsight import images
from specsight.benchmark.files import (
    ITEMS,
    ONTOLOGY,
    SAMPLES,
    SPECIFICATION,
    Benchmark,
    Manifest,
    write_lines,
    write_manifest,
)
from specsight.benchmark.instances import united_mask
from specsight.benchmark.records import BenchmarkSample, Item, Provenance
from specsight.benchmark.scoring.counterfactual import ELSEWHERE, ORIGINAL, REMOVED
from specsight.errors import SpecsightError
from specsight.explain.painting_over import Pixels, equal_region, painted_over, widened
from specsight.explain.slots import Slots
from specsight.progress import track
from specsight.storage.files import copy_file, sha256, write_bytes
from specsight.version import __version__

PICTURES = "data"
"""Folder of the pictures, inside the new benchmark."""
LARGEST = 0.15
"""Share of a picture that can be painted over without showing more than the defect's absence."""
TRAINING = "train"
"""Folder of the good training pictures, inside that of the pictures."""
ALONE = {"masks": (), "depth": None, "normals": None, "parts": None, "reference": None, "instructions": ()}
"""What does not go with a picture."""
OTHERS = 3
"""Good training pictures that patches may come from, those taken under the same conditions first."""
NO_MASK = "where its defects are is not known"
TOO_LARGE = f"its defects cover more than {LARGEST:.0%} of it"
NO_ROOM = "no place without defects has room for an equal region"
NO_PATCH = "no place of a good picture continues the surroundings"
NOT_IN_COLOUR = "a defect is visible in depth alone"


@dataclass
class Made:
    """What came of it."""

    benchmark: Benchmark
    pictures: int = 0
    """Originals; there are two edited ones of each."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Why a picture was left out → how many."""


def make_counterfactuals(
    benchmark: Benchmark, folder: Path, *, limit: int | None = 200, seed: int = 0
) -> Made:
    """Write the benchmark of counterfactuals to `folder`, which must not be there yet, or be empty.

    `limit`: original pictures at most, drawn by `seed` and their ids; None: all. Pictures are copied and edited: their
    licences hold for them. Raises SpecsightError where no picture can be edited.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise SpecsightError(f"'{folder}' is not empty: choose another --out")
    made = Made(Benchmark(folder))
    asked, good = _questions(benchmark, seed), _good(benchmark)
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    samples: list[BenchmarkSample] = []
    items: list[Item] = []
    for item in track(asked, "Painting over", len(asked) if limit is None else min(limit, len(asked))):
        if made.pictures == limit:
            break
        for sample, question in _triple(benchmark, item, good, folder, seed, made):
            samples.append(sample)
            items.append(question)
    if not items:
        reasons = "; ".join(made.left_out) or "it asks nothing about defective test pictures"
        raise SpecsightError(f"'{benchmark.folder}' has no picture to paint a defect over on: {reasons}")
    samples += _training(benchmark, folder, {sample.product for sample in samples}, made)
    for name in (SPECIFICATION, ONTOLOGY):
        if (benchmark.folder / name).is_file():
            copy_file(benchmark.folder / name, folder / name)
    samples.sort(key=lambda one: one.id)
    items.sort(key=lambda one: one.id)
    write_lines(folder / SAMPLES, samples)
    write_lines(folder / ITEMS, items)
    _write_manifest(benchmark, folder, samples, items, seed, limit)
    return made


def _questions(benchmark: Benchmark, seed: int) -> list[Item]:
    """Whether anything is wrong, of defective test pictures; in an order drawn by `seed`."""
    asked = {
        item.sample: item
        for item in benchmark.items()
        if item.task == "anomaly" and item.form == "choice" and len(item.options) == 2
        if item.scenario is None and item.split == "test" and item.slots.decision == "reject"
    }
    return sorted(asked.values(), key=lambda item: hashlib.sha256(f"{seed}:{item.sample}".encode()).digest())


Good = Mapping[tuple[str, int, int], Sequence[tuple[str, Mapping[str, str]]]]
"""Product, width, height → good training pictures, each with its conditions."""


def _good(benchmark: Benchmark) -> Good:
    found: dict[tuple[str, int, int], list[tuple[str, Mapping[str, str]]]] = {}
    for sample in benchmark.samples():
        if sample.split == "train" and sample.label == "good":
            key = (sample.product, sample.width, sample.height)
            found.setdefault(key, []).append((sample.image, sample.conditions))
    return found


def _triple(
    benchmark: Benchmark, item: Item, good: Good, folder: Path, seed: int, made: Made
) -> Iterator[tuple[BenchmarkSample, Item]]:
    """The original and both edits of a picture; none where it cannot be edited, which is counted."""
    sample = benchmark.sample(item.sample)
    edited = _edited(benchmark, sample, good, seed)
    if isinstance(edited, str):
        made.left_out[edited] += 1
        return
    number, made.pictures = made.pictures, made.pictures + 1
    for kind, rgb in edited.items():
        name = f"{number:05d}-{kind.rpartition('/')[2]}.png"
        done, content = cv2.imencode(".png", rgb[..., ::-1])
        if not done:
            raise ValueError(f"cannot encode a picture of {rgb.shape}")
        write_bytes(folder / PICTURES / name, content.tobytes())
        yield _sample(sample, kind, folder, name), _item(item, kind, name)


def _edited(benchmark: Benchmark, sample: BenchmarkSample, good: Good, seed: int) -> dict[str, Pixels] | str:
    """Scenario → picture; or why there is none."""
    if not sample.masks_known or not sample.instances or any(one.rle is None for one in sample.instances):
        return NO_MASK
    if any(one.visible == "depth" for one in sample.instances):
        return NOT_IN_COLOUR
    mask = united_mask(sample)
    if widened(mask).mean() > LARGEST:
        return TOO_LARGE
    place = hashlib.sha256(f"{seed}:{sample.id}".encode()).digest()
    elsewhere = equal_region(mask, np.random.default_rng(list(place)))
    if elsewhere is None:
        return NO_ROOM
    try:
        rgb = images.read_rgb(benchmark.picture(sample.image))
        aligned = images.read_rgb(benchmark.picture(sample.reference)) if sample.reference else None
        others = (
            []
            if aligned is not None
            else [images.read_rgb(benchmark.picture(n)) for n in _alike(sample, good)]
        )
    except SpecsightError as error:
        return str(error)
    if rgb.shape[:2] != mask.shape or (aligned is not None and aligned.shape != rgb.shape):
        return "its mask or its reference has another size"
    removed, changed = (painted_over(rgb, region, mask, others, aligned) for region in (mask, elsewhere))
    if removed is None or changed is None:
        return NO_PATCH
    return {ORIGINAL: rgb, REMOVED: removed, ELSEWHERE: changed}


def _alike(sample: BenchmarkSample, good: Good) -> list[str]:
    """Good training pictures of the product, first those that share most conditions with a sample."""
    pictures = good.get((sample.product, sample.width, sample.height), [])

    def unlike(picture: tuple[str, Mapping[str, str]]) -> tuple[int, str]:
        name, conditions = picture
        return -sum(sample.conditions.get(key) == value for key, value in conditions.items()), name

    return [name for name, _ in sorted(pictures, key=unlike)[:OTHERS]]


def _training(
    benchmark: Benchmark, folder: Path, products: Collection[str], made: Made
) -> Iterator[BenchmarkSample]:
    """Copies of the good training pictures of the products."""
    (folder / PICTURES / TRAINING).mkdir()
    for number, sample in enumerate(benchmark.samples()):
        if sample.split != "train" or sample.label != "good" or sample.product not in products:
            continue
        name = f"{TRAINING}/{number:05d}{Path(sample.image).suffix}"
        try:
            copy_file(benchmark.picture(sample.image), folder / PICTURES / name)
        except (OSError, SpecsightError) as error:
            made.left_out[f"training picture: {error}"] += 1
            continue
        yield sample.model_copy(update={"image": name, **ALONE})


def _sample(sample: BenchmarkSample, kind: str, folder: Path, name: str) -> BenchmarkSample:
    """The record of an original or edited picture; depth, parts and instructions of the original do not go with it."""
    return sample.model_copy(
        update={
            "id": f"{sample.id}/{kind.rpartition('/')[2]}",
            "image": name,
            "sha256": sha256(folder / PICTURES / name),
            "label": "good" if kind == REMOVED else "defective",
            "instances": () if kind == REMOVED else sample.instances,
            **ALONE,
        }
    )


def _item(item: Item, kind: str, name: str) -> Item:
    sample = f"{item.sample}/{kind.rpartition('/')[2]}"
    (other,) = set(item.options) - {item.answer}
    removed = kind == REMOVED
    return item.model_copy(
        update={
            "id": f"{sample}/anomaly/0",
            "sample": sample,
            "images": (name,),
            "reference_images": (),
            "masks": (),
            "answer": other if removed else item.answer,
            "slots": Slots(decision="accept" if removed else "reject"),
            "pair": item.sample,
            "scenario": kind,
            "provenance": (
                *item.provenance,
                Provenance(source="rule", by="painted over" if kind != ORIGINAL else ""),
            ),
        }
    )


def _write_manifest(
    benchmark: Benchmark,
    folder: Path,
    samples: list[BenchmarkSample],
    items: list[Item],
    seed: int,
    limit: int | None,
) -> None:
    origin = benchmark.manifest
    manifest = Manifest(
        name=f"{origin.name}-counterfactuals",
        title=f"{origin.title or origin.name}, counterfactual pictures",
        version=origin.version,
        made_by=__version__,
        data=PICTURES,
        layout=origin.layout,
        build={"counterfactuals of": sha256(benchmark.folder / ITEMS), "seed": seed, "limit": limit},
        products=tuple(sorted({one.product for one in samples})),
        licences=tuple(sorted({one.licence for one in samples})),
        synthetic=origin.synthetic,
        counts={"samples": len(samples), "items": len(items), "items/anomaly": len(items)},
    )
    write_manifest(folder, manifest)
