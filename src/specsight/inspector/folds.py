"""Good parts that are learned from, each judged by a detector that has not seen it: that of its fold.

In: a detector fitted to all good parts, and their split in folds. Out: for each fold the detector that learned from the
others. The encoder looks at every picture once, whatever the number of folds.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from specsight.datasets.parts import with_parts_named
from specsight.detectors import Detector
from specsight.encoders import FILTERS
from specsight.encoders.cache import CachedEncoder
from specsight.errors import SpecsightError
from specsight.inspector.splits import GoodSplit
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import temporary_folder

Judge = tuple[Detector, Sequence[tuple[Sample, int]]]
"""A fitted detector, and good samples that it has not seen with the labels of their parts."""


def judges_of_folds(
    detector: Detector,
    split: GoodSplit,
    defects: Sequence[Sample],
    specification: Specification | None,
) -> Iterator[Judge]:
    """Fit copies of `detector`, each to all good parts but those of one fold, and to `defects`.

    `detector` has been fitted to all of them. Copies frame pictures as it does: what good parts decided of resolution,
    tiles and rotations is not decided again without the fold, for scores at another resolution or against rotated
    parts say nothing of the scores that the threshold is for.

    Raises SpecsightError as `Detector.fit` does, where a fold leaves too few good parts for instance.
    """
    for number, fold in enumerate(split.folds):
        left_out = {part for _, part in fold}
        others = [(sample, part) for sample, part in split.learned if part not in left_out]
        # `fit` sets learned attributes and changes none in place, so that a shallow copy leaves the detector as it is.
        judge = copy.copy(detector)
        if detector.checkpoints is not None:
            judge.checkpoints = detector.checkpoints / f"fold-{number}"
            judge.checkpoints.mkdir(parents=True, exist_ok=True)
        learned = with_parts_named([sample for sample, _ in others], [part for _, part in others])
        try:
            judge.fit([*learned, *defects], specification, detector.framing)
        except SpecsightError as error:
            count = len(split.folds)
            raise SpecsightError(
                f"without one of {count} folds: {error}; hold parts out instead (folds 0)"
            ) from error
        yield judge, fold


@contextmanager
def features_cached(detector: Detector) -> Iterator[None]:
    """Keep features of `detector`'s encoder in a temporary folder meanwhile; filters cost less than reading them."""
    encoder = detector.get_encoder()
    if isinstance(encoder, CachedEncoder) or encoder.name == FILTERS:
        yield
        return
    with temporary_folder("features") as folder:
        detector.encoder_ = CachedEncoder(encoder, folder)
        try:
            yield
        finally:
            detector.encoder_ = encoder
