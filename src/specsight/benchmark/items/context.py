"""What items are made from besides the sample: the product's words, what is known of types, a census, and the balance.

In: a first pass over all samples. Out: a `Context` that `make_items` asks for sets of options, random generators and
records with their common fields.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from specsight.benchmark.items.balance import Balance
from specsight.benchmark.items.census import Census, Pool, Reference
from specsight.benchmark.items.grouping import AnswerGroup, Grouping, answer_groups
from specsight.benchmark.items.lengths import Limits
from specsight.benchmark.items.truth import NONE, levels
from specsight.benchmark.records import BenchmarkSample, Description
from specsight.specification import Specification
from specsight.specification.vocabulary import as_words


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
    limits: dict[Pool, Limits] = field(default_factory=dict, init=False, repr=False)
    """Of the types of a pool, found once."""
    _groups: dict[Pool, list[AnswerGroup]] = field(default_factory=dict, init=False, repr=False)

    def generator(self, sample: BenchmarkSample, *what: str) -> np.random.Generator:
        """Random numbers that depend on the seed, the sample and what they are for."""
        name = "/".join((sample.id, *what)).encode("utf-8", "replace")
        return np.random.default_rng([self.seed, zlib.crc32(name), zlib.adler32(name)])

    def group(self, pool: Pool, right: str, grouping: Grouping, sample: BenchmarkSample) -> AnswerGroup:
        """The answers that `right` is compared with in a pool, and their sets of options.

        "No defect" is in every group; which one a good picture belongs to is drawn by its id.
        """
        if pool not in self._groups:
            self._groups[pool] = answer_groups(self.census.right[pool], grouping)
        groups = self._groups[pool]
        among = [group for group in groups if right in group.answers]
        return among[self._drawn(sample.id, *pool) % len(among)]

    def kept(self, pool: Pool, right: str, barred: Collection[str], group: AnswerGroup) -> bool:
        """Whether a question is asked about this picture, or it is one of a surplus."""
        share = group.sets.rate(right, barred) * (group.asked if right == NONE else 1.0)
        what = (*pool, str(group.number), right, *sorted(barred))
        return self.balance.keeps(what, min(share, 1.0), self._drawn(*what) / 2**32)

    def _drawn(self, *what: str) -> int:
        return zlib.crc32("/".join((str(self.seed), *what)).encode("utf-8", "replace"))

    def refuse(self, sample: BenchmarkSample, task: str, reason: str) -> None:
        """Note why a task asks nothing about a picture."""
        self.not_made.setdefault((sample.product, task), Counter())[reason] += 1

    def references(self, sample: BenchmarkSample) -> tuple[Reference, ...]:
        """Good training pictures of the same product that show another object."""
        known = self.census.references.get(sample.product, ())
        return tuple(one for one in known if one.group != sample.group)

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


def product_words(sample: BenchmarkSample, context: Context) -> dict[str, str]:
    """The placeholder that every template may have: the product's name, or the specification's for a number."""
    known = context.specification
    return {
        "product": as_words(sample.product if is_named(sample.product) or known is None else known.product)
    }


def is_named(product: str) -> bool:
    """Whether a product has a name rather than a number ("group00041")."""
    return re.search(r"\d{3}", product) is None
