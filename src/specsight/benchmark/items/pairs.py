"""Matched pairs: two instructions about one picture, under which it is accepted once and rejected once.

What an instruction names (a part, a type, a limit) is named in as many pairs that reject as in pairs that accept, so
that the words alone decide nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from specsight.benchmark.items.asking import Asker, Candidate
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.records import BenchmarkSample, Item, ItemScope, Slots
from specsight.records import Verdict

OPTIONS: Mapping[str, str] = {"accept": "Accept", "reject": "Reject"}


@dataclass(frozen=True)
class Wording:
    """One instruction of a pair."""

    text: str
    clause: Mapping[str, Any]
    """Fields of `specification.Instruction` that it stands for."""
    scope: ItemScope = field(default_factory=ItemScope)


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

    def paired(
        self,
        candidate: Candidate,
        both: tuple[Wording, Wording],
        sample: BenchmarkSample,
        context: Context,
        generator: np.random.Generator,
        **fields: Any,
    ) -> Iterator[Item]:
        """The two items of what calls for rejecting and what calls for accepting."""
        verdicts: tuple[Verdict, Verdict] = ("reject", "accept")
        name = "/".join(filter(None, (fields.get("scenario"), candidate.variant, candidate.right)))
        for k in generator.permutation(2):
            yield self.judged(
                candidate, both[k], verdicts[k], sample, context, pair=f"{sample.id}/{name}", **fields
            )

    def judged(
        self,
        candidate: Candidate,
        wording: Wording,
        verdict: Verdict,
        sample: BenchmarkSample,
        context: Context,
        **fields: Any,
    ) -> Item:
        """One question for a verdict under an instruction."""
        return self.choice(
            candidate,
            verdict,
            OPTIONS,
            sample,
            context,
            instruction=wording.text,
            clause=wording.clause,
            scope=wording.scope,
            slots=Slots(decision=verdict),
            **fields,
        )
