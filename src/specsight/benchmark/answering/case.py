"""A question with what its answer may rest on: beliefs of the picture, the product's words, what is known of types.

In: what an inspector found, a specification. Out: `Case`, which `rules` answer with an `Answered`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from specsight.benchmark.answering import options as read
from specsight.benchmark.answering.baselines import generator_of
from specsight.benchmark.answering.beliefs import Beliefs
from specsight.benchmark.answering.contract import Question
from specsight.specification import Specification
from specsight.specification.vocabulary import Vocabulary


@dataclass(frozen=True)
class Product:
    """What is known of a product before any picture is asked about."""

    specification: Specification | None = None
    shows: Mapping[str, int] = field(default_factory=dict)
    """Part → how many train pictures show it."""

    @property
    def types(self) -> Vocabulary:
        """Its types of defects."""
        return Vocabulary.of(self.specification.defects if self.specification else ())

    @property
    def parts(self) -> Vocabulary:
        """Its parts."""
        return Vocabulary.of(self.specification.parts if self.specification else ())

    @property
    def phrases(self) -> Mapping[str, tuple[str, ...]]:
        """Other words for types and parts."""
        words = self.specification
        defects, parts = (words.defects, words.parts) if words else ((), ())
        return {
            **{defect.name: defect.phrases for defect in defects},
            **{part.name: part.phrases for part in parts},
        }

    def superclass(self, type_: str) -> str | None:
        """The wider kind of a type."""
        found = self.specification.defect(type_) if self.specification else None
        return found.superclass if found else None


@dataclass(frozen=True)
class Case:
    """A question with everything that its answer may rest on."""

    question: Question
    beliefs: Beliefs
    product: Product
    seed: int
    knowledge: Callable[[str, str], Mapping[str, tuple[str, ...]]] = lambda type_, product: {}
    """Type and product → what is known of the type: "cause", "consequence", "action" → the ways in which it is said."""
    closest: Sequence[str] = ()
    """Products that the picture may show, the likeliest first; empty: that cannot be told."""

    def guess(self, letters: list[str] | None = None) -> Answered:
        """One of the letters, drawn by seed and item."""
        among = letters or list(self.question.options)
        drawn = int(generator_of(self.seed, self.question.id).integers(len(among)))
        return Answered(among[drawn], tuple(among))

    def defects(self) -> list[str]:
        """Letters of options that name a defect: what remains where one was found and its name is not known."""
        left = (read.nothing(self.question.options), read.other(self.question.options))
        return [letter for letter in self.question.options if letter not in left]


@dataclass(frozen=True)
class Answered:
    """An answer in the item's form."""

    answer: str
    among: tuple[str, ...] = ()
    """Letters of the options that nothing found tells apart, where the answer was drawn among them."""
