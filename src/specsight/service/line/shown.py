"""What pages show of a judged part: its verdict and what persons say of it, the score against its threshold.

In: parts and reviews of a store. Out: values for templates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from specsight.errors import SpecsightError
from specsight.line import verdicts
from specsight.line.records import JudgedPart, Review, Role, now
from specsight.service.access import Person
from specsight.service.languages import marked
from specsight.service.line.context import LineContext

WORDS = {
    "accept": marked("ACCEPT"),
    "reject": marked("REJECT"),
    "undecided": marked("UNDECIDED"),
    "unreadable": marked("UNREADABLE"),
}
"""The verdict, as it is read from two metres."""
FINE = (
    marked("reflection"),
    marked("dust"),
    marked("oil or water"),
    marked("measured in hand"),
    marked("within tolerance"),
    marked("part lay askew"),
)
"""Why a part that was rejected is accepted: what is stored is English, what is shown is translated."""


STORED = (marked("operator"), marked("engineer"), marked("auditor"), marked("undone"))
"""Roles and reasons of records, which pages show translated."""
OPERATING = ("operator", "engineer")
"""Roles that review."""
UNDO = 60
"""Seconds within which a person takes back what they said."""


@dataclass(frozen=True)
class Bar:
    """A score beside its threshold, as shares of a bar in percent; the threshold lies in its middle."""

    score: float
    beyond: bool
    """Whether the score lies further up than the bar reaches."""


@dataclass(frozen=True)
class Shown:
    """A part for a template."""

    part: JudgedPart
    reviews: tuple[Review, ...] = ()

    @property
    def said(self) -> Review | None:
        """What a person says of it (`verdicts.standing`)."""
        return verdicts.standing(self.reviews)

    @property
    def word(self) -> str:
        """What holds: a person's verdict before the model's."""
        return verdicts.word(self.part, self.said)

    @property
    def how(self) -> verdicts.How:
        """What that person does with the verdict of the model."""
        return verdicts.how(self.part, self.said)

    @property
    def bar(self) -> Bar | None:
        """None: there is no score, or nothing to compare it with."""
        score, threshold = self.part.score, self.part.threshold
        if score is None or threshold is None:
            return None
        low = min(0.0, threshold - abs(threshold) - 1e-12, score if score < threshold else threshold - 1e-12)
        share = 50 * (score - low) / (threshold - low)
        return Bar(max(0.0, min(share, 100.0)), share > 100)


def shown(context: LineContext, parts: Sequence[JudgedPart]) -> list[Shown]:
    """Parts with what persons say of them."""
    reviews = context.store.reviews([one.id for one in parts]) if parts else {}
    return [Shown(one, tuple(reviews.get(one.id, ()))) for one in parts]


def defects_of(context: LineContext, part: JudgedPart) -> list[str]:
    """Types of defect that the part's model knows by its specification; none where the model is there no longer."""
    try:
        specification = context.fleet.live(part.model).inspector.specification
    except SpecsightError:
        return []
    return [] if specification is None else [one.name for one in specification.defects]


def about(context: LineContext, one: Shown, person: Person) -> dict[str, Any]:
    """What the large view of a part is made of."""
    return {
        "one": one,
        "words": WORDS,
        "may": person.role in OPERATING,
        "undoable": undoing(one, person) is not None,
        "fine": FINE,
        "defects": defects_of(context, one.part) if one.word != "reject" else [],
    }


def undoing(one: Shown, person: Person) -> Review | None:
    """The review by which a person takes back what they said last, within `UNDO` seconds; None: they cannot."""
    if not one.reviews or (now() - one.reviews[-1].at).total_seconds() >= UNDO:
        return None
    return verdicts.undoing(one.part, one.reviews, person.code, cast(Role, person.role))
