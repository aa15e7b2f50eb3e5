"""What an inspection says of a picture, in the terms that questions ask for.

In: an `Inspection` and the size of its picture. Out: `Beliefs`. Nothing but map, findings, decision and clauses enters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.explain.slots import Slots
from specsight.records import Box, Finding, Inspection, Verdict
from specsight.specification import Specification

FAINT = 0.5
"""Where nothing is a finding, the strongest place is what lies above this share of the way from the map's median to its
largest value, around that."""


@dataclass(frozen=True)
class Beliefs:
    """Of one picture."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    """Those that are reported, the strongest first."""
    size: tuple[int, int]
    """(H, W)"""
    strongest: Box
    """Of the strongest finding; where there is none, of the strongest place of the map."""
    inspection: Inspection
    severity: str | None

    @property
    def wrong(self) -> bool:
        """Whether anything is wrong."""
        return self.verdict == "reject"

    @property
    def first(self) -> Finding | None:
        """The strongest finding."""
        return self.findings[0] if self.findings else None

    @property
    def point(self) -> tuple[float, float]:
        """(x, y) of the strongest place, in shares of width and height."""
        height, width = self.size
        if self.first:
            return self.first.centroid[0] / width, self.first.centroid[1] / height
        x0, y0, x1, y1 = self.strongest
        return (x0 + x1) / 2 / width, (y0 + y1) / 2 / height

    @property
    def types(self) -> tuple[str, ...]:
        """Types of the findings, the strongest first."""
        return tuple(dict.fromkeys(one.type for one in self.findings if one.type))

    def thousandths(self, box: Box) -> tuple[int, int, int, int]:
        """A box in thousandths of width and height."""
        height, width = self.size
        x0, y0, x1, y1 = (
            min(1000, max(0, round(1000 * value / side))) for value, side in zip(box, (width, height) * 2)
        )
        return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)

    def slots(self) -> Slots:
        """Everything that a report can state; what is not known is left out."""
        if not self.wrong:
            return Slots(decision="accept", types=(), cells=(), parts=(), boxes=(), count=0)
        lengths = [one.length_mm for one in self.findings if one.length_mm is not None]
        parts = tuple(dict.fromkeys(one.part for one in self.findings if one.part))
        return Slots(
            decision="reject",
            types=self.types or None,
            cells=tuple(dict.fromkeys(one.place for one in self.findings if one.place != "whole picture"))
            or None,
            parts=parts or None,
            boxes=tuple(self.thousandths(one.box) for one in self.findings) or None,
            count=len(self.findings) or None,
            severity=self.severity,
            length_mm=round(max(lengths), 1) if lengths else None,
        )


def beliefs_of(inspection: Inspection, specification: Specification | None, instructed: bool) -> Beliefs:
    """Of one inspection. `instructed`: words restrict it, so that what they excuse is not reported; without, whatever
    is found counts, also where standing tolerances excuse it.

    Raises SpecsightError where the inspector has no threshold.
    """
    decision = inspection.decision
    if decision.verdict is None or inspection.map is None:
        raise SpecsightError(
            f"'{inspection.id}' has no verdict: the model has no threshold (too few good parts); fit it on more"
        )
    excused = [one.finding for one in decision.observed]
    findings = decision.counted if instructed else tuple(inspection.findings)
    wrong = decision.verdict == "reject" or (bool(excused) and not instructed)
    size = (inspection.map.shape[0], inspection.map.shape[1])
    return Beliefs(
        verdict="reject" if wrong else "accept",
        findings=findings if wrong else (),
        size=size,
        strongest=findings[0].box if findings else _strongest(inspection.map),
        inspection=inspection,
        severity=_gravest(findings, specification) if wrong else None,
    )


def _strongest(heat: NDArray[np.float32]) -> Box:
    """The box around the largest value, where the map stays high."""
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    middle = float(np.median(heat))
    high = heat >= middle + FAINT * (float(heat.max()) - middle)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(high.astype(np.uint8), connectivity=8)
    left, top, width, height, _ = stats[labels[y, x]]
    return int(left), int(top), int(left + width), int(top + height)


def _gravest(findings: Sequence[Finding], specification: Specification | None) -> str | None:
    """The gravest level among the findings."""
    said = [one.severity for one in findings if one.severity]
    if not said or specification is None:
        return said[0] if said else None
    return max(said, key=lambda level: rank(level, specification))


def rank(level: str, specification: Specification) -> int:
    """How grave a level is: its place in the rules that have it, the gravest of them."""
    rules = [specification.severity, *(one.severity for one in specification.defects if one.severity)]
    return max((k for rule in rules for k, step in enumerate(rule) if step.level == level), default=-1)
