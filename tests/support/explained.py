"""A made picture with two findings, a cut and a stain, and what is known of the product."""

from __future__ import annotations

from typing import Any

import numpy as np

from specsight.explain.explaining import Explainer
from specsight.records import Decision, Finding, Inspection
from specsight.specification import DefectType, Part, Specification

SIDE = 300
SPECIFICATION = Specification(
    product="tyre touring",
    parts=(
        Part(name="tread", phrases=("running surface",)),
        Part(name="sidewall", phrases=("flank",)),
        Part(name="bead ring"),
        Part(name="flange"),
    ),
    defects=(
        DefectType(name="cut", phrases=("slit",), superclass="mechanical damage"),
        DefectType(name="crack"),
        DefectType(name="stain"),
        DefectType(name="chalk mark"),
        DefectType(name="blister"),
    ),
)
CUT = Finding(
    (35, 35, 66, 66), (50.0, 50.0), 700, 31.0, 3.0, "top left", type="cut", part="tread", length_mm=6.23,
    area_mm2=28.0, severity="major",
)  # fmt: skip
STAIN = Finding(
    (238, 138, 263, 163), (250.0, 150.0), 500, 25.0, 2.5, "right", type="stain", also=("chalk mark",), part="sidewall",
    length_mm=4.0, severity="minor",
)  # fmt: skip
PRODUCT = "tyre touring tread"


def heat(*findings: Finding) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A map that rises to each finding's peak at its centroid, and to 0 elsewhere."""
    ys, xs = np.mgrid[:SIDE, :SIDE]
    map_ = np.zeros((SIDE, SIDE))
    for one in findings:
        x, y = one.centroid
        map_ = np.maximum(map_, one.peak * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 128))
    return map_.astype(np.float32)


def inspection(decision: Decision, *findings: Finding, **changes: Any) -> Inspection:
    """An inspection of these findings; the map rises where they are."""
    given = {"map": heat(*findings), "map_threshold": 1.0, **changes}
    return Inspection("made", "made.png", PRODUCT, decision.score, decision, findings, **given)


EXPLAINER = Explainer(SPECIFICATION)
BOTH = inspection(Decision("reject", 3.0, 1.2, counted=(CUT, STAIN)), CUT, STAIN)
