"""Required features on the way of a picture: good pictures are measured at fit, every other one where a clause asks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from specsight.detectors import Detector, View
from specsight.errors import UnreadableFile
from specsight.inspector.observation import Observation
from specsight.inspector.part_maps import grid_view, with_parts
from specsight.inspector.pictures import read_picture
from specsight.parts import PartFinder
from specsight.presence import Evidence, GoodPictures, PresenceCheck
from specsight.presence.good_pictures import MOST_PICTURES
from specsight.presence.learning import learn
from specsight.progress import track
from specsight.records import RGB, Picture, Presence, Sample
from specsight.specification import Clause, Requirement, Specification

NOTHING_KNOWN = GoodPictures()


def measure_good(
    samples: Sequence[Sample],
    detector: Detector,
    specification: Specification | None,
    bits: int | None,
    finder: PartFinder | None = None,
) -> GoodPictures | None:
    """What good pictures show, for features that words may require; None without words or pictures.

    Of many samples some are measured, spread evenly. Those that cannot be read are passed over: the fit lists them.
    """
    if specification is None or not samples:
        return None
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(MOST_PICTURES, len(samples))).round().astype(int))
    read: list[Sample] = []

    def pictures() -> Iterator[Evidence]:
        for sample in track([samples[k] for k in chosen], "Measuring"):
            with contextlib.suppress(UnreadableFile):
                picture = read_picture(sample, "", bits, detector.needs)[1]
                read.append(sample)
                yield Evidence(picture, sample.part_names)

    def again(number: int) -> Evidence:
        sample, picture = read_picture(read[number], "", bits, detector.needs)
        (view,) = detector.look([picture])
        return evidence_of(detector, *with_parts(finder, detector, sample, picture, view), view)

    return learn(pictures(), specification, again)


def evidence_of(detector: Detector, sample: Sample, picture: Picture, view: View) -> Evidence:
    """What can be measured in a picture that was looked at; without grids it is looked at again where one is needed."""
    return Evidence(picture, sample.part_names, partial(grid_view, detector, picture, view))


def look_for(
    clauses: Sequence[Clause],
    observation: Observation,
    check: PresenceCheck,
) -> Mapping[Clause, Presence]:
    """What is found in a picture of each feature that a clause requires."""
    required = [clause for clause in clauses if isinstance(clause, Requirement)]
    if RGB in observation.picture.absent:
        return {clause: Presence(clause, None, "the picture has no colours") for clause in required}
    return {clause: check.check(clause, observation.evidence) for clause in required}


def check_of(
    former: PresenceCheck | None, good: GoodPictures | None, specification: Specification | None
) -> PresenceCheck:
    """The check for these good pictures and words: the former one, with what it has worked out, where it is theirs."""
    good = good or NOTHING_KNOWN
    if former is not None and former.good is good and former.specification is specification:
        return former
    return PresenceCheck(good, specification)
