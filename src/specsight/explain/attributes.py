"""One attribute that a text says of a finding, compared with the finding: place, part, size or severity.

In: attributes and reported findings. Out: whether the finding has it, or that the evidence does not say; and what the
evidence says, in words.
"""

from __future__ import annotations

from collections.abc import Sequence

from specsight.explain.claims import EPSILON, Attribute, Quantity
from specsight.explain.report import ReportedFinding
from specsight.explain.terms import Terms
from specsight.findings import WHOLE_PICTURE
from specsight.records import Outcome
from specsight.specification.vocabulary import same_name

ABOUT = 0.1
"""Share by which "about" may be off."""
SHARE = 0.1
"""Share of a finding's mass above the threshold that makes a cell one of those that it lies in."""
Answer = bool | None
"""Whether the evidence says so; None: it says nothing about it."""


def has_attribute(attribute: Attribute, finding: ReportedFinding, terms: Terms) -> Answer:
    """Whether a finding has an attribute."""
    kind, value = attribute.mention.kind, attribute.mention.value
    answer: Answer
    if kind == "place":
        answer = _lies(value, finding)
    elif kind == "part":
        answer = None if finding.part is None else terms.parts.same(value, finding.part)
    elif kind == "severity":
        answer = None if finding.severity is None else same_name(value, finding.severity)
    else:
        answer = _measures(attribute, finding)
    return (not answer) if attribute.negated and answer is not None else answer


def map_rises(attribute: Attribute, finding: ReportedFinding) -> bool:
    """Whether the map rises above its threshold where a finding is said to lie, inside the finding's box."""
    place = attribute.mention.value
    return place == WHOLE_PICTURE or ((finding.cells or {}).get(place, 0.0) > 0) is not attribute.negated


def all_of(answers: Sequence[Answer]) -> Answer:
    """Whether all hold; None where that depends on one that is not known."""
    return False if False in answers else None if None in answers else True


def any_of(answers: Sequence[Answer]) -> Answer:
    """Whether one holds; None where that depends on one that is not known."""
    return True if True in answers else None if None in answers else False


def outcome_of(answer: Answer) -> Outcome:
    """What becomes of a claim."""
    return "unsupported" if answer is None else "supported" if answer else "contradicted"


def named(finding: ReportedFinding) -> str:
    """The type of a finding, and what else it may be."""
    also = f" (or {' or '.join(finding.also)})" if finding.also else ""
    return f"{finding.type or 'a finding without a type'}{also}"


def in_evidence(kind: str, finding: ReportedFinding) -> str:
    """What the evidence says of a finding's place, part, severity or size."""
    if kind == "place":
        return finding.place
    if kind == "part":
        return finding.part or "no part is known"
    if kind == "severity":
        return finding.severity or "no severity is known"
    length = f"{finding.length_px:.1f} px"
    return length if finding.length_mm is None else f"{finding.length_mm:.2f} mm, {length}"


def masses(finding: ReportedFinding) -> str:
    """In which cells the map rises above its threshold inside a finding's box, the three fullest first."""
    shares = sorted((finding.cells or {}).items(), key=lambda one: -one[1])[:3]
    told = ", ".join(f"{share:.0%} of its mass {name}" for name, share in shares)
    return told or "the map does not rise above its threshold"


def _lies(place: str, finding: ReportedFinding) -> bool:
    return place == finding.place or (finding.cells or {}).get(place, 0.0) >= SHARE


def _measures(attribute: Attribute, finding: ReportedFinding) -> Answer:
    stated: Quantity = attribute.mention.value
    values = {
        "mm": finding.length_mm,
        "px": finding.length_px,
        "mm2": finding.area_mm2,
        "px2": float(finding.area_px),
    }
    # An area in pixels is their number; one in millimetres is none.
    value = values["px2" if attribute.area and stated.unit == "px" else stated.unit]
    if value is None or (attribute.area and stated.unit == "mm"):
        return None
    bounds = {
        "at least": value >= stated.value - EPSILON,
        "more than": value > stated.value + EPSILON,
        "at most": value <= stated.value + EPSILON,
        "less than": value < stated.value - EPSILON,
    }
    if attribute.bound in bounds:
        return bounds[attribute.bound]
    return stated.rounds_to(value, ABOUT if attribute.bound == "about" else 0.0)
