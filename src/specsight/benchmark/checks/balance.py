"""Whether letters, answers or lengths of options give answers away."""

from __future__ import annotations

from collections import Counter, defaultdict

from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item

LEAST = 40
"""Items of a kind from which shares are judged: of fewer, chance says more."""
LETTERS = 0.10
"""By how much a letter may be the answer more often than its share."""
TWO_SIDED = (0.4, 0.6)
"""Share of either answer where there are two."""
LENGTH = 0.30
"""By how much right options may be longer or shorter than wrong ones, in the mean."""


@checks.register("letters")
class Letters(Check):
    """Each letter is the answer about as often as the others with as many options; of two answers neither prevails."""

    name, title = "letters", "No letter and no verdict is the answer too often"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._letters: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        self._texts: dict[str, Counter[str]] = defaultdict(Counter)

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """Items with one letter as the answer."""
        if item.form == "choice":
            self._letters[item.task, len(item.options)][item.answer] += 1
            if len(item.options) == 2:
                self._texts[item.task][item.options.get(item.answer, "")] += 1

    def result(self) -> Result:
        """By task."""
        most = 0.0
        for (task, options), counts in sorted(self._letters.items()):
            total = sum(counts.values())
            if total < LEAST:
                continue
            letter, count = counts.most_common(1)[0]
            most = max(most, count / total - 1 / options)
            if count / total > 1 / options + LETTERS:
                self.problems.add(
                    "a letter is the answer too often", f"{task}: {letter} in {count:,} of {total:,}"
                )
        for task, counts in sorted(self._texts.items()):
            total = sum(counts.values())
            text, count = counts.most_common(1)[0]
            if total >= LEAST and count / total > TWO_SIDED[1]:
                self.problems.add(
                    "one of two answers prevails", f"{task}: '{text}' in {count:,} of {total:,}"
                )
        return self.found(f"the most frequent letter is at most {100 * most:.0f} points above its share")


@checks.register("lengths")
class Lengths(Check):
    """Right options are as long as wrong ones."""

    name, title = "lengths", "The length of options does not give the answer away"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0, 0.0])

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """Items with one letter of at least three as the answer: of two, verdicts, `letters` says all there is."""
        if item.form != "choice" or len(item.options) < 3 or item.answer not in item.options:
            return
        right = len(item.options[item.answer])
        others = [len(text) for letter, text in item.options.items() if letter != item.answer]
        sums = self._sums[item.task]
        sums[0] += 1
        sums[1] += right
        sums[2] += sum(others) / len(others)
        sums[3] += right > max(others)
        sums[4] += 1 / len(item.options)

    def result(self) -> Result:
        """By task."""
        worst = 0.0
        for task, (count, right, wrong, longest, chance) in sorted(self._sums.items()):
            if count < LEAST or not wrong:
                continue
            worst = max(worst, abs(right / wrong - 1))
            if abs(right / wrong - 1) > LENGTH:
                self.problems.add(
                    "right options differ in length", f"{task}: {100 * (right / wrong - 1):+.0f} %"
                )
            if longest / count > chance / count + LETTERS:
                self.problems.add(
                    "the longest option is right too often", f"{task}: {longest:,.0f} of {count:,.0f}"
                )
        return self.found(f"right options are at most {100 * worst:.0f} % longer or shorter, by task")
