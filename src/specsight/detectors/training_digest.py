"""Everything that trained weights depend on, as a digest: two trainings of one digest give the same weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from specsight.datasets.digest import sample_digest
from specsight.detectors.contract import Detector
from specsight.detectors.parameters import parameters_of
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import sha256


def digest(detector: Detector, samples: Sequence[Sample], specifications: Mapping[str, Specification]) -> str:
    """16 hex digits of the method, its parameters, its encoder, the words, and every sample's files and labels.

    Parameters that only judging depends on and where files lie do not count.
    """
    declared = parameters_of(type(detector))
    counted = {k: v for k, v in detector.parameters().items() if k != "encoder" and not declared[k].judging}
    content = {
        "detector": detector.name,
        "parameters": counted,
        "encoder": detector.get_encoder().fingerprint,
        "words": {product: words.model_dump(mode="json") for product, words in specifications.items()},
        "samples": [_inputs(sample) for sample in samples],
    }
    written = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def _inputs(sample: Sample) -> list[object]:
    """What a training takes from a sample."""
    defects = [
        [d.type, None if d.mask is None else sha256(d.mask), d.mask_value, d.mask_above, d.box]
        for d in sample.defects
    ]
    return [sample_digest(sample), sample.product, sample.label, sample.split, sample.group, defects]
