"""The sources of a gallery: tyres of the line with their benchmark items, and scenes with painted defects.

In: a number. Out: the picture of that number with labels per cell and what is true of it in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.answering.options import OTHER
from specsight.benchmark.files import Benchmark
from specsight.benchmark.instances import pixels_of
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.images import read_rgb
from specsight.recipes.encoder.joint_batches import IGNORED as UNKNOWN_CELL
from specsight.recipes.encoder.joint_batches import UNNAMED as UNNAMED_CELL
from specsight.recipes.encoder.joint_batches import cell_labels
from specsight.recipes.encoder.scene_examples import ANY, NOT_VISIBLE, TYPES, SceneExample, SceneExamples
from specsight.recipes.language.gallery import IGNORED, UNNAMED, Asked, Entry, Shown, Spot
from specsight.specification.vocabulary import place_name

LINE = "tyre line"
"""Kind of the line's tyres; scenes have theirs from `scene_examples.KINDS`."""
LEAST_SPOT = 12
"""Pixels from which on a piece of a defect is spoken of."""
NEAR = 9
"""Pixels within which pieces of one type are one defect."""
SPOTS = 4
"""Defects that a scene is described with, at most: pictures with more say nothing of their number."""
NEEDS_DEPTH, NEEDS_REFERENCE = "cross_modal", "comparison"
"""Tasks whose items show a second picture."""
RULES_GIVEN = ("severity",)
"""Tasks whose instruction says the product's rules, which are the same for all pictures and longer than all else."""
SPOKEN = ("choice", "text")
"""Forms whose answers are words."""


@dataclass
class LinePictures:
    """Samples of a tyre benchmark with their items; `good_kept` of the good ones that nothing but a part is asked of.

    Held-out ones are of models of their own: another set.
    """

    folder: Path
    good_kept: float
    stride: int

    @cached_property
    def kept(self) -> list[tuple[BenchmarkSample, list[Item]]]:
        """Samples with their items, as the benchmark lists them."""
        rng = np.random.default_rng(0)
        found = []
        for sample, items in Benchmark(self.folder).by_sample():
            # Training halves of the line are good parts without a twin; the draw is taken for each, kept or not.
            drawn = rng.random() < self.good_kept
            if sample.split != "train" or drawn:
                found.append((sample, items))
        return found

    def __len__(self) -> int:
        return len(self.kept)

    def __call__(self, number: int) -> Shown:
        """The picture of this number."""
        sample, items = self.kept[number]
        rgb = read_rgb(Benchmark(self.folder).picture(sample.image))
        names = list(dict.fromkeys(one.type for one in sample.instances))
        types = np.zeros(rgb.shape[:2], np.uint8)
        hidden = False
        for one in sample.instances:
            visible = one.visible != "depth"
            hidden |= not visible
            mask = pixels_of(one, rgb.shape[:2])
            types[mask] = 1 + names.index(one.type) if visible else NOT_VISIBLE
        spots = [
            Spot(
                one.type,
                one.cells[0],
                one.part or "",
                one.severity or "",
                one.area_share,
                tuple(name for name in one.parts if name != one.part),
            )
            for one in sorted(sample.instances, key=lambda one: -one.area_px)
            if one.visible != "depth"
        ]
        asked = () if hidden else tuple(_asked(items))
        entry = Entry(LINE, tuple(names), tuple(spots), not hidden, tuple(sample.part_names.values()), asked)
        return Shown(rgb, _labels(types, self.stride, {k: k for k in range(len(names) + 1)}), entry)

    def __getstate__(self) -> dict[str, Any]:
        """Without `kept`: each process reads it for itself."""
        return {"folder": self.folder, "good_kept": self.good_kept, "stride": self.stride}


@dataclass
class ScenePictures:
    """Scenes, products, photographs and further tyres with painted defects, by seed and number."""

    examples: SceneExamples
    seed: int
    side: int
    stride: int

    def __call__(self, number: int) -> Shown:
        """The picture of this number."""
        rng = np.random.default_rng((self.seed, number))
        kinds = list(self.examples.shares)
        kind = str(rng.choice(kinds, p=list(self.examples.shares.values())))
        example = self.examples.make_kind(kind, rng, self.side)
        present = [int(value) for value in np.unique(example.types) if 0 < value < ANY]
        spots = [spot for value in present for spot in _spots(example, value)]
        spots.sort(key=lambda spot: -spot.share)
        whole = not (example.types == NOT_VISIBLE).any() or bool(spots)
        # What is too small to be spoken of is there all the same.
        told = {spot.type for spot in spots} == {TYPES[value - 1] for value in present}
        named = told and len(spots) <= SPOTS and not (example.types == ANY).any()
        numbers = {value: 1 + k for k, value in enumerate(present)} | {0: 0}
        types = tuple(TYPES[value - 1] for value in present)
        entry = Entry(kind, types, tuple(spots), whole and named, _parts(example) if kind == "tyre" else ())
        return Shown(example.rgb, _labels(example.types, self.stride, numbers), entry)


def _labels(types: NDArray[np.uint8], stride: int, numbers: dict[int, int]) -> NDArray[np.uint8]:
    """Labels of cells, those of named types renumbered."""
    cells = cell_labels(types, stride)
    labels = np.zeros(cells.shape, np.uint8)
    for value in np.unique(cells):
        label = (
            IGNORED if value == UNKNOWN_CELL else UNNAMED if value == UNNAMED_CELL else numbers[int(value)]
        )
        labels[cells == value] = label
    return labels


def _spots(example: SceneExample, value: int) -> list[Spot]:
    """The defects of one type, pieces near each other together."""
    mask = (example.types == value).astype(np.uint8)
    joined = cv2.dilate(mask, np.ones((NEAR, NEAR), np.uint8))
    count, pieces = cv2.connectedComponents(joined, connectivity=8)
    found = []
    for piece in range(1, count):
        rows, columns = np.nonzero((pieces == piece) & (mask > 0))
        if len(rows) < LEAST_SPOT:
            continue
        height, width = mask.shape
        place = place_name(float(columns.mean() + 0.5) / width, float(rows.mean() + 0.5) / height)
        inside = np.bincount(example.regions[rows, columns])
        meaning = example.meanings[int(inside.argmax())]
        part = meaning.thing if meaning.thing != "tyre" else ""
        touched = tuple(name for name in _things(example, np.flatnonzero(inside)) if name != part)
        found.append(Spot(TYPES[value - 1], place, part, "", len(rows) / mask.size, touched))
    return found


def _parts(example: SceneExample) -> tuple[str, ...]:
    return _things(example, np.unique(example.regions))


def _things(example: SceneExample, regions: NDArray[np.integer]) -> tuple[str, ...]:
    """What regions by number show, each thing once, without the tyre as such."""
    seen = [example.meanings[int(value)].thing for value in regions]
    return tuple(dict.fromkeys(thing for thing in seen if thing and thing != "tyre"))


def _asked(items: Sequence[Item]) -> list[Asked]:
    """Items whose answers are words and that show one picture."""
    return [
        Asked(
            item.task,
            item.question,
            "" if item.task in RULES_GIVEN else item.instruction or "",
            item.options[item.answer] if item.form == "choice" else item.answer,
        )
        for item in items
        if item.form in SPOKEN and item.task not in (NEEDS_DEPTH, NEEDS_REFERENCE) and not _of_options(item)
    ]


def _of_options(item: Item) -> bool:
    """Whether the right answer speaks of the other options, which are not shown here: "another type of defect"."""
    return item.form == "choice" and OTHER.search(item.options[item.answer]) is not None
