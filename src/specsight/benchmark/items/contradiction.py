"""Does the operator's note agree with the picture: notes name what is there as often as what is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.description import named
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.templates import fill
from specsight.benchmark.items.truth import NONE, types_of
from specsight.benchmark.items.types import type_grouping
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.specification.vocabulary import as_words


class Contradiction(Asker):
    """A note, and whether it is right. The note is made here: those of a set are right as often as its makers chose."""

    task = "contradiction"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """One of each picture."""
        types, pool = types_of(sample), (sample.product, sample.split)
        if sample.label == "good":
            yield Candidate("note", NONE, pool)
        elif not types:
            yield NotMade("its types are not known")
        else:
            right = types[int(context.generator(sample, self.task).integers(len(types)))]
            yield Candidate("note", right, pool, barred=tuple(one for one in types if one != right))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Types of one superclass together."""
        return type_grouping(sample.product, context, (), sizes=(2,))

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """Whether a note is right that names the one or the other."""
        generator = context.generator(sample, self.task, "note")
        place = (self.task, sample.product, sample.split, candidate.right, "agrees")
        right = context.balance.least(place, ("yes", "no"), generator)
        said_type = candidate.right if right == "yes" else wrong[0]
        kind = "nothing" if said_type == NONE else "defect"
        notes = [text for name, text in self.variant(candidate).answers.items() if name.startswith(kind)]
        note = fill(
            notes[int(generator.integers(len(notes)))],
            {"type": as_words(said_type), "a_type": named(said_type)},
        )
        texts = {answer: self.variant(candidate).options[answer] for answer in ("yes", "no")}
        said = replace(candidate, words={"note": note})
        yield self.choice(said, right, texts, sample, context, instruction=None)
