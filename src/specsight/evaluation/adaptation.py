"""Leave one line out: what a detector loses on another light, plant or model, and how much of it adaptation recovers.

In: labelled samples of a line and of another one, the target. Out: image AUROC on the target by row and seed. Half of
the target's parts are judged and nothing else; of the other half the adaptations see pictures without labels, and only
the oracle sees labels. Nothing is chosen by what the judged half says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from specsight import images
from specsight.datasets.parts import distinct_parts
from specsight.detectors import Detector, View, create_detector
from specsight.detectors.supervised.detector import Supervised
from specsight.encoders import Encoder
from specsight.errors import SpecsightError, did_you_mean
from specsight.metrics import image_auroc
from specsight.records import Sample
from specsight.runs.adaptation_record import NORMAL_SOURCE, NORMAL_TARGET, ORACLE, SOURCE_ONLY
from specsight.specification import Specification

FEW_SHOT = "few-shot, 4 good parts of the target"
ZERO_SHOT, TEXT_ALIGNED = "zero-shot, phrases", "normal-only, text_aligned, good parts of the source"
SHOTS = 4


@dataclass(frozen=True)
class Shift:
    """Two lines of one product."""

    name: str
    source: Sequence[Sample]
    target: Sequence[Sample]


@dataclass(frozen=True)
class ShiftConfig:
    """How a shift is measured."""

    encoder: Encoder
    resolution: int
    defects: int = 5
    """Labelled defects of every type from the source."""
    good: int = 60
    """Good training pictures of each line, at most."""
    parameters: tuple[tuple[str, Any], ...] = ()
    """Further ones of the supervised detector."""
    specification: Specification | None = None
    """Words, for the rows that read; None: these are left out."""
    device: str = "auto"
    limit: int | None = None
    """Good, and defective, pictures of each half of the target, at most: the judged one, and that seen unlabelled."""


def shifts(samples: Sequence[Sample], leave_out: str) -> list[Shift]:
    """The shifts that `leave_out` names: "light" leaves out each light by turns, "light=low" one of them.

    Raises SpecsightError for a condition that no sample has, or a value that none of them has.
    """
    condition, _, wanted = leave_out.partition("=")
    known = sorted({name for sample in samples for name in sample.conditions})
    if condition not in known:
        raise SpecsightError(f"no picture says its '{condition}': {did_you_mean(condition, known)}")
    values = sorted({sample.conditions[condition] for sample in samples if condition in sample.conditions})
    if wanted and wanted not in values:
        raise SpecsightError(f"no picture has {condition} '{wanted}': {did_you_mean(wanted, values)}")
    if len(values) < 2:
        raise SpecsightError(
            f"every picture has {condition} '{values[0]}': there is no other line to leave out"
        )
    return [
        Shift(
            f"{condition} {value}",
            [s for s in samples if s.conditions.get(condition) != value],
            [s for s in samples if s.conditions.get(condition) == value],
        )
        for value in values
        if wanted in ("", value)
    ]


@dataclass(frozen=True)
class Sides:
    """The samples of a shift under one seed."""

    good: Sequence[Sample]
    """Good training pictures of the source."""
    defects: Sequence[Sample]
    """Labelled defects of the source."""
    target_good: Sequence[Sample]
    """Good training pictures of the target: seen unlabelled by adaptations, labelled by the oracle and normal-only."""
    target_seen: Sequence[Sample]
    """The half of the target's test parts that adaptations see unlabelled and the oracle labelled."""
    tested: Sequence[Sample]
    """The other half."""


def sides(shift: Shift, config: ShiftConfig, seed: int) -> Sides:
    """Draw the samples under a seed. Whatever shows a part that is judged is learned from by no row.

    Raises SpecsightError where the source has no good picture, or the judged half not both good and defective ones.
    """
    generator = np.random.default_rng((seed, 15))
    test = [s for s in shift.target if s.split.startswith("test") and s.label != "unknown"]
    seen, tested = _halves(test, generator)
    if config.limit is not None:
        seen, tested = (_limited(samples, config.limit, generator) for samples in (seen, tested))
    labels = {s.label for s in tested}
    if labels != {"good", "defective"}:
        raise SpecsightError(
            f"{shift.name}: of the target, good and defective pictures are needed to measure"
        )
    judged = {s.group for s in tested if s.group} | {str(s.image) for s in tested}
    free = [s for s in shift.source if s.group not in judged and str(s.image) not in judged]
    good = _some([s for s in free if s.label == "good" and s.split == "train"], config.good, generator)
    if len(good) < 2:
        raise SpecsightError(f"{shift.name}: the source needs at least 2 good training pictures")
    defects = _per_type([s for s in free if s.label == "defective"], config.defects, generator)
    trained = [s for s in shift.target if s.label == "good" and s.split == "train" and s.group not in judged]
    return Sides(good, defects, _some(trained, config.good, generator), seen, tested)


def measure_shift(shift: Shift, config: ShiftConfig, seed: int) -> dict[str, float]:
    """Image AUROC on the judged half of the target, by row."""
    drawn = sides(shift, config, seed)
    truth = np.array([s.label == "defective" for s in drawn.tested])
    views: dict[str, list[View]] = {}
    found = {}
    for name, detector in rows(drawn, config, seed):
        # Detectors of one method share what was seen.
        if detector.name not in views:
            pictures = (images.load_picture(sample, uses=detector.needs.uses) for sample in drawn.tested)
            views[detector.name] = [detector.look([picture])[0] for picture in pictures]
        scores = np.array([detector.judge(view).score for view in views[detector.name]])
        found[name] = float(image_auroc(truth, scores))
    return found


def rows(drawn: Sides, config: ShiftConfig, seed: int) -> Iterator[tuple[str, Detector]]:
    """The fitted detectors of the table, one after the other."""
    source = _supervised(config, seed).fit([*drawn.good, *drawn.defects])
    yield NORMAL_SOURCE, source.without_head()
    yield SOURCE_ONLY, source
    unlabelled = [replace(s, label="unknown", defects=()) for s in (*drawn.target_good, *drawn.target_seen)]
    for method in source.adaptations:
        yield method, source.adapted(unlabelled, method)
    if len(drawn.target_good) > 1:
        theirs = [s for s in drawn.target_seen if s.label == "defective"]
        oracle = _supervised(config, seed).fit([*drawn.target_good, *drawn.defects, *theirs])
        yield NORMAL_TARGET, oracle.without_head()
        yield ORACLE, oracle
    if len(drawn.target_good) >= SHOTS:
        yield FEW_SHOT, _supervised(config, seed).fit(drawn.target_good[:SHOTS])
    if config.specification is not None:
        yield ZERO_SHOT, _other("phrases", config, seed).fit([], config.specification)
        yield TEXT_ALIGNED, _other("text_aligned", config, seed).fit(drawn.good, config.specification)


def _supervised(config: ShiftConfig, seed: int) -> Supervised:
    detector = _other("supervised", config, seed, **dict(config.parameters))
    assert isinstance(detector, Supervised)
    return detector


def _other(name: str, config: ShiftConfig, seed: int, **parameters: Any) -> Detector:
    given = {"encoder": config.encoder, "resolution": config.resolution, "device": config.device}
    return create_detector(name, **given, seed=seed, **parameters)


def _halves(samples: Sequence[Sample], generator: np.random.Generator) -> tuple[list[Sample], list[Sample]]:
    """Two halves by parts: pictures of one part, and good twins of defective ones, stay together."""
    labels = distinct_parts(samples).labels
    order = generator.permutation(sorted(set(labels)))
    first = set(order[: len(order) // 2].tolist())
    return (
        [s for s, part in zip(samples, labels) if part in first],
        [s for s, part in zip(samples, labels) if part not in first],
    )


def _per_type(samples: Sequence[Sample], count: int, generator: np.random.Generator) -> list[Sample]:
    """Defective samples until every type has `count`, or as many as there are."""
    shuffled = [samples[k] for k in generator.permutation(len(samples))]
    chosen: list[Sample] = []
    for type_ in sorted({t for s in shuffled for t in s.types}):
        have = sum(type_ in s.types for s in chosen)
        chosen += [s for s in shuffled if type_ in s.types and s not in chosen][: max(0, count - have)]
    return chosen


def _limited(samples: Sequence[Sample], limit: int, generator: np.random.Generator) -> list[Sample]:
    """At most `limit` good and as many defective samples."""
    by_label = ([s for s in samples if s.label == label] for label in ("good", "defective"))
    return [s for chosen in by_label for s in _some(chosen, limit, generator)]


def _some(samples: Sequence[Sample], count: int, generator: np.random.Generator) -> list[Sample]:
    chosen = generator.permutation(len(samples))[:count]
    return [samples[k] for k in sorted(chosen.tolist())]
