"""Which type of defect is it, or is there none; and which several."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from specsight.benchmark.items.asking import Asker, Candidate, NotMade, capital
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import NONE, OTHER, types_of
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.specification.vocabulary import as_words

OTHER_OF = 8
"""One in so many pictures with one type is asked about with that type not among the options."""


SEVERAL = "+"
MOST_COMBINED = 40
"""Types, and pairs of types, that are compared where several may be right."""


class Type(Asker):
    """One type among others of the product, "no defect" and "another type" being answers like the others; and which of
    two types, or both, where pictures with both are asked as often as those with either."""

    task = "type"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each good picture, up to two of each defective one."""
        pool = (sample.product, sample.split)
        types = types_of(sample)
        if sample.label == "good":
            yield Candidate("one", NONE, pool)
            return
        if not types:
            yield NotMade("its type is not known")
            return
        if len(types) > 1:
            right = types[int(context.generator(sample, self.task).integers(len(types)))]
            yield Candidate("among", right, pool, barred=tuple(one for one in types if one != right))
        if len(types) > 2:
            yield NotMade("more than two types")
            return
        if len(types) == 1:
            left_out = context.generator(sample, self.task, OTHER).integers(OTHER_OF) == 0
            yield Candidate("one", OTHER if left_out else types[0], pool, barred=types if left_out else ())
        yield Candidate("several", SEVERAL.join(types), pool)

    def option(self, answer: str, candidate: Candidate, sample: BenchmarkSample, context: Context) -> str:
        """The type in words."""
        return self.variant(candidate).options.get(answer, as_words(answer))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Types of one superclass together; three options at least where one type is to be told."""
        if candidate.variant == "several":
            return Grouping((3,), together=_one_the_other_and_both, most=MOST_COMBINED)
        if candidate.variant == "among":
            return type_grouping(sample.product, context, ())
        pool = context.census.answers(self.pool(candidate))
        types = {option for option in pool if option not in (NONE, OTHER)}
        return type_grouping(sample.product, context, types, sizes=(4, 3))

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """A choice of one; or two types, of which one or both are right."""
        if candidate.variant != "several":
            yield from super().ask(candidate, wrong, sample, context)
            return
        names = sorted({name for one in (candidate.right, *wrong) for name in one.split(SEVERAL)})
        generator = context.generator(sample, *self.pool(candidate), "order")
        first = context.balance.least((self.task, "several", sample.split, candidate.right), names, generator)
        options = dict(zip("AB", sorted(names, key=lambda name: name != first), strict=True))
        right = ", ".join(
            letter for letter, name in options.items() if name in candidate.right.split(SEVERAL)
        )
        texts = {letter: capital(as_words(name)) for letter, name in options.items()}
        yield self.item(candidate, sample, context, "choices", right, options=texts, said=right)


def _one_the_other_and_both(options: Collection[str]) -> bool:
    """Whether answers are two types, and both of them."""
    *single, both = sorted(options, key=lambda option: option.count(SEVERAL))
    return all(SEVERAL not in one for one in single) and sorted(single) == both.split(SEVERAL)


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
