"""What words alone give away: a model that never sees a picture, tested on items that it has not learned from."""

from __future__ import annotations

from collections import Counter

from specsight.benchmark.answering.blind import MOST_ITEMS, cross_validated, drawn
from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item

MOST = 0.05
"""By how much it may be right more often than chance (methods of item construction: what is beyond is rewritten)."""
LEAST = 100
"""Items of a task from which a share is judged by itself; all together are judged whatever their number."""


@checks.register("words_alone")
class WordsAlone(Check):
    """Per task and in all, the blind model is right at most 5 points more often than chance.

    Five folds by sample; a task fails where it is beyond that and its interval of 95 % (Wilson) lies above chance.
    """

    name, title = "words_alone", "Questions and options alone do not give the answer away"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._items: list[Item] = []

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """Items with one right letter; of many, those that the digests of their ids draw."""
        if item.form == "choice":
            self._items.append(item)
            if len(self._items) > 2 * MOST_ITEMS:
                self._items = drawn(self._items)

    def result(self) -> Result:
        """Learns and tests."""
        right, chance, count = Counter[str](), Counter[str](), Counter[str]()
        for item, letter in cross_validated(drawn(self._items)):
            for name in (item.task, ""):
                right[name] += letter == item.answer
                chance[name] += 1 / len(item.options)  # type: ignore[assignment]
                count[name] += 1
        if not count[""]:
            return self.found("no items with one right letter")
        for name, of in sorted(count.items()):
            share, guessed = right[name] / of, chance[name] / of
            if (name and of < LEAST) or share <= guessed + MOST or _lower(right[name], of) <= guessed:
                continue
            self.problems.add(
                "words give answers away",
                f"{name or 'all tasks'}: {share:.1%} right, {guessed:.1%} by chance ({of:,} items)",
            )
        total = count[""]
        return self.found(
            f"{right[''] / total:.1%} right without a picture, {chance[''] / total:.1%} by chance ({total:,} items)"
        )


def _lower(right: int, of: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(right, of).proportion_ci(0.95, method="wilson").low)
