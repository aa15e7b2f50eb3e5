"""What words do on the way of a picture: instructions are read, types taught, rules told of the circumstances."""

from __future__ import annotations

from collections.abc import Sequence

from specsight.decision import Circumstances
from specsight.detectors import Detector
from specsight.errors import SpecsightError
from specsight.inspector.observation import Observation
from specsight.reading import read
from specsight.records import Judgement
from specsight.specification import (
    DefectType,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Specification,
    Tolerance,
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


def taught(instruction: Instruction | None, specification: Specification | None) -> tuple[Knowledge, ...]:
    """Types for the detector to look for beside the specification's: those taught, and those that other clauses name.

    All other clauses act on findings, in `decision`, under the thresholds that were calibrated.
    """
    if instruction is None:
        return ()
    specified = Vocabulary.of((*(specification.defects if specification else ()), *instruction.known_defects))
    named: tuple[Only | Ignore | Tolerance, ...] = (
        *instruction.only,
        *instruction.ignore,
        *instruction.tolerances,
    )
    new = [Knowledge(name=clause.defect) for clause in named if clause.defect not in specified]
    return (*instruction.known_defects, *new)


def circumstances_of(
    judgement: Judgement,
    observation: Observation,
    specification: Specification | None,
    taught: Sequence[DefectType],
    detector: Detector,
) -> Circumstances:
    """What the rules of decisions need to know beside the judgement and its findings."""
    sample = observation.sample
    scale = sample.mm_per_px or (specification.mm_per_px if specification else None)
    return Circumstances(
        types=tuple(judgement.type_maps),
        parts=observation.picture.parts,
        part_names=sample.part_names,
        defect_words=Vocabulary.of((*(specification.defects if specification else ()), *taught)),
        part_words=Vocabulary.of(specification.parts if specification else ()),
        scale_known=scale is not None,
        follows_words=detector.needs.text,
        circular=sample.circular,
    )
