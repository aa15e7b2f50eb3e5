"""Lessons → batches for the joint stage: pictures, teacher maps, a defect label per cell, regions, and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specsight.learning.precision import mixed_precision
from specsight.recipes.encoder.dense_teacher import DenseTeacher, normalise
from specsight.recipes.encoder.scene_examples import ANY, TYPES, UNSEEN, Lessons
from specsight.recipes.encoder.sentences import ANOMALY, NONE, THINGS, Meaning, contradict, say
from specsight.synthetic.scenes.materials import MATERIALS

STRIDE = 16
COVERED = 0.06
"""A cell shows a defect when at least this share of its pixels changed; a crack two pixels wide covers an eighth."""
TOUCHED = 0.01
"""Between this and `COVERED` a cell is neither good nor defective."""
IGNORED = -1
UNNAMED = len(TYPES) + 1
"""Label of a cell with a defect of no named type."""
SMALLEST_REGION = 6
"""Cells that a region must own to be spoken about."""
REGIONS_PER_PICTURE = 2
GOOD_SENTENCES, DAMAGED_SENTENCES, WORDINGS = 4, 3, 2


@dataclass
class LessonBatch:
    """`labels` (B, h, w) int64: 0 good, 1 + index into TYPES, UNNAMED, or IGNORED."""

    pictures: Tensor
    targets: dict[str, Tensor]
    labels: Tensor
    regions: Tensor
    """(R, B, h, w) bool: the cells of each region that is spoken about."""
    region_sentences: list[str]
    rivals: Tensor
    """(R, R) bool: sentence j contradicts what is true of region i."""
    type_sentences: list[str]
    """WORDINGS wordings of every type: all types in the first wording, then all in the second."""
    good_sentences: list[str]
    damaged_sentences: list[str]


@dataclass
class DrawnLessons:
    """What a few lessons of one side come to: `places` (B, h, w) uint8 indexes the `meanings` of each picture."""

    pictures: Tensor
    targets: dict[str, Tensor]
    labels: Tensor
    places: NDArray[np.uint8]
    meanings: list[list[Meaning]]


class TaughtLessons:
    """Draws lessons with the teacher's maps, `part` of `pixels` pixels at once, and joins such parts to batches."""

    def __init__(self, lessons: Lessons, pixels: int, part: float, teacher: Path, statistics: Path) -> None:
        self.lessons, self.pixels, self.share = lessons, pixels, part
        self.folder, self.statistics = teacher, statistics
        self._teacher: DenseTeacher | None = None

    def draw(self, rng: np.random.Generator, side: int) -> DrawnLessons:
        """Lessons of (side, side) pixels."""
        count = max(1, round(self.share * self.pixels / side**2))
        lessons = [self.lessons.draw(rng, side) for _ in range(count)]
        pictures = torch.from_numpy(np.stack([lesson.rgb for lesson in lessons]))
        labels = torch.from_numpy(np.stack([cell_labels(lesson.types) for lesson in lessons]))
        places = np.stack([lesson.regions[::STRIDE, ::STRIDE] for lesson in lessons])
        places = places[:, : labels.shape[1], : labels.shape[2]]
        meanings = [lesson.meanings for lesson in lessons]
        return DrawnLessons(pictures, self._targets(pictures), labels, places, meanings)

    def join(self, rng: np.random.Generator, parts: list[DrawnLessons]) -> LessonBatch:
        """One batch of several parts, with sentences of its own."""
        labels = torch.cat([part.labels for part in parts])
        places = np.concatenate([part.places for part in parts])
        words = [meanings for part in parts for meanings in part.meanings]
        regions, meanings = _regions(rng, places, words, labels.numpy())
        good, damaged, types = state_sentences(rng)
        return LessonBatch(
            torch.cat([part.pictures for part in parts]),
            {name: torch.cat([part.targets[name] for part in parts]) for name in parts[0].targets},
            labels,
            regions,
            [say(rng, meaning) for meaning in meanings],
            torch.tensor([[contradict(a, b) for b in meanings] for a in meanings], dtype=torch.bool),
            types,
            good,
            damaged,
        )

    def _targets(self, pictures: Tensor) -> dict[str, Tensor]:
        device = torch.device("cpu")
        if self._teacher is None:
            self._teacher = DenseTeacher(self.folder, device)
            self._teacher.load(self.statistics, device)
        with torch.no_grad(), mixed_precision(device):
            return {name: maps.half() for name, maps in self._teacher(normalise(pictures, device)).items()}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_teacher": None}


def state_sentences(rng: np.random.Generator) -> tuple[list[str], list[str], list[str]]:
    """Sentences about one product: that it is good, that it is damaged, and that it has each type of defect."""
    thing, material = _something(rng)
    good = [say(rng, Meaning(NONE, thing, material)) for _ in range(GOOD_SENTENCES)]
    damaged = [say(rng, Meaning(ANOMALY, thing, material)) for _ in range(DAMAGED_SENTENCES)]
    types = [say(rng, Meaning(name, thing, material)) for _ in range(WORDINGS) for name in TYPES]
    return good, damaged, types


def cell_labels(types: NDArray[np.uint8], stride: int = STRIDE) -> NDArray[np.int64]:
    """(H, W) type map of a lesson → (h, w) labels of its cells (cell i is centred on pixel i * stride)."""
    rows, columns = types.shape[0] // stride, types.shape[1] // stride
    shares = {
        int(value): _coverage(types == value, rows, columns, stride) for value in np.unique(types) if value
    }
    labels = np.zeros((rows, columns), np.int64)
    if not shares:
        return labels
    touched = sum(shares.values())
    strongest = np.full((rows, columns), COVERED, np.float32)
    labels[touched >= TOUCHED] = IGNORED
    for value, share in shares.items():
        wins = share >= strongest
        labels[wins] = IGNORED if value == UNSEEN else UNNAMED if value == ANY else value
        strongest = np.maximum(strongest, share)
    return labels


def _coverage(mask: NDArray[np.bool_], rows: int, columns: int, stride: int) -> NDArray[np.float32]:
    """Share of set pixels around each cell's centre: the convolutions' cells begin half a cell early."""
    shifted = cv2.copyMakeBorder(
        mask.astype(np.float32), stride // 2, 0, stride // 2, 0, cv2.BORDER_REPLICATE
    )
    window = shifted[: rows * stride, : columns * stride]
    return np.asarray(
        window.reshape(rows, stride, columns, stride).mean((1, 3), dtype=np.float32), np.float32
    )


def _regions(
    rng: np.random.Generator,
    places: NDArray[np.uint8],
    words: list[list[Meaning]],
    labels: NDArray[np.int64],
) -> tuple[Tensor, list[Meaning]]:
    """Good cells of up to `REGIONS_PER_PICTURE` regions of every lesson that something can be said about."""
    masks, meanings = [], []
    for index, known in enumerate(words):
        for region in rng.permutation(len(known))[:4]:
            meaning = known[region]
            cells = (places[index] == region) & (labels[index] == 0)
            if meaning == Meaning() or cells.sum() < SMALLEST_REGION:
                continue
            mask = np.zeros(labels.shape, np.bool_)
            mask[index] = cells
            masks.append(mask)
            meanings.append(meaning)
            if len(masks) and sum(m[index].any() for m in masks) >= REGIONS_PER_PICTURE:
                break
    stacked = np.stack(masks) if masks else np.zeros((0, *labels.shape), np.bool_)
    return torch.from_numpy(stacked), meanings


def _something(rng: np.random.Generator) -> tuple[str, str]:
    """An object and a material, or nothing in particular, that all sentences about states of a batch share.

    Prompts of one product differ in its state alone; with a noun each, the nouns would drown the states.
    """
    thing = str(rng.choice(list(THINGS))) if rng.random() < 0.6 else ""
    material = MATERIALS[int(rng.integers(len(MATERIALS)))].name if rng.random() < 0.3 else ""
    return thing, material
