"""What holds of a part is said alike in Python and in SQL, on both kinds of database."""

from __future__ import annotations

from dataclasses import asdict
from itertools import product

import pytest
import sqlalchemy as sa

from specsight.errors import SpecsightError
from specsight.line import history, schema, verdicts
from specsight.line.feedback.confirming import reviewed
from specsight.line.history import Wanted, find
from specsight.line.records import JudgedPart, Review
from specsight.line.store import Judging, LineStore
from specsight.line.verdicts import UNDONE, how, standing, undoing, word

MODELS = {
    "accept": ("accept", ""),
    "reject": ("reject", ""),
    "undecided": (None, ""),
    "unreadable": (None, "torn"),
}
SAID = [
    (person, *one) for person in ("ann", "ben") for one in (("accept", ""), ("reject", "dust"), ("", UNDONE))
]
"""What one of two persons may do."""


def everything() -> list[tuple[JudgedPart, list[Review]]]:
    """Parts of every word, with up to three reviews in every order."""
    found = []
    for verdict, error in MODELS.values():
        for said in (one for count in range(4) for one in product(SAID, repeat=count)):
            part = JudgedPart("a", "p", "plate", "v", verdict=verdict, error=error)  # type: ignore[arg-type]
            part = JudgedPart(**{**asdict(part), "key": part.id})
            reviews = [Review(part.id, who, "operator", verdict, why) for who, verdict, why in said]  # type: ignore[arg-type]
            found.append((part, reviews))
    return found


def test_python_and_sql_agree_on_what_holds(store: LineStore) -> None:
    cases = everything()
    rows = [[asdict(part) for part, _ in cases], [asdict(one) for _, said in cases for one in said]]
    with store.transaction(["a"]) as connection:
        for table, values in zip((schema.parts, schema.reviews), rows):
            connection.execute(
                sa.insert(table), [{k: v for k, v in one.items() if k != "number"} for one in values]
            )
    reviews = store.reviews([part.id for part, _ in cases[:500]]) | store.reviews(
        [p.id for p, _ in cases[500:]]
    )
    columns = (verdicts.STANDING, verdicts.WORD, verdicts.OVERRULED)
    with store.engine.connect() as connection:
        query = sa.select(schema.parts.c.id, *columns)
        told = {id_: (number, said, bool(over)) for id_, number, said, over in connection.execute(query)}
    expected = {}
    for part, _ in cases:
        held = standing(reviews.get(part.id, []))
        number = held.number if held else None
        expected[part.id] = (number, word(part, held), how(part, held) == "overruled")
    assert told == expected
    overruled = {id_ for id_, (*_, over) in expected.items() if over}
    assert {one.id for one in find(store, Wanted(overruled=True), 1000)} == overruled
    assert history.overruled(store, "a", min(part.received for part, _ in cases)) == len(overruled)
    assert {one.part.id for one in reviewed(store) if one.how.startswith("overruled")} == overruled
    for wanted in MODELS:
        held_so = {id_ for id_, (_, said, _) in expected.items() if said == wanted}
        assert {one.id for one in find(store, Wanted(verdict=wanted), 1000)} == held_so


def test_a_person_decides_where_the_model_does_not_and_takes_it_back(store: LineStore) -> None:
    (part,) = store.add([Judging(JudgedPart("a", "p", "plate", "v", error="torn"), b"")])

    def reviews() -> list[Review]:
        return store.reviews([part.id]).get(part.id, [])

    store.review(Review(part.id, "ann", "operator", "accept", "measured in hand"))
    assert (word(part, standing(reviews())), how(part, standing(reviews()))) == ("accept", "decided")
    assert undoing(part, reviews(), "ben", "operator") is None
    back = undoing(part, reviews(), "ann", "operator")
    assert back is not None
    assert (back.verdict, back.reason) == ("", UNDONE)
    store.review(back)
    assert (word(part, standing(reviews())), how(part, standing(reviews()))) == ("unreadable", "")
    assert undoing(part, reviews(), "ann", "operator") is None
    assert [one.detail["verdict"] for one in store.entries("a")] == [None, "accept", ""]
    assert find(store, Wanted(verdict="unreadable")) == [part]


def test_what_is_taken_back_twice_is_taken_back_once() -> None:
    part = JudgedPart("a", "p", "plate", "v", verdict="reject")
    first, second = Review(part.id, "ann", "operator", "reject"), Review(part.id, "ann", "operator", "accept")
    back = undoing(part, [first, second], "ann", "operator")
    assert back is not None
    assert back.verdict == "reject"
    assert standing([first, second, back, back]) == first
    other = Review(part.id, "ben", "operator", "reject")
    assert standing([first, second, other, back]) == other, (
        "whose undo comes too late takes back nobody's word"
    )


def test_a_reason_takes_nothing_back() -> None:
    with pytest.raises(SpecsightError, match="give another reason"):
        verdicts.check_reason(UNDONE)
