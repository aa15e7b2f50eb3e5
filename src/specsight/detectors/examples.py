"""Training examples: views of good pictures, of copies with synthetic defects, and of labelled defects.

In: good samples, defective ones with masks, the words about them, and the function that looks at a picture. Out: a
stream of `TrainingExample`s, one picture in memory at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors.contract import View
from specsight.detectors.synthetic_examples import SyntheticKind, add_defects
from specsight.errors import SpecsightError, UnreadableFile
from specsight.progress import track
from specsight.records import Picture, Sample
from specsight.specification import Specification
from specsight.specification.vocabulary import Vocabulary

Mask = NDArray[np.bool_] | NDArray[np.float32]
"""(H, W) of a picture: true where a defect is, or the share of each pixel that it covers."""
Masks = Mapping[str | None, Mask]
"""Masks by type of the specification (None: damage of no particular kind)."""
COVERED = 0.2
"""A cell shows a defect where this share of it is covered; of a defect too fine for that, its most covered cells do."""


@dataclass(frozen=True)
class TrainingExample(View):
    """A view whose truth is known. Good examples have no `masks`."""

    masks: Masks = field(default_factory=dict)
    """On the picture."""
    sample: Sample | None = None
    """What it was made from; None for a composition of several samples."""
    synthetic: str | None = None
    """Name of the synthetic defect that was put on it."""

    @property
    def group(self) -> str:
        """The physical object shown: examples of one object belong on one side of any split."""
        return (self.sample.group or str(self.sample.image)) if self.sample else ""

    def covered(self, type_: str | None, cells: images.Cells) -> NDArray[np.float32]:
        """Return the share in [0, 1] of every cell over the frame that a type covers, (h, w): see `Frame.covered`."""
        if type_ not in self.masks:
            return np.zeros(cells.size, np.float32)
        return self.frame.covered(self.masks[type_], cells)


@dataclass(frozen=True)
class SyntheticDefects:
    """Which synthetic defects to put on copies of good pictures, and how many."""

    kinds: Sequence[SyntheticKind]
    count: int
    """Over all good pictures, but at least one a picture; 0: none."""
    side: int
    """Largest shorter side of the copies, in pixels."""
    seed: int

    def on(self, picture: Picture, copies: int) -> Iterator[tuple[Picture, Masks, str]]:
        """Yield at most `copies` defective copies of a good picture, their masks and the synthetic defect's name.

        Drawn under the seed and the picture itself: the order of the pictures changes nothing.
        """
        generator = np.random.default_rng((self.seed, zlib.crc32(picture.rgb.tobytes())))
        for made in add_defects(generator, picture, self.kinds, copies, self.side):
            if made.kind is not None and made.mask is not None:
                yield made, {made.kind.type: made.mask}, made.kind.synthesiser

    def copies(self, samples: Sequence[Sample]) -> int:
        """Return how many defective copies each good picture of `samples` gets."""
        good = sum(sample.label != "defective" for sample in samples)
        return max(1, round(self.count / good)) if good and self.count else 0


@dataclass
class ExampleCollector:
    """Turns samples into training examples; afterwards it knows what it has left out."""

    look: Callable[[Picture], View]
    """Encodes one picture as the training wants it."""
    specification: Specification | None
    """Spells the types of labelled defects."""
    synthetic: SyntheticDefects
    method: str
    """Name of the detector, for the progress bar."""
    uses: tuple[str, ...] | None = None
    """See `images.load_picture`."""
    skipped: list[tuple[str, str]] = field(default_factory=list, init=False)
    """Samples that could not be read: (path, reason)."""
    notes: dict[str, list[str]] = field(default_factory=dict, init=False)
    """What was noticed in reading samples: note → paths."""
    good: int = field(default=0, init=False)
    """Good samples that could be read."""
    seen: dict[str, int] = field(default_factory=dict, init=False)
    """How many of these had each modality."""

    def collect(self, samples: Sequence[Sample]) -> Iterator[TrainingExample]:
        """Yield an example of every readable sample; each good one is followed by its synthetic defects.

        Raises SpecsightError for a defective sample without a mask or with an empty one.
        """
        copies = self.synthetic.copies(samples)
        for sample in track(samples, f"reading examples for {self.method}"):
            try:
                picture = images.load_picture(sample, uses=self.uses)
                masks = masks_by_type(sample, picture, self.specification)
            except UnreadableFile as error:
                self.skipped.append((str(sample.image), str(error)))
                continue
            images.collect_notes(self.notes, sample, picture.notes)
            yield self.example(picture, masks, sample)
            if sample.label != "defective":
                self.good += 1
                for modality in picture.modalities:
                    self.seen[modality] = self.seen.get(modality, 0) + 1
                for defective, its_masks, name in self.synthetic.on(picture, copies) if copies else ():
                    yield self.example(defective, its_masks, sample, name)

    def example(
        self, picture: Picture, masks: Masks, sample: Sample | None = None, synthetic: str | None = None
    ) -> TrainingExample:
        """Look at one picture whose defects are known."""
        view = self.look(picture)
        return TrainingExample(view.frame, view.features, view.cells, masks, sample, synthetic)


def defective_cells(covered: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which cells (..., h, w) show a defect that covers these shares of them: see `COVERED`.

    However fine a defect is, some cell shows it, unless it covers none.
    """
    enough = np.minimum(COVERED, covered.max((-2, -1), keepdims=True))
    return np.asarray((covered >= enough) & (covered > 0))


def masks_by_type(
    sample: Sample, picture: Picture, specification: Specification | None
) -> dict[str | None, NDArray[np.bool_]]:
    """Read the masks (H, W) of a labelled sample by type, spelt as in the specification; none of a good one.

    Raises SpecsightError where nothing says where the defects are, or where the mask of one is empty.
    """
    if sample.label != "defective":
        return {}
    if not sample.defects or not images.masks_known(sample):
        raise SpecsightError(
            f"'{sample.id}' is labelled defective but nothing says where: give its masks, or leave it out"
        )
    specified = specification.defects if specification else ()
    names = Vocabulary([defect.name for defect in specified])
    masks: dict[str | None, NDArray[np.bool_]] = {}
    for defect, mask in zip(sample.defects, images.defect_masks(sample, picture.size)):
        if not mask.any():
            raise SpecsightError(
                f"'{sample.id}' is labelled '{defect.type}', but the mask of that defect is empty: "
                "correct the label or the mask"
            )
        name = names.spelling(defect.type)
        masks[name] = masks[name] | mask if name in masks else mask
    return masks


def check_types(samples: Sequence[Sample], specification: Specification | None) -> None:
    """Raise SpecsightError for a labelled type that the specification has no words for."""
    names = Vocabulary([defect.name for defect in specification.defects] if specification else [])
    for sample in samples:
        for type_ in sample.types if sample.label == "defective" else ():
            if type_ not in names:
                raise SpecsightError(
                    f"'{sample.id}' shows '{type_}', which the specification has no words for: "
                    f"add it to its defects ({names.hint(type_)})"
                )
