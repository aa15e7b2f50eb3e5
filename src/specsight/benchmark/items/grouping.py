"""Answers of one kind of question → groups within which they are compared, each with its sets of options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specsight.benchmark.items.option_sets import Likeness, OptionSets, in_groups, unlike
from specsight.benchmark.items.truth import NONE

MOST_NONE = 1.5
""""No defect" is the right answer at most so many times as often as another one is on average."""


@dataclass(frozen=True)
class Grouping:
    """How the answers of a pool are put together to sets of options."""

    sizes: tuple[int, ...] = (4, 3, 2)
    likeness: Likeness = unlike
    neighbours: Callable[[str], Any] = str
    """Answers are ordered by it where there are too many for one group."""
    together: Callable[[Collection[str]], bool] | None = None


@dataclass(frozen=True)
class AnswerGroup:
    """Some answers of a pool."""

    number: int
    counts: Mapping[str, float]
    """Answer → pictures of which it is right."""
    sets: OptionSets


def answer_groups(counts: Mapping[str, int], grouping: Grouping) -> list[AnswerGroup]:
    """The answers in groups of neighbours; "no defect" is in each, and right at most `MOST_NONE` times as often as
    another answer is on average."""
    ordered = sorted(
        (option for option in counts if option != NONE),
        key=lambda option: (grouping.neighbours(option), option),
    )
    split = in_groups(ordered)
    found = []
    for number, group in enumerate(split):
        own: dict[str, float] = {option: counts[option] for option in group}
        asked = dict(own)
        if counts.get(NONE):
            own[NONE] = counts[NONE] / len(split)
            most = MOST_NONE * float(np.mean(list(asked.values()))) if len(asked) > 1 else own[NONE]
            asked[NONE] = min(own[NONE], most)
        found.append(
            AnswerGroup(number, own, OptionSets(asked, grouping.sizes, grouping.likeness, grouping.together))
        )
    return found
