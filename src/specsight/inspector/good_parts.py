"""Good parts that a detector has not seen → what it says of them, from which thresholds come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.calibration import HeldOut, medians_by_type
from specsight.datasets.digest import sample_digest
from specsight.detectors import Detector
from specsight.errors import UnreadableFile
from specsight.inspector.folds import Judge
from specsight.inspector.judgements import check_judgement
from specsight.inspector.likeness import Likeness, pooled
from specsight.inspector.observation import Skipped
from specsight.inspector.pictures import read_picture
from specsight.point_spread import LARGE, SMALL, Responses, painted
from specsight.progress import track
from specsight.records import Picture, Sample

TYPE_LEVEL_PARTS = 20
"""Held-out good parts whose type maps are computed: enough for a median, and each costs a map per type."""
SPREAD_PARTS = 8
"""Held-out good parts that discs are painted on, to measure the point spread: each costs two looks."""


@dataclass
class Judged:
    """What came of judging good parts that were held out."""

    held_out: HeldOut | None = None
    """None: no part was held out, or none could be read."""
    likeness: Likeness | None = None
    """The same pictures, pooled."""
    parts: list[int] = field(default_factory=list)
    """Label of the part of each picture that could be read."""
    seconds: list[float] = field(default_factory=list)
    """What looking at each and judging it took."""
    skipped: list[Skipped] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What was noticed in reading them: note → paths."""


def judge_good(judges: Iterable[Judge], bits: int | None, folds: int = 0) -> Judged:
    """Judge good samples by detectors that have not seen them.

    `bits` is what 16-bit files use of their range; `folds` see `Calibration`. Pictures that cannot be read are skipped
    and listed.
    """
    found = Judged()
    judged, names, type_medians = [], list[tuple[str, str]](), list[dict[str, float]]()
    pictures, responses = [], Responses()
    for detector, sample, part in _each(judges):
        try:
            _, picture = read_picture(sample, "", bits, detector.needs.depth)
            start = time.perf_counter()
            (view,) = detector.look([picture])
            judgement = detector.judge(view)
            found.seconds.append(time.perf_counter() - start)
            check_judgement(judgement, picture, detector.name)
        except UnreadableFile as error:
            found.skipped.append(Skipped(str(sample.image), str(error)))
            continue
        if part not in found.parts and len(type_medians) < TYPE_LEVEL_PARTS:
            type_medians.append(medians_by_type(judgement.type_maps))
        if part not in found.parts and len(set(found.parts)) < SPREAD_PARTS:
            _look_at_discs(detector, picture, judgement.map, responses)
        images.collect_notes(found.notes, sample, picture)
        judged.append((judgement.score, judgement.map))
        names.append((digest_of(sample), group_of(sample)))
        pictures.append(pooled(view))
        found.parts.append(part)
    if judged:
        found.held_out = HeldOut.of(judged, type_medians, found.parts, names, responses, folds)
        found.likeness = Likeness.of(pictures, found.parts)
    return found


def _each(judges: Iterable[Judge]) -> Iterator[tuple[Detector, Sample, int]]:
    for detector, samples in judges:
        for sample, part in track(samples, "Calibrating"):
            yield detector, sample, part


def _look_at_discs(
    detector: Detector, picture: Picture, good: NDArray[np.float32], responses: Responses
) -> None:
    """Paint discs on a good picture, of which `good` is the map, and add what they change in the map."""
    for share in (SMALL, LARGE):
        rgb, discs = painted(picture.rgb, share)
        (view,) = detector.look([replace(picture, rgb=rgb)])
        responses.add(good, detector.judge(view).map, discs)


def digest_of(sample: Sample) -> str:
    """The digest of a sample's files; empty where one cannot be read."""
    try:
        return sample_digest(sample)
    except OSError:
        return ""


def group_of(sample: Sample) -> str:
    """The part that a sample names, within its product; empty where it names none."""
    return f"{sample.product}/{sample.group}" if sample.group else ""


def digests_of(samples: Iterable[Sample]) -> dict[str, str]:
    """Digest → group of samples whose files can be read."""
    named = {digest_of(sample): group_of(sample) for sample in samples}
    named.pop("", None)
    return named
