"""An inspection → the evidence that statements rest on, as one flat record: what was decided, found and required.

In: an `Inspection` with or without its map, and what is known of types. Out: `Report`, which goes to JSON and back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from specsight.explain.places import CELLS, sums_of_cells
from specsight.explain.sentences import deciding, sayings
from specsight.ontology import Ontology
from specsight.records import Box, Decision, Finding, Inspection, Known, Verdict
from specsight.specification.clauses import Clause, Requirement, Tolerance
from specsight.specification.vocabulary import Vocabulary

SAME = 1e-4
"""Share by which a map's largest value in a finding's box may differ from its peak: kept maps are rounded."""


@dataclass(frozen=True)
class ReportedFinding:
    """One finding with everything that can be said of it."""

    number: int
    """Place among `Inspection.findings`."""
    type: str | None
    also: tuple[str, ...]
    place: str
    cells: Mapping[str, float] | None
    """Cell of the 3 × 3 grid → the share of what the map rises to above its threshold, inside the finding's box; None
    without a map, and for a finding of another map (a type that was looked for by name)."""
    part: str | None
    length_px: float
    length_mm: float | None
    area_px: int
    area_mm2: float | None
    severity: str | None
    peak: float
    box: Box
    counted: bool
    """Whether it counts; else it is observed only."""
    clause: str = ""
    """Words of the clause that says so."""
    superclass: str = ""
    causes: tuple[str, ...] = ()
    """Likely ones, the most frequent first."""
    consequence: str = ""
    action: str = ""


@dataclass(frozen=True)
class RequiredFeature:
    """What had to be there, and what was found."""

    feature: str
    required: int
    found: int
    words: str
    """What was found, in words."""


@dataclass(frozen=True)
class Report:
    """The evidence of one picture."""

    product: str
    verdict: Verdict | None
    score: float
    """The detector's."""
    compared: float
    """What was compared with the threshold."""
    threshold: float | None
    map_threshold: float | None
    size: tuple[int, int] | None
    """(H, W); None without a map."""
    clause: str = ""
    """Words of the clause that decides; empty: none does."""
    reason: str = ""
    """What it says of this picture."""
    limits_mm: tuple[float, ...] = ()
    """Limits of the tolerances that were applied."""
    unlike: float | None = None
    """See `records.Decision`."""
    findings: tuple[ReportedFinding, ...] = ()
    required: tuple[RequiredFeature, ...] = ()
    quotable: tuple[str, ...] = ()
    """Sentences of the user that may be quoted, in quotation marks: those of the clauses."""
    sayings: tuple[str, ...] = ()
    """Sentences of this package about the picture that may be repeated as they stand: reasons, promises."""
    held: Mapping[str, bool] = field(default_factory=dict)
    """Cell → whether the map rises above its threshold there."""

    @property
    def counted(self) -> tuple[ReportedFinding, ...]:
        """Findings that count."""
        return tuple(one for one in self.findings if one.counted)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Report:
        """Read what `to_json` gave. Raises ValueError, which names the value in one line, for anything else."""
        try:
            return TypeAdapter(cls).validate_json(json.dumps(values), strict=True)
        except (ValidationError, TypeError) as error:
            if isinstance(error, TypeError):
                raise ValueError(f"a report is a mapping of JSON values: {error}") from error
            first = error.errors(include_url=False)[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def report_of(inspection: Inspection, ontology: Ontology | None = None) -> Report:
    """The evidence of an inspection; without an ontology, nothing is known of types but what it already carries."""
    decision, map_ = inspection.decision, inspection.map
    excused = {id(one.finding): one.clause for one in decision.observed}
    carried = inspection.explanation.knowledge if inspection.explanation else {}
    level = inspection.map_threshold
    findings = tuple(
        _reported(
            number,
            finding,
            excused.get(id(finding)),
            _cells_of(finding, map_, level, bool(decision.further_rejects)),
            known_of(finding.type, inspection.product, ontology) or carried.get(finding.type or "", Known()),
        )
        for number, finding in enumerate(inspection.findings)
    )
    return Report(
        product=inspection.product,
        verdict=decision.verdict,
        score=inspection.score,
        compared=decision.score,
        threshold=decision.threshold,
        map_threshold=level,
        size=None if map_ is None else (map_.shape[0], map_.shape[1]),
        clause=decision.deciding.words if decision.deciding else "",
        reason=deciding(decision),
        limits_mm=tuple(
            one.up_to_mm
            for one in _clauses(decision)
            if isinstance(one, Tolerance) and one.up_to_mm is not None
        ),
        unlike=decision.unlike,
        findings=findings,
        required=tuple(
            RequiredFeature(one.clause.feature, one.clause.count, one.count, one.found)
            for one in decision.required
            if isinstance(one.clause, Requirement) and one.count is not None
        ),
        quotable=tuple(dict.fromkeys(one.words for one in _clauses(decision))),
        sayings=sayings(decision),
        held={} if map_ is None or level is None else _held(map_, level),
    )


def known_of(type_: str | None, product: str, ontology: Ontology | None) -> Known | None:
    """What an ontology knows of a type on a product, else of the type of this name on any; None where it knows
    nothing."""
    if ontology is None or not type_:
        return None
    entry = ontology.find(type_, product)
    if entry is None:
        name = Vocabulary(tuple(ontology.types)).find(type_)
        if name is None:
            return None
        entry = ontology.types[name]
    return Known(entry.superclass or "", entry.causes, entry.consequence, entry.action)


def _reported(
    number: int, finding: Finding, clause: Clause | None, cells: Mapping[str, float] | None, known: Known
) -> ReportedFinding:
    place = finding.place
    if cells and place in CELLS and not cells.get(place):
        # The middle of a bent region may lie beside it.
        place = max(cells, key=lambda name: cells[name])
    return ReportedFinding(
        number=number,
        type=finding.type,
        also=finding.also,
        place=place,
        cells=cells,
        part=finding.part,
        length_px=finding.length_px,
        length_mm=finding.length_mm,
        area_px=finding.area_px,
        area_mm2=finding.area_mm2,
        severity=finding.severity,
        peak=finding.peak,
        box=finding.box,
        counted=clause is None,
        clause=clause.words if clause else "",
        superclass=known.superclass,
        causes=known.causes,
        consequence=known.consequence,
        action=known.action,
    )


def _cells_of(
    finding: Finding, map_: NDArray[np.float32] | None, threshold: float | None, by_name: bool
) -> Mapping[str, float] | None:
    """See `ReportedFinding.cells`. A finding within a scope may lie below the map's threshold: then its peak tells.

    `by_name`: types were looked for by name, whose findings another map holds.
    """
    if map_ is None or threshold is None:
        return None
    x0, y0, x1, y1 = finding.box
    columns = np.arange(x0, x1) % map_.shape[1]
    inside = map_[y0:y1][:, columns].astype(np.float64)
    its_own = inside.size and abs(float(inside.max()) - finding.peak) <= SAME * abs(finding.peak)
    if by_name and not its_own:
        return None
    if its_own and finding.peak <= threshold:
        rise = (inside >= inside.max()).astype(np.float64)
    else:
        rise = np.maximum(inside - threshold, 0)
    sums = sums_of_cells(rise, map_.shape, np.arange(y0, y1), columns)
    return {name: total / rise.sum() for name, total in sums.items() if total > 0}


def _held(map_: NDArray[np.float32], threshold: float) -> Mapping[str, bool]:
    return {name: total > 0 for name, total in sums_of_cells(map_ > threshold, map_.shape).items()}


def _clauses(decision: Decision) -> list[Clause]:
    """Those that the decision speaks of, each once."""
    clauses = [
        *([decision.deciding] if decision.deciding else []),
        *(one.clause for one in decision.observed),
        *(one.clause for one in (*decision.not_applied, *decision.in_part)),
        *(one.clause for one in decision.required),
    ]
    return list(dict.fromkeys(clauses))
