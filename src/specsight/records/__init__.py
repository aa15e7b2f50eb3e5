"""The frozen records that flow between rooms. They know no file format and no model.

`Sample` (a file with everything known about it) → `Picture` (its pixels) → `Judgement` (score and maps) → `Finding`s
(regions) → `Decision` (the verdict) → `Inspection` (all of it, with words) and its `Explanation` (what they rest on).
Those that leave the program have `to_json` and `from_json`.
"""

from specsight.records.answers import Decision, Excused, Finding, Inspection, Judgement, NotApplied, Presence
from specsight.records.explanations import Check, Explanation, Known, Outcome, Rewrite, Slot, Statement
from specsight.records.samples import (
    DEPTH,
    GOOD,
    NORMALS,
    OPERATOR_NOTE,
    RGB,
    SIGNAL_NAME,
    XYZ,
    Box,
    Defect,
    ImageBatch,
    InstructedVerdict,
    Label,
    Picture,
    Sample,
    Verdict,
    wrong_signals,
)

__all__ = [
    "DEPTH",
    "GOOD",
    "NORMALS",
    "OPERATOR_NOTE",
    "RGB",
    "SIGNAL_NAME",
    "XYZ",
    "Box",
    "Check",
    "Decision",
    "Defect",
    "Excused",
    "Explanation",
    "Finding",
    "ImageBatch",
    "Inspection",
    "InstructedVerdict",
    "Judgement",
    "Known",
    "Label",
    "NotApplied",
    "Outcome",
    "Picture",
    "Presence",
    "Rewrite",
    "Sample",
    "Slot",
    "Statement",
    "Verdict",
    "wrong_signals",
]
