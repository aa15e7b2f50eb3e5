"""The labelled set that a cross-set method is trained on: what is checked, held out and turned into examples.

In: labelled samples of several products and a specification of each. Out: `FrozenExample`s of their pictures, of copies
with synthetic defects and of mosaics of 2 × 2 pictures; a fifth of the pictures is held out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.datasets.parts import draw_parts, stated_part
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.examples import ExampleCollector, Masks, masks_by_type
from specsight.errors import SpecsightError, UnreadableFile, did_you_mean
from specsight.records import Picture, Sample
from specsight.specification import Specification

HELD_OUT = 0.2
"""Share of the pictures that ends the training in time."""


@dataclass(frozen=True)
class CollectedExamples:
    """What there is to learn from, and the pictures that could not be read: (path, reason)."""

    examples: Sequence[FrozenExample]
    skipped: Sequence[tuple[str, str]]


def by_product(
    samples: Sequence[Sample], specifications: Mapping[str, Specification]
) -> dict[str, list[Sample]]:
    """Group samples by product, in the order in which products come first.

    Raises SpecsightError for unlabelled samples, for a product without a specification, and where there is no sample.
    """
    products: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.label == "unknown":
            raise SpecsightError(
                f"'{sample.id}' is labelled neither good nor defective: label it, or leave it out"
            )
        if sample.product not in specifications:
            hint = did_you_mean(sample.product, specifications) if specifications else "none is given"
            raise SpecsightError(
                f"there is no specification of '{sample.product}', which '{sample.id}' is to be learned from: add one "
                f"({hint})"
            )
        products.setdefault(sample.product, []).append(sample)
    if not products:
        raise SpecsightError("there is no picture to train on: give labelled samples of other products")
    return products


def check_masks(samples: Sequence[Sample], specification: Specification) -> None:
    """Raise SpecsightError for a label that its masks contradict, before hours are spent on the encoder."""
    for sample in samples:
        if sample.label == "defective":
            with contextlib.suppress(UnreadableFile):
                masks_by_type(sample, images.load_picture(sample), specification)


def collect(
    products: Mapping[str, Sequence[Sample]],
    specifications: Mapping[str, Specification],
    collector_for: Callable[[Specification], ExampleCollector],
    *,
    mosaics: float,
    seed: int,
) -> CollectedExamples:
    """Look at every picture of every product once.

    `collector_for` makes the collector of a product's examples; `mosaics` is the number of mosaics as a share of the
    pictures that are not held out. Raises SpecsightError where the examples would not fit into memory.
    """
    samples = [sample for of_product in products.values() for sample in of_product]
    held_out_paths, examples, skipped = (
        held_out(samples, seed),
        list[FrozenExample](),
        list[tuple[str, str]](),
    )
    for product, of_product in products.items():
        collector = collector_for(specifications[product])
        for example in _of_product(
            of_product, specifications[product], collector, held_out_paths, mosaics, seed
        ):
            examples.append(example)
            if len(examples) == 1:
                _check_memory(example, samples, collector, mosaics)
        skipped += collector.skipped
    return CollectedExamples(examples, skipped)


def held_out(samples: Sequence[Sample], seed: int) -> frozenset[str]:
    """Draw the paths of a fifth of the pictures under `seed`, among good and defective ones by themselves.

    At least one of each where there are two. Pictures of one physical object stay together.
    """
    objects: dict[Hashable, list[Sample]] = {}
    for sample in samples:
        objects.setdefault(stated_part(sample), []).append(sample)
    generator, held_out_paths = np.random.default_rng(seed), set[str]()
    for label in ("good", "defective"):
        candidates = [part for part, pictures in objects.items() if _label(pictures) == label]
        count = max(1, round(HELD_OUT * len(candidates))) if len(candidates) > 1 else 0
        for part in draw_parts(candidates, count, generator):
            held_out_paths.update(str(sample.image) for sample in objects[part])
    return frozenset(held_out_paths)


def mosaic(
    pictures: Sequence[Picture], masks: Sequence[Masks]
) -> tuple[Picture, dict[str | None, NDArray[np.float32]]]:
    """Compose four pictures, each at half the size of the first, as one of its size; their masks by type likewise.

    Masks hold the share of each pixel that is covered: the finest line stays.
    """
    import cv2

    rows, columns = (max(1, side // 2) for side in pictures[0].size)
    rgb = np.empty((2 * rows, 2 * columns, 3), np.uint8)
    together: dict[str | None, NDArray[np.float32]] = {}
    for k, (picture, by_type) in enumerate(zip(pictures, masks)):
        quarter = np.s_[k // 2 * rows : (k // 2 + 1) * rows, k % 2 * columns : (k % 2 + 1) * columns]
        rgb[quarter] = cv2.resize(picture.rgb, (columns, rows), interpolation=cv2.INTER_AREA)
        for type_, mask in by_type.items():
            small = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
            together.setdefault(type_, np.zeros(rgb.shape[:2], np.float32))[quarter] = small
    return Picture(rgb), together


def _of_product(
    samples: Sequence[Sample],
    specification: Specification,
    collector: ExampleCollector,
    held_out_paths: frozenset[str],
    mosaics: float,
    seed: int,
) -> Iterator[FrozenExample]:
    for example in collector.collect(samples):
        of_sample = example.sample
        name, is_held_out = (
            (of_sample.id, str(of_sample.image) in held_out_paths) if of_sample else ("", False)
        )
        yield FrozenExample.of(example, specification, name, held_out=is_held_out)
    skipped = {path for path, _ in collector.skipped}
    usable = [s for s in samples if str(s.image) not in held_out_paths | skipped]
    generator = np.random.default_rng((seed, len(usable)))
    for _ in range(round(mosaics * len(usable))):
        four = [usable[int(k)] for k in generator.choice(len(usable), 4, replace=len(usable) < 4)]
        pictures = [images.load_picture(sample) for sample in four]
        masks = [masks_by_type(s, picture, specification) for s, picture in zip(four, pictures)]
        example = collector.example(*mosaic(pictures, masks))
        yield FrozenExample.of(example, specification, "mosaic", held_out=False)


def _check_memory(
    first: FrozenExample, samples: Sequence[Sample], collector: ExampleCollector, mosaics: float
) -> None:
    """Raise SpecsightError where examples as large as the first would not fit into memory."""
    import psutil

    good, synthetic = sum(sample.label == "good" for sample in samples), collector.synthetic.count
    expected = (1 + mosaics) * len(samples) + (max(synthetic, good) if synthetic else 0)
    needed, free = expected * first.size, psutil.virtual_memory().available
    if needed > 0.8 * free:
        raise SpecsightError(
            f"the features of {expected:.0f} training pictures would take {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB are free: train on fewer pictures, or at a lower resolution"
        )


def _label(samples: Sequence[Sample]) -> str:
    return "defective" if any(sample.label == "defective" for sample in samples) else "good"
