"""Which type of defect is it, or is there none; and which several."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import NONE, OTHER, types_of
from specsight.benchmark.records import BenchmarkSample
from specsight.specification.vocabulary import as_words

OTHER_OF = 8
"""One in so many pictures with one type is asked about with that type not among the options."""


class Type(Asker):
    """One type among others of the product; "no defect" and "another type" are answers like the others."""

    task = "type"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture with one type, and of good ones."""
        pool = (sample.product, sample.split)
        types = types_of(sample)
        if sample.label == "good":
            yield Candidate("one", NONE, pool)
        elif not types:
            yield NotMade("its type is not known")
        elif len(types) > 1:
            yield NotMade("several types: the question for one has several answers")
        elif context.generator(sample, self.task, OTHER).integers(OTHER_OF) == 0:
            yield Candidate("one", OTHER, pool, barred=types)
        else:
            yield Candidate("one", types[0], pool)

    def option(self, answer: str, candidate: Candidate, sample: BenchmarkSample, context: Context) -> str:
        """The type in words."""
        return self.variant(candidate).options.get(answer, as_words(answer))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Types of one superclass together; three options at least."""
        pool = context.census.answers(self.pool(candidate))
        types = {option for option in pool if option not in (NONE, OTHER)}
        return type_grouping(sample.product, context, types, sizes=(4, 3))


def type_grouping(
    product: str, context: Context, types: Collection[str], sizes: tuple[int, ...] = (4, 3, 2)
) -> Grouping:
    """Sets of types: those of one superclass more often together; "another type" never beside all of them."""

    def superclass(type_: str) -> str:
        return "" if type_ in (NONE, OTHER) else context.superclass(type_, product) or type_

    def likeness(first: str, second: str) -> float:
        return float(superclass(first) == superclass(second))

    def together(options: Collection[str]) -> bool:
        return OTHER not in options or not set(types) <= set(options)

    return Grouping(sizes, likeness, superclass, together)
