"""Is anything wrong? Good and defective pictures of each product and split equally often, asked for both ways round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.records import BenchmarkSample, Item

POLARITIES = {"defective": "defective", "free": "good"}
"""Kind of question → the label that "yes" stands for."""


class Anomaly(Asker):
    """Yes or no."""

    task = "anomaly"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture."""
        yield Candidate("defective", sample.label, (sample.product, sample.split))

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """Whether it is defective, or whether it is free of defects."""
        kind = context.balance.least(
            (self.task, sample.product, sample.split, sample.label, "polarity"),
            tuple(POLARITIES),
            context.generator(sample, self.task, "polarity"),
        )
        texts = {answer: self.variant(candidate).options[answer] for answer in ("yes", "no")}
        right = "yes" if POLARITIES[kind] == sample.label else "no"
        yield self.choice(candidate, right, texts, sample, context, questions=kind)
