"""Which pictures a detector learns from, which give the threshold and which are tested; all of it under the seed.

In: the samples of one product. Out: disjoint lists. Test pictures are only ever judged, except for labelled defects
that a run learns from: those are taken out of what it tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specsight.calibration import ThresholdConfig
from specsight.datasets.parts import distinct_parts
from specsight.errors import SpecsightError
from specsight.images import masks_known
from specsight.records import Sample


@dataclass(frozen=True)
class Split:
    """The pictures of one product, the same under every seed."""

    good: Sequence[Sample]
    """Good training pictures."""
    validation: Sequence[Sample]
    """Good validation pictures, where the set brings some."""
    test: Sequence[Sample]
    """Labelled test pictures."""


@dataclass(frozen=True)
class SeedSplit:
    """The pictures of one product under one seed."""

    learned: Sequence[Sample]
    """Good pictures to learn from."""
    threshold: Sequence[Sample]
    """Further good pictures, for the threshold; empty: some of `learned` are to be held out."""
    defects: Sequence[Sample]
    """Labelled defective pictures to learn from."""
    tested: Sequence[Sample]


def split(samples: Sequence[Sample], source: Path, *, needs_good: bool) -> Split:
    """Sort the samples of one product. `source` is where they came from, for messages.

    Raises `SpecsightError` where there is nothing to test, or no good training picture though one is needed.
    """
    good = [s for s in samples if s.split == "train" and s.label == "good"]
    validation = [s for s in samples if s.split == "validation" and s.label == "good"]
    test = [s for s in samples if s.split.startswith("test") and s.label != "unknown"]
    if not good and needs_good:
        raise SpecsightError(
            f"'{source}' has no good training pictures: see what was found with 'specsight check {source}'"
        )
    if not test:
        raise SpecsightError(
            f"'{source}' has no labelled test pictures: judge unlabelled ones with 'specsight fit' and 'inspect'"
        )
    return Split(good, validation, test)


def limited(test: Sequence[Sample], count: int | None) -> list[Sample]:
    """At most `count` good and `count` defective test pictures, at even steps of the list; None: all of them."""
    if count is None:
        return list(test)
    chosen: set[str] = set()
    for label in ("good", "defective"):
        of_label = [sample.id for sample in test if sample.label == label]
        steps = np.linspace(0, len(of_label) - 1, min(count, len(of_label)))
        chosen |= {of_label[round(step)] for step in steps.tolist()}
    return [sample for sample in test if sample.id in chosen]


def few_shots(
    split: Split, shots: int | None, *, threshold: ThresholdConfig, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """(good pictures to learn from, further good pictures for the threshold).

    With few shots the detector learns from exactly that many; the threshold then comes from good training pictures of
    other parts, for a promise about false rejects cannot be made from a handful: `threshold.holdout` parts beside the
    validation pictures, or, where that is None and there are none, as many as the promise takes.
    """
    if shots is None:
        return list(split.good), list(split.validation)
    if shots > len(split.good):
        raise SpecsightError(
            f"{shots} shots were asked for, but there are {len(split.good)} good training pictures"
        )
    order = np.random.default_rng(seed).permutation(len(split.good)).tolist()
    learned = [split.good[i] for i in sorted(order[:shots])]
    labels = distinct_parts(split.good).labels
    seen = {labels[i] for i in order[:shots]}
    others = [i for i in order[shots:] if labels[i] not in seen]
    count = 0 if threshold.holdout is None and split.validation else threshold.parts
    parts = set(list(dict.fromkeys(labels[i] for i in others))[:count])
    return learned, [*split.validation, *(split.good[i] for i in others if labels[i] in parts)]


def labelled_defects(
    samples: Sequence[Sample], test: Sequence[Sample], count: int, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """(`count` defective pictures of every type with known masks, what is left to test).

    They come from the training split where it has labelled defects, else from the test split, whole parts at a time:
    whatever shows the same part (`distinct_parts`) leaves the test with it.
    """
    if not count:
        return [], list(test)
    order = np.random.default_rng((seed, 1)).permutation(len(samples))
    pool = [samples[i] for i in order if samples[i].label == "defective" and masks_known(samples[i])]
    pool.sort(key=lambda s: s.split.startswith("test"))
    chosen: list[Sample] = []
    for type_ in sorted({t for s in pool for t in s.types}):
        have = sum(type_ in s.types for s in chosen)
        more = [s for s in pool if type_ in s.types and s not in chosen][: max(0, count - have)]
        if have + len(more) < count:
            raise SpecsightError(
                f"{count} labelled defects of every type were asked for, but '{type_}' has {have + len(more)}"
            )
        chosen += more
    labels = distinct_parts([*test, *chosen]).labels
    taken = set(labels[len(test) :])
    rest = [s for s, part in zip(test, labels) if part not in taken]
    if not any(s.label == "defective" for s in rest) or not any(s.label == "good" for s in rest):
        raise SpecsightError(
            f"with {count} labelled defects of every type to learn from, no good or no defective picture is left "
            "to test: ask for fewer"
        )
    return chosen, rest
