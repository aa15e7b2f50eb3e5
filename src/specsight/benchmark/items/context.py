"""What items are made from besides the sample: the product's words, what is known of types, a census, and the balance.

In: a first pass over all samples. Out: a `Context` that `make_items` asks for sets of options, random generators and
records with their common fields.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from specsight.benchmark.items.balance import Balance
from specsight.benchmark.items.census import Census, Pool, Reference
from specsight.benchmark.items.option_sets import Likeness, OptionSets, in_groups, unlike
from specsight.benchmark.items.truth import NONE, levels
from specsight.benchmark.records import BenchmarkSample, Description
from specsight.specification import Specification
from specsight.specification.vocabulary import as_words

MOST_NONE = 1.5
""""No defect" is the right answer at most so many times as often as another one is on average."""


class KnownType(Protocol):
    """What is known of a type (`ontology.TypeEntry`)."""

    @property
    def name(self) -> str:
        """Canonical name."""

    @property
    def superclass(self) -> str | None:
        """The wider kind."""

    @property
    def synonyms(self) -> Sequence[str]:
        """Other words."""

    @property
    def looks(self) -> str:
        """One sentence: what a person sees."""

    @property
    def causes(self) -> Sequence[str]:
        """Most frequent first, as phrases that complete "It is caused by"."""

    @property
    def consequence(self) -> str:
        """One sentence."""

    @property
    def action(self) -> str:
        """One sentence."""


class KnownTypes(Protocol):
    """What knows types (`ontology.Ontology`)."""

    def find(self, raw: str, product: str) -> KnownType | None:
        """The type that a name means on a product."""


@dataclass(frozen=True)
class Grouping:
    """How the answers of a pool are put together to sets of options."""

    sizes: tuple[int, ...] = (4, 3, 2)
    likeness: Likeness = unlike
    neighbours: Callable[[str], Any] = str
    """Answers are ordered by it where there are too many for one group."""
    together: Callable[[Collection[str]], bool] | None = None


@dataclass
class Context:
    """Everything that decides on items besides the sample itself.

    `few_shot` maps products to ids of the training pictures that may be shown as references; a product that it lacks
    has any good training picture. Items depend on `seed` and the sample's id; letters, paraphrases and which of surplus
    pictures are left out depend on the samples before as well (`balance`).
    """

    specification: Specification | None = None
    ontology: KnownTypes | None = None
    descriptions: Mapping[str, Description] = field(default_factory=dict)
    few_shot: Mapping[str, Collection[str]] = field(default_factory=dict)
    seed: int = 0
    version: str = "1.0.0"
    census: Census = field(default_factory=Census)
    balance: Balance = field(default_factory=Balance)
    made: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    """(product, task) → number of items."""
    not_made: dict[tuple[str, str], Counter[str]] = field(default_factory=dict, init=False)
    """(product, task) → reason → number of pictures."""
    _sets: dict[Pool, dict[str, OptionSets]] = field(default_factory=dict, init=False, repr=False)

    def generator(self, sample: BenchmarkSample, *what: str) -> np.random.Generator:
        """Random numbers that depend on the seed, the sample and what they are for."""
        name = "/".join((sample.id, *what)).encode("utf-8", "replace")
        return np.random.default_rng([self.seed, zlib.crc32(name), zlib.adler32(name)])

    def sets(self, pool: Pool, right: str, grouping: Grouping) -> OptionSets:
        """The sets of options over the answers of a pool among which `right` is."""
        if pool not in self._sets:
            counts = _without_surplus(self.census.right[pool])
            ordered = sorted(counts, key=lambda option: (grouping.neighbours(option), option))
            found = {}
            for group in in_groups(ordered):
                sets = OptionSets(
                    {option: counts[option] for option in group},
                    grouping.sizes,
                    grouping.likeness,
                    grouping.together,
                )
                found.update(dict.fromkeys(group, sets))
            self._sets[pool] = found
        return self._sets[pool][right]

    def kept(self, pool: Pool, right: str, sets: OptionSets) -> bool:
        """Whether a question is asked about this picture, or it is one of a surplus."""
        share = sets.quota(right) / self.census.right[pool][right]
        start = zlib.crc32("/".join((str(self.seed), *pool, right)).encode("utf-8", "replace")) / 2**32
        return self.balance.keeps((*pool, right), share, start)

    def refuse(self, sample: BenchmarkSample, task: str, reason: str) -> None:
        """Note why a task asks nothing about a picture."""
        self.not_made.setdefault((sample.product, task), Counter())[reason] += 1

    def references(self, sample: BenchmarkSample) -> tuple[Reference, ...]:
        """Good training pictures of the same product that show another object."""
        allowed = self.few_shot.get(sample.product)
        return tuple(
            one
            for one in self.census.references.get(sample.product, ())
            if one.group != sample.group and (allowed is None or one.id in allowed)
        )

    def superclass(self, type_: str, product: str) -> str | None:
        """The wider kind of a type, where it is known."""
        known = self.ontology.find(type_, product) if self.ontology else None
        defect = self.specification.defect(type_) if self.specification else None
        return (known.superclass if known else None) or (defect.superclass if defect else None)

    @property
    def levels(self) -> tuple[str, ...]:
        """Severity levels, mildest first."""
        return levels(self.specification)

    def reasons(self) -> dict[tuple[str, str], dict[str, int]]:
        """(product, task) that has no item → reasons, and for how many pictures each was given."""
        return {
            key: dict(reasons.most_common())
            for key, reasons in sorted(self.not_made.items())
            if not self.made[key]
        }


def product_words(sample: BenchmarkSample) -> dict[str, str]:
    """The placeholder that every template may have."""
    return {"product": as_words(sample.product)}


def _without_surplus(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of answers, of which "no defect" is not much more frequent than others."""
    others = [count for option, count in counts.items() if option != NONE]
    if NONE not in counts or len(others) < 2:
        return dict(counts)
    most = max(1, round(MOST_NONE * float(np.mean(others))))
    return {**counts, NONE: min(counts[NONE], most)}
