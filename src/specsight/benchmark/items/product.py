"""What product is this: one of those of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context, is_named
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.records import BenchmarkSample
from specsight.specification.vocabulary import as_words, normal_forms, product_form


class Object(Asker):
    """All pictures, asked without the product's name."""

    task = "object"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture."""
        if is_named(sample.product):
            yield Candidate("product", sample.product, (sample.split,))
        else:
            yield NotMade("products have numbers, no names")

    def option(self, answer: str, candidate: Candidate, sample: BenchmarkSample, context: Context) -> str:
        """Its name."""
        return as_words(answer)

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Products that share words together; never two of one name."""

        def likeness(first: str, second: str) -> float:
            words = [normal_forms(as_words(name).split()) for name in (first, second)]
            return len(words[0] & words[1]) / max(1, len(words[0] | words[1]))

        return Grouping(
            likeness=likeness, together=lambda names: len(set(map(product_form, names))) == len(names)
        )
