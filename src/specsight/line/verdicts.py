"""What holds of a judged part: the verdict of a person before that of the model. One definition, in Python and in SQL.

In: a part and its reviews, or the tables of both. Out: the review that stands, the verdict in one word, and what the
person does with that of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import schema
from specsight.line.records import JudgedPart, Review, Role, Verdict

UNDONE = "undone"
"""Reason of a review that takes back the one right before it, of the same person, and names the verdict that held
until then, as far as there was one."""
JUDGED = ("accept", "reject")
How = Literal["", "agreed", "overruled", "decided"]
"""What a person does with the verdict of the model: says nothing, agrees, says otherwise, or decides where there is
none (undecided and unreadable parts)."""


def standing(reviews: Sequence[Review]) -> Review | None:
    """The last review of a part that was not taken back, of all of them, the oldest first; None: there is none."""
    after: Review | None = None
    for one in reversed(reviews):
        taken_back = after is not None and after.reason == UNDONE and after.person == one.person
        if one.reason != UNDONE and not taken_back:
            return one
        after = one
    return None


def undoing(part: JudgedPart, reviews: Sequence[Review], person: str, role: Role) -> Review | None:
    """The review by which a person takes back the last one; None where that is not theirs, or takes one back itself."""
    if not reviews or reviews[-1].reason == UNDONE or reviews[-1].person != person:
        return None
    former = standing(reviews[:-1])
    verdict: Any = word(part, former)
    held: Verdict | Literal[""] = verdict if verdict in JUDGED else ""
    return Review(part.id, person, role, held, UNDONE, "" if former is None else former.type)


def check_reason(reason: str) -> None:
    """Raise SpecsightError for a reason that would take back a review."""
    if reason == UNDONE:
        raise SpecsightError(f"'{UNDONE}' stands for what was taken back: give another reason")


def word(part: JudgedPart, said: Review | None) -> str:
    """What holds in one word: the verdict of the review that stands, without one `JudgedPart.word`."""
    return part.word if said is None else said.verdict


def how(part: JudgedPart, said: Review | None) -> How:
    """What the review that stands does with the verdict of the model."""
    if said is None:
        return ""
    if part.word not in JUDGED:
        return "decided"
    return "agreed" if said.verdict == part.word else "overruled"


def _said(column: str) -> sa.ScalarSelect[Any]:
    """`standing` in SQL: a column of that review for each row of `schema.parts`; NULL: there is none."""
    one, after = schema.reviews.alias("one"), schema.reviews.alias("after")
    takes_back = sa.and_(after.c.reason == UNDONE, after.c.person == one.c.person)
    later = (after.c.inspection == one.c.inspection, after.c.number > one.c.number)
    taken_back = sa.select(takes_back).where(*later).order_by(after.c.number).limit(1).correlate(one)
    stands = (
        one.c.inspection == schema.parts.c.id,
        one.c.reason != UNDONE,
        sa.not_(sa.func.coalesce(taken_back.scalar_subquery(), sa.false())),
    )
    query = sa.select(one.c[column]).where(*stands).order_by(one.c.number.desc()).limit(1)
    return query.correlate(schema.parts).scalar_subquery()


STANDING = _said("number")
"""`standing` of a row of parts: the number of the review; NULL: there is none."""
_VERDICT = _said("verdict")
_REVIEWED = schema.parts.c.id.in_(
    sa.select(schema.reviews.c.inspection)
)  # most parts are not: found out first
WORD: sa.ColumnElement[str] = sa.case((_REVIEWED, sa.func.coalesce(_VERDICT, schema.WORD)), else_=schema.WORD)
"""`word` of a row of parts."""
CONTRADICTS: sa.ColumnElement[bool] = sa.and_(
    schema.reviews.c.at > schema.confirmations.c.at,
    sa.tuple_(schema.reviews.c.verdict, schema.confirmations.c.outcome).in_(
        [("accept", "defect"), ("reject", "good")]
    ),
)
"""Whether a review says, later, otherwise than a confirmation of the same part, which holds no longer then."""
OVERRULED: sa.ColumnElement[bool] = sa.and_(
    _REVIEWED, schema.WORD.in_(JUDGED), sa.func.coalesce(_VERDICT, schema.WORD) != schema.WORD
)
"""Whether `how` of a row of parts is "overruled"."""
