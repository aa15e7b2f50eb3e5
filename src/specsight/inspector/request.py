"""What a model was asked for: a digest, by which there is nothing to do when it is asked for again, and the folders,
by which it can be fitted anew to more.

In: a detector, samples, words and a promise. Out: the digest; and what stands in the folder of a saved model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from specsight.choosing import DEFAULT, ChoiceConfig
from specsight.detectors import Detector, create_detector
from specsight.detectors.training_digest import digest
from specsight.errors import SpecsightError
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import parse_json, read_text, write_json
from specsight.version import __version__

REQUEST = "request.json"


@dataclass(frozen=True)
class Request:
    """What `fit_model` was asked for."""

    digest: str
    """See `request_of`; empty for a model that was changed since."""
    good: tuple[str, ...] = ()
    """Folders of good parts, absolute."""
    others: Mapping[str, str] = field(default_factory=dict)
    """The other sources by their names in `Sources`, absolute."""
    promise: Mapping[str, Any] = field(default_factory=dict)
    """The fields of its `ThresholdConfig`."""
    seed: int = 0


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


def request_of_choice(
    config: ChoiceConfig,
    learned: Sequence[tuple[Sequence[Sample], Mapping[str, Specification]]],
    promise: Mapping[str, object],
) -> str:
    """Digest of everything that a model depends on whose detector is chosen; as `request_of`.

    The defaults stand for the detector: a search begins with them.
    """
    encoders = config.load_encoders()
    defaults = create_detector(DEFAULT, encoder=encoders[0])
    return request_of(defaults, learned, {**promise, "choice": config.to_json(encoders)})


def write_request(folder: Path, request: Request) -> None:
    """Note it beside the model."""
    write_json(folder / REQUEST, asdict(request))


def read_request(folder: Path) -> Request:
    """Read what `write_request` wrote. Raises SpecsightError where there is nothing, or it is damaged."""
    try:
        content = parse_json(read_text(folder / REQUEST))
        promise = {**content["promise"]}
        return Request(
            str(content["digest"]),
            tuple(map(str, content["good"])),
            {str(name): str(path) for name, path in content["others"].items()},
            promise,
            int(content["seed"]),
        )
    except FileNotFoundError as error:
        raise SpecsightError(
            f"'{folder}' does not say which pictures it was fitted on: fit it again, with 'specsight fit'"
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SpecsightError(f"'{folder / REQUEST}' is damaged: fit the model again") from error


def was_requested(folder: Path, request: str) -> bool:
    """Whether the model in `folder` is what was asked for; a model that was changed since has no request."""
    try:
        return bool(request) and read_request(folder).digest == request
    except SpecsightError:
        return False
