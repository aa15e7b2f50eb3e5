"""What answers are made with beside the pictures: the model, its words, its knowledge; and which findings are meant.

In: an inspector, pictures that were judged, a query. Out: `Context`, the findings that a query means, sentences with
their evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from specsight.asking.answer import Evidence, Sentence, Source
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.names import ProductNames
from specsight.asking.query import Query
from specsight.errors import printable
from specsight.explain import describe
from specsight.inspector import Inspector
from specsight.ontology import Ontology, TypeEntry
from specsight.specification import Instruction
from specsight.specification.vocabulary import Vocabulary

LISTED = 5
"""Findings that one sentence describes, or clauses that it lists; the rest is counted."""


@dataclass(frozen=True)
class Context:
    """Everything that answers to one question share."""

    inspector: Inspector
    names: ProductNames
    ontology: Ontology
    judge_again: Callable[[JudgedPicture, Instruction], JudgedPicture]
    """Judges a picture that was looked at under another instruction."""
    given: Instruction | None = None
    """The instruction that pictures are judged under."""
    reference: JudgedPicture | None = None
    focus: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Number of a picture → numbers of its findings that were last spoken of."""
    listed: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The same of the last answer that spoke of several: what "the second one" counts."""

    @cached_property
    def defect_words(self) -> Vocabulary:
        """Names and phrases of the types."""
        specification = self.inspector.specification
        taught = self.given.known_defects if self.given else ()
        return Vocabulary.of((*(specification.defects if specification else ()), *taught))

    @cached_property
    def part_words(self) -> Vocabulary:
        """Names and phrases of the parts."""
        return Vocabulary.of(self.inspector.specification.parts if self.inspector.specification else ())

    def knowledge_of(self, type_: str, seen: JudgedPicture) -> TypeEntry | None:
        """What is known of a type on the product."""
        return self.ontology.find(type_, seen.inspection.product)


@dataclass(frozen=True)
class MeantFindings:
    """The findings that a query means."""

    numbers: tuple[int, ...]
    """The strongest first, or in the order that was asked for."""
    maybe: tuple[int, ...] = ()
    """Those that may be of the types that are asked for, beside another."""
    untyped: tuple[int, ...] = ()
    """Those that could be put to no type, where one is asked for."""


def select(
    seen: JudgedPicture, query: Query, context: Context, *, among: Sequence[int] | None = None
) -> MeantFindings:
    """The findings that a query means: by what was spoken of, type, part, place, number and superlative."""
    numbers = list(range(1, len(seen.findings) + 1)) if among is None else list(among)
    spoken = context.focus.get(seen.number, ())
    if query.which:
        numbers = [k for k in context.listed.get(seen.number, ()) if k in numbers] or numbers
    elif query.refers and spoken:
        numbers = [k for k in spoken if k in numbers]
    elif query.other and spoken:
        numbers = [k for k in numbers if k not in spoken]
    if query.parts:
        numbers = [k for k in numbers if seen.is_on(k, query.parts, context.part_words)]
    if query.places:
        numbers = [k for k in numbers if _is_at(seen.finding(k).place, query.places)]
    maybe: list[int] = []
    untyped: list[int] = []
    if query.types:
        maybe = [k for k in numbers if seen.may_be(k, query.types, context.defect_words)]
        untyped = [k for k in numbers if seen.finding(k).type is None]
        numbers = [k for k in numbers if seen.is_of(k, query.types, context.defect_words)]
        maybe = [k for k in maybe if k not in numbers]
    if query.which:
        count = len(numbers)
        numbers = [numbers[k - 1 if k > 0 else k] for k in query.which if -count <= k <= count]
    if query.most and numbers:
        numbers = [_extreme(numbers, seen, query.most, context)]
    return MeantFindings(tuple(numbers), tuple(maybe), tuple(untyped))


def _is_at(place: str, wanted: Sequence[str]) -> bool:
    cell = place.split()
    return any(place == one or (one != "centre" and set(one.split()) <= set(cell)) for one in wanted)


def _extreme(numbers: Sequence[int], seen: JudgedPicture, most: str, context: Context) -> int:
    """The one finding that a superlative means; of equal ones the strongest."""
    if most == "smallest":
        return min(numbers, key=lambda k: (seen.finding(k).length_px, k))
    if most == "largest":
        return max(numbers, key=lambda k: (seen.finding(k).length_px, -k))
    if most in ("severest", "mildest"):
        sign = 1 if most == "severest" else -1
        return max(numbers, key=lambda k: (sign * gravity(seen, k, context), -k))
    return numbers[0]


def gravity(seen: JudgedPicture, number: int, context: Context) -> float:
    """How grave a finding is, as a place in its severity rule in [0, 1]; -1 where that is not known."""
    finding, specification = seen.finding(number), context.inspector.specification
    if finding.severity is None or specification is None:
        return -1.0
    defect = specification.defect(finding.type) if finding.type else None
    rule = defect.severity if defect and defect.severity else specification.severity
    levels = [step.level for step in rule]
    if finding.severity not in levels:
        return -1.0
    return (levels.index(finding.severity) + 1) / len(levels)


def described(seen: JudgedPicture, numbers: Sequence[int]) -> str:
    """Findings in words, at most `LISTED` of them."""
    shown = "; ".join(describe(seen.finding(k)) for k in numbers[:LISTED])
    rest = len(numbers) - LISTED
    return f"{shown}; and {rest} more" if rest > 0 else shown


def sentence(
    seen: JudgedPicture | None,
    template: str,
    sources: Sequence[Source],
    *,
    findings: Sequence[int] = (),
    clauses: Sequence[str] = (),
    abstains: bool = False,
    **slots: str,
) -> Sentence:
    """The template filled with the slots, and what it rests on."""
    filled = {name: printable(value) for name, value in slots.items()}
    decision = seen.inspection.decision if seen else None
    evidence = Evidence(
        tuple(sources),
        seen.id if seen else "",
        tuple(findings),
        tuple(clauses),
        {name: value for name, value in filled.items() if value},
        verdict=decision.verdict if decision else None,
        score=decision.score if decision else None,
        threshold=decision.threshold if decision else None,
        map_threshold=seen.inspection.map_threshold if seen else None,
    )
    return Sentence(template.format(**filled), evidence, abstains)
