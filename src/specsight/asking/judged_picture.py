"""What is known of one picture that is asked about: its inspection, its findings with types, the parts that it shows.

In: an inspector and a picture. Out: `JudgedPicture`, from which answers take every number and name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from specsight import findings
from specsight.inspector import Inspector
from specsight.inspector.observation import Observation
from specsight.records import Finding, Inspection, Judgement, Presence
from specsight.specification import Clause, Instruction, Requirement
from specsight.specification.vocabulary import Vocabulary


@dataclass(frozen=True)
class JudgedPicture:
    """One picture, judged."""

    number: int
    """From 1, in the order in which pictures were given."""
    observation: Observation
    inspection: Inspection
    findings: tuple[Finding, ...]
    """Those of the inspection in its order, with types where anything tells them."""
    tells_types: bool
    """Whether the detector, or the model's reader, tells types apart."""

    @property
    def id(self) -> str:
        """The picture's id."""
        return self.inspection.id

    @property
    def name(self) -> str:
        """How sentences call it: "picture 2 (b.png)"."""
        file = self.observation.sample.image.name or self.id
        return f"picture {self.number} ({file})"

    @cached_property
    def excused(self) -> Mapping[int, Clause]:
        """Number of a finding that does not count → the clause that says so."""
        left = list(enumerate(self.inspection.findings, 1))
        found: dict[int, Clause] = {}
        for one in self.inspection.decision.observed:
            number = next(
                number for number, finding in left if finding == one.finding and number not in found
            )
            found[number] = one.clause
        return found

    @cached_property
    def counted(self) -> tuple[int, ...]:
        """Numbers of the findings that count."""
        return tuple(k for k in range(1, len(self.findings) + 1) if k not in self.excused)

    @cached_property
    def parts(self) -> tuple[str, ...] | None:
        """Names of the parts that the picture shows; None: it has no part map."""
        plane = self.observation.picture.parts
        if plane is None:
            return None
        names = self.observation.sample.part_names
        shown = np.flatnonzero(np.bincount(plane.ravel()))
        return tuple(names[int(value)] for value in shown if int(value) in names)

    @cached_property
    def unmet(self) -> tuple[Requirement, ...]:
        """Requirements that were looked for and are not met, and the one that decides."""
        decision = self.inspection.decision
        found = [
            one.clause
            for one in decision.required
            if isinstance(one.clause, Requirement) and one.count is not None and one.count < one.clause.count
        ]
        if isinstance(decision.deciding, Requirement) and decision.deciding not in found:
            found.append(decision.deciding)
        return tuple(found)

    def presence_of(self, clause: Clause) -> Presence | None:
        """What looking for a required feature found."""
        return next((one for one in self.inspection.decision.required if one.clause == clause), None)

    def finding(self, number: int) -> Finding:
        """A finding by its number."""
        return self.findings[number - 1]

    def is_of(self, number: int, types: Sequence[str], words: Vocabulary) -> bool:
        """Whether a finding is of one of the types by its name."""
        name = self.finding(number).type
        return name is not None and any(words.same(name, one) for one in types)

    def may_be(self, number: int, types: Sequence[str], words: Vocabulary) -> bool:
        """Whether a finding may be of one of the types as well."""
        return any(words.same(name, one) for name in self.finding(number).also for one in types)

    def is_on(self, number: int, parts: Sequence[str], words: Vocabulary) -> bool:
        """Whether a finding lies on one of the parts: most of it, or its peak."""
        finding = self.finding(number)
        return any(
            words.same(name, one) for name in (finding.part, finding.peak_part) if name for one in parts
        )


def judge_picture(
    inspector: Inspector, observation: Observation, number: int, instruction: Instruction | None = None
) -> JudgedPicture:
    """Judge a picture that was looked at, under an instruction."""
    inspection = inspector.judge(observation, instruction)
    found = inspection.findings
    tells = bool(inspection.type_maps) or inspector.reader is not None
    if found and inspector.reader is not None and all(one.type is None for one in found):
        inspection = _with(inspection, _typed(inspector, observation, inspection))
        given = instruction.clauses if instruction else ()
        inspection = replace(inspection, statement=inspector.explainer.explain(inspection, given).text)
    report = inspector.explainer.report(inspection)
    placed = tuple(replace(one, place=told.place) for one, told in zip(inspection.findings, report.findings))
    inspection = _with(inspection, placed)
    return JudgedPicture(number, observation, inspection, placed, tells or any(one.type for one in placed))


def _with(inspection: Inspection, found: tuple[Finding, ...]) -> Inspection:
    """The inspection with findings that say more, in its decision too."""
    told = dict(zip(map(id, inspection.findings), found))
    by_value = dict(zip(inspection.findings, found))

    def of(finding: Finding) -> Finding:
        return told.get(id(finding), by_value.get(finding, finding))

    decision = inspection.decision
    decision = replace(
        decision,
        counted=tuple(map(of, decision.counted)),
        observed=tuple(replace(one, finding=of(one.finding)) for one in decision.observed),
    )
    return replace(inspection, findings=found, decision=decision)


def _typed(inspector: Inspector, observation: Observation, inspection: Inspection) -> tuple[Finding, ...]:
    """The findings with the types that the model's reader tells, where no clause had asked it: regions stay as they
    are."""
    if inspector.reader is None or inspector.calibration is None or inspection.map is None:
        return inspection.findings
    sample = observation.sample
    again = findings.find(
        Judgement(inspection.score, inspection.map, inspector.reader.type_maps(observation)),
        inspector.calibration,
        inspector.specification,
        parts=observation.picture.parts,
        part_names=sample.part_names,
        mm_per_px=sample.mm_per_px,
        circular=sample.circular,
    )
    typed = {(one.box, one.peak): one for one in again}
    return tuple(
        replace(one, type=read.type, type_score=read.type_score, also=read.also, severity=read.severity)
        if (read := typed.get((one.box, one.peak)))
        else one
        for one in inspection.findings
    )
