"""Accept or reject where one type alone counts, where a type does not count, and under a limit to its length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specsight.benchmark.items.asking import Candidate, NotMade, Wording
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.lengths import Limits, bin_of, limits_of, measured_length
from specsight.benchmark.items.pairs import PairAsker
from specsight.benchmark.items.truth import types_of
from specsight.benchmark.items.types import type_grouping
from specsight.benchmark.records import BenchmarkSample, Item, ItemScope
from specsight.evaluation.instructions.phrasing import ignore_sentence, limit_sentence, only_sentence
from specsight.specification import DefectType

BETWEEN = "|"
LENGTHS = "lengths"
"""Kind of question whose census counts lengths by type."""


class Tolerance(PairAsker):
    """Pictures with defects of known types."""

    task = "tolerance"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """Up to three of each defective picture."""
        if sample.label == "good":
            return
        types, pool = types_of(sample), (sample.product, sample.split)
        if not types:
            yield NotMade("its types are not known")
            return
        right = types[int(context.generator(sample, self.task).integers(len(types)))]
        yield Candidate("only", right, pool, barred=tuple(one for one in types if one != right))
        if len(types) > 1:
            yield NotMade("several types: ignoring one of them decides nothing")
            return
        yield Candidate("ignored", right, pool)
        length = measured_length(sample)
        if length is None:
            yield NotMade("not one whole defect of known length")
        else:
            yield Candidate(LENGTHS, f"{right}{BETWEEN}{bin_of(length)}", pool)

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Types of one superclass together."""
        types = set(context.census.answers(self.pool(candidate)))
        return type_grouping(sample.product, context, types, sizes=(2,))

    def wordings(
        self,
        candidate: Candidate,
        other: str,
        sample: BenchmarkSample,
        generator: np.random.Generator,
        context: Context,
    ) -> tuple[Wording, Wording]:
        """The type that is there, and one that is not: the one alone counts, or does not count."""
        if candidate.variant == "only":
            return only(candidate.right, generator, context), only(other, generator, context)
        return ignored(other, generator, context), ignored(candidate.right, generator, context)

    def _asked(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        if candidate.variant != LENGTHS:
            yield from super()._asked(candidate, sample, context)
            return
        both = self._limited(candidate, sample, context)
        if both is not None:
            limit = Candidate("limit", candidate.right.split(BETWEEN)[0], candidate.pool)
            generator = context.generator(sample, *self.pool(limit), "words")
            yield from self.paired(limit, both, sample, context, generator)

    def _limited(
        self, candidate: Candidate, sample: BenchmarkSample, context: Context
    ) -> tuple[Wording, Wording] | None:
        """A type has two limits, of which each is named in as many pairs that reject as in pairs that accept: a defect
        between them is rejected under the lower and accepted under the upper one; a smaller one is accepted under the
        lower one, and does not excuse the picture from being rejected under the upper one of another type."""
        limits = self.limits(candidate, context)
        type_, number = candidate.right.split(BETWEEN)
        own = limits.of.get(type_)
        side = own.side(int(number)) if own else None
        if own is None or side is None:
            context.refuse(sample, self.task, "no limits of the type have enough defects on either side")
            return None
        pool = (*self.pool(candidate), type_, side)
        start = float(np.random.default_rng([context.seed, *map(ord, "".join(pool))]).random())
        if not context.balance.keeps(pool, limits.quota(type_) / own.counts[side], start):
            return None
        generator = context.generator(sample, *pool)
        if side == "between":
            return self._limit(type_, own.lower, generator, context), self._limit(
                type_, own.upper, generator, context
            )
        drawn = limits.sets.draw(generator, type_)
        if drawn is None:
            return None
        (other,) = drawn
        strict = self._limit(other, limits.of[other].upper, generator, context)
        return strict, self._limit(type_, own.lower, generator, context)

    def limits(self, candidate: Candidate, context: Context) -> Limits:
        """The limits of all types of a product and split."""
        pool = self.pool(candidate)
        if pool not in context.limits:
            context.limits[pool] = limits_of(context.census.answers(pool), BETWEEN)
        return context.limits[pool]

    @staticmethod
    def _limit(type_: str, limit_mm: float, generator: np.random.Generator, context: Context) -> Wording:
        text = limit_sentence(generator, defect_type(type_, context), limit_mm)
        return Wording(
            text, {"tolerances": [{"defect": type_, "up_to_mm": limit_mm}]}, ItemScope(types=(type_,))
        )


def only(type_: str, generator: np.random.Generator, context: Context) -> Wording:
    """An instruction under which one type alone counts."""
    text = only_sentence(generator, defect_type(type_, context))
    return Wording(text, {"only": [type_]}, ItemScope(types=(type_,)))


def ignored(type_: str, generator: np.random.Generator, context: Context) -> Wording:
    """An instruction under which one type does not count."""
    text = ignore_sentence(generator, defect_type(type_, context))
    return Wording(text, {"ignore": [type_]}, ItemScope(types=(type_,)))


def defect_type(type_: str, context: Context) -> DefectType:
    """A type in the specification's words."""
    found = context.specification.defect(type_) if context.specification else None
    return found or DefectType(name=type_)
