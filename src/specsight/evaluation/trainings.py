"""Trainings of cross-set detectors, kept by what they were of: runs that differ only in what they judge share one.

In: a detector, the labelled samples of another set and their words. Out: the same detector, trained. A folder holds one
saved detector per training, named by a digest of everything that its weights depend on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.training_digest import digest
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import verify_folder, whole_folder

FOLDER = "trainings"


def train(
    detector: CrossSetDetector,
    samples: Sequence[Sample],
    specifications: Mapping[str, Specification],
    folder: Path | None,
    checkpoint: Path | None,
) -> None:
    """Train, or take what an equal training left in `folder` (None: nothing is looked up and nothing kept).

    Two processes that train alike at the same time both do so; the first to finish is kept.
    """
    if folder is None:
        detector.train(samples, specifications, checkpoint)
        return
    kept = folder / f"{detector.name}-{digest(detector, samples, specifications)}"
    if kept.is_dir():
        verify_folder(kept)
        detector.restore(kept)
        return
    detector.train(samples, specifications, checkpoint)
    with whole_folder(kept) as temporary:
        detector.save(temporary)
