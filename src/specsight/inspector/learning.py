"""Good parts → a fitted detector with its thresholds, and what became of every picture that was given."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from specsight import images
from specsight.calibration import ByPlace, Calibration, HeldOut, ThresholdConfig
from specsight.choosing import AUTO, Choice, ChoiceConfig, Search, choice_config
from specsight.datasets.accounting import Account
from specsight.datasets.parts import with_parts_named
from specsight.detectors import Detector, create_detector
from specsight.errors import SpecsightError
from specsight.inspector import remarks
from specsight.inspector.folds import features_cached, judges_of_folds
from specsight.inspector.good_parts import Judged, digests_of, judge_good
from specsight.inspector.likeness import Likeness
from specsight.inspector.observation import Skipped
from specsight.inspector.reader import Reader
from specsight.inspector.required import measure_good
from specsight.inspector.sources import Source, good_source
from specsight.inspector.splits import GoodCounts, GoodSplit, split_good
from specsight.presence import GoodPictures
from specsight.records import Sample
from specsight.specification import Specification, load_specification
from specsight.storage import given_path

BY_PLACE = "maps are compared with those of good parts at the same place"
NOT_BY_PLACE = (
    "maps are not compared place by place: that takes a detector whose score is of its map alone and that tells no "
    "types apart, thresholds from folds, and maps of one size"
)


@dataclass(frozen=True)
class Learned:
    """What a fit gives; the fields are those of `Inspector`."""

    detector: Detector
    calibration: Calibration | None
    specification: Specification | None
    bits: int | None
    width: int | None
    skipped: list[Skipped]
    notes: dict[str, list[str]]
    counts: GoodCounts
    account: Account
    held_out: HeldOut | None
    learned_from: dict[str, str]
    by_place: ByPlace | None
    likeness: Likeness | None
    good_pictures: GoodPictures | None
    reader: Reader | None
    choice: Choice | None
    seconds: float | None


def learn(
    good: str | Path | Sequence[Sample],
    detector: Detector | ChoiceConfig,
    specification: Specification | None,
    defects: Sequence[Sample],
    validation: Sequence[Sample],
    threshold: ThresholdConfig,
    seed: int,
    types: bool = True,
) -> Learned:
    """Fit `detector`, or the one that is chosen on the good parts that it then learns from, and calibrate it; see
    `Inspector.fit`."""
    source = (
        good_source(given_path(good, "the folder of good parts"))
        if isinstance(good, str | Path)
        else Source(_samples("good", good))
    )
    samples = source.samples
    defects, validation = _samples("defects", defects), _samples("validation", validation)
    if defects and isinstance(detector, ChoiceConfig):
        raise SpecsightError(f"{detector.name} learns nothing from labelled defects: leave them out")
    if not samples and detector.needs.good_pictures > 0:
        raise SpecsightError(
            "no good picture to learn from: point --good at a folder with pictures of good parts"
        )
    bits = images.common_bits(sample.image for sample in samples or validation)
    samples, validation, defects = (
        [replace(s, bits=bits) for s in given] for given in (samples, validation, defects)
    )
    # A choice is made on the parts that are learned from: those that give the threshold are to have no say in it.
    costly = isinstance(detector, ChoiceConfig) or detector.needs.trains or detector.needs.other_sets
    split = split_good(samples, validation, defects, threshold, seed, costly=costly)
    parts = [part for _, part in split.learned]
    learned = with_parts_named([s for s, _ in split.learned], parts)
    choice = None
    if isinstance(detector, ChoiceConfig):
        search = Search(detector, learned, parts, specification, threshold.false_reject_rate)
        detector, choice = search.run()
    judged = _fit_and_judge(
        detector, split, [*learned, *defects], defects, specification, bits, threshold.by_place
    )
    width = remarks.common_width(samples or validation)
    calibration = None
    if judged.held_out:
        calibration = judged.held_out.calibrate(threshold.false_reject_rate, threshold.confidence)
    counts = _counts(detector, split, judged.parts)
    used = counts.statement() + (f", {len(defects)} labelled defects" if defects else "")
    unclear = remarks.of_fit(specification, samples or validation, width, detector)
    skipped = [*(Skipped(*one) for one in detector.skipped_), *_seen(split)]
    # In folds a picture that cannot be read is met twice.
    skipped += [one for one in judged.skipped if one.path not in {known.path for known in skipped}]
    notes = (*source.notes, *counts.doubts(), *unclear, *_of_places(judged, threshold))
    return Learned(
        detector,
        calibration,
        specification,
        bits,
        width,
        skipped,
        _joined(detector.notes_, judged.notes),
        counts,
        Account(used, len(skipped), source.ignored, notes),
        judged.held_out,
        digests_of(sample for sample, _ in split.learned),
        judged.by_place,
        judged.likeness,
        measure_good([*learned, *(sample for sample, _ in split.held_out)], detector, specification, bits),
        Reader.fit(learned, detector, specification, bits) if types and specification else None,
        choice,
        statistics.median(judged.seconds) if judged.seconds else None,
    )


def _fit_and_judge(
    detector: Detector,
    split: GoodSplit,
    learned: Sequence[Sample],
    defects: Sequence[Sample],
    specification: Specification | None,
    bits: int | None,
    by_place: bool | None,
) -> Judged:
    """Fit the detector to what is learned from, and judge the good parts that give its threshold; `defects` are those
    that every fold learns from too."""
    if not split.folds:
        detector.fit(learned, specification)
        return judge_good([(detector, split.held_out)], bits)
    with features_cached(detector):
        detector.fit(learned, specification)
        folds = judges_of_folds(detector, split, defects, specification)
        return judge_good(chain(folds, [(detector, split.held_out)]), bits, len(split.folds), by_place)


def detector_of(
    detector: str | Detector | ChoiceConfig, seed: int, parameters: Mapping[str, Any]
) -> Detector | ChoiceConfig:
    """The detector, created where it is a name, or how one is chosen. Raises SpecsightError for parameters beside one
    that exists."""
    if detector == AUTO:
        return choice_config(seed=seed, **parameters)
    if isinstance(detector, str):
        return create_detector(detector, seed=seed, **parameters)
    if parameters:
        names = ", ".join(parameters)
        raise SpecsightError(f"{names}: give parameters to the detector itself, or name a detector")
    return detector


def specification_of(given: str | Path | Specification | None) -> Specification | None:
    """The specification, read where it is a file."""
    return load_specification(Path(given)) if isinstance(given, str | Path) else given


def _samples(name: str, given: Sequence[Sample]) -> list[Sample]:
    """Samples as a list; `name` is that of the parameter, for the SpecsightError that anything else raises."""
    samples = list(given) if isinstance(given, Iterable) else [given]
    for sample in samples:
        if not isinstance(sample, Sample):
            raise SpecsightError(
                f"{name} must be samples, got {type(sample).__name__}: read a folder with load_dataset"
            )
    return samples


def _counts(detector: Detector, split: GoodSplit, judged: Sequence[int]) -> GoodCounts:
    """Pictures and parts that could be read; `judged` are the labels of those that the threshold rests on."""
    unread = {path for path, _ in detector.skipped_}
    learned = [part for sample, part in split.learned if str(sample.image) not in unread]
    unseen = {part for _, part in split.held_out}
    held_out = [part for part in judged if part in unseen]
    counts = len(learned), len(set(learned)), len(held_out), len(set(held_out))
    return GoodCounts(*counts, split.doubtful, len(split.folds))


def _of_places(judged: Judged, threshold: ThresholdConfig) -> tuple[str, ...]:
    """Whether maps are compared place by place, where they are or were to be."""
    if judged.by_place:
        return (BY_PLACE if threshold.by_place else f"good parts lie alike: {BY_PLACE}",)
    return (NOT_BY_PLACE,) if threshold.by_place else ()


def _seen(split: GoodSplit) -> list[Skipped]:
    return [
        Skipped(str(s.image), f"'{s.image}' shows a part that is learned from: not used for the threshold")
        for s in split.seen
    ]


def _joined(first: Mapping[str, list[str]], second: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Notes of two sets of pictures."""
    return {
        note: list(dict.fromkeys([*first.get(note, []), *second.get(note, [])]))
        for note in {**first, **second}
    }
