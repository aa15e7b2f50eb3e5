"""Answers of one kind of question → groups within which they are compared, each with its sets of options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from specsight.benchmark.items.option_sets import MOST_OPTIONS, Case, Likeness, OptionSets, in_groups, unlike
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
    most: int = MOST_OPTIONS
    """Answers of one group."""


@dataclass(frozen=True)
class AnswerGroup:
    """Some answers of a pool."""

    number: int
    answers: Collection[str]
    sets: OptionSets
    asked: float = 1.0
    """Share of the pictures without defects among which questions are chosen."""


def answer_groups(counts: Mapping[Case, int], grouping: Grouping) -> list[AnswerGroup]:
    """The answers in groups of neighbours; "no defect" is in each, and right at most `MOST_NONE` times as often as
    another answer is on average."""
    answers = {right for right, _ in counts}
    ordered = sorted(answers - {NONE}, key=lambda option: (grouping.neighbours(option), option))
    good = sum(count for (right, _), count in counts.items() if right == NONE)
    split = in_groups(ordered, grouping.most)
    found = []
    for number, group in enumerate(split):
        cases: dict[Case, float] = {case: count for case, count in counts.items() if case[0] in group}
        share = 1.0
        if good:
            here, most = good / len(split), MOST_NONE * sum(cases.values()) / max(1, len(group))
            share = min(1.0, most / here) if len(group) > 1 else 1.0
            cases[NONE, ()] = share * here
        sets = OptionSets(cases, grouping.sizes, grouping.likeness, grouping.together)
        found.append(AnswerGroup(number, {right for right, _ in cases}, sets, share))
    return found
