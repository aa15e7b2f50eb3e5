"""What does the defect look like: in free words, or which of several descriptions, all of which fit other pictures."""

from __future__ import annotations

from collections.abc import Iterator

from specsight.benchmark.items.asking import Asker, Candidate, NotMade, capital
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import CELLS, only_instance
from specsight.benchmark.records import BenchmarkSample, Instance, Item, Provenance
from specsight.specification.vocabulary import as_words, with_article

BETWEEN = "|"
UNCOUNTABLE = frozenset(
    (
        "contamination", "copper", "cord", "damage", "dirt", "discolouration", "fabric", "flash", "insulation",
        "lettering", "material", "packaging", "residue", "rust", "underfill", "wax", "teeth", "parts", "defects",
        "together",
    )
)  # fmt: skip
"""Last words of types that take no article."""


class Description(Asker):
    """Pictures with one defect."""

    task = "description"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """A free description, and a choice of descriptions."""
        if sample.label == "good":
            return
        instance = only_instance(sample)
        if instance is None:
            yield NotMade("not one defect whose place is known")
            return
        yield Candidate("free", "")
        key, *also = described_as(instance)
        yield Candidate("which", key, (sample.product, sample.split), barred=tuple(also))

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Descriptions that differ in one thing together."""
        return description_grouping(sample.product, context)

    def told_apart(self, candidate: Candidate) -> tuple[str, ...]:
        """None: there are as many cases as pictures, and one description seldom fits two of them."""
        return ()

    def option(self, answer: str, candidate: Candidate, sample: BenchmarkSample, context: Context) -> str:
        """The description in words."""
        return in_words(answer)

    def _asked(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        if candidate.variant == "which":
            yield from super()._asked(candidate, sample, context)
            return
        instance = only_instance(sample)
        if instance is not None:
            known = context.ontology.find(instance.type, sample.product) if context.ontology else None
            looks = known.looks if known else ""
            sources = (Provenance(source="knowledge", by="looks"),) if looks else ()
            yield self.item(candidate, sample, context, "text", in_full(instance, looks), provenance=sources)


def described_as(instance: Instance) -> list[str]:
    """How a defect can be described: by type, part and cell. The first is the best, the others are true as well."""
    parts = [*dict.fromkeys((instance.part or "", *instance.parts))]
    cells = (*instance.cells, *instance.touched)
    return [BETWEEN.join((instance.type, part, cell)) for part in parts for cell in cells]


def description_grouping(product: str, context: Context) -> Grouping:
    """Descriptions of types of one superclass, on one part or in one cell together."""

    def superclass(key: str) -> str:
        return (context.superclass(key.split(BETWEEN)[0], product) or "") if BETWEEN in key else ""

    def likeness(first: str, second: str) -> float:
        same = [a == b for a, b in zip(first.split(BETWEEN), second.split(BETWEEN))]
        return sum(same) / 3 + (superclass(first) == superclass(second)) / 3

    def neighbours(key: str) -> tuple[int, str, str]:
        _, part, cell = key.split(BETWEEN) if BETWEEN in key else ("", "", CELLS[0])
        return CELLS.index(cell), part, superclass(key)

    return Grouping((4, 3), likeness, neighbours)


def in_words(key: str) -> str:
    """ "A cut on the tread, at the top left of the picture"."""
    type_, part, cell = key.split(BETWEEN)
    return f"{capital(named(type_))}{_on(part)}, {at(cell)} of the picture"


def in_full(instance: Instance, looks: str = "") -> str:
    """All that is known of a defect, in one or two sentences."""
    length = f", about {instance.length_mm:.2g} mm long" if instance.length_mm else ""
    grave = f", {instance.severity}" if instance.severity else ""
    place = f"{at(instance.cells[0])} of the picture" if instance.cells else ""
    said = f"{capital(named(instance.type))}{_on(instance.part or '')}, {place}{length}{grave}."
    return f"{said} {looks}".strip()


def named(type_: str) -> str:
    """A type as it stands in a sentence: "a cut", "excess flash"."""
    words = as_words(type_)
    return words if words.split()[-1] in UNCOUNTABLE else with_article(words)


def at(cell: str) -> str:
    """A cell as it stands in a sentence."""
    return "in the centre" if cell == "centre" else f"at the {cell}"


def _on(part: str) -> str:
    return f" on the {as_words(part)}" if part else ""
