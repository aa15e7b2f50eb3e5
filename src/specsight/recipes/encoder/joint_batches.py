"""Scene examples → batches of the joint stage: pictures, a label per cell, regions, and sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specsight.images import Cells
from specsight.images.cells import resampled
from specsight.recipes.encoder.scene_examples import (
    ANY,
    MARK_KINDS,
    NOT_VISIBLE,
    TYPES,
    SceneExample,
    SceneExamples,
)
from specsight.recipes.encoder.sentences import ANOMALY, NONE, THINGS, Meaning, contradictions, say
from specsight.synthetic.scenes.materials import MATERIALS

STRIDE = 16
COVERED = 0.06
"""Share of a cell's pixels from which on it shows a defect; a crack two pixels wide covers an eighth."""
TOUCHED = 0.01
"""Between this share and `COVERED` a cell is labelled neither good nor defective."""
IGNORED = -1
UNNAMED = len(TYPES) + 1
"""Label of a cell with a defect of no named type."""
MARK_COVERED, MARK_TOUCHED = 0.02, 0.002
"""The same for acceptable marks: a spew is a hair, and five pixels of a cell show all that can be seen of it."""
SMALLEST_REGION = 6
"""Cells that a region must cover to get a sentence."""
REGIONS_PER_PICTURE = 2
GOOD_SENTENCES, DAMAGED_SENTENCES, WORDINGS = 4, 3, 2


@dataclass
class JointBatch:
    """What a step of the joint stage learns from."""

    pictures: Tensor
    """(B, S, S, 3) uint8."""
    labels: Tensor
    """(B, h, w) int64: 0 good, 1 + index into TYPES, UNNAMED, or IGNORED."""
    regions: Tensor
    """(R, h, w) bool: the cells of each region that has a sentence."""
    of_regions: Tensor
    """(R,) int64: the picture that each region lies in."""
    region_sentences: list[str]
    negatives: Tensor
    """(R, R) bool: sentence j contradicts what is true of region i."""
    type_sentences: list[str]
    """WORDINGS wordings of every type: all types in the first wording, then all in the second."""
    good_sentences: list[str]
    damaged_sentences: list[str]
    marks: Tensor
    """(B, h, w) int64: 0, 1 + index into MARK_KINDS, or IGNORED; cells that `labels` knows a defect in are IGNORED."""
    mark_sentences: list[str]
    """WORDINGS wordings of every kind of mark, in the order of `type_sentences`."""


@dataclass
class JointBatchPart:
    """Pictures of one size with all that does not depend on the other parts of a batch; see `JointBatch`."""

    pictures: Tensor
    labels: Tensor
    regions: NDArray[np.uint8]
    """(B, h, w), indexes the `meanings` of each picture."""
    meanings: list[list[Meaning]]
    marks: Tensor


@dataclass(frozen=True)
class JointBatches:
    """Makes parts of `JointBatch`es, each of about `part` of `pixels` pixels, and joins them."""

    examples: SceneExamples
    pixels: int
    part: float

    def make(self, rng: np.random.Generator, side: int) -> JointBatchPart:
        """A part with pictures of (side, side) pixels."""
        count = max(1, round(self.part * self.pixels / side**2))
        examples = [self.examples.make(rng, side) for _ in range(count)]
        pictures = torch.from_numpy(np.stack([example.rgb for example in examples]))
        labels = torch.from_numpy(np.stack([cell_labels(example.types) for example in examples]))
        regions = np.stack([example.regions[::STRIDE, ::STRIDE] for example in examples])
        regions = regions[:, : labels.shape[1], : labels.shape[2]]
        marks = torch.from_numpy(np.stack([mark_labels(example) for example in examples]))
        return JointBatchPart(pictures, labels, regions, [example.meanings for example in examples], marks)

    def join(self, rng: np.random.Generator, parts: list[JointBatchPart]) -> JointBatch:
        """One batch of several parts, with sentences of its own."""
        labels = torch.cat([part.labels for part in parts])
        indices = np.concatenate([part.regions for part in parts])
        of_pictures = [meanings for part in parts for meanings in part.meanings]
        regions, of_regions, meanings = _regions(rng, indices, of_pictures, labels.numpy())
        good, damaged, types = state_sentences(rng)
        return JointBatch(
            torch.cat([part.pictures for part in parts]),
            labels,
            regions,
            of_regions,
            [say(rng, meaning) for meaning in meanings],
            torch.from_numpy(contradictions(meanings)),
            types,
            good,
            damaged,
            torch.cat([part.marks for part in parts]),
            mark_sentences(rng),
        )


def state_sentences(rng: np.random.Generator) -> tuple[list[str], list[str], list[str]]:
    """Sentences that one product is good, that it is damaged, and that it shows each type of defect."""
    thing, material = _random_product(rng)
    good = [say(rng, Meaning(NONE, thing, material)) for _ in range(GOOD_SENTENCES)]
    damaged = [say(rng, Meaning(ANOMALY, thing, material)) for _ in range(DAMAGED_SENTENCES)]
    types = [say(rng, Meaning(name, thing, material)) for _ in range(WORDINGS) for name in TYPES]
    return good, damaged, types


def mark_sentences(rng: np.random.Generator) -> list[str]:
    """Sentences that something shows each kind of mark: all kinds in one wording, then all in the next."""
    return [say(rng, Meaning("", kind)) for _ in range(WORDINGS) for kind in MARK_KINDS]


def mark_labels(example: SceneExample, stride: int = STRIDE) -> NDArray[np.int64]:
    """Kinds of acceptable marks (h, w) in the tower's cells: 0 none, 1 + index into MARK_KINDS, or IGNORED.

    Where a defect touches a cell, nothing is said of its marks.
    """
    defects = cell_labels(example.types, stride)
    if example.marks is None:
        return np.where(defects == 0, 0, IGNORED)
    labels = cell_labels(example.marks, stride, MARK_COVERED, MARK_TOUCHED)
    return np.where(defects == 0, labels, IGNORED)


def cell_labels(
    types: NDArray[np.uint8], stride: int = STRIDE, covered: float = COVERED, touched: float = TOUCHED
) -> NDArray[np.int64]:
    """Type map (H, W) of a scene example → labels (h, w) of the tower's cells of a stride, where they lie.

    `covered`, `touched`: shares of a cell from which on it shows a type, and is not known to show none.
    """
    places = Cells.of_convolutions((types.shape[0], types.shape[1]), stride)
    shares = {int(value): _coverage(types == value, places) for value in np.unique(types) if value}
    labels = np.zeros(places.size, np.int64)
    if not shares:
        return labels
    strongest = np.full(places.size, covered, np.float32)
    labels[sum(shares.values()) >= touched] = IGNORED
    for value, share in shares.items():
        wins = share >= strongest
        labels[wins] = IGNORED if value == NOT_VISIBLE else UNNAMED if value == ANY else value
        strongest = np.maximum(strongest, share)
    return labels


def _coverage(mask: NDArray[np.bool_], places: Cells) -> NDArray[np.float32]:
    """Share (h, w) of set pixels in each cell; of a cell that reaches beyond the picture, in its part within."""
    return resampled(mask.astype(np.float32), Cells.over((mask.shape[0], mask.shape[1]), mask.shape), places)


def _regions(
    rng: np.random.Generator,
    indices: NDArray[np.uint8],
    of_pictures: list[list[Meaning]],
    labels: NDArray[np.int64],
) -> tuple[Tensor, Tensor, list[Meaning]]:
    """Good cells (R, h, w), picture (R,) and meaning of regions that have one, up to `REGIONS_PER_PICTURE` in each."""
    masks, pictures, meanings = [], [], []
    for index, own in enumerate(of_pictures):
        good = labels[index] == 0
        for region in rng.permutation(len(own))[:4]:
            mask = (indices[index] == region) & good
            if own[region] == Meaning() or mask.sum() < SMALLEST_REGION:
                continue
            masks.append(mask)
            pictures.append(index)
            meanings.append(own[region])
            if pictures.count(index) >= REGIONS_PER_PICTURE:
                break
    stacked = np.stack(masks) if masks else np.zeros((0, *labels.shape[1:]), np.bool_)
    return torch.from_numpy(stacked), torch.tensor(pictures, dtype=torch.int64), meanings


def _random_product(rng: np.random.Generator) -> tuple[str, str]:
    """An object and a material, either of them perhaps empty, that all sentences about states of a batch share.

    Prompts of one product differ in its state alone; with a noun each, the nouns would drown the states.
    """
    thing = str(rng.choice(list(THINGS))) if rng.random() < 0.6 else ""
    material = MATERIALS[int(rng.integers(len(MATERIALS)))].name if rng.random() < 0.3 else ""
    return thing, material
