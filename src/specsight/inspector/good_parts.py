"""Good parts that a detector has not seen → thresholds from their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from specsight import calibration as calibrations
from specsight import images
from specsight.calibration import Calibration, ThresholdConfig
from specsight.detectors import Detector
from specsight.errors import UnreadableFile
from specsight.inspector.judgements import check_judgement
from specsight.inspector.observation import Skipped
from specsight.inspector.pictures import read_picture
from specsight.progress import track
from specsight.records import Sample

TYPE_LEVEL_PARTS = 20
"""Held-out good parts whose type maps are computed: enough for a median, and each costs a map per type."""


@dataclass
class Calibrated:
    """What came of judging good parts that were held out."""

    calibration: Calibration | None = None
    """None: no part was held out, or none could be read."""
    parts: list[int] = field(default_factory=list)
    """Label of the part of each picture that could be read."""
    skipped: list[Skipped] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What was noticed in reading them: note → paths."""


def calibrate_on(
    detector: Detector,
    held_out: Sequence[tuple[Sample, int]],
    threshold: ThresholdConfig,
    bits: int | None,
) -> Calibrated:
    """Take thresholds from good samples that the detector has not seen, each with the label of its part.

    `bits` is what 16-bit files use of their range. Pictures that cannot be read are skipped and listed.
    """
    found = Calibrated()
    judged, type_medians = [], list[dict[str, float]]()
    for sample, part in track(held_out, "Calibrating"):
        try:
            _, picture = read_picture(sample, "", bits, detector.needs.depth)
            judgement = detector.judge(detector.look([picture])[0])
            check_judgement(judgement, picture, detector.name)
        except UnreadableFile as error:
            found.skipped.append(Skipped(str(sample.image), str(error)))
            continue
        if part not in found.parts and len(type_medians) < TYPE_LEVEL_PARTS:
            type_medians.append(calibrations.medians_by_type(judgement.type_maps))
        images.collect_notes(found.notes, sample, picture)
        judged.append((judgement.score, judgement.map))
        found.parts.append(part)
    if judged:
        found.calibration = calibrations.calibrate(
            judged, threshold.false_reject_rate, threshold.confidence, type_medians, found.parts
        )
    return found
