"""How many defects are there: every number of a product as often as the others."""

from __future__ import annotations

from collections.abc import Iterator

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import defects_of
from specsight.benchmark.records import BenchmarkSample

MOST = 9
"""Defects that are counted: of more, nobody agrees."""


class Count(Asker):
    """A number, among those next to it."""

    task = "count"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture."""
        number = len(defects_of(sample))
        if sample.label == "defective" and (not sample.masks_known or not number):
            yield NotMade("where its defects are is not known")
        elif number > MOST:
            yield NotMade(f"more than {MOST} defects")
        else:
            yield Candidate("number", str(number), (sample.product, sample.split))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Neighbouring numbers together."""
        return Grouping((4, 3), near)


def near(first: str, second: str) -> float:
    """1 for neighbouring numbers, less for others."""
    return 1 / max(1, abs(int(first) - int(second)))
