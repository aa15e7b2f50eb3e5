"""Accuracy by task and by MMAD's rule, over-kill and miss, options in every order, and what guessing gets.

In: a run's questions with their marks. Out: statistics by name. A wrong, an invalid and a missing answer are all not
right. The mean over tasks weighs every task alike, however many questions it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.scoring.resampling import Figure, Mean, Statistic, share
from specsight.benchmark.tasks import SUBTASKS, TASKS

MARKED = ("choice", "choices", "box", "point")
"""Forms whose answers are right or wrong."""
DETECTION = "Anomaly Detection"
OVERLAPS = (0.1, 0.3, 0.5)
"""At which boxes are counted, as MMAD-BBox does."""


def accuracy(run: Answered) -> dict[str, Statistic]:
    """Shares of right answers: "accuracy" (mean over tasks), "accuracy/all", "task/TASK", "subtask/ROW" and "mmad"."""
    marked = [one for one in run.plain if one.form in MARKED]
    tasks: dict[str, Statistic] = {
        f"task/{task}": mean_of(run, [one for one in marked if one.task == task], right)
        for task in TASKS
        if any(one.task == task for one in marked)
    }
    statistics = {"accuracy": Mean(list(tasks.values())), "accuracy/all": mean_of(run, marked, right)}
    return {**(statistics if tasks else {}), **tasks, **_mmad(run, marked)}


def _mmad(run: Answered, marked: Sequence[Asked]) -> dict[str, Statistic]:
    """MMAD's rule: accuracy by set and row, detection the mean of good and of defective pictures; the mean over the
    rows of each set, and over sets. A row that the benchmark does not ask is left out."""
    cells: dict[tuple[str, str], Statistic] = {}
    for source in sorted({one.origin.source for one in marked}):
        for row in SUBTASKS:
            here = [one for one in marked if one.origin.source == source and TASKS[one.task].subtask == row]
            parts = [here]
            if row == DETECTION:
                parts = [[one for one in here if one.origin.defective is bad] for bad in (False, True)]
            shares = [mean_of(run, part, right) for part in parts if part]
            if shares:
                cells[source, row] = Mean(shares) if len(shares) > 1 else shares[0]
    rows = {row: [one for (_, of), one in cells.items() if of == row] for row in SUBTASKS}
    statistics: dict[str, Statistic] = {
        f"subtask/{row}": Mean(of_row) if len(of_row) > 1 else of_row[0]
        for row, of_row in rows.items()
        if of_row
    }
    if cells:
        sources = dict.fromkeys(source for source, _ in cells)
        statistics["mmad"] = Mean(
            [Mean([one for (of, _), one in cells.items() if of == source]) for source in sources]
        )
    return statistics


def decisions(run: Answered) -> dict[str, Statistic]:
    """Wrong verdicts by kind, of tasks that accept or reject.

    "over_kill/TASK": share rejected of what is to be accepted; "miss/TASK": share accepted of what is to be rejected;
    "undecided/TASK": share of both without a valid answer: who says nothing rejects nothing, and is no better for it.
    """
    statistics: dict[str, Statistic] = {}
    for task in TASKS:
        asked = [one for one in run.plain if one.task == task and one.truth is not None]
        good, bad = ([one for one in asked if one.truth == truth] for truth in ("accept", "reject"))
        if good:
            statistics[f"over_kill/{task}"] = mean_of(run, good, lambda one: one.verdict == "reject")
        if bad:
            statistics[f"miss/{task}"] = mean_of(run, bad, lambda one: one.verdict == "accept")
        if asked:
            statistics[f"undecided/{task}"] = mean_of(run, asked, lambda one: one.verdict is None)
    return statistics


def failures(run: Answered) -> dict[str, Statistic]:
    """Answers that are none, of all questions, those of scenarios too.

    "invalid" and "invalid/TASK": share whose answer is not in the form that was asked for, or missing; "error": share
    that is missing because something failed.
    """
    statistics: dict[str, Statistic] = {
        "invalid": mean_of(run, run.asked, invalid),
        "error": mean_of(run, run.asked, lambda one: one.error is not None),
    }
    for task in TASKS:
        asked = [one for one in run.asked if one.task == task]
        if asked:
            statistics[f"invalid/{task}"] = mean_of(run, asked, invalid)
    return statistics


def circular(run: Answered) -> dict[str, Statistic]:
    """Questions that are right whatever the order of options: CircularEval (MMBench, Liu et al., ECCV 2024).

    "circular/TASK": share of which every shift is right, and "circular", its mean over tasks. Empty where options were
    asked in one order alone.
    """
    asked = [one for one in run.plain if one.rotated]
    statistics: dict[str, Statistic] = {
        f"circular/{task}": mean_of(
            run,
            [one for one in asked if one.task == task],
            lambda one: all(mark.right for mark in one.rotated),
        )
        for task in TASKS
        if any(one.task == task for one in asked)
    }
    return {**statistics, "circular": Mean(list(statistics.values()))} if statistics else {}


def letters(run: Answered) -> dict[str, Statistic]:
    """What an answerer prefers before it has looked, of questions with one letter to choose.

    "letter/B/given": how often the letter was answered; "letter/B/true": how often it is right.
    """
    asked = [one for one in run.plain if one.form == "choice"]
    statistics: dict[str, Statistic] = {}
    for letter in sorted({one.answer for one in asked}):
        able = [one for one in asked if letter < chr(ord("A") + one.letters)]

        def given(one: Asked, letter: str = letter) -> bool:
            return one.mark.valid and (one.given or "").strip().upper() == letter

        def true(one: Asked, letter: str = letter) -> bool:
            return one.answer == letter

        statistics[f"letter/{letter}/given"] = mean_of(run, able, given)
        statistics[f"letter/{letter}/true"] = mean_of(run, able, true)
    return statistics


def boxes(run: Answered) -> dict[str, Statistic]:
    """Of questions for a box: "box/iou", mean intersection over union, and "box/acc@T", share from T on."""
    asked = [one for one in run.plain if one.form == "box"]
    if not asked:
        return {}
    at = {
        f"box/acc@{limit}": mean_of(run, asked, lambda one, limit=limit: (one.mark.overlap or 0.0) >= limit)  # type: ignore[misc]
        for limit in OVERLAPS
    }
    return {"box/iou": mean_of(run, asked, lambda one: one.mark.overlap or 0.0), **at}


def guessing(run: Answered) -> dict[str, Figure]:
    """What an even guess is expected to get, as "chance/NAME" by the names of `accuracy`."""
    marked = [one for one in run.plain if one.form in MARKED]
    statistics = accuracy(run)

    def expected(of: Sequence[Asked]) -> float:
        return float(np.mean([one.chance or 0.0 for one in of]))

    by_task = {
        f"task/{task}": [one for one in marked if one.task == task]
        for task in dict.fromkeys(one.task for one in marked)
    }
    values = {name: expected(of) for name, of in by_task.items()}
    rows = {}
    for row in SUBTASKS:
        cells = [
            [one for one in marked if one.origin.source == source and TASKS[one.task].subtask == row]
            for source in dict.fromkeys(one.origin.source for one in marked)
        ]
        if any(cells):
            rows[f"subtask/{row}"] = float(np.mean([expected(cell) for cell in cells if cell]))
    if values:
        values = {
            **values,
            "accuracy": float(np.mean(list(values.values()))),
            "accuracy/all": expected(marked),
        }
    if rows:
        values |= {**rows, "mmad": float(np.mean(list(rows.values())))}
    return {
        f"chance/{name}": Figure(value=value, count=statistics[name].count) for name, value in values.items()
    }


def mean_of(run: Answered, asked: Sequence[Asked], value: Callable[[Asked], float]) -> Statistic:
    """The mean of `value` over questions, resampled by their objects; of bools it is a share with Wilson's interval."""
    return share([value(one) for one in asked], run.members(asked), len(run.objects))


def right(one: Asked) -> bool:
    """Whether it was answered rightly."""
    return one.mark.right


def invalid(one: Asked) -> bool:
    """Whether there is no answer in the form that was asked for."""
    return not one.mark.valid
