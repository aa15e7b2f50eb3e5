"""Whether words decide: matched pairs, component-scoped inspection and the control gap, from answers to questions.

In: a run's questions. Out: statistics by name. The numbers are those of `metrics.language_control`, whose functions the
tests compare them with: an answerer that does not read gets no pair right both ways, and a control gap of 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.scoring.accuracy import mean_of
from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.scoring.resampling import Difference, Figure, RankedAuroc, Statistic
from specsight.benchmark.tasks import TASKS

LIKELIHOODS = "ranked by the log-likelihoods of the two options"
VERDICTS = "ranked by verdicts: (share rejected rightly + share accepted rightly) / 2"


def pairs_of(asked: Sequence[Asked]) -> list[tuple[Asked, Asked]]:
    """The matched pairs of which both questions were asked."""
    found: dict[tuple[str | None, str, str], list[Asked]] = {}
    for one in asked:
        if one.pair is not None:
            found.setdefault((one.scenario, one.task, f"{one.sample} {one.pair}"), []).append(one)
    return [(both[0], both[1]) for both in found.values() if len(both) == 2]


def matched_pairs(run: Answered) -> dict[str, Statistic]:
    """Matched pairs of which both questions were asked.

    "pairs/TASK" and, of all tasks, "pairs": share with both answers right; "same/TASK" and "same": share answered alike
    both times, as one does who does not read.
    """
    statistics: dict[str, Statistic] = {}
    pairs = pairs_of([one for one in run.plain if TASKS[one.task].paired])
    for name, value in (("pairs", _both_right), ("same", _same)):
        values = {first.item: value(first, second) for first, second in pairs}
        for task in ("", *TASKS):
            firsts = [first for first, _ in pairs if task in ("", first.task)]
            if firsts:
                statistics[f"{name}/{task}" if task else name] = mean_of(
                    run,
                    firsts,
                    lambda one, values=values: values[one.item],  # type: ignore[misc]
                )
    return statistics


def guessed_pairs(run: Answered) -> dict[str, Figure]:
    """What even guesses are expected to get of the pairs, as "chance/pairs" and "chance/pairs/TASK"."""
    pairs = pairs_of([one for one in run.plain if TASKS[one.task].paired])
    figures = {}
    for task in ("", *TASKS):
        both = [
            (first.chance or 0.0) * (second.chance or 0.0)
            for first, second in pairs
            if task in ("", first.task)
        ]
        if both:
            name = f"chance/pairs/{task}" if task else "chance/pairs"
            figures[name] = Figure(value=sum(both) / len(both), count=len(both))
    return figures


def component_scope(run: Answered) -> dict[str, Statistic]:
    """Inspection of one part, as TGAD's second scenario has it.

    "part_auroc": AUROC of "a defect lies on the part that is to be inspected", defects elsewhere being the negatives
    (good pictures too, where they are asked about a part, which this package's items do not do); "scope_drop": AUROC of
    "the picture is defective" less that; "scope_compliance": share accepted of defective pictures whose defects all lie
    beside the part.
    """
    parts = [one for one in run.plain if one.task == "part_scope" and one.truth is not None]
    whole = [one for one in run.plain if one.task == "anomaly" and one.truth is not None]
    statistics: dict[str, Statistic] = {}
    if two_classes(parts):
        statistics["part_auroc"] = auroc(run, parts, parts)
        if two_classes(whole):
            statistics["scope_drop"] = Difference(auroc(run, whole, whole), statistics["part_auroc"])
    beside = [one for one in parts if one.truth == "accept" and one.origin.defective]
    if beside:
        statistics["scope_compliance"] = mean_of(run, beside, lambda one: one.verdict == "accept")
    return statistics


def control(run: Answered) -> dict[str, Statistic]:
    """What the right words are worth: 0 where words have no say.

    "control_gap/TASK" and, of all tasks, "control_gap": AUROC of the true verdict by answers under the right words,
    less that by answers under the words of either question of its pair, drawn at random: its mean over all draws, for
    every question stands once under either, and draws of different questions are independent.
    """
    statistics: dict[str, Statistic] = {}
    pairs = pairs_of([one for one in run.plain if TASKS[one.task].paired and one.truth is not None])
    for task in ("", *TASKS):
        chosen = [both for both in pairs if task in ("", both[0].task)]
        asked = [one for both in chosen for one in both]
        if two_classes(asked):
            partner = {one.item: other for a, b in chosen for one, other in ((a, b), (b, a))}
            either = [*asked, *(partner[one.item] for one in asked)]
            name = f"control_gap/{task}" if task else "control_gap"
            statistics[name] = Difference(auroc(run, asked, asked), auroc(run, [*asked, *asked], either))
    return statistics


def ranked_by(run: Answered) -> str:
    """How answers were ranked for the AUROCs, in words."""
    decided = [one for one in run.plain if one.truth is not None]
    return LIKELIHOODS if has_margins(decided) else VERDICTS


def ranks(asked: Sequence[Asked], answered: Sequence[Asked]) -> NDArray[np.float64]:
    """(N,) what the answers to `answered` rank the questions `asked` by, higher: rather to be rejected.

    By likelihoods where every answer has them, else by verdicts: 1 rejected, 0 accepted; where there is no answer, the
    opposite of what is true of the question asked: no answer is never right.
    """
    if has_margins(answered):
        return np.array([one.margin for one in answered], np.float64)
    pairs = zip(asked, answered)
    return np.array(
        [
            answer.verdict == "reject" if answer.verdict else question.truth == "accept"
            for question, answer in pairs
        ],
        np.float64,
    )


def auroc(run: Answered, asked: Sequence[Asked], answered: Sequence[Asked]) -> Statistic:
    """AUROC of "the true verdict of `asked` is to reject" by the answers to `answered`, question by question."""
    positives = np.array([one.truth == "reject" for one in asked], bool)
    return RankedAuroc(positives, ranks(asked, answered), run.members(asked))


def has_margins(asked: Sequence[Asked]) -> bool:
    """Whether every answer came with the likelihoods of both options."""
    return bool(asked) and all(one.margin is not None for one in asked)


def two_classes(asked: Sequence[Asked]) -> bool:
    """Whether some of the questions are to be rejected and some to be accepted."""
    return len({one.truth for one in asked} - {None}) == 2


def _both_right(first: Asked, second: Asked) -> bool:
    return first.mark.right and second.mark.right


def _same(first: Asked, second: Asked) -> bool:
    return first.verdict is not None and first.verdict == second.verdict
