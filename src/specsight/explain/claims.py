"""What a text can say of a picture, as records: of findings, the verdict, scores, and what was required.

A finding is described by a head (a type, or "defect") with the attributes that stand beside it.
`claiming` and `describing` read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from specsight.explain.mentions import Mention, Quantity, Saying
from specsight.records import Verdict

Bound = Literal["", "at least", "more than", "at most", "about"]


@dataclass(frozen=True)
class Attribute:
    """A place, a part, a size or a level of severity that is said of findings."""

    mention: Mention
    negated: bool = False
    bound: Bound = ""
    area: bool = False


@dataclass
class Described:
    """Findings as a text describes them."""

    heads: list[Mention] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    count: int | None = None
    """As many and no more."""
    least: int = 1
    any_of: bool = False
    """Whether it may be any of the heads."""
    negated: bool = False
    hedged: bool = False
    definite: bool = False
    other: bool = False
    only: bool = False
    """Whether no other finding is said to be there; none of the type, with `only_of_type`."""
    only_of_type: bool = False
    every: bool = False
    of_all: bool = False
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
class Judged:
    """A verdict that is stated."""

    verdict: Verdict | None
    said: str
    hedged: bool = False


@dataclass(frozen=True)
class Clean:
    """That nothing is wrong: anywhere, or where `where` says."""

    said: str
    where: tuple[Attribute, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class Valued:
    """A number of the decision: "score", "threshold" or "limit"."""

    what: str
    quantity: Quantity
    said: str


@dataclass(frozen=True)
class Related:
    """That the score is above the threshold, or not."""

    above: bool
    said: str


@dataclass(frozen=True)
class Featured:
    """That a required feature is there, or not."""

    feature: str
    present: bool
    said: str


@dataclass(frozen=True)
class Repeated:
    """What the evidence says, repeated."""

    saying: Saying


@dataclass(frozen=True)
class Rest:
    """That there are so many findings that are not described."""

    count: int
    said: str


@dataclass(frozen=True)
class NoRegion:
    """That no finding counts."""

    said: str


@dataclass(frozen=True)
class NotUnderstood:
    """Words that could not be put to a claim."""

    said: str


Claim = Described | Judged | Clean | Valued | Related | Featured | Repeated | Rest | NoRegion | NotUnderstood
