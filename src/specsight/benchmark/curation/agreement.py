"""How far two persons who decide about the same items, without seeing each other's decision, agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.alpha import Alpha, krippendorff_alpha
from specsight.benchmark.curation.decisions import ACTIONS
from specsight.benchmark.curation.entries import ADJUDICATED
from specsight.benchmark.curation.store import CurationStore
from specsight.benchmark.files import SPECIFICATION
from specsight.benchmark.items.truth import levels
from specsight.specification import load_specification


def agreement(store: CurationStore, order: Sequence[str] = ()) -> dict[str, Alpha]:
    """Alpha of "action" (nominal), of "severity" (ordinal) where severities were given, and of "action/TASK" for each
    task that two persons decided items of.

    `order`: severities from the mildest on; others that were given are left out.
    """
    tasks: dict[str, list[list[int]]] = {}
    severities: list[list[int]] = []
    for entry in store.entries(shared=True):
        given = [one.decision for one in entry.decisions if one.seat != ADJUDICATED]
        if len(given) >= 2:
            tasks.setdefault(entry.task, []).append([sum(d.action == a for d in given) for a in ACTIONS])
            severities.append([sum(d.severity == level for d in given) for level in order])
    rows = [row for each in tasks.values() for row in each]
    found = {"action": krippendorff_alpha(_array(rows, len(ACTIONS)), "nominal")}
    severity = krippendorff_alpha(_array(severities, len(order)), "ordinal")
    if severity.units:
        found["severity"] = severity
    for task, each in tasks.items():
        found[f"action/{task}"] = krippendorff_alpha(_array(each, len(ACTIONS)), "nominal")
    return found


def severity_levels(store: CurationStore) -> tuple[str, ...]:
    """Levels of the benchmark's specification, mildest first; none without one."""
    path = store.benchmark.folder / SPECIFICATION
    return levels(load_specification(path)) if path.is_file() else ()


def _array(rows: Sequence[Sequence[int]], width: int) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(len(rows), width)
