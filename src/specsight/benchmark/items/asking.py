"""What all tasks share: which questions a picture allows, and how they become items with options, letters and fields.

In: a sample and a `Context`. Out: `Item`s. A task says what is right and what the options are called; which wrong
options go with it, which letter is right and which paraphrase is taken is decided here, for all of them alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from specsight.benchmark.items.census import Pool
from specsight.benchmark.items.context import Context, product_words
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.templates import Variant, fill, templates
from specsight.benchmark.items.truth import slots_of
from specsight.benchmark.records import BenchmarkSample, Item, ItemScope, Provenance
from specsight.benchmark.tasks import Form, Task
from specsight.explain.slots import Slots
from specsight.records import Verdict
from specsight.version import __version__

LETTERS = "ABCDE"
VERDICTS: Mapping[str, str] = {"accept": "Accept", "reject": "Reject"}
"""Verdict → how it is offered."""


@dataclass(frozen=True)
class Candidate:
    """A question that a picture allows."""

    variant: str
    """Kind of question: a key of the task's templates."""
    right: str
    """The answer, by the name that it has in its pool."""
    pool: tuple[str, ...] = ()
    """What else the questions share whose answers are compared with each other."""
    barred: tuple[str, ...] = ()
    """Answers that are true of the picture besides."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Placeholder → words."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the item that are not those of every item."""


@dataclass(frozen=True)
class Wording:
    """One instruction."""

    text: str
    clause: Mapping[str, Any]
    """Fields of `specification.Instruction` that it stands for."""
    scope: ItemScope = field(default_factory=ItemScope)


@dataclass(frozen=True)
class NotMade:
    """Why a picture allows no question of one kind."""

    reason: str


class Asker(ABC):
    """One task. It is stateless: what it asks depends on what it is given."""

    task: ClassVar[Task]

    @abstractmethod
    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """The questions that a picture allows; the first pass counts their answers, the second asks them."""

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """How the answers of the candidate's pool are put together."""
        return Grouping()

    def option(self, answer: str, candidate: Candidate, sample: BenchmarkSample, context: Context) -> str:
        """The words in which an answer is offered."""
        return self.variant(candidate).options.get(answer, answer)

    def variant(self, candidate: Candidate) -> Variant:
        """The templates of a candidate."""
        return templates(self.task)[candidate.variant]

    def items(self, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        """The items of one picture, without ids."""
        for candidate in self.candidates(sample, context):
            if isinstance(candidate, NotMade):
                context.refuse(sample, self.task, candidate.reason)
                continue
            yield from self._asked(candidate, sample, context)

    def _asked(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        pool = self.pool(candidate)
        group = context.group(pool, candidate.right, self.grouping(candidate, sample, context), sample)
        if not group.sets.possible:
            context.refuse(sample, self.task, "no picture of the product and split has another answer")
        elif context.kept(pool, candidate.right, self.told_apart(candidate), group):
            wrong = group.sets.draw(context.generator(sample, *pool), candidate.right, candidate.barred)
            if wrong is None:
                context.refuse(sample, self.task, "every other answer is true of the picture as well")
            else:
                yield from self.ask(candidate, wrong, sample, context)

    def told_apart(self, candidate: Candidate) -> tuple[str, ...]:
        """The barred answers by which cases of one right answer are counted apart: some are true together more often
        than others, and a set of options must not tell which."""
        return candidate.barred

    def pool(self, candidate: Candidate) -> Pool:
        """Whose answers are compared."""
        return (self.task, candidate.variant, *candidate.pool)

    def ask(
        self, candidate: Candidate, wrong: Sequence[str], sample: BenchmarkSample, context: Context
    ) -> Iterator[Item]:
        """The items that a candidate becomes, with these wrong options."""
        texts = {
            answer: capital(self.option(answer, candidate, sample, context))
            for answer in (candidate.right, *wrong)
        }
        yield self.choice(candidate, candidate.right, texts, sample, context)

    def choice(
        self,
        candidate: Candidate,
        right: str,
        texts: Mapping[str, str],
        sample: BenchmarkSample,
        context: Context,
        **fields: Any,
    ) -> Item:
        """An item with one right letter. `texts` maps answers to what is printed, `right` among them."""
        generator = context.generator(sample, *self.pool(candidate), "order", str(fields.get("pair", "")))
        letters = LETTERS[: len(texts)]
        place = (self.task, candidate.variant, sample.split, str(len(texts)), "letter")
        letter = context.balance.least(place, letters, generator)
        others = [answer for answer in texts if answer != right]
        shuffled = iter([others[k] for k in generator.permutation(len(others))])
        options = {one: texts[right if one == letter else next(shuffled)] for one in letters}
        return self.item(candidate, sample, context, "choice", letter, options=options, said=right, **fields)

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
        """A question for a verdict under an instruction."""
        return self.choice(
            candidate,
            verdict,
            VERDICTS,
            sample,
            context,
            instruction=wording.text,
            clause=wording.clause,
            scope=wording.scope,
            slots=Slots(decision=verdict),
            **fields,
        )

    def item(
        self,
        candidate: Candidate,
        sample: BenchmarkSample,
        context: Context,
        form: Form,
        answer: str,
        *,
        said: str = "",
        questions: str | None = None,
        **fields: Any,
    ) -> Item:
        """An item with the fields that all have. `said` is what paraphrases are balanced for; `questions` is the kind
        of question whose paraphrases are taken, where it is not the candidate's."""
        name = questions or candidate.variant
        paraphrases = templates(self.task)[name].questions
        generator = context.generator(sample, *self.pool(candidate), "phrasing", answer)
        place = (self.task, name, sample.product, sample.split, said, "phrasing")
        phrasing = context.balance.least(place, range(len(paraphrases)), generator)
        given = {**candidate.details, **fields}
        return Item(
            id="",
            task=self.task,
            form=form,
            sample=sample.id,
            category=sample.product,
            images=given.pop("images", (sample.image,)),
            masks=sample.masks,
            question=fill(paraphrases[phrasing], {**product_words(sample, context), **candidate.words}),
            answer=answer,
            slots=given.pop("slots", slots_of(sample, context.levels)),
            scope=given.pop("scope", ItemScope()),
            phrasing=phrasing,
            difficulty=given.pop("difficulty", difficulty(sample)),
            provenance=(
                Provenance(source="dataset", by=sample.source),
                *given.pop("provenance", ()),
                Provenance(source="rule", by=f"specsight {__version__}, {self.task}/{name}"),
            ),
            licence=sample.licence,
            split=sample.split,
            version=context.version,
            **given,
        )


def capital(text: str) -> str:
    """A text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


SMALL, LARGE = 0.0015, 0.01
"""Shares of the picture: a defect below is hard to see, one above easy."""


def difficulty(sample: BenchmarkSample) -> str | None:
    """ "easy", "medium" or "hard" by the share of the picture that the largest defect covers; None without defects."""
    if not sample.instances:
        return None
    share = max(instance.area_share for instance in sample.instances)
    return "hard" if share < SMALL else "medium" if share < LARGE else "easy"
