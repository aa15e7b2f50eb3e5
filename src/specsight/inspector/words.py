"""What words do on the way of a picture: instructions are read, types taught, rules told of the circumstances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specsight.decision import Circumstances
from specsight.detectors import Detector
from specsight.errors import SpecsightError
from specsight.inspector.observation import Observation
from specsight.reading import read
from specsight.records import Judgement, NotApplied
from specsight.specification import (
    Clause,
    DefectType,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Specification,
    Tolerance,
    contradictions,
)
from specsight.specification.vocabulary import Vocabulary


def instruction_of(
    given: str | Instruction | None, specification: Specification | None
) -> Instruction | None:
    """The instruction, read where it is sentences. Raises SpecsightError for anything else."""
    if isinstance(given, str):
        return read(given, specification)
    if given is not None and not isinstance(given, Instruction):
        raise SpecsightError(
            f"an instruction must be sentences or an Instruction, got {type(given).__name__}"
        )
    return given


def without_contradictions(
    instruction: Instruction | None, specification: Specification | None
) -> tuple[Instruction | None, tuple[NotApplied, ...]]:
    """The instruction, and none of its clauses where some cannot hold together: each with the reason, then.

    None of two contradictory clauses is picked; the picture is judged as without instruction.
    """
    lines = contradictions(instruction, specification) if instruction else []
    if instruction is None or not lines:
        return instruction, ()
    reason = f"{'; '.join(lines[:3])}{'; and more' if len(lines) > 3 else ''}; the full inspection is judged"
    return Instruction(text=instruction.text), tuple(NotApplied(c, reason) for c in instruction.clauses)


def taught(
    instruction: Instruction | None, specification: Specification | None, detector: Detector
) -> tuple[Knowledge, ...]:
    """Types for the detector to look for beside those it was fitted with: of another specification, those taught, and
    those that other clauses name.

    All other clauses act on findings, in `decision`, under the thresholds that were calibrated.
    """
    defects = specification.defects if specification else ()
    further = [
        Knowledge(**defect.model_dump())
        for defect in (defects if _another(specification, detector) else ())
        if defect.name not in _fitted_types(detector)
    ]
    if instruction is None:
        return tuple(further)
    specified = Vocabulary.of((*defects, *instruction.known_defects))
    named: tuple[Only | Ignore | Tolerance, ...] = (
        *instruction.only,
        *instruction.ignore,
        *instruction.tolerances,
    )
    new = [Knowledge(name=clause.defect) for clause in named if clause.defect not in specified]
    return (*further, *instruction.known_defects, *new)


def names_types(clauses: Sequence[Clause]) -> bool:
    """Whether some clause is about a type of defect."""
    return any(isinstance(clause, Only | Ignore | Tolerance | Knowledge) for clause in clauses)


def under_names_of(
    specification: Specification | None,
    judgement: Judgement,
    taught: Sequence[DefectType],
    detector: Detector,
) -> Judgement:
    """The judgement with maps of the specification's types and those taught alone, where the detector was fitted with
    other words."""
    if not _another(specification, detector):
        return judgement
    names = Vocabulary.of((*(specification.defects if specification else ()), *taught))
    kept = {name: judgement.type_maps[name] for name in judgement.type_maps if name in names}
    return replace(judgement, type_maps=kept)


def _another(specification: Specification | None, detector: Detector) -> bool:
    """Whether the detector reads, and was fitted with other words than these."""
    words = detector.words_
    return words is not None and specification is not None and words.specification != specification


def _fitted_types(detector: Detector) -> Vocabulary:
    return Vocabulary.of(detector.words_.specification.defects if detector.words_ else ())


def circumstances_of(
    judgement: Judgement,
    observation: Observation,
    specification: Specification | None,
    taught: Sequence[DefectType],
    detector: Detector,
    *,
    reads: bool,
) -> Circumstances:
    """What the rules of decisions need to know beside the judgement and its findings; `reads`: whether there is a
    reader for types that are taught."""
    sample = observation.sample
    scale = sample.mm_per_px or (specification.mm_per_px if specification else None)
    specified = Vocabulary.of(specification.defects if specification else ())
    return Circumstances(
        types=tuple(judgement.type_maps),
        parts=observation.picture.parts,
        part_names=sample.part_names,
        defect_words=Vocabulary.of((*(specification.defects if specification else ()), *taught)),
        part_words=Vocabulary.of(specification.parts if specification else ()),
        scale_known=scale is not None,
        follows_words=detector.needs.text or reads,
        taught=[t.name for t in taught if detector.needs.text and t.name not in specified],
        circular=sample.circular,
        score_of_map=detector.score_of_map,
    )
