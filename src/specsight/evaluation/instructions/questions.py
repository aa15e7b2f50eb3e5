"""What is asked of a picture: the instructions of its matched pairs, and each of its parts as the only one to inspect.

In: a sample with the truth about it. Out: `Question`s, each with the verdict that the truth calls for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from specsight import images
from specsight.errors import SpecsightError
from specsight.records import InstructedVerdict, Picture, Sample, Verdict
from specsight.runs.instructed import NAME, PART
from specsight.specification import Instruction

LEAST_PART = 0.03
"""Share of a picture that a part must cover to be asked about."""
HOME = 0.6
"""Share of a defect that must lie on a part for the defect to be there; what lies on it by less is left out."""


@dataclass(frozen=True)
class Question:
    """One instruction for one picture."""

    text: str
    clauses: Instruction
    """What the text means in truth."""
    truth: Verdict
    kind: str
    pair: str = ""
    outside: bool = False
    """Of a question about a part: whether defects lie outside of it and none on it."""


def check_pairs(samples: Sequence[Sample]) -> None:
    """Raise SpecsightError for a matched pair that has not two instructions which call for opposite verdicts: of such
    a one, who ignores words could be right both ways."""
    for sample in samples:
        for name in dict.fromkeys(one.pair for one in sample.instructions):
            verdicts = [one.verdict for one in sample.instructions if one.pair == name]
            if sorted(verdicts) != ["accept", "reject"]:
                raise SpecsightError(
                    f"'{sample.id}': the pair '{name}' calls for {' and '.join(verdicts)}: a pair has two "
                    "instructions, one that accepts the picture and one that rejects it"
                )


def nothing_to_ask(data: str) -> SpecsightError:
    """That no question can be asked of a set, and what would have to be there."""
    return SpecsightError(
        f"no instruction can be asked of '{data}': a matched pair is two sentences about one picture, one that accepts "
        "it and one that rejects it. Give pairs in a manifest ('instructions'), or masks or boxes of the defects, "
        "of which pairs are made: they need the specification's names of their types, or its parts"
    )


def check_askable(samples: Sequence[Sample], data: str) -> None:
    """Raise SpecsightError where no sample brings instructions or shows where a defect lies: no question can be made of
    any."""
    if not any(s.instructions or any(d.mask or d.box for d in s.defects) for s in samples):
        raise nothing_to_ask(data)


def pair_questions(sample: Sample) -> list[Question]:
    """The instructions that come with a sample. Raises SpecsightError for a clause that is none."""
    return [
        Question(one.text, _clauses(one, sample), one.verdict, one.kind, f"{sample.id} {one.pair}")
        for one in sample.instructions
    ]


def part_questions(sample: Sample, picture: Picture) -> list[Question]:
    """ "Inspect this part only" for every part that can be seen, where it is clear which defects lie on it.

    The part map is the sample's own: what the inspector finds itself is its answer, not the truth. None where the
    sample has no part map, or a defect without a mask.
    """
    if sample.parts is None or picture.parts is None or not sample.part_names:
        return []
    if sample.label != "good" and not images.masks_known(sample):
        return []
    masks = images.defect_masks(sample, picture.size)
    questions = []
    for value, name in sample.part_names.items():
        here = picture.parts == value
        if here.mean() < LEAST_PART:
            continue
        shares = _shares(masks, here)
        inside = any(share > HOME for share in shares)
        if not inside and any(share > 0 for share in shares):
            continue
        questions.append(
            Question(
                f"Inspect the {name} only.",
                Instruction.model_validate({"scope": [name]}),
                "reject" if inside else "accept",
                PART,
                outside=bool(shares) and not inside,
            )
        )
    return questions


def name_questions(sample: Sample, lacking: Sequence[str]) -> list[Question]:
    """One instruction that teaches the types `lacking` from the specification, by their names alone, where the sample
    shows one type, which is one of them, and its mask is known."""
    if len(sample.types) != 1 or sample.types[0] not in lacking or not images.masks_known(sample):
        return []
    clauses = Instruction.model_validate({"known_defects": list(lacking)})
    return [Question(f"Known defects: {', '.join(lacking)}.", clauses, "reject", NAME)]


def _shares(masks: Sequence[NDArray[np.bool_]], part: NDArray[np.bool_]) -> list[float]:
    """Which share of each defect lies on the part."""
    return [float(part[mask].mean()) for mask in masks if mask.any()]


def _clauses(one: InstructedVerdict, sample: Sample) -> Instruction:
    try:
        return Instruction.model_validate(dict(one.clause))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SpecsightError(
            f"'{sample.id}': the clause of the instruction '{one.text}' is none: {place}: {first['msg']}"
        ) from error
