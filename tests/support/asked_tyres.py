"""Pictures of tyres as they are asked about, without a model: findings, decisions and part maps made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from specsight.asking.context import Context
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.names import names_of
from specsight.inspector import Inspector
from specsight.inspector.observation import Observation
from specsight.ontology import Ontology, load_ontology
from specsight.records import Decision, Excused, Finding, Inspection
from specsight.specification import Specification, Tolerance, load_specification

TYRE: Specification = load_specification(Path(__file__).parents[1] / "asking" / "tyre.yaml")
PARTS = {1: "tread", 2: "sidewall", 3: "bead ring"}


def finding(
    type_: str | None,
    part: str | None = "tread",
    place: str = "top left",
    length: float | None = 6.2,
    **more: Any,
) -> Finding:
    """A finding of 20 × 4 px, `length` in millimetres."""
    return Finding(
        box=(10, 10, 30, 14), centroid=(20.0, 12.0), area_px=80, length_px=20.0, peak=3.0, place=place, type=type_,
        part=part, peak_part=part, length_mm=length, area_mm2=None if length is None else 8.0,
        severity=TYRE.severity_of(type_, length, 0.1, part), **more,
    )  # fmt: skip


def seen(
    *findings: Finding,
    number: int = 1,
    score: float | None = None,
    excused: Sequence[Finding] = (),
    tells_types: bool = True,
    parts: bool = True,
    calibrated: bool = True,
    note: str = "",
    **decision: Any,
) -> JudgedPicture:
    """A picture that shows tread, sidewall and bead, with these findings; rejected where one counts."""
    score = (5.0 if findings else 1.0) if score is None else score
    verdict: Any = ("reject" if score > 2 else "accept") if calibrated else None
    clause = Tolerance(defect="chalk mark", text="Chalk marks of the operators are acceptable.")
    decided = Decision(
        verdict,
        score,
        2.0 if calibrated else None,
        counted=findings,
        observed=tuple(Excused(one, clause) for one in excused),
        **decision,
    )
    every = (*findings, *excused)
    statement = f"{'Rejected' if verdict == 'reject' else 'Accepted'}: as decided."
    inspection = Inspection(
        f"tyre-{number}",
        f"{number}.png",
        TYRE.product,
        score,
        decided,
        every,
        statement,
        map_threshold=2.0,
        operator_note=note,
    )
    plane = np.repeat(np.arange(4, dtype=np.uint8), 16).reshape(8, 8)
    observation = SimpleNamespace(
        sample=SimpleNamespace(image=Path(f"{number}.png"), part_names=PARTS),
        picture=SimpleNamespace(parts=plane if parts else None),
    )
    return JudgedPicture(number, cast(Observation, observation), inspection, every, tells_types)


def context(specification: Specification | None = TYRE, **more: Any) -> Context:
    """What answers share, of a model that is only its words."""
    inspector = SimpleNamespace(specification=specification, calibration=None, held_out=None)

    def again(picture: JudgedPicture, _instruction: object) -> JudgedPicture:
        return picture

    return Context(
        cast(Inspector, inspector), names_of(specification), _knowledge(specification), again, **more
    )


@lru_cache(maxsize=4)
def _knowledge(specification: Specification | None) -> Ontology:
    ontology = load_ontology()
    return ontology.with_specification(specification, specification.product) if specification else ontology
