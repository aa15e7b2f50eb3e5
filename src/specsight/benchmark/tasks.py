"""The sixteen tasks that a benchmark asks, and how each is answered and counted.

Names follow this project's fields; `subtask` is the row of MMAD (Jiang et al., ICLR 2025) under which a task is counted
besides, where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Task = Literal[
    "anomaly",
    "type",
    "location",
    "count",
    "severity",
    "description",
    "analysis",
    "object",
    "structure",
    "part_scope",
    "tolerance",
    "compliance",
    "contradiction",
    "comparison",
    "report",
    "cross_modal",
]
Form = Literal["choice", "choices", "box", "point", "text", "report"]
"""How an answer looks: one letter; several letters; a box or a point in thousandths of the picture's width and height;
free text; a JSON object (`records.Slots`)."""

SUBTASKS = (
    "Anomaly Detection",
    "Defect Classification",
    "Defect Localization",
    "Defect Description",
    "Defect Analysis",
    "Object Classification",
    "Object Analysis",
)
"""MMAD's seven rows, in its order."""


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task before any item is made."""

    title: str
    """As tables print it."""
    asks: str
    """What is asked, in one sentence."""
    forms: tuple[Form, ...]
    subtask: str | None = None
    """MMAD's row, one of `SUBTASKS`."""
    paired: bool = False
    """Its items come in matched pairs: the same picture, two instructions, opposite answers."""


TASKS: Mapping[Task, TaskInfo] = {
    "anomaly": TaskInfo("Anomaly", "Is anything wrong?", ("choice",), "Anomaly Detection"),
    "type": TaskInfo(
        "Type", "Which type of defect, or which several?", ("choice", "choices"), "Defect Classification"
    ),
    "location": TaskInfo(
        "Location", "Where is it?", ("choice", "box", "point"), "Defect Localization"
    ),
    "count": TaskInfo("Count", "How many defects are there?", ("choice",)),
    "severity": TaskInfo("Severity", "How grave is it, by the product's rule?", ("choice",)),
    "description": TaskInfo(
        "Description", "What does the defect look like?", ("text", "choice"), "Defect Description"
    ),
    "analysis": TaskInfo(
        "Analysis", "What causes it, what follows from it, what is to be done?", ("choice", "text"), "Defect Analysis"
    ),
    "object": TaskInfo("Object", "What product is this?", ("choice",), "Object Classification"),
    "structure": TaskInfo(
        "Structure", "Which parts, colours and materials does the product have?", ("choice",), "Object Analysis"
    ),
    "part_scope": TaskInfo(
        "Part-scoped inspection", "Accept or reject, where one part alone is inspected?", ("choice",), paired=True
    ),
    "tolerance": TaskInfo(
        "Types and tolerances", "Accept or reject under a limit, or where some types do not count?", ("choice",),
        paired=True,
    ),
    "compliance": TaskInfo(
        "Specification compliance", "Does the part have what the specification requires?", ("choice",), paired=True
    ),
    "contradiction": TaskInfo(
        "Contradiction", "Does the operator's note agree with the picture?", ("choice",)
    ),
    "comparison": TaskInfo(
        "Comparison with a reference", "What differs from the good part beside it?", ("choice",)
    ),
    "report": TaskInfo("Grounded report", "All findings as a JSON object.", ("report",)),
    "cross_modal": TaskInfo(
        "Cross-modal", "Which of colour and depth shows the defect?", ("choice",)
    ),
}  # fmt: skip

TOLD_BY_PRODUCT: frozenset[Task] = frozenset({"object", "structure"})
"""Tasks whose answer follows from the product's name: it is not shown with their questions."""
