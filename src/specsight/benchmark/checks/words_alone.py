"""What words alone give away: a model that never sees a picture, tested on items that it has not learned from.

Where answers are balanced exactly, such a model is right *less* often than by chance without any leak, since what one
fold has more of, the others have less of. It is therefore compared with itself on items whose right answers were
exchanged among those with the same options.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from specsight.benchmark.answering.blind import MOST_ITEMS, cross_validated, drawn, permuted
from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.evaluation.numbers import rate

MOST = 0.05
"""By how much it may be right more often than without a leak (what is beyond is to be rewritten)."""
LEAST = 100
"""Items of a task from which a share is judged by itself; all together are judged whatever their number."""
PERMUTATIONS = 2


@checks.register("words_alone")
class WordsAlone(Check):
    """Per task and in all, the blind model is right at most 5 points more often than without a leak, or by chance.

    Five folds by physical object; a task fails where it is beyond that and its interval of 95 % (Wilson), too, lies
    above.
    """

    name, title = "words_alone", "Questions and options alone do not give the answer away"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._items: list[Item] = []
        self._groups: dict[str, str] = {}

    def see_sample(self, sample: BenchmarkSample) -> None:
        """Its physical object."""
        self._groups[sample.id] = f"{sample.product}/{sample.group}"

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """Items with one right letter; of many, those that the digests of their ids draw."""
        if item.form == "choice" and item.answer in item.options:
            self._items.append(item)
            if len(self._items) > 2 * MOST_ITEMS:
                self._items = drawn(self._items)

    def result(self) -> Result:
        """Learns and tests."""
        items = drawn(self._items)
        if not items:
            return self.found("no items with one right letter")
        count = Counter(name for item in items for name in (item.task, ""))
        right = _right(items, self._groups)
        without = [_right(permuted(items, seed), self._groups) for seed in range(PERMUTATIONS)]
        usual = {name: sum(one[name] for one in without) / len(without) for name in count}
        chance: dict[str, float] = dict.fromkeys(count, 0.0)
        for item in items:
            for name in (item.task, ""):
                chance[name] += 1 / len(item.options)
        for name, of in sorted(count.items()):
            share, null = right[name] / of, min(usual[name], chance[name]) / of
            if (name and of < LEAST) or share <= null + MOST or rate(right[name], of, "").low <= null:
                continue
            self.problems.add(
                "words give answers away",
                f"{name or 'all tasks'}: {share:.1%} right, {null:.1%} without a leak ({of:,} items)",
            )
        of = count[""]
        return self.found(
            f"{right[''] / of:.1%} right without a picture, {usual[''] / of:.1%} if answers are exchanged, "
            f"{chance[''] / of:.1%} by chance ({of:,} items)"
        )


def _right(items: Sequence[Item], groups: Mapping[str, str]) -> Counter[str]:
    """Task, and "" for all, → how many the blind model gets right."""
    right: Counter[str] = Counter()
    for item, letter in cross_validated(items, groups):
        right[item.task] += letter == item.answer
        right[""] += letter == item.answer
    return right
