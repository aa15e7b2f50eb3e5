"""Good pictures → what candidates are fitted to and judged on: parts are split, never pictures of one part.

In: good samples with the labels of their parts, a stage's size. Out: folds, each with samples to fit and samples to
judge, and defects painted for the latter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specsight import images
from specsight.choosing.painting import PaintedDefect, paint
from specsight.choosing.scoring import Material
from specsight.errors import UnreadableFile
from specsight.records import Sample
from specsight.synthetic.defects import synthesisers

FOLDS = 3
"""Most fits of one candidate in one stage, each with a third of the parts or less to judge."""


@dataclass(frozen=True)
class Stage:
    """How much material one round of the comparison takes."""

    fitted: int
    """Good pictures to fit to, at most."""
    judged: int
    """Good parts to judge, at most."""
    painted: int
    """Defects painted for each of them."""


@dataclass(frozen=True)
class Fold:
    """What one fit learns from, and what it judges: samples of other parts, each with its painted defects."""

    fitted: list[Sample]
    judged: list[tuple[Sample, list[PaintedDefect]]]


@dataclass(frozen=True)
class StageMaterial:
    """The folds of a stage, and the same as what scores are computed from."""

    folds: list[Fold]
    material: Material

    @property
    def looks(self) -> int:
        """Pictures that a candidate looks at."""
        return sum(
            len(fold.fitted) + sum(1 + len(painted) for _, painted in fold.judged) for fold in self.folds
        )

    @property
    def smallest_fit(self) -> int:
        """Good pictures in the smallest fit."""
        return min(len(fold.fitted) for fold in self.folds)


def make_material(
    samples: Sequence[Sample], parts: Sequence[int], stage: Stage, seed: int, false_reject_rate: float
) -> StageMaterial:
    """The folds of a stage, the same under the same seed; those of a larger stage hold those of a smaller one where
    one fold is enough.

    `parts` is the label of each sample's part. Of a part one picture is judged, drawn under the seed; pictures to fit
    to are taken from part after part. Unreadable pictures are neither.
    """
    generator = np.random.default_rng((seed, 2))
    of_part: dict[int, list[Sample]] = {}
    for k in generator.permutation(len(samples)):
        of_part.setdefault(parts[k], []).append(samples[k])
    order = list(of_part)
    each = min(stage.judged, len(order) // FOLDS)
    folds = []
    for first in range(0, each * min(FOLDS, math.ceil(stage.judged / each)), each):
        judged_parts = order[first : first + each]
        # The last parts first: those that smaller stages fit to as well.
        rest = [of_part[part] for part in reversed(order) if part not in judged_parts]
        fitted = [pictures[k] for k in range(max(map(len, rest))) for pictures in rest if k < len(pictures)]
        judged = [
            (of_part[part][0], _painted(of_part[part][0], part, stage.painted, seed)) for part in judged_parts
        ]
        folds.append(Fold(fitted[: stage.fitted], [(s, made) for s, made in judged if made]))
    return StageMaterial(folds, _material(folds, false_reject_rate))


def _painted(sample: Sample, part: int, count: int, seed: int) -> list[PaintedDefect]:
    """Defects for one picture, the first ones the same however many there are; none where it cannot be read."""
    try:
        picture = images.load_picture(sample)
    except UnreadableFile:
        return []
    generator = np.random.default_rng((seed, 3, part))
    # Kinds go around, so that all come about equally often among few pictures, too.
    kinds = list(synthesisers)
    first = part * 7 % len(kinds)
    return paint(generator, picture, [*kinds[first:], *kinds[:first]], count)


def _material(folds: Sequence[Fold], false_reject_rate: float) -> Material:
    fold_of, of_good, kinds, areas = list[int](), list[int](), list[str](), list[int]()
    for number, fold in enumerate(folds):
        for _, painted in fold.judged:
            of_good += [len(fold_of)] * len(painted)
            kinds += [one.kind for one in painted]
            areas += [one.area for one in painted]
            fold_of.append(number)
    return Material(
        np.array(fold_of, np.int64),
        np.array(of_good, np.int64),
        tuple(kinds),
        np.array(areas, np.int64),
        false_reject_rate,
    )
