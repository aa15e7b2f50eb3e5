"""The frozen records that flow between rooms. They know no file format and no model.

`Sample` (a file with everything known about it) → `Picture` (its pixels) → `Judgement` (score and maps) → `Finding`s
(regions) → `Decision` (the verdict) → `Inspection` (all of it, with words). Those that leave the program have
`to_json` and `from_json`.
"""

from specsight.records.answers import Decision, Excused, Finding, Inspection, Judgement, NotApplied, Presence
from specsight.records.samples import (
    GOOD,
    OPERATOR_NOTE,
    Box,
    Defect,
    ImageBatch,
    InstructedVerdict,
    Label,
    Picture,
    Sample,
    Verdict,
)

__all__ = [
    "GOOD",
    "OPERATOR_NOTE",
    "Box",
    "Decision",
    "Defect",
    "Excused",
    "Finding",
    "ImageBatch",
    "Inspection",
    "InstructedVerdict",
    "Judgement",
    "Label",
    "NotApplied",
    "Picture",
    "Presence",
    "Sample",
    "Verdict",
]
