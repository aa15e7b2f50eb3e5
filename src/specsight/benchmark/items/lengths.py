"""Lengths of defects → two limits per type, such that each limit is passed as often as it is kept.

In: how many defects of each type have which length, in steps of an eighth of a doubling. Out: a lower and an upper
limit of each type. No limit is closer to a length than `from_masks` has it (a quarter).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from specsight.benchmark.items.option_sets import OptionSets
from specsight.benchmark.items.truth import only_instance
from specsight.benchmark.records import BenchmarkSample
from specsight.evaluation.instructions.from_masks import ABOVE, BELOW

STEPS = 8
"""Steps per doubling of a length."""

Side = Literal["below", "between"]


def measured_length(sample: BenchmarkSample) -> float | None:
    """Length in millimetres of the only instance on a picture; None where it is not known, or goes on beyond it."""
    instance = only_instance(sample)
    if instance is None or not instance.length_mm or len(sample.instances) > 1:
        return None
    x0, y0, x1, y1 = instance.box
    cut_off = y0 == 0 or y1 >= sample.height or (not sample.circular and (x0 == 0 or x1 >= sample.width))
    return None if cut_off else instance.length_mm


def bin_of(length_mm: float) -> int:
    """Number of the step that a length falls into."""
    return math.floor(STEPS * math.log2(length_mm))


@dataclass(frozen=True)
class TypeLimits:
    """Limits of one type, in millimetres."""

    lower: float
    upper: float
    counts: Mapping[Side, int]
    """Defects clearly shorter than the lower limit, and clearly between the two."""

    def side(self, number: int) -> Side | None:
        """Where the lengths of a step lie; None: too close to a limit to say."""
        return _side(number, self.lower, self.upper)


@dataclass(frozen=True)
class Limits:
    """Limits of the types of a product."""

    of: Mapping[str, TypeLimits]
    sets: OptionSets
    """Pairs of types."""

    def quota(self, type_: str) -> float:
        """Defects to be asked about on each side of a type's lower limit."""
        return self.sets.quota(type_)


def limits_of(counts: Mapping[str, int], between: str) -> Limits:
    """The limits of all types that have defects on both sides, where there are two such types at least.

    `counts`: "type|step" → number of defects.
    """
    steps: dict[str, dict[int, int]] = defaultdict(dict)
    for key, count in counts.items():
        type_, number = key.split(between)
        steps[type_][int(number)] = count
    found = {
        type_: limits for type_, own in sorted(steps.items()) if (limits := _type_limits(own)) is not None
    }
    fewest = {type_: min(limits.counts.values()) for type_, limits in found.items()}
    sets = OptionSets(fewest, (2,))
    return Limits(found if sets.possible else {}, sets)


def _type_limits(steps: Mapping[int, int]) -> TypeLimits | None:
    """The lower limit that leaves most defects on its emptier side; the upper one lies above all of them."""
    upper = _rounded_up(_end(max(steps)) * ABOVE)
    best: TypeLimits | None = None
    for number in sorted(steps):
        lower = _rounded_up(_end(number) * ABOVE)
        sides: dict[Side, int] = {"below": 0, "between": 0}
        for other, count in steps.items():
            side = _side(other, lower, upper)
            if side is not None:
                sides[side] += count
        if min(sides.values()) > (min(best.counts.values()) if best else 0):
            best = TypeLimits(lower, upper, sides)
    return best


def _side(number: int, lower: float, upper: float) -> Side | None:
    start, end = _end(number - 1), _end(number)
    if end * ABOVE <= lower * (1 + 1e-9):
        return "below"
    return "between" if start * BELOW >= lower and end * ABOVE <= upper * (1 + 1e-9) else None


def _end(number: int) -> float:
    return float(2 ** ((number + 1) / STEPS))


def _rounded_up(length_mm: float) -> float:
    """In two digits."""
    digits = 1 - math.floor(math.log10(length_mm))
    return round(math.ceil(length_mm * 10.0**digits - 1e-9) / 10.0**digits, max(digits, 0))
