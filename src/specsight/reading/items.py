"""What one reading of a sentence consists of: names, places, limits, predicates and words with another task."""

from __future__ import annotations

from dataclasses import dataclass

from specsight.reading.limits import Limit
from specsight.reading.names import OWN

UNKNOWN = 0.75
"""How sure it is that unknown words are one name."""


@dataclass(frozen=True)
class Name:
    """A name of a part or a defect as the specification spells it; unknown names as they stand."""

    text: str
    known: bool = True
    confidence: float = OWN
    within: str = ""
    """The known name that it ends in, with other words before it: "deep scratch"; empty: there is none."""
    whole: str = ""
    """With the part that stands before it, as it was written: "flank tear"; empty: there is none."""


@dataclass(frozen=True)
class Item:
    """One unit of a sentence's meaning, of the words `start:end`.

    `kind`: names (of defects), parts, place (on parts), outside (of parts), limit, pred, conj, or one of the lexicon.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    value: str = ""
    names: tuple[Name, ...] = ()
    limit: Limit | None = None


class NotUnderstood(Exception):
    """A reading that makes no sense; its text is a reason that a person can use, or empty."""
