"""What is answered about a picture: judgements, findings, decisions, inspections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.records.explanations import Explanation
from specsight.records.samples import Box, Picture, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from specsight.specification.clauses import Clause


@dataclass(frozen=True)
class Judgement:
    """What a detector says of one picture.

    `score` is raw: higher = more anomalous, never clipped or scaled by other pictures. `map` is (H, W) float32 at the
    picture's own resolution, same orientation. `type_maps` holds one such map per defect type a method can tell.
    """

    score: float
    map: NDArray[np.float32]
    type_maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    alone: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Modality ("rgb", "depth") → the map that it gives alone, of methods that fuse several and of pictures that have
    more than one."""


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
    also: tuple[str, ...] = ()
    """Types that it may be as well: their maps rise nearly as far."""
    part: str | None = None
    """Where most of its pixels lie."""
    peak_part: str | None = None
    """Where its largest map value lies: maps spread, and a defect at the edge of a part reaches over it."""
    area_mm2: float | None = None
    length_mm: float | None = None
    severity: str | None = None
    seen_in: tuple[str, ...] = ()
    """Modalities that show it by themselves, or all that were fused where none does; empty for methods that fuse
    none."""
    height_mm: float | None = None
    """How far it rises above the surface around it, or (negative) lies below, where depth shows it."""

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values; what methods that fuse modalities say besides, where one did."""
        values = {**asdict(self), "box": list(self.box), "centroid": list(self.centroid)}
        fused = {"seen_in": list(self.seen_in), "height_mm": self.height_mm}
        kept = {name: value for name, value in values.items() if name not in fused}
        return {**kept, "also": list(self.also), **(fused if self.seen_in else {})}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """Read what `to_json` gave, as part of an inspection that checks it."""
        x0, y0, x1, y1 = values["box"]
        x, y = values["centroid"]
        names = {name: tuple(values.get(name, ())) for name in ("also", "seen_in")}
        return cls(**{**values, "box": (x0, y0, x1, y1), "centroid": (x, y), **names})


@dataclass(frozen=True)
class Excused:
    """A finding that is reported but does not count, and the clause that says so."""

    finding: Finding
    clause: Clause


@dataclass(frozen=True)
class NotApplied:
    """A clause that had no effect on a decision because something needed for it is missing, or cannot be measured."""

    clause: Clause
    reason: str
    """What is missing, in words."""


@dataclass(frozen=True)
class Presence:
    """What looking for a required feature found in one picture, in pixels rather than in the map of anomalies."""

    clause: Clause
    count: int | None
    """How often the feature was found; None: that cannot be said."""
    reason: str = ""
    """Why it cannot be said; empty where it can."""
    found: str = ""
    """In words, what was found or not, and where: "yellow balance dot found at the top left"."""
    boxes: tuple[Box, ...] = ()
    """Where it was found; where it was not, what was found in its place, or where it belongs, as far as is known."""


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
    by_map: bool = False
    """Whether `score` is a map value: under a scope, and where findings that do not count excuse the score."""
    deciding: Clause | None = None
    """The clause that makes the verdict what it is, where the score alone would not; of several the first."""
    promise: str = ""
    """What is promised about false rejects under a scope or of a picture that lacks a modality, whose threshold is its
    own; empty: the calibration's."""
    further_rejects: str = ""
    """What looking for types by name adds to the false rejects that are promised, which count without it; empty: no
    clause names one, or nothing looks for it."""
    counted: tuple[Finding, ...] = ()
    observed: tuple[Excused, ...] = ()
    """Findings outside the scope, within a tolerance, of an ignored type, or of a feature that is required."""
    not_applied: tuple[NotApplied, ...] = ()
    """Every clause that was given and could not be applied, with the reason: nothing is ignored in silence."""
    in_part: tuple[NotApplied, ...] = ()
    """Clauses that could be applied but for some of what they name, with the reason."""
    required: tuple[Presence, ...] = ()
    """What was looked for because a clause requires it, and found or not."""
    unlike: float | None = None
    """Of a picture that shows something else than the product: how many times farther it lies from good pictures than
    good parts do. None: it shows the product, as far as can be told."""

    def to_json(self, findings: Sequence[Finding]) -> dict[str, Any]:
        """JSON values beside those of its inspection, which holds the verdict, the threshold and all `findings`;
        findings are numbers here."""
        # Imported here, as below: the mathematics needs records and no validation of clauses.
        from specsight.specification.clauses import clause_to_json

        return {
            "score": self.score,
            "unlike": self.unlike,
            "by_map": self.by_map,
            "promise": self.promise,
            "further_rejects": self.further_rejects,
            "deciding": None if self.deciding is None else clause_to_json(self.deciding),
            "observed": [
                {"finding": number, "clause": clause_to_json(one.clause)}
                for number, one in zip(_numbers(self.observed, findings), self.observed)
            ],
            "not_applied": [
                {"clause": clause_to_json(one.clause), "reason": one.reason} for one in self.not_applied
            ],
            "in_part": [{"clause": clause_to_json(one.clause), "reason": one.reason} for one in self.in_part],
            "required": [
                {
                    "clause": clause_to_json(one.clause),
                    "count": one.count,
                    "found": one.found,
                    "boxes": [list(box) for box in one.boxes],
                }
                for one in self.required
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
            unlike=values.get("unlike"),
            by_map=values.get("by_map", False),
            promise=values.get("promise", ""),
            further_rejects=values.get("further_rejects", ""),
            deciding=None if deciding is None else clause_from_json(deciding),
            counted=tuple(finding for k, finding in enumerate(findings) if k not in excused),
            observed=tuple(Excused(findings[k], clause) for k, clause in excused.items()),
            not_applied=tuple(
                NotApplied(clause_from_json(one["clause"]), one["reason"]) for one in values["not_applied"]
            ),
            in_part=tuple(
                NotApplied(clause_from_json(one["clause"]), one["reason"])
                for one in values.get("in_part", ())
            ),
            required=tuple(
                Presence(
                    clause_from_json(one["clause"]),
                    one["count"],
                    found=one["found"],
                    boxes=tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in one["boxes"]),
                )
                for one in values.get("required", ())
            ),
        )


def _numbers(observed: Sequence[Excused], findings: Sequence[Finding]) -> list[int]:
    """The place of each observed finding among all; of equal findings each has one of its own."""
    places: dict[Finding, list[int]] = {}
    for number, finding in enumerate(findings):
        places.setdefault(finding, []).append(number)
    return [places[one.finding].pop(0) for one in observed]


def _check_numbers(explanation: Explanation, findings: Sequence[Finding]) -> None:
    """Raise ValueError where a statement speaks of a finding that is not there."""
    for statement in explanation.statements:
        checked = (one.finding for one in statement.checks if one.finding is not None)
        for number in (*statement.findings, *checked):
            if number >= len(findings):
                raise ValueError(f"a statement speaks of finding {number}, and there are {len(findings)}")


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
    """Time by stage: "read", "look", "judge", "find", "explain"."""
    map: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    """(H, W) at the picture's own resolution; higher = more anomalous."""
    type_maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, compare=False, repr=False)
    """One such map per defect type, where the detector tells types apart."""
    map_threshold: float | None = None
    """What a region of the map must reach to be a finding; None: no threshold could be calibrated."""
    picture: Picture | None = field(default=None, compare=False, repr=False)
    notes: tuple[str, ...] = ()
    """What a person should know of how the picture was read (`Picture.notes`)."""
    lost: tuple[str, ...] = ()
    """Modalities ("rgb", "depth", ...) that the model judges by and this picture lacks; `decision.promise` says what
    its threshold promises then."""
    operator_note: str = ""
    """What an operator wrote of the picture, as it stands: data, which no decision follows unless it is given as the
    instruction."""
    explanation: Explanation | None = None
    """What the statement rests on, and how each of its claims was checked; None for one of an earlier version."""

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
            "notes": list(self.notes),
            "lost": list(self.lost),
            **({"operator_note": self.operator_note} if self.operator_note else {}),
            **({} if self.explanation is None else {"explanation": self.explanation.to_json()}),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Inspection:
        """Read what `to_json` gave, or what earlier versions wrote (0.1 knew no clauses; explanations came later).

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
        given |= {name: tuple(values.get(name, ())) for name in ("notes", "lost")}
        given["operator_note"] = values.get("operator_note", "")
        if "explanation" in values:
            given["explanation"] = Explanation.from_json(values["explanation"])
            _check_numbers(given["explanation"], findings)
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
