"""What was chosen, from what, and why: kept beside the model, and said in words.

In: the candidates with their numbers. Out: `Choice`, as JSON and as sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from specsight.record_json import Count, Finite, Text, check

Share = Annotated[float, Field(ge=0, le=1)]


class TriedJson(TypedDict):
    """See `Tried`."""

    name: Text
    detector: Text
    encoder: Text
    fingerprint: Text
    parameters: dict[Text, Any]
    outcome: Text
    painted: Count
    good: Count
    score: Finite | None
    pictures: Finite | None
    pixels: Finite | None
    found: Finite | None
    difference: Finite | None
    error: Finite | None
    seconds: Finite | None


class ChoiceJson(TypedDict):
    """See `Choice`."""

    chosen: Text
    reason: Text
    material: Text
    limit: Text
    seed: Count
    tried: list[TriedJson]


@dataclass(frozen=True)
class Tried:
    """One candidate, and how far it got."""

    name: str
    detector: str
    encoder: str
    fingerprint: str
    """Of the encoder's weights."""
    parameters: Mapping[str, Any]
    """Those that differ from the method's defaults."""
    outcome: str
    """Why it was chosen, or not, or not tried."""
    painted: int = 0
    """Painted defects that it judged in the last stage that it reached; 0: it was not tried."""
    good: int = 0
    """Good pictures, unseen by the fit, that these were compared with."""
    score: float | None = None
    """Mean of the next three."""
    pictures: float | None = None
    """Image AUROC, painted against good."""
    pixels: float | None = None
    """AUPRO up to 30 % false positives."""
    found: float | None = None
    """Share of painted defects found where no more good pictures are rejected than was to be promised."""
    difference: float | None = None
    """Score less that of the defaults on the same pictures."""
    error: float | None = None
    """Standard error of the difference, over draws of parts."""
    seconds: float | None = None
    """Per picture, to look and judge; None where candidates are counted, so that no clock has a say."""


@dataclass(frozen=True)
class Choice:
    """The outcome of an automatic choice."""

    chosen: str
    """Name of the candidate that was fitted."""
    reason: str
    """Why, in a sentence."""
    material: str
    """What the candidates were compared on, in words."""
    limit: str
    """What ended the search, in words: "5 minutes", "8 candidates"."""
    seed: int
    tried: tuple[Tried, ...] = ()
    """The candidates, the defaults first; empty where there was too little to compare them on."""

    @property
    def line(self) -> str:
        """All of it in one line, for a protocol."""
        count = sum(one.painted > 0 for one in self.tried)
        compared = f"{count} of {len(self.tried)} candidates compared within {self.limit} on {self.material}"
        return f"{self.chosen}; {self.reason}" + (f" ({compared})" if count else "")

    @property
    def not_tried(self) -> tuple[Tried, ...]:
        """Candidates that the limit left out."""
        return tuple(one for one in self.tried if not one.painted)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {
            **asdict(self),
            "tried": [asdict(one) | {"parameters": dict(one.parameters)} for one in self.tried],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Choice:
        """Read what `to_json` gave. Raises ValueError for anything else."""
        sound = check(ChoiceJson, values)
        others = {name: value for name, value in sound.items() if name != "tried"}
        return cls(**others, tried=tuple(Tried(**one) for one in sound["tried"]))
