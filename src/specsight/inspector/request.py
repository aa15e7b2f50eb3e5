"""What a model was asked for, as a digest that lies in its folder: asked for the same again, there is nothing to do.

In: a detector, samples, words and a promise. Out: the digest; and whether a saved model has it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from specsight.detectors import Detector
from specsight.detectors.training_digest import digest
from specsight.errors import SpecsightError
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import parse_json, read_text, write_json
from specsight.version import __version__

REQUEST = "request.json"


def request_of(
    detector: Detector,
    learned: Sequence[tuple[Sequence[Sample], Mapping[str, Specification]]],
    promise: Mapping[str, object],
) -> str:
    """Digest of everything that a fitted model depends on; empty where a file that counts cannot be read.

    `learned`: sets of samples, each with the words about its products. `promise`: how the threshold is made.
    """
    try:
        sets = [digest(detector, samples, words) for samples, words in learned]
    except OSError:
        return ""
    judging = {name: str(value) for name, value in detector.parameters().items() if name != "encoder"}
    content = json.dumps([__version__, sets, judging, dict(promise)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def write_request(folder: Path, request: str) -> None:
    """Note it beside the model."""
    write_json(folder / REQUEST, {"request": request})


def was_requested(folder: Path, request: str) -> bool:
    """Whether the model in `folder` is what was asked for; a model that was changed since has no request."""
    try:
        content = parse_json(read_text(folder / REQUEST))
    except (OSError, ValueError, SpecsightError):
        return False
    return bool(request) and isinstance(content, dict) and content.get("request") == request
