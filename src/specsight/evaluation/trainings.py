"""Trainings of cross-set detectors, kept by what they were of: runs that differ only in what they judge share one.

In: a detector, the labelled samples of another set and their words. Out: the same detector, trained. A folder holds one
saved detector per training, named by a digest of everything that its weights depend on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from specsight.detectors.cross_set import CrossSetDetector
from specsight.encoders import Encoder, load_encoder
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import sha256, verify_folder, whole_folder

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
    kept = folder / _key(detector, samples, specifications)
    if kept.is_dir():
        verify_folder(kept)
        detector.restore(kept)
        return
    detector.train(samples, specifications, checkpoint)
    with whole_folder(kept) as temporary:
        detector.save(temporary)


def _key(
    detector: CrossSetDetector, samples: Sequence[Sample], specifications: Mapping[str, Specification]
) -> str:
    """Digest of the method, its parameters, its encoder, the words, and every picture with its labels and masks."""
    encoder = detector.encoder if isinstance(detector.encoder, Encoder) else load_encoder(detector.encoder)
    others = {"encoder", *detector.judging}
    asked = {
        "detector": detector.name,
        "parameters": {k: v for k, v in detector.parameters().items() if k not in others},
        "encoder": encoder.fingerprint,
        "words": {product: words.model_dump(mode="json") for product, words in specifications.items()},
        "samples": [_told(sample) for sample in samples],
    }
    content = json.dumps(asked, sort_keys=True, default=str)
    return f"{detector.name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _told(sample: Sample) -> list[object]:
    """What a training is told by a sample; where its files lie does not matter."""
    defects = [
        [d.type, None if d.mask is None else sha256(d.mask), d.mask_value, d.mask_above, d.box]
        for d in sample.defects
    ]
    return [sha256(sample.image), sample.product, sample.label, sample.split, sample.group, defects]
