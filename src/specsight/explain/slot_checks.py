"""A statement in slots, as a JSON object holds it, against the evidence: each value by itself.

In: `Slots`. Out: checks. A box is a finding's from `SUPPORTED_OVERLAP` on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.explain.attributes import outcome_of
from specsight.explain.claims import Attribute, FindingsClaim, Mention, Quantity
from specsight.explain.matching import Matcher
from specsight.explain.report import Report
from specsight.explain.slots import SIDE, Slots
from specsight.explain.terms import Terms
from specsight.findings import WHOLE_PICTURE
from specsight.records import Check
from specsight.specification.vocabulary import normal_form

SUPPORTED_OVERLAP = 0.5
"""IoU with a finding's box from which on a stated box is that finding's."""


def checks_of_slots(slots: Slots, report: Report, terms: Terms) -> Iterator[Check]:
    """A statement in slots against the evidence, each value by itself."""
    matcher = Matcher(report, terms)
    if slots.decision is not None:
        right = slots.decision == report.verdict
        yield Check("polarity", slots.decision, outcome_of(right), report.verdict or "no verdict")
    for kind, values in (("type", slots.types), ("place", slots.cells), ("part", slots.parts)):
        for value in values or ():
            place = next(
                (v for v in (*report.held, WHOLE_PICTURE) if normal_form(v) == normal_form(value)), value
            )
            mention = Mention(kind, place if kind == "place" else value, value)
            if kind == "type":
                yield from matcher.checks(FindingsClaim(heads=[mention]))
            else:
                yield from matcher.checks(FindingsClaim(attributes=[Attribute(mention)]))
    for box in slots.boxes or ():
        yield _boxed(box, report)
    if slots.count is not None:
        yield Check(
            "count",
            str(slots.count),
            outcome_of(slots.count == len(report.counted)),
            str(len(report.counted)),
        )
    if slots.severity is not None:
        yield from matcher.checks(
            FindingsClaim(attributes=[Attribute(Mention("severity", slots.severity, slots.severity))])
        )
    if slots.length_mm is not None:
        decimals = len(f"{slots.length_mm:g}".partition(".")[2])
        size = Quantity(slots.length_mm, "mm", 0.5 * 10.0**-decimals)
        yield from matcher.checks(
            FindingsClaim(attributes=[Attribute(Mention("size", size, f"{slots.length_mm:g} mm"))])
        )


def _boxed(box: tuple[int, int, int, int], report: Report) -> Check:
    """A box in thousandths against those of the findings."""
    said = str(list(box))
    if report.size is None:
        return Check("cell", said, "unsupported", "the picture's size is not known")
    height, width = report.size
    stated = [value * side / SIDE for value, side in zip(box, (width, height) * 2)]
    overlap = max((_overlap(stated, one.box) for one in report.findings), default=0.0)
    return Check("cell", said, outcome_of(overlap >= SUPPORTED_OVERLAP), f"IoU {overlap:.2f}")


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    width, height = (max(min(one[k + 2], other[k + 2]) - max(one[k], other[k]), 0) for k in (0, 1))
    shared = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared) if shared else 0.0
