"""What a question asks for, as a typed record: the kind, and the defects, parts, places and pictures that are meant.

Names of types and parts are those of the specification, however the question spells them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

Kind = Literal[
    "presence",
    "type",
    "count",
    "place",
    "part",
    "size",
    "severity",
    "cause",
    "consequence",
    "action",
    "verdict",
    "why",
    "what-if",
    "compare",
    "confidence",
    "requirement",
    "describe",
    "note",
    "unknown",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
MEANINGS: dict[Kind, str] = {
    "presence": "whether there is a defect, or one of a type, or on a part",
    "type": "what the defects are",
    "count": "how many defects there are",
    "place": "where a defect is in the picture",
    "part": "which part of the product is affected",
    "size": "how long or large a defect is",
    "severity": "how severe a defect is",
    "cause": "what causes such a defect",
    "consequence": "what follows from such a defect",
    "action": "what is to be done",
    "verdict": "whether the part is accepted or rejected",
    "why": "why it is accepted or rejected",
    "what-if": "what the verdict would be under other rules",
    "compare": "how pictures compare with each other or with the reference",
    "confidence": "how sure the answer is",
    "requirement": "whether a required feature is there",
    "describe": "a description of what was found",
    "note": "what the operator's note says",
    "unknown": "something else",
}
"""What each kind asks for, in words that complete "it asks"."""
OF_FINDINGS: frozenset[Kind] = frozenset(
    {"type", "count", "place", "part", "size", "severity", "cause", "consequence", "action"}
)
"""Kinds in which "it" is a defect and not the product."""
Relation = Literal["over", "under", "at least", "at most", "exactly"]
Claim = Literal["", "accept", "reject", "absent"]
Most = Literal["", "largest", "smallest", "severest", "mildest", "strongest"]


MILLIMETRES = {"mm": 1.0, "cm": 10.0, "in": 25.4}
"""Unit of length → millimetres."""


@dataclass(frozen=True)
class Bound:
    """A number that the answer is compared with: "longer than 5 mm", "more than one"."""

    relation: Relation
    value: float
    unit: str = ""
    """ "mm", "cm", "in", "px", with "2" of an area ("mm2"), or empty for a count."""
    half: float = 0.0
    """Half of the last decimal in which it was written: what is exactly 5 mm long is 4.5 to 5.5 mm long."""

    def holds(self, value: float) -> bool:
        """Whether a value in the same unit stands in the relation; rounding of a billionth is forgiven."""
        close = math.isclose(value, self.value, rel_tol=1e-9)
        if self.relation == "over":
            return value > self.value and not close
        if self.relation == "under":
            return value < self.value and not close
        if self.relation == "at least":
            return value > self.value or close
        if self.relation == "at most":
            return value < self.value or close
        return close or abs(value - self.value) <= self.half * (1 + 1e-9)

    @property
    def words(self) -> str:
        """ "over 5 mm"."""
        return f"{self.relation} {self.value:g} {self.unit.replace('2', '²')}".strip()


@dataclass(frozen=True)
class Query:
    """What a question asks. Empty fields restrict nothing."""

    kind: Kind
    types: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Cells of the 3 × 3 grid ("top left"), or whole sides ("left")."""
    features: tuple[str, ...] = ()
    """Required features, by their names in the specification; one that it does not know as it was asked for."""
    pictures: tuple[int, ...] = ()
    """Numbers of pictures from 1 in the order given; -1 is the last."""
    which: tuple[int, ...] = ()
    """Numbers of findings from 1, or places among those last spoken of; -1 is the last."""
    most: Most = ""
    """ "the largest", "the worst"."""
    refers: bool = False
    """Whether "it" or "they" stand for the defect that is meant."""
    other: bool = False
    """Whether those are meant that were not last spoken of: "the other one", "anything else"."""
    claims: Claim = ""
    """What a question for yes or no supposes; empty: what any yes means ("there is one"), or an open question."""
    level: str = ""
    """The level of severity that is asked for."""
    measure: Literal["", "length", "area", "width", "depth", "height", "distance"] = ""
    unit: str = ""
    bound: Bound | None = None
    supposed: str = ""
    """The sentence that the verdict is asked under ("what if ...")."""
    reference: bool = False
    """Whether the reference picture is meant."""
    unknown_types: tuple[str, ...] = ()
    """Names of defects that neither the specification nor anything else knows as one of the product."""
    unknown_parts: tuple[str, ...] = ()
    unseen: str = ""
    """The side of the product that no picture shows."""
    guessed: tuple[tuple[str, str], ...] = ()
    """Words that were taken for others, of which they are one slip away."""
    bare: bool = False
    """Whether the question says no more than what it is about: "and on the sidewall?"."""

    def to_json(self) -> dict[str, Any]:
        """The fields that say something, as JSON values."""
        found: dict[str, Any] = {"kind": self.kind}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name == "kind" or not value:
                continue
            if isinstance(value, Bound):
                value = value.words
            found[one.name] = (
                [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(value, tuple) else value
            )
        return found
