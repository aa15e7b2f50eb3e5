"""The frozen records that flow between rooms. They know no file format and no model.

`Sample` (a file with everything known about it) → `Picture` (its pixels) → `Judgement` (score and maps) → `Finding`s
(regions) → `Decision` (the verdict) → `Inspection` (all of it, with words). Those that leave the program have
`to_json` and `from_json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from specsight.specification.clauses import Clause

Label = Literal["good", "defective", "unknown"]
Verdict = Literal["accept", "reject"]
Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels, x1 and y1 exclusive."""

GOOD = "good"


@dataclass(frozen=True)
class Defect:
    """One defect of one picture, with a mask of its own. Types are never collapsed to "anomaly".

    Its pixels are those of `mask` that equal `mask_value` (or are above `mask_above` where `mask_value` is None),
    or, where there is no mask file, those inside `box`. Several defects may share a mask file (multi-valued masks).
    """

    type: str
    mask: Path | None = None
    mask_value: int | None = None
    mask_above: int = 0
    box: Box | None = None
    part: str | None = None
    size_mm: float | None = None
    severity: str | None = None
    text: str | None = None
    saturation: float | None = None
    """sPRO (MVTec LOCO): saturation area in pixels, or as a share of the region if `relative_saturation`."""
    relative_saturation: bool = False


@dataclass(frozen=True)
class InstructedVerdict:
    """What the truth says about a sample under one instruction; matched pairs share `pair`."""

    text: str
    verdict: Verdict
    kind: str
    """scope | tolerance | requirement | knowledge"""
    pair: str
    clause: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One picture on disk with everything known about it.

    `split` is "train", "validation" or "test" (sets with further test splits keep their names, e.g.
    "test_private"). `group` names the physical object where several pictures show the same one (for leakage checks
    and for per-object scores). `conditions` holds light, plant, view and the like. `text` holds words by kind
    ("description", "operator_note", "specification", ...).
    """

    id: str
    image: Path
    product: str
    split: str = "test"
    label: Label = "unknown"
    defects: tuple[Defect, ...] = ()
    depth: Path | None = None
    normals: Path | None = None
    parts: Path | None = None
    reference: Path | None = None
    group: str | None = None
    mm_per_px: float | None = None
    circular: bool = False
    """The first and the last column are neighbours (unwrapped strips)."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)
    instructions: tuple[InstructedVerdict, ...] = ()
    part_names: Mapping[int, str] = field(default_factory=dict)
    """Value in the `parts` map → part name."""
    depth_range: tuple[float, float] | None = None
    """(minimum, maximum) in the depth unit, where the depth file stores integers over that range."""

    def __post_init__(self) -> None:
        if self.label == "good" and self.defects:
            raise ValueError(f"sample '{self.id}' is labelled good but lists {len(self.defects)} defect(s)")

    @property
    def types(self) -> tuple[str, ...]:
        """The distinct defect types, sorted; ("good",) for a good part."""
        return tuple(sorted({d.type for d in self.defects})) or ((GOOD,) if self.label == "good" else ())


@dataclass(frozen=True)
class Picture:
    """Pixels of one sample.

    `rgb` (H, W, 3) uint8; `depth` (H, W) float32, NaN where unknown; `parts` (H, W) uint8, 0 where no part is.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None
    parts: NDArray[np.uint8] | None = None
    circular: bool = False

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be (H, W, 3) uint8, got {self.rgb.shape} {self.rgb.dtype}")
        for name, plane in (("depth", self.depth), ("parts", self.parts)):
            if plane is not None and plane.shape != self.size:
                raise ValueError(f"{name} is {plane.shape} but the picture is {self.size} (rows, columns)")

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return int(self.rgb.shape[0]), int(self.rgb.shape[1])


ImageBatch = Sequence[Picture]


@dataclass(frozen=True)
class Judgement:
    """What a detector says of one picture.

    `score` is raw: higher = more anomalous, never clipped or scaled by other pictures. `map` is (H, W) float32 at the
    picture's own resolution, same orientation. `type_maps` holds one such map per defect type a method can tell.
    """

    score: float
    map: NDArray[np.float32]
    type_maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One connected region of the map above the calibrated threshold."""

    box: Box
    centroid: tuple[float, float]
    """(x, y) in pixels."""
    area_px: int
    length_px: float
    """Longest extent (maximum Feret diameter)."""
    peak: float
    """Largest map value inside."""
    place: str
    """In words on a 3 × 3 grid: "top left", "centre", ..."""
    type: str | None = None
    type_score: float | None = None
    part: str | None = None
    area_mm2: float | None = None
    length_mm: float | None = None
    severity: str | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {**asdict(self), "box": list(self.box), "centroid": list(self.centroid)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """Read what `to_json` gave, as part of an inspection that checks it."""
        x0, y0, x1, y1 = values["box"]
        x, y = values["centroid"]
        return cls(**{**values, "box": (x0, y0, x1, y1), "centroid": (x, y)})


@dataclass(frozen=True)
class Excused:
    """A finding that is reported but does not count, and the clause that says so."""

    finding: Finding
    clause: Clause


@dataclass(frozen=True)
class NotApplied:
    """A clause that had no effect on a decision because something needed for it is missing."""

    clause: Clause
    reason: str
    """What is missing, in words."""


@dataclass(frozen=True)
class Decision:
    """What follows from a judgement, its findings and the clauses that were given.

    Without clauses that act, `score` is the judgement's own score. Where a clause excuses findings, it is the largest
    map value among what still counts, and `threshold` the calibrated threshold of map peaks.
    """

    verdict: Verdict | None
    """None: no threshold could be calibrated."""
    score: float
    """The number that was compared with `threshold`; higher = more anomalous."""
    threshold: float | None
    deciding: Clause | None = None
    """The clause that makes the verdict what it is, where the score alone would not; of several the first."""
    counted: tuple[Finding, ...] = ()
    observed: tuple[Excused, ...] = ()
    """Findings outside the scope, within a tolerance, of an ignored type, or of a feature that is required."""
    not_applied: tuple[NotApplied, ...] = ()
    """Every clause that was given and could not be applied, with the reason: nothing is ignored in silence."""

    def to_json(self, findings: Sequence[Finding]) -> dict[str, Any]:
        """JSON values beside those of its inspection, which holds the verdict, the threshold and all `findings`;
        findings are numbers here."""
        # Imported here, as below: the mathematics needs records and no validation of clauses.
        from specsight.specification.clauses import clause_to_json

        return {
            "score": self.score,
            "deciding": None if self.deciding is None else clause_to_json(self.deciding),
            "observed": [
                {"finding": number, "clause": clause_to_json(one.clause)}
                for number, one in zip(_numbers(self.observed, findings), self.observed)
            ],
            "not_applied": [
                {"clause": clause_to_json(one.clause), "reason": one.reason} for one in self.not_applied
            ],
        }

    @classmethod
    def from_json(
        cls,
        values: Mapping[str, Any],
        verdict: Verdict | None,
        threshold: float | None,
        findings: Sequence[Finding],
    ) -> Decision:
        """Read what `to_json` gave, with what its inspection, which checks it, holds.

        Raises ValueError for a finding that is not there and for clauses that are none.
        """
        from specsight.specification.clauses import clause_from_json

        for one in values["observed"]:
            if one["finding"] >= len(findings):
                raise ValueError(
                    f"the decision speaks of finding {one['finding']}, and there are {len(findings)}"
                )
        excused = {one["finding"]: clause_from_json(one["clause"]) for one in values["observed"]}
        deciding = values["deciding"]
        return cls(
            verdict=verdict,
            score=values["score"],
            threshold=threshold,
            deciding=None if deciding is None else clause_from_json(deciding),
            counted=tuple(finding for k, finding in enumerate(findings) if k not in excused),
            observed=tuple(Excused(findings[k], clause) for k, clause in excused.items()),
            not_applied=tuple(
                NotApplied(clause_from_json(one["clause"]), one["reason"]) for one in values["not_applied"]
            ),
        )


def _numbers(observed: Sequence[Excused], findings: Sequence[Finding]) -> list[int]:
    """The place of each observed finding among all; of equal findings each has one of its own."""
    places: dict[Finding, list[int]] = {}
    for number, finding in enumerate(findings):
        places.setdefault(finding, []).append(number)
    return [places[one.finding].pop(0) for one in observed]


@dataclass(frozen=True)
class Inspection:
    """The answer for one picture: score, decision, findings, map, and sentences that can be checked against the map.

    What is saved as JSON holds no pixels: an inspection that was read back has no `map`, `type_maps` and `picture`.
    """

    id: str
    image: str
    """Path of the picture file; empty for a picture that was given as an array or as bytes."""
    product: str
    score: float
    """The detector's raw score; higher = more anomalous."""
    decision: Decision
    findings: tuple[Finding, ...] = ()
    """All findings, the strongest first, those that do not count included."""
    statement: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time by stage: "read", "look", "judge", "find"."""
    map: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    """(H, W) at the picture's own resolution; higher = more anomalous."""
    type_maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, compare=False, repr=False)
    """One such map per defect type, where the detector tells types apart."""
    map_threshold: float | None = None
    """What a region of the map must reach to be a finding; None: no threshold could be calibrated."""
    picture: Picture | None = field(default=None, compare=False, repr=False)

    @property
    def verdict(self) -> Verdict | None:
        """ "accept", "reject", or None where no threshold could be calibrated."""
        return self.decision.verdict

    @property
    def threshold(self) -> float | None:
        """What `decision.score` was compared with."""
        return self.decision.threshold

    def without_pixels(self) -> Inspection:
        """The same inspection without map, type maps and picture: what is kept of many pictures."""
        return replace(self, map=None, type_maps={}, picture=None)

    def to_json(self) -> dict[str, Any]:
        """Everything but pixels, as JSON values."""
        return {
            "id": self.id,
            "image": self.image,
            "product": self.product,
            "score": self.score,
            "threshold": self.threshold,
            "verdict": self.verdict,
            "map_threshold": self.map_threshold,
            "decision": self.decision.to_json(self.findings),
            "findings": [finding.to_json() for finding in self.findings],
            "statement": self.statement,
            "seconds": dict(self.seconds),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Inspection:
        """Read what `to_json` gave, or what version 0.1 wrote (which knew no clauses).

        Raises ValueError, which names the value in one line, for anything else.
        """
        from specsight.record_json import InspectionJson, check

        check(InspectionJson, values)
        findings = tuple(map(Finding.from_json, values["findings"]))
        verdict, threshold = values["verdict"], values["threshold"]
        if "decision" in values:
            decision = Decision.from_json(values["decision"], verdict, threshold, findings)
        else:
            decision = Decision(verdict, values["score"], threshold, counted=findings)
        names = ("id", "image", "product", "score", "statement", "seconds")
        given = {name: values[name] for name in names} | {"map_threshold": values.get("map_threshold")}
        return cls(decision=decision, findings=findings, **given)

    def plot(self) -> Figure:
        """Picture, map with the outlines of the findings, and the statement, as a matplotlib figure.

        Raises SpecsightError for an inspection without pixels.
        """
        from specsight.plotting import plot_map

        if self.map is None or self.picture is None:
            raise SpecsightError(
                f"inspection '{self.id}' holds no pixels to plot: inspect the picture again (JSON keeps none)"
            )
        excused = {id(one.finding) for one in self.decision.observed}
        regions = [(f.box, f.type or "anomaly", id(f) not in excused) for f in self.findings]
        return plot_map(self.picture.rgb, self.map, regions, self.statement, self.map_threshold)
