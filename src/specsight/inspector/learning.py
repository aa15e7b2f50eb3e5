"""Good parts → a fitted detector with its thresholds, and what became of every picture that was given."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from specsight import images
from specsight.calibration import ByPlace, Calibration, HeldOut, ThresholdConfig
from specsight.choosing import AUTO, Choice, ChoiceConfig, Search, choice_config
from specsight.datasets.accounting import Account, Ignored
from specsight.datasets.parts import with_parts_named
from specsight.detectors import Detector, create_detector
from specsight.errors import SpecsightError
from specsight.inspector import remarks
from specsight.inspector.fewer import Fewer, Modalities, known_modalities, left_of, limited_to
from specsight.inspector.folds import Judge, features_cached, judges_of_folds
from specsight.inspector.good_parts import Judged, digests_of, judge_good
from specsight.inspector.likeness import Likeness
from specsight.inspector.observation import Skipped
from specsight.inspector.part_maps import learn_parts
from specsight.inspector.reader import Reader
from specsight.inspector.required import measure_good
from specsight.inspector.sources import Source, good_source
from specsight.inspector.splits import GoodCounts, GoodSplit, split_good
from specsight.inspector.usual_depth import UsualDepth, measure_depth
from specsight.parts import PartFinder
from specsight.presence import GoodPictures
from specsight.records import DEPTH, Sample
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
    finder: PartFinder | None
    reader: Reader | None
    choice: Choice | None
    seconds: float | None
    modalities: Modalities | None
    fewer: tuple[Fewer, ...]
    usual_depth: UsualDepth | None


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
    given = _read(good, defects, validation)
    _check_enough(detector, given)
    # A choice is made on the parts that are learned from: those that give the threshold are to have no say in it.
    costly = isinstance(detector, ChoiceConfig) or detector.needs.trains or detector.needs.other_sets
    split = split_good(given.good, given.validation, given.defects, threshold, seed, costly=costly)
    choice = None
    if isinstance(detector, ChoiceConfig):
        detector, choice = _choose(detector, split, specification, threshold)
    judged, lacking, finder = _fit_and_judge(detector, split, given, specification, threshold)
    calibration = None
    if judged.held_out:
        calibration = judged.held_out.calibrate(threshold.false_reject_rate, threshold.confidence)
    counts = _counts(detector, split, judged.parts)
    known = known_modalities(detector)
    skipped = _skipped(detector, split, judged)
    width = remarks.common_width(given.seen)
    doubts = (*counts.doubts(), *remarks.of_fit(specification, given.seen, width, detector))
    return Learned(
        detector=detector,
        calibration=calibration,
        specification=specification,
        bits=given.bits,
        width=width,
        skipped=skipped,
        notes=_joined(detector.notes_, judged.notes),
        counts=counts,
        account=_account(given, counts, skipped, (*doubts, *_of_places(judged, threshold))),
        held_out=judged.held_out,
        learned_from=digests_of(sample for sample, _ in split.learned),
        by_place=judged.by_place,
        likeness=judged.likeness,
        good_pictures=measure_good(
            [*_to_learn(split), *(sample for sample, _ in split.held_out)],
            detector,
            specification,
            given.bits,
            finder,
        ),
        finder=finder,
        reader=Reader.fit(_to_learn(split), detector, specification, given.bits)
        if types and specification
        else None,
        choice=choice,
        seconds=statistics.median(judged.seconds) if judged.seconds else None,
        modalities=known,
        usual_depth=measure_depth(given.seen) if DEPTH in (known or ()) or detector.needs.depth else None,
        fewer=tuple(
            Fewer.of(left, one.held_out, threshold, one.by_place)
            for left, one in lacking.items()
            if one.held_out
        ),
    )


@dataclass(frozen=True)
class _Given:
    """The samples that a fit is given; 16-bit files of all are read with one range."""

    good: list[Sample]
    validation: list[Sample]
    defects: list[Sample]
    bits: int | None
    """As in `Inspector`."""
    ignored: tuple[Ignored, ...]
    notes: tuple[str, ...]
    """Of the folder with good parts, as in `Source`."""

    @property
    def seen(self) -> list[Sample]:
        """The good pictures that say what pictures of the product are like."""
        return self.good or self.validation


def _read(
    good: str | Path | Sequence[Sample], defects: Sequence[Sample], validation: Sequence[Sample]
) -> _Given:
    """List the samples, from disk where a folder is named, and find the range of their 16-bit files."""
    source = (
        good_source(given_path(good, "the folder of good parts"))
        if isinstance(good, str | Path)
        else Source(_samples("good", good))
    )
    defects, validation = _samples("defects", defects), _samples("validation", validation)
    bits = images.common_bits(sample.image for sample in source.samples or validation)
    read, unseen, defective = (
        [replace(sample, bits=bits) for sample in samples]
        for samples in (source.samples, validation, defects)
    )
    return _Given(read, unseen, defective, bits, source.ignored, source.notes)


def _check_enough(detector: Detector | ChoiceConfig, given: _Given) -> None:
    """Raises SpecsightError for defects that nothing learns from, and for good parts that are missing."""
    if given.defects and isinstance(detector, ChoiceConfig):
        raise SpecsightError(f"{detector.name} learns nothing from labelled defects: leave them out")
    if not given.good and detector.needs.good_pictures > 0:
        raise SpecsightError(
            "no good picture to learn from: point --good at a folder with pictures of good parts"
        )


def _choose(
    config: ChoiceConfig, split: GoodSplit, specification: Specification | None, threshold: ThresholdConfig
) -> tuple[Detector, Choice]:
    """The detector that is chosen on the parts that are learned from, and how."""
    parts = [part for _, part in split.learned]
    return Search(config, _to_learn(split), parts, specification, threshold.false_reject_rate).run()


def _fit_and_judge(
    detector: Detector,
    split: GoodSplit,
    given: _Given,
    specification: Specification | None,
    threshold: ThresholdConfig,
) -> tuple[Judged, dict[Modalities, Judged], PartFinder | None]:
    """Fit the detector to what is learned from, learn where outlined parts lie, and judge the good parts that give its
    thresholds, whole and under each set of modalities that a picture may be left with."""
    learned = [*_to_learn(split), *given.defects]
    if not split.folds:
        detector.fit(learned, specification)
        finder = learn_parts(detector, specification, given.seen, given.bits)
        judges: Iterable[Judge] = [(detector, split.held_out)]
        judge = partial(judge_good, bits=given.bits, finder=finder)
        return *_judge_sets(detector, judges, judge), finder
    with features_cached(detector):
        detector.fit(learned, specification)
        finder = learn_parts(detector, specification, given.seen, given.bits)
        folds = judges_of_folds(detector, split, given.defects, specification)
        judges = chain(folds, [(detector, split.held_out)])
        judge = partial(
            judge_good, bits=given.bits, folds=len(split.folds), by_place=threshold.by_place, finder=finder
        )
        return *_judge_sets(detector, judges, judge), finder


def _judge_sets(
    detector: Detector, judges: Iterable[Judge], judge: Callable[..., Judged]
) -> tuple[Judged, dict[Modalities, Judged]]:
    """What `judge` says of good parts whole, and under each set of modalities that a picture may be left with."""
    known = known_modalities(detector)
    if not known or len(known) == 1:
        return judge(judges), {}
    judges = list(judges)  # each judges several times
    fewer = {left: judge(judges, limited=limited_to(left)) for left in left_of(known, detector)}
    return judge(judges, limited=limited_to(known)), fewer


def _to_learn(split: GoodSplit) -> list[Sample]:
    """The good samples to learn from, each with the name of its part."""
    return with_parts_named([sample for sample, _ in split.learned], [part for _, part in split.learned])


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


def _skipped(detector: Detector, split: GoodSplit, judged: Judged) -> list[Skipped]:
    """Good pictures that were not learned from or not judged, each once: in folds, one that cannot be read is met
    twice."""
    found = [Skipped(*one) for one in detector.skipped_]
    found += [
        Skipped(str(s.image), f"'{s.image}' shows a part that is learned from: not used for the threshold")
        for s in split.seen
    ]
    known = {one.path for one in found}
    return [*found, *(one for one in judged.skipped if one.path not in known)]


def _account(
    given: _Given, counts: GoodCounts, skipped: Sequence[Skipped], further: Sequence[str]
) -> Account:
    """What became of every picture that was given; `further` notes follow those of the folder."""
    used = counts.statement()
    if given.defects:
        used += f", {len(given.defects)} labelled defects"
    return Account(used, len(skipped), given.ignored, (*given.notes, *further))


def _joined(first: Mapping[str, list[str]], second: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Notes of two sets of pictures."""
    return {
        note: list(dict.fromkeys([*first.get(note, []), *second.get(note, [])]))
        for note in {**first, **second}
    }
