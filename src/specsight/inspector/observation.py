"""What is noted of one picture on its way: that it was looked at once, or why it could not be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from specsight.detectors import Detector, View
from specsight.presence import Evidence
from specsight.records import Picture, Sample


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why, in one line."""

    path: str
    reason: str


@dataclass(frozen=True)
class Observation:
    """One picture that the detector has looked at once, ready to be judged under any number of instructions."""

    sample: Sample
    picture: Picture
    view: View = field(repr=False)
    seconds: Mapping[str, float]
    """Time spent so far: "read" and "look"."""
    looked_by: str = ""
    """The detector and the encoder whose features `view` holds; empty: not known."""

    @cached_property
    def evidence(self) -> Evidence:
        """What is measured in the picture where a clause requires a feature: once, however many instructions ask."""
        return Evidence(self.picture, self.sample.part_names, self.view)


def looks_of(detector: Detector) -> str:
    """What the features of a view depend on, in words."""
    encoder = detector.get_encoder()
    return f"{detector.name} at {detector.framing.statement} with encoder {encoder.fingerprint[:8]}"
