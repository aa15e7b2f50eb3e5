"""Whether questions read easily.

The Automated Readability Index (Senter and Smith 1967), 4.71 characters per word + 0.5 words per sentence - 21.43, is
the school year from which a text is understood. It is computed here: libraries for it bring a package named `tests`
along, or fetch a dictionary of syllables.
"""

from __future__ import annotations

import re
from collections import defaultdict

from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import BenchmarkSample, Item

HARDEST = 12.0
"""School year of a task's mean question beyond which it warns."""
LONGEST = 2000
"""Characters of a question beyond which nobody reads it."""


@checks.register("readability")
class Readability(Check):
    """Questions with their instruction, by task; it warns, and keeps nothing from being released."""

    name, title = "readability", "Questions read easily"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._grades: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
        self._known: dict[str, float] = {}

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """One question; equal ones are computed once."""
        text = " ".join((item.instruction or "", item.question)).strip()
        if len(text) > LONGEST:
            self.problems.add(f"a question of more than {LONGEST:,} characters", item.id)
        if text not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[text] = school_year(text)
        sums = self._grades[item.task]
        sums[0] += 1
        sums[1] += self._known[text]

    def result(self) -> Result:
        """By task."""
        means = {task: total / count for task, (count, total) in self._grades.items()}
        for task, grade in sorted(means.items()):
            if grade > HARDEST:
                self.problems.add("questions that are hard to read", f"{task} (school year {grade:.0f})")
        if not means:
            return self.found("no items")
        hardest = max(means, key=lambda task: means[task])
        return self.found(f"school year {means[hardest]:.0f} at most (task {hardest})", warns=True)


def school_year(text: str) -> float:
    """Automated Readability Index of a text; letters and digits are its characters, what spaces part its words."""
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    if not words:
        return 0.0
    sentences = max(1, len(re.findall(r"[.!?]+(?=\s|$)", text)))
    characters = sum(map(str.isalnum, text))
    return 4.71 * characters / len(words) + 0.5 * len(words) / sentences - 21.43
