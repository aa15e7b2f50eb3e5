"""All findings as a JSON object: defective pictures, and as many good ones."""

from __future__ import annotations

from collections.abc import Iterator

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import slots_of
from specsight.benchmark.records import BenchmarkSample, Item


class Report(Asker):
    """Every field of `Slots` that the truth knows."""

    task = "report"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture."""
        yield Candidate("json", sample.label, (sample.product, sample.split))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Good and defective."""
        return Grouping((2,))

    def _asked(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        pool = self.pool(candidate)
        group = context.group(pool, candidate.right, self.grouping(candidate, sample, context), sample)
        # Every defective picture is worth a report; good ones are many.
        if sample.label == "good" and not (
            group.sets.possible and context.kept(pool, candidate.right, (), group)
        ):
            return
        answer = slots_of(sample, context.levels).model_dump_json(exclude_none=True)
        yield self.item(candidate, sample, context, "report", answer, said=sample.label)
