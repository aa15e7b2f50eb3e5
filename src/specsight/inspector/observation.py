"""What is noted of one picture on its way: that it was looked at once, or why it could not be used."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.calibration import ByPlace
from specsight.detectors import Detector, View
from specsight.presence import Evidence
from specsight.records import Judgement, Picture, Sample
from specsight.specification import Instruction, Knowledge

MOST_MAPS = 3
"""Sets of maps by type that are kept of a picture."""


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
        """Remember it in place of the one before; its map can no longer be written to."""
        judgement.map.setflags(write=False)
        self._of, self._judgement = (detector, by_place, taught), judgement


class LastMaps:
    """Maps by type that a reader made of one picture: a few, of the types that were taught last."""

    def __init__(self) -> None:
        self._kept: list[tuple[Detector, tuple[Knowledge, ...], Mapping[str, NDArray[np.float32]]]] = []

    def get(
        self, reader: Detector, taught: tuple[Knowledge, ...]
    ) -> Mapping[str, NDArray[np.float32]] | None:
        """The maps that a reader made of the specified types and those taught, if they are kept."""
        return next((maps for one, types, maps in self._kept if one is reader and types == taught), None)

    def keep(
        self, reader: Detector, taught: tuple[Knowledge, ...], maps: Mapping[str, NDArray[np.float32]]
    ) -> None:
        """Remember them in place of the oldest."""
        self._kept = [*self._kept[1 - MOST_MAPS :], (reader, taught, maps)]


@dataclass(frozen=True)
class Observation:
    """One picture that the detector has looked at once, ready to be judged under any number of instructions."""

    sample: Sample
    picture: Picture
    view: View = field(repr=False)
    seconds: Mapping[str, float]
    """Time spent so far: "read" and "look"."""
    evidence: Evidence = field(repr=False, compare=False)
    """What is measured in the picture where a clause requires a feature: once, however many instructions ask."""
    looked_by: str = ""
    """The detector and the encoder whose features `view` holds; empty: not known."""

    further: dict[str, View] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What others than the inspecting detector see of it, by how they look."""
    type_maps: LastMaps = field(default_factory=LastMaps, init=False, repr=False, compare=False)
    last: LastJudgement = field(default_factory=LastJudgement, init=False, repr=False, compare=False)


def looks_of(detector: Detector) -> str:
    """What the features of a view depend on, in words."""
    encoder = detector.get_encoder()
    framed = detector.framing.statement
    if reference := detector.framing.reference:
        framed += f" ({zlib.crc32(reference.grey):08x})"
    return f"{detector.name} at {framed} with encoder {encoder.fingerprint[:8]}"
