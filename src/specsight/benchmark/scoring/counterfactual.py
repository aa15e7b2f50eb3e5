"""What is answered when the defect is painted over, and when an equal region elsewhere is (methods.md B.8).

In: a run over the benchmark that `counterfactuals` makes. Out: statistics by name.
"""

from __future__ import annotations

from specsight.benchmark.scoring.accuracy import mean_of
from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.scoring.resampling import Statistic

ORIGINAL = "counterfactual/original"
REMOVED = "counterfactual/removed"
ELSEWHERE = "counterfactual/elsewhere"
"""Scenarios of items: the picture itself, its defects painted over, an equal region without defects painted over."""


def counterfactual(run: Answered) -> dict[str, Statistic]:
    """Whether answers follow the defect and nothing else.

    "counterfactual/flip": of originals that were rejected, the share accepted once the defects are painted over;
    "counterfactual/stability": of originals with a verdict, the share whose verdict stays when something else is.
    """
    by_picture: dict[str, dict[str, Asked]] = {}
    for one in run.asked:
        if one.pair is not None and one.scenario in (ORIGINAL, REMOVED, ELSEWHERE):
            by_picture.setdefault(one.pair, {})[one.scenario] = one
    pictures = [kinds for kinds in by_picture.values() if len(kinds) == 3]
    rejected = [kinds for kinds in pictures if kinds[ORIGINAL].verdict == "reject"]
    judged = [kinds for kinds in pictures if kinds[ORIGINAL].verdict is not None]
    statistics: dict[str, Statistic] = {}
    if rejected:
        after = {kinds[ORIGINAL].item: kinds[REMOVED].verdict for kinds in rejected}
        statistics["counterfactual/flip"] = mean_of(
            run, [kinds[ORIGINAL] for kinds in rejected], lambda one: after[one.item] == "accept"
        )
    if judged:
        beside = {kinds[ORIGINAL].item: kinds[ELSEWHERE].verdict for kinds in judged}
        statistics["counterfactual/stability"] = mean_of(
            run, [kinds[ORIGINAL] for kinds in judged], lambda one: beside[one.item] == one.verdict
        )
    return statistics
