"""Two runs on the questions that both were asked: how much better one is, with paired intervals over objects.

In: two runs over one benchmark. Out: figures by the names of `accuracy` and `words_decide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from specsight.benchmark.scoring.accuracy import accuracy
from specsight.benchmark.scoring.reading import Answered
from specsight.benchmark.scoring.resampling import Difference, Figure
from specsight.benchmark.scoring.words_decide import matched_pairs


def differences(first: Answered, second: Answered, resamples: int = 1000) -> Mapping[str, Figure]:
    """Numbers of `first` less those of `second`; both draw the same objects in every resample.

    Empty where no question was asked of both. `count` is the number of questions that both were asked.
    """
    common = {one.item for one in first.asked} & {one.item for one in second.asked}
    one, other = (
        replace(run, asked=tuple(a for a in run.asked if a.item in common)) for run in (first, second)
    )
    ours, theirs = ({**accuracy(run), **matched_pairs(run)} for run in (one, other))
    return one.objects.figures(
        {name: Difference(ours[name], theirs[name]) for name in ours if name in theirs}, resamples
    )
