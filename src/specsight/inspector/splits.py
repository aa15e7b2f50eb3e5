"""Which good parts a detector learns from and which give its threshold: held out, or in folds. Parts are split, not
pictures."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from specsight.calibration import LEAST_PARTS, ThresholdConfig, parts_needed
from specsight.datasets.parts import distinct_parts, draw_parts, stated_part
from specsight.errors import SpecsightError
from specsight.records import Sample

DOUBTFUL_SHARE = 0.1
"""Of the pictures: fewer change a promise little."""


@dataclass(frozen=True)
class GoodCounts:
    """How many good pictures, of how many distinct parts, a model was learned from and calibrated on.

    Those held out were not learned from. Where `folds` is not 0, those learned from were judged in so many folds.
    """

    learned: int
    learned_parts: int
    held_out: int
    held_out_parts: int
    doubtful: int = 0
    """Pictures that may show parts counted already: see `DistinctParts`."""
    folds: int = 0

    def statement(self) -> str:
        """The counts in words."""
        pictures, parts = self.learned + self.held_out, self.learned_parts + self.held_out_parts
        alone = pictures == parts
        learned = f"learned from {_count(self.learned, 'good part')}"
        held_out = f"held out {self.held_out}"
        if not alone:
            learned = f"learned from {self.learned} ({_count(self.learned_parts, 'part')})"
            held_out += f" ({_count(self.held_out_parts, 'part')})"
        folded = f"each judged unseen in one of {self.folds} folds" if self.folds else ""
        said = ", ".join(filter(None, [learned, folded, held_out if self.held_out or not folded else ""]))
        return said if alone else f"{pictures} pictures, {_count(parts, 'distinct part')}: {said}"

    def doubts(self) -> list[str]:
        """What may be wrong with the number of parts; empty where nothing is, or too little to matter."""
        pictures = self.learned + self.held_out
        if not self.doubtful or self.doubtful < DOUBTFUL_SHARE * pictures:
            return []
        return [
            f"{self.doubtful} of {pictures} pictures are far more alike than is usual here, and each counts as a part: "
            "where several show one part (other views or light), name the parts in a manifest (group)"
        ]

    def no_threshold(self, threshold: ThresholdConfig) -> str:
        """Why there is no threshold, and what it takes."""
        needed = parts_needed(threshold.false_reject_rate, threshold.confidence)
        alike = (
            "; pictures that look the same count as one part: where they show several, name the parts in a manifest "
            "(group)"
        )
        return (
            f"no good part was held out ({_count(self.learned_parts, 'distinct good part')}): a threshold takes at "
            f"least {LEAST_PARTS}, and {needed} to promise {100 * threshold.false_reject_rate:.3g} % "
            f"false rejects; scores and maps only, no verdicts{alike if self.learned > self.learned_parts else ''}"
        )


@dataclass(frozen=True)
class GoodSplit:
    """Good samples to learn from and those for the threshold, each with the label of the part that it shows.

    `folds` are disjoint lists of those to learn from; a part is in one of them, or in none where a defective picture of
    it is learned from.
    """

    learned: list[tuple[Sample, int]]
    held_out: list[tuple[Sample, int]]
    seen: list[Sample]
    """Validation samples of parts that are learned from: they can say nothing of unseen parts."""
    doubtful: int
    """Of `DistinctParts`."""
    folds: list[list[tuple[Sample, int]]] = field(default_factory=list)


def split_good(
    good: Sequence[Sample],
    validation: Sequence[Sample],
    defects: Sequence[Sample],
    threshold: ThresholdConfig,
    seed: int,
    *,
    costly: bool,
) -> GoodSplit:
    """Divide good parts into folds under `seed`, or hold some out; add the parts of `validation` that are not learned
    from. `costly`: a fit trains weights, see `ThresholdConfig.folds`.

    Parts are told apart as in `distinct_parts`. A part of which a defective picture is learned from (`defects`, by
    their groups) is not held out. Raises SpecsightError where more parts are to be held out than can be.
    """
    parts = distinct_parts([*good, *validation])
    own, theirs = parts.labels[: len(good)], parts.labels[len(good) :]
    known = {stated_part(s) for s in defects if s.group}
    of_defects = {part for s, part in zip((*good, *validation), parts.labels) if stated_part(s) in known}
    folded = 0
    if threshold.folds or not validation:
        folded = threshold.folds_of(len(set(own) - of_defects), costly=costly)
    count = threshold.share_of(len(set(own)))
    if folded or (validation and threshold.holdout is None):
        count = 0
    if threshold.holdout is None:
        count = min(count, len(set(own) - of_defects))
    chosen = _held_out(own, count, seed, of_defects) if good or count else set()
    learned = [(s, part) for s, part in zip(good, own) if part not in chosen]
    held_out = [(s, part) for s, part in zip(good, own) if part in chosen]
    to_learn = {part for _, part in learned} | of_defects
    held_out += [(s, part) for s, part in zip(validation, theirs) if part not in to_learn]
    seen = [s for s, part in zip(validation, theirs) if part in to_learn]
    order = draw_parts(own, len(own), np.random.default_rng(seed)) if folded else []
    fold_of = {part: k % folded for k, part in enumerate(p for p in order if p not in of_defects)}
    folds = [[(s, part) for s, part in learned if fold_of.get(part) == k] for k in range(folded)]
    return GoodSplit(learned, held_out, seen, parts.doubtful, folds)


def split_holdout(
    good: Sequence[Sample], count: int, seed: int, parts: Sequence[Hashable] | None = None
) -> tuple[list[Sample], list[Sample]]:
    """Split good samples into those to learn from and those of `count` parts held out under `seed`; both keep order.

    `parts` says which part each sample shows; None: as the samples say themselves (`Sample.group`). All pictures of a
    part stay together, and some part is always left to learn from. Raises SpecsightError for a count below 0 or not
    below the number of parts.
    """
    labels = [stated_part(s) for s in good] if parts is None else list(parts)
    held_out = _held_out(labels, count, seed)
    return [s for s, part in zip(good, labels, strict=True) if part not in held_out], [
        s for s, part in zip(good, labels, strict=True) if part in held_out
    ]


def _held_out(
    parts: Sequence[Hashable], count: int, seed: int, never: Collection[Hashable] = ()
) -> set[Hashable]:
    """`count` of the distinct labels, none of them among `never`."""
    distinct = list(dict.fromkeys(parts))
    order = draw_parts(distinct, len(distinct), np.random.default_rng(seed))
    possible = [part for part in order if part not in never]
    if count < 0 or count >= len(distinct) or count > len(possible):
        raise SpecsightError(
            f"cannot hold out {count} of {_count(len(distinct), 'good part')} ({_count(len(parts), 'picture')}): "
            "some must be left to learn from"
        )
    return set(possible[:count])


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
