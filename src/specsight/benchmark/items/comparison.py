"""What differs from the good part beside it, besides what may differ: descriptions that all fit other pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.description import described_as, description_grouping, in_words
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import NONE, only_instance
from specsight.benchmark.records import BenchmarkSample, Item


class Comparison(Asker):
    """Pictures with one defect and good ones, beside a good training picture or the reference that the set gives."""

    task = "comparison"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture."""
        instance = only_instance(sample)
        if sample.label != "good" and instance is None:
            yield NotMade("not one defect whose place is known")
            return
        key, *also = described_as(instance) if instance is not None else [NONE]
        yield Candidate("beside", key, (sample.product, sample.split), barred=tuple(also))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Descriptions that differ in one thing together."""
        return description_grouping(sample.product, context)

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """Beside the reference that the set gives, or else a training picture of another object."""
        known = [one.image for one in context.references(sample)]
        images = [sample.reference] if sample.reference else known
        if not images:
            context.refuse(sample, self.task, "there is no good training picture of another object")
            return
        image = images[int(context.generator(sample, self.task, "reference").integers(len(images)))]
        yield from super().ask(
            replace(candidate, details={"reference_images": (image,)}), wrong, sample, context
        )

    def told_apart(self, candidate: Candidate) -> tuple[str, ...]:
        """None: there are as many cases as pictures, and one description seldom fits two of them."""
        return ()

    def option(self, answer: str, candidate: Candidate, sample: BenchmarkSample, context: Context) -> str:
        """The description in words."""
        return self.variant(candidate).options[NONE] if answer == NONE else in_words(answer)
