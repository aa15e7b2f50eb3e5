"""Accuracy by product, by difficulty and by each condition of the pictures: light, plant, zone, whatever a set names.

In: a run's questions. Out: statistics by name, each the mean over tasks, so that groups with other tasks compare less
wrongly. A condition with more than `MOST` values (a serial number) tells no groups apart and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specsight.benchmark.scoring.accuracy import MARKED, mean_of, right
from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.scoring.resampling import Mean, Statistic
from specsight.benchmark.tasks import TASKS

MOST = 24


def breakdown(run: Answered) -> dict[str, Statistic]:
    """ "by/product/NAME", "by/difficulty/NAME" and "by/CONDITION/VALUE", of each with at least two values."""
    marked = [one for one in run.plain if one.form in MARKED]
    conditions = sorted({key for one in marked for key in one.origin.conditions})
    keys: dict[str, Callable[[Asked], str | None]] = {
        "product": lambda one: one.category,
        "difficulty": lambda one: one.difficulty,
        **{key: lambda one, key=key: one.origin.conditions.get(key) for key in conditions},  # type: ignore[misc]
    }
    statistics: dict[str, Statistic] = {}
    for key, value in keys.items():
        groups: dict[str, list[Asked]] = {}
        for one in marked:
            if (name := value(one)) is not None:
                groups.setdefault(name, []).append(one)
        if 2 <= len(groups) <= MOST:
            statistics |= {f"by/{key}/{name}": _over_tasks(run, groups[name]) for name in sorted(groups)}
    return statistics


def _over_tasks(run: Answered, asked: Sequence[Asked]) -> Statistic:
    by_task = [[one for one in asked if one.task == task] for task in TASKS]
    return Mean([mean_of(run, of_task, right) for of_task in by_task if of_task])
