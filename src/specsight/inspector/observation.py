"""What is noted of one picture on its way: that it was looked at once, or why it could not be used."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from specsight.calibration import ByPlace
from specsight.detectors import Detector, View
from specsight.presence import Evidence
from specsight.records import Judgement, Picture, Sample
from specsight.specification import Instruction


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why, in one line."""

    path: str
    reason: str


@dataclass
class LastJudgement:
    """The last judgement of one observation: words that act on findings alone do not cost it again.

    One is kept, not several: a detector that tells types apart has a map of the picture's size for each of them.
    """

    _of: tuple[Detector, ByPlace | None, Instruction | None] | None = None
    _judgement: Judgement | None = None

    def get(
        self, detector: Detector, by_place: ByPlace | None, taught: Instruction | None
    ) -> Judgement | None:
        """The judgement, if it is of this detector, compared with these good parts, and of these taught types."""
        if self._of is None or self._of[0] is not detector or self._of[1] is not by_place:
            return None
        return self._judgement if self._of[2] == taught else None

    def keep(
        self,
        detector: Detector,
        by_place: ByPlace | None,
        taught: Instruction | None,
        judgement: Judgement,
    ) -> None:
        """Remember it in place of the one before; its maps can no longer be written to."""
        for map_ in (judgement.map, *judgement.type_maps.values()):
            map_.setflags(write=False)
        self._of, self._judgement = (detector, by_place, taught), judgement


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

    last: LastJudgement = field(default_factory=LastJudgement, init=False, repr=False, compare=False)

    @cached_property
    def evidence(self) -> Evidence:
        """What is measured in the picture where a clause requires a feature: once, however many instructions ask."""
        return Evidence(self.picture, self.sample.part_names, self.view)


def looks_of(detector: Detector) -> str:
    """What the features of a view depend on, in words."""
    encoder = detector.get_encoder()
    framed = detector.framing.statement
    if reference := detector.framing.reference:
        framed += f" ({zlib.crc32(reference.grey):08x})"
    return f"{detector.name} at {framed} with encoder {encoder.fingerprint[:8]}"
