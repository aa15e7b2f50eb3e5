"""Scene examples → batches of the joint stage: pictures, teacher maps, a label per cell, regions, and sentences."""

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
from specsight.recipes.encoder.scene_examples import ANY, NOT_VISIBLE, TYPES, SceneExamples
from specsight.recipes.encoder.sentences import ANOMALY, NONE, THINGS, Meaning, contradict, say
from specsight.synthetic.scenes.materials import MATERIALS

STRIDE = 16
COVERED = 0.06
"""Share of a cell's pixels from which on it shows a defect; a crack two pixels wide covers an eighth."""
TOUCHED = 0.01
"""Between this share and `COVERED` a cell is labelled neither good nor defective."""
IGNORED = -1
UNNAMED = len(TYPES) + 1
"""Label of a cell with a defect of no named type."""
SMALLEST_REGION = 6
"""Cells that a region must cover to get a sentence."""
REGIONS_PER_PICTURE = 2
GOOD_SENTENCES, DAMAGED_SENTENCES, WORDINGS = 4, 3, 2


@dataclass
class JointBatch:
    """What a step of the joint stage learns from."""

    pictures: Tensor
    """(B, S, S, 3) uint8."""
    targets: dict[str, Tensor]
    """Standardised maps (B, D, h, w) of the dense teacher by name, in half precision."""
    labels: Tensor
    """(B, h, w) int64: 0 good, 1 + index into TYPES, UNNAMED, or IGNORED."""
    regions: Tensor
    """(R, B, h, w) bool: the cells of each region that has a sentence."""
    region_sentences: list[str]
    negatives: Tensor
    """(R, R) bool: sentence j contradicts what is true of region i."""
    type_sentences: list[str]
    """WORDINGS wordings of every type: all types in the first wording, then all in the second."""
    good_sentences: list[str]
    damaged_sentences: list[str]


@dataclass
class JointBatchPart:
    """Pictures of one size with all that does not depend on the other parts of a batch; see `JointBatch`."""

    pictures: Tensor
    targets: dict[str, Tensor]
    labels: Tensor
    regions: NDArray[np.uint8]
    """(B, h, w), indexes the `meanings` of each picture."""
    meanings: list[list[Meaning]]


class JointBatches:
    """Makes parts of `JointBatch`es, each of about `part` of `pixels` pixels, and joins them.

    The dense teacher in the folder `teacher`, with its `statistics`, is loaded in the process that makes the parts.
    """

    def __init__(
        self, examples: SceneExamples, pixels: int, part: float, teacher: Path, statistics: Path
    ) -> None:
        self.examples, self.pixels, self.part = examples, pixels, part
        self.folder, self.statistics = teacher, statistics
        self._teacher: DenseTeacher | None = None

    def make(self, rng: np.random.Generator, side: int) -> JointBatchPart:
        """A part with pictures of (side, side) pixels."""
        count = max(1, round(self.part * self.pixels / side**2))
        examples = [self.examples.make(rng, side) for _ in range(count)]
        pictures = torch.from_numpy(np.stack([example.rgb for example in examples]))
        labels = torch.from_numpy(np.stack([cell_labels(example.types) for example in examples]))
        regions = np.stack([example.regions[::STRIDE, ::STRIDE] for example in examples])
        regions = regions[:, : labels.shape[1], : labels.shape[2]]
        meanings = [example.meanings for example in examples]
        return JointBatchPart(pictures, self._targets(pictures), labels, regions, meanings)

    def join(self, rng: np.random.Generator, parts: list[JointBatchPart]) -> JointBatch:
        """One batch of several parts, with sentences of its own."""
        labels = torch.cat([part.labels for part in parts])
        indices = np.concatenate([part.regions for part in parts])
        of_pictures = [meanings for part in parts for meanings in part.meanings]
        regions, meanings = _regions(rng, indices, of_pictures, labels.numpy())
        good, damaged, types = state_sentences(rng)
        return JointBatch(
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
    """Sentences that one product is good, that it is damaged, and that it shows each type of defect."""
    thing, material = _random_product(rng)
    good = [say(rng, Meaning(NONE, thing, material)) for _ in range(GOOD_SENTENCES)]
    damaged = [say(rng, Meaning(ANOMALY, thing, material)) for _ in range(DAMAGED_SENTENCES)]
    types = [say(rng, Meaning(name, thing, material)) for _ in range(WORDINGS) for name in TYPES]
    return good, damaged, types


def cell_labels(types: NDArray[np.uint8], stride: int = STRIDE) -> NDArray[np.int64]:
    """Type map (H, W) of a scene example → labels (h, w) of its cells; cell i is centred on pixel i · stride."""
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
        labels[wins] = IGNORED if value == NOT_VISIBLE else UNNAMED if value == ANY else value
        strongest = np.maximum(strongest, share)
    return labels


def _coverage(mask: NDArray[np.bool_], rows: int, columns: int, stride: int) -> NDArray[np.float32]:
    """Share (rows, columns) of set pixels around each cell's centre: cells of convolutions begin half a cell early."""
    shifted = cv2.copyMakeBorder(
        mask.astype(np.float32), stride // 2, 0, stride // 2, 0, cv2.BORDER_REPLICATE
    )
    window = shifted[: rows * stride, : columns * stride]
    return np.asarray(
        window.reshape(rows, stride, columns, stride).mean((1, 3), dtype=np.float32), np.float32
    )


def _regions(
    rng: np.random.Generator,
    indices: NDArray[np.uint8],
    of_pictures: list[list[Meaning]],
    labels: NDArray[np.int64],
) -> tuple[Tensor, list[Meaning]]:
    """Good cells (R, B, h, w) and meanings of up to `REGIONS_PER_PICTURE` regions with a meaning in every picture."""
    masks, meanings = [], []
    for index, own in enumerate(of_pictures):
        for region in rng.permutation(len(own))[:4]:
            meaning = own[region]
            cells = (indices[index] == region) & (labels[index] == 0)
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


def _random_product(rng: np.random.Generator) -> tuple[str, str]:
    """An object and a material, either of them perhaps empty, that all sentences about states of a batch share.

    Prompts of one product differ in its state alone; with a noun each, the nouns would drown the states.
    """
    thing = str(rng.choice(list(THINGS))) if rng.random() < 0.6 else ""
    material = MATERIALS[int(rng.integers(len(MATERIALS)))].name if rng.random() < 0.3 else ""
    return thing, material
