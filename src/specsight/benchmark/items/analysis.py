"""What causes it, what follows from it, what is to be done: what is known of the type, which the picture must tell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context, KnownType
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import types_of
from specsight.benchmark.records import BenchmarkSample, Item, Provenance
from specsight.specification.vocabulary import normal_form

SIMILAR_LENGTH = 1.3
"""Options whose lengths differ by more are rarely offered together."""
FIELDS = ("cause", "consequence", "action")
KNOWLEDGE = (Provenance(source="knowledge", by="ontology"),)


class Analysis(Asker):
    """Pictures with one type of which enough is known."""

    task = "analysis"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """Up to three choices, and a free answer."""
        if sample.label == "good":
            return
        types = types_of(sample)
        if len(types) != 1:
            yield NotMade("not one type of defect")
            return
        said = known_of(types[0], sample.product, context)
        if not said:
            yield NotMade("nothing is known of causes and consequences of the type")
            return
        for name in FIELDS:
            if name in said:
                pool = (sample.product, sample.split)
                yield Candidate(name, types[0], pool, details={"provenance": KNOWLEDGE})
        if len(said) == len(FIELDS):
            yield Candidate("explain", types[0], details={"provenance": KNOWLEDGE})

    def option(self, answer: str, candidate: Candidate, sample: BenchmarkSample, context: Context) -> str:
        """What is known, without the full stop."""
        return known_of(answer, sample.product, context)[candidate.variant].rstrip(".")

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Answers of similar length together; never two that say the same, or that are true of two of the types."""

        def text(type_: str) -> str:
            return known_of(type_, sample.product, context)[candidate.variant]

        def superclass(type_: str) -> str:
            return context.superclass(type_, sample.product) or type_

        def likeness(first: str, second: str) -> float:
            short, long = sorted((len(text(first)), len(text(second))))
            return float(superclass(first) == superclass(second)) - 2.0 * (long > SIMILAR_LENGTH * short)

        def together(types: Collection[str]) -> bool:
            said = [_all(type_, candidate.variant, sample.product, context) for type_ in types]
            return len(set().union(*said)) == sum(map(len, said))

        return Grouping((4, 3), likeness, superclass, together)

    def _asked(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        if candidate.variant != "explain":
            yield from super()._asked(candidate, sample, context)
            return
        said = known_of(candidate.right, sample.product, context)
        parts = self.variant(candidate).answers
        text = " ".join(parts[name].format(said[name].rstrip(".")) for name in FIELDS)
        yield self.item(candidate, sample, context, "text", text)


def known_of(type_: str, product: str, context: Context) -> Mapping[str, str]:
    """Cause, consequence and action of a type, as far as they are known."""
    known = context.ontology.find(type_, product) if context.ontology else None
    if known is None:
        return {}
    said = {
        "cause": known.causes[0] if known.causes else "",
        "consequence": known.consequence,
        "action": known.action,
    }
    return {name: text for name, text in said.items() if text}


def _all(type_: str, name: str, product: str, context: Context) -> frozenset[str]:
    """All answers that are true of a type."""
    known: KnownType | None = context.ontology.find(type_, product) if context.ontology else None
    texts = known.causes if known and name == "cause" else (known_of(type_, product, context)[name],)
    return frozenset(map(normal_form, texts))
