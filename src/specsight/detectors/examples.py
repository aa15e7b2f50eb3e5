"""Training examples: views of good pictures, of copies with synthetic defects, and of labelled defects.

In: good samples, defective ones with masks where the regime has them, and a specification. Out: a stream of
`TrainingExample`s, each a view that knows which of its cells show which type of defect.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors.contract import View
from specsight.detectors.parameters import parameter
from specsight.detectors.synthetic_examples import add_defects, synthesisers_for
from specsight.detectors.text_detector import ReadingDetector
from specsight.errors import SpecsightError, UnreadableFile
from specsight.features import grids
from specsight.progress import track
from specsight.records import Picture, Sample
from specsight.specification import Specification
from specsight.specification.vocabulary import Vocabulary


@dataclass(frozen=True)
class TrainingExample(View):
    """A view whose truth is known. Good examples have no `masks`."""

    masks: Mapping[str | None, NDArray[np.float32]] = field(default_factory=dict)
    """Type of the specification (None: damage of no particular kind) → (H, W) over the frame, 1 where it is."""
    source: int = 0
    """Number of the picture that it was made from: examples of one source belong on one side of any split."""
    synthetic: str | None = None
    """Name of the synthetic defect that was put on it."""

    def covered(self, type_: str | None, grid: tuple[int, int]) -> NDArray[np.float32]:
        """Share of every cell of a grid (h, w) over the frame that a type covers, in [0, 1]."""
        if type_ not in self.masks:
            return np.zeros(grid, np.float32)
        return np.asarray(grids.resized(self.masks[type_][None], grid)[0], np.float32)


@dataclass
class ExampleDetector(ReadingDetector):
    """A detector that learns from `TrainingExample`s: `_learn` gets them as its views, after `_take_words`."""

    synthetic_defects: int = parameter(
        200,
        "Synthetic defects to learn from, over all good pictures (at least one a picture); 0: none.",
        low=0,
        high=1_000_000,
    )

    types_without_examples_: tuple[str, ...] = field(default=(), init=False, repr=False)
    """Types of the specification that no example shows: known by their words alone."""

    def _check_needs(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        super()._check_needs(samples, specification)
        self._check_types(samples, specification)

    def _check_types(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        """Raise SpecsightError for a labelled type that there are no words for."""
        names = Vocabulary([d.name for d in specification.defects] if specification else [])
        for sample in samples:
            for type_ in sample.types if sample.label == "defective" else ():
                if type_ not in names:
                    raise SpecsightError(
                        f"'{sample.id}' shows '{type_}', which the specification has no words for: "
                        f"add it to its defects ({names.hint(type_)})"
                    )

    def _views(self, samples: Sequence[Sample]) -> Iterator[TrainingExample]:
        """Examples, one picture in memory at a time; every good picture is followed by its synthetic ones."""
        kinds = self._kinds() if self.synthetic_defects else []
        good = sum(sample.label != "defective" for sample in samples)
        copies = max(1, round(self.synthetic_defects / good)) if good and self.synthetic_defects else 0
        usable = 0
        for source, sample in enumerate(track(samples, f"reading examples for {self.name}")):
            try:
                picture = images.load_picture(sample)
                masks = self._masks(sample, picture)
            except UnreadableFile as error:
                self.skipped_.append((str(sample.image), str(error)))
                continue
            usable += sample.label != "defective"
            yield self._example(picture, masks, source)
            if sample.label != "defective":
                # Seeded by the picture itself: what is learned does not hang on the order of the pictures.
                generator = np.random.default_rng((self.seed, zlib.crc32(picture.rgb.tobytes())))
                yield from self._synthetic(generator, picture, kinds, copies, source)
        self._check_enough(usable)

    def _kinds(self) -> list[tuple[str, str | None]]:
        """(synthetic defect, type of the specification that it stands for), drawn from with equal chances."""
        return synthesisers_for(self.specification_) if self.specification_ else []

    def _synthetic(
        self,
        generator: np.random.Generator,
        picture: Picture,
        kinds: list[tuple[str, str | None]],
        copies: int,
        source: int,
    ) -> Iterator[TrainingExample]:
        types: dict[str, list[str | None]] = {}
        for synthetic, type_ in kinds:
            types.setdefault(synthetic, []).append(type_)
        for bad in add_defects(generator, picture, [(s, s) for s, _ in kinds], copies, self.resolution):
            if bad.type is None or bad.mask is None:
                continue
            known = types[bad.type]
            type_ = known[int(generator.integers(len(known)))] if len(set(known)) > 1 else known[0]
            yield self._example(bad, {type_: bad.mask}, source, bad.type)

    def _example(
        self,
        picture: Picture,
        masks: Mapping[str | None, NDArray[np.bool_]],
        source: int,
        synthetic: str | None = None,
    ) -> TrainingExample:
        view = self._look(picture)
        framed = {type_: view.frame.apply(mask.astype(np.float32)) for type_, mask in masks.items()}
        return TrainingExample(view.frame, view.features, framed, source, synthetic)

    def _masks(self, sample: Sample, picture: Picture) -> dict[str | None, NDArray[np.bool_]]:
        """Masks by type of a labelled sample, spelt as in the specification; none for a good one."""
        if sample.label != "defective":
            return {}
        if not sample.defects or not images.masks_known(sample):
            raise SpecsightError(
                f"'{sample.id}' is labelled defective but nothing says where: give its masks, or leave it out"
            )
        specified = self.specification_.defects if self.specification_ else ()
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
