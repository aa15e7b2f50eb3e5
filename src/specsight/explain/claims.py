"""What a text mentions, and what it claims of a picture, as records: findings, the verdict, scores, what was required.

A finding is described by a head (a type, or "defect") with the attributes that stand beside it. `mentions` reads
mentions from words, `claiming` and `describing` read claims from mentions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from specsight.records import Verdict

Bound = Literal["", "at least", "more than", "at most", "less than", "about"]
EPSILON = 1e-9
"""What rounding of floating point may make of a stated number."""


class Quantity(NamedTuple):
    """A number as it was written."""

    value: float
    unit: str
    """ "" for a bare number, "mm" or "px", "mm2" or "px2"."""
    half: float
    """Half a unit of its last digit, in `unit`: what rounding allows."""

    def rounds_to(self, value: float, slack: float = 0.0) -> bool:
        """Whether `value`, rounded as this number is written, is this number.

        `slack`: share of `value` by which it may be off besides.
        """
        return abs(value - self.value) <= max(self.half * (1 + 1e-6), slack * abs(value)) + EPSILON


class Saying(NamedTuple):
    """What the evidence says and a text may repeat."""

    text: str
    kind: str
    """Slot of its check."""
    value: Any = None
    quoted: bool = False
    """Whether it counts only inside quotation marks: words of a user say nothing by themselves."""


@dataclass(frozen=True)
class Mention:
    """One or several words that mean one thing."""

    kind: str
    value: Any = None
    """By kind: a verdict, a cell, a name, a `Quantity`, ..."""
    said: str = ""
    plural: bool = False


@dataclass(frozen=True)
class Attribute:
    """A place, a part, a size or a level of severity that is said of findings."""

    mention: Mention
    negated: bool = False
    bound: Bound = ""
    area: bool = False


@dataclass
class FindingsClaim:
    """Findings as a text describes them."""

    heads: list[Mention] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    count: int | None = None
    """As many and no more."""
    least: int = 1
    """As many or more, where `count` is None."""
    any_of: bool = False
    """Whether it may be any of the heads."""
    negated: bool = False
    """Whether it is said not to be there."""
    hedged: bool = False
    """Whether it is said only to be possible."""
    definite: bool = False
    """Whether it is one that is known already: "the cut"."""
    other: bool = False
    """Whether it is another one than those that the text has described."""
    only: bool = False
    """Whether no other finding is said to be there; none of the type, with `only_of_type`."""
    only_of_type: bool = False
    every: bool = False
    """Whether it is said of every finding."""
    of_all: bool = False
    """Whether findings that do not count are among those that are numbered: "two in all"."""
    excused: bool | None = None
    """Whether it is said not to count; None: nothing is said of that."""
    listed: int | None = None
    """How many descriptions follow behind a colon."""
    sentence: int = 0
    opened: list[Attribute] = field(default_factory=list)
    """Attributes that stand before it."""
    inherited: list[Attribute] = field(default_factory=list)
    """Those of the description before it that hold for it too, unless it has its own."""
    joined: bool = False
    """Whether only "and" or a comma stands between it and the one before."""

    @property
    def said(self) -> str:
        """Its words, as far as they matter."""
        words = [
            *(["no"] if self.negated else []),
            *([str(self.count)] if self.count is not None else []),
            *(head.said for head in self.heads),
            *(one.mention.said for one in self.attributes),
        ]
        return " ".join(words)


@dataclass(frozen=True)
class VerdictClaim:
    """A verdict that is stated."""

    verdict: Verdict | None
    said: str
    hedged: bool = False


@dataclass(frozen=True)
class CleanClaim:
    """That nothing is wrong: anywhere, or where `where` says."""

    said: str
    where: tuple[Attribute, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class NumberClaim:
    """A number of the decision: "score", "threshold" or "limit"."""

    what: str
    quantity: Quantity
    said: str


@dataclass(frozen=True)
class ThresholdClaim:
    """That the score is above the threshold, or not."""

    above: bool
    said: str


@dataclass(frozen=True)
class FeatureClaim:
    """That a required feature is there, or not."""

    feature: str
    present: bool
    said: str


@dataclass(frozen=True)
class RepeatedClaim:
    """What the evidence says, repeated."""

    saying: Saying


@dataclass(frozen=True)
class RestClaim:
    """That there are so many findings that are not described."""

    count: int
    said: str


@dataclass(frozen=True)
class NoRegionClaim:
    """That no finding counts."""

    said: str


@dataclass(frozen=True)
class UnreadClaim:
    """Words that could not be put to a claim."""

    said: str


Claim = (
    FindingsClaim
    | VerdictClaim
    | CleanClaim
    | NumberClaim
    | ThresholdClaim
    | FeatureClaim
    | RepeatedClaim
    | RestClaim
    | NoRegionClaim
    | UnreadClaim
)
