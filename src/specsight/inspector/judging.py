"""The steps of `Inspector.judge`: from a picture that was looked at, and words, to the decision.

In: what an inspector consists of, an observation, an instruction. Out: score, map, findings and decision.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from specsight import findings
from specsight.calibration import ByPlace, Calibration
from specsight.decision import Circumstances, clauses_in_force, decide, with_scope
from specsight.detectors import Detector
from specsight.inspector.judgements import check_judgement
from specsight.inspector.likeness import Likeness
from specsight.inspector.named import rejects_of_naming, with_named
from specsight.inspector.observation import Observation
from specsight.inspector.reader import Reader
from specsight.inspector.required import look_for
from specsight.inspector.words import (
    circumstances_of,
    names_types,
    taught,
    under_names_of,
    without_contradictions,
)
from specsight.presence import PresenceCheck
from specsight.records import Decision, Finding, Judgement
from specsight.specification import Clause, Instruction, Specification
from specsight.specification.terms import DefectType
from specsight.specification.vocabulary import Vocabulary


@dataclass(frozen=True)
class Judged:
    """What came of judging one picture under one instruction."""

    judgement: Judgement
    """The detector's own, under the names of the specification."""
    found: tuple[Finding, ...]
    decision: Decision
    seconds: dict[str, float]


@dataclass(frozen=True)
class Judging:
    """One picture under one instruction, judged step by step; fields as in `Inspector`."""

    detector: Detector
    calibration: Calibration | None
    specification: Specification | None
    by_place: ByPlace | None
    likeness: Likeness | None
    reader: Reader | None
    presence: PresenceCheck
    observation: Observation
    given: Instruction | None
    extents: Mapping[str, float] | None = None
    """What good parts reach in the map of each modality alone, where that is known."""
    promise: str = ""
    """What is promised of pictures that lack what this one lacks, where that is not the calibration's own."""

    def run(self) -> Judged:
        """Judge, find, and decide."""
        start = time.perf_counter()
        instruction, refused = without_contradictions(self.given, self.specification)
        asked = instruction.clauses if instruction else ()
        clauses = clauses_in_force(instruction, self.specification)
        judgement = self._judgement(instruction)
        judged_at = time.perf_counter()
        typed, types = self._typed(judgement, instruction, clauses)
        circumstances = self._circumstances(typed, types, asked, clauses)
        known = Vocabulary.of(self.specification.defects if self.specification else ())
        new = [type_.name for type_ in types if type_.name not in known]
        found = self._find(typed, focus=circumstances.focus, taught=new)
        unlike = self._unlike(judgement, found)
        found = found if unlike is None else ()
        further = ""
        if self.reader and self.calibration:
            further = rejects_of_naming(asked, self.reader)
            found, named = with_named(
                found, asked, self.observation, self.reader, self.calibration, self._find
            )
            circumstances = replace(circumstances, named=named)
        decision = decide(judgement, found, self.calibration, clauses, circumstances, unlike)
        decision = replace(
            decision,
            not_applied=(*refused, *decision.not_applied),
            further_rejects=further,
            promise=decision.promise or self.promise,
        )
        seconds = {"judge": judged_at - start, "find": time.perf_counter() - judged_at}
        return Judged(judgement, found, decision, seconds)

    def _judgement(self, instruction: Instruction | None) -> Judgement:
        """The detector's judgement, compared with good parts at the same place where that is done."""
        new = taught(instruction, self.specification, self.detector)
        words = Instruction.of(new) if new and self.detector.needs.text else None
        last = self.observation.last
        judgement = last.get(self.detector, self.by_place, words)
        if judgement is None:
            judgement = self.detector.judge(self.observation.view, words)
            check_judgement(judgement, self.observation.picture, self.detector.name)
            if self.by_place:
                judgement = self.by_place.apply(judgement)
            last.keep(self.detector, self.by_place, words, judgement)
        return under_names_of(self.specification, judgement, new, self.detector)

    def _typed(
        self, judgement: Judgement, instruction: Instruction | None, clauses: Sequence[Clause]
    ) -> tuple[Judgement, Sequence[DefectType]]:
        """The judgement with maps of types, from the reader where the detector has none and a clause asks for them;
        and the types that were taught."""
        if self.reader is None or judgement.type_maps or not names_types(clauses):
            return judgement, taught(instruction, self.specification, self.detector)
        new = taught(instruction, self.specification, self.reader.detector)
        return replace(judgement, type_maps=self.reader.type_maps(self.observation, new)), new

    def _circumstances(
        self,
        typed: Judgement,
        types: Sequence[DefectType],
        asked: tuple[Clause, ...],
        clauses: Sequence[Clause],
    ) -> Circumstances:
        known = circumstances_of(
            typed,
            self.observation,
            self.specification,
            types,
            self.detector,
            reads=self.reader is not None,
        )
        looked_for = look_for(clauses, self.observation, self.presence)
        scoped = with_scope(known, clauses, self.calibration)
        return replace(scoped, given=asked, presence=looked_for, least_mm=self._least_mm(typed))

    def _least_mm(self, judgement: Judgement) -> float | None:
        """See `Circumstances.least_mm`."""
        size, sample = judgement.map.shape, self.observation.sample
        scale = sample.mm_per_px or (self.specification.scale(size[1]) if self.specification else None)
        spread = self.calibration.point_spread if self.calibration else None
        return spread.least(min(size)) * scale if spread and scale else None

    def _find(
        self,
        judgement: Judgement,
        calibration: Calibration | None = None,
        focus: findings.Focus | None = None,
        taught: Sequence[str] = (),
    ) -> tuple[Finding, ...]:
        """Findings under other thresholds than the inspector's, where they are given."""
        calibration = calibration or self.calibration
        if calibration is None:
            return ()
        sample = self.observation.sample
        return findings.find(
            judgement,
            calibration,
            self.specification,
            parts=self.observation.picture.parts,
            part_names=sample.part_names,
            mm_per_px=sample.mm_per_px,
            circular=sample.circular,
            focus=focus,
            taught=taught,
            depth=self.observation.picture.depth,
            extents=self.extents,
        )

    def _unlike(self, judgement: Judgement, found: Sequence[Finding]) -> float | None:
        """See `Decision.unlike`; an accepted picture shows the product."""
        if self.likeness is None or self.calibration is None:
            return None
        if judgement.score <= self.calibration.score_threshold:
            return None
        return self.likeness.unlike(self.observation.view, found)
