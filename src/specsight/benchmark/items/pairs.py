"""Matched pairs: two instructions about one picture, under which it is accepted once and rejected once.

What an instruction names (a part, a type, a limit) is named in as many pairs that reject as in pairs that accept, so
that the words alone decide nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from specsight.benchmark.items.asking import Asker, Candidate, Wording
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.records import BenchmarkSample, Item


class PairAsker(Asker):
    """A task whose questions come in matched pairs."""

    @abstractmethod
    def wordings(
        self,
        candidate: Candidate,
        other: str,
        sample: BenchmarkSample,
        generator: np.random.Generator,
        context: Context,
    ) -> tuple[Wording, Wording]:
        """What calls for rejecting the picture, and what calls for accepting it; `other` is the wrong answer drawn."""

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Two answers make a pair."""
        return Grouping((2,))

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """The two items of a pair, in random order."""
        generator = context.generator(sample, *self.pool(candidate), "words")
        both = self.wordings(candidate, wrong[0], sample, generator, context)
        yield from self.paired(candidate, both, sample, context, generator)
