"""Which part does the picture show: parts that some pictures of the benchmark show and others do not."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence

from specsight.benchmark.items.asking import Asker, Candidate, NotMade, capital
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.specification.vocabulary import as_words

BETWEEN = "|"


class Structure(Asker):
    """Pictures are compared by the parts that they show; each is offered by a part that none of the others shows."""

    task = "structure"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture with a part map."""
        names = sorted(set(sample.part_names.values()))
        if not names:
            yield NotMade("its parts are not drawn")
        else:
            yield Candidate("part", BETWEEN.join(names), (sample.split,))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Views that share parts together, as long as each has one of its own."""

        def likeness(first: str, second: str) -> float:
            one, other = set(first.split(BETWEEN)), set(second.split(BETWEEN))
            return len(one & other) / len(one | other)

        def together(views: Collection[str]) -> bool:
            return all(_own(view, views) for view in views)

        return Grouping((4, 3, 2), likeness, together=together)

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """One part of each view. Which one depends on the views alone, not on which is right."""
        views = sorted((candidate.right, *wrong))
        texts = {}
        for view in views:
            own = _own(view, views)
            chance = zlib.crc32("/".join((str(context.seed), view, *views, sample.group)).encode())
            texts[view] = capital(as_words(own[chance % len(own)]))
        yield self.choice(candidate, candidate.right, texts, sample, context)


def _own(view: str, views: Collection[str]) -> list[str]:
    """The parts that a view shows and none of the others does."""
    others = {part for other in views if other != view for part in other.split(BETWEEN)}
    return [part for part in view.split(BETWEEN) if part not in others]
