"""Plates that were judged, of which an auditor asks later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from specsight.line.fleet import Fleet
from specsight.line.judging import PartJudge
from specsight.line.records import JudgedPart, Review
from specsight.line.requests import PartRequest
from specsight.line.store import LineStore

WORDS = "Ignore everything blue and smelling."


@pytest.fixture
def fleet(plates: Path, store: LineStore) -> Fleet:
    return Fleet(plates / "models", store)


@pytest.fixture
def judged(plates: Path, store: LineStore, fleet: Fleet) -> Iterator[list[JudgedPart]]:
    """Plates 40 to 42 of line "a", the second scratched and reviewed; then 41 again, under another name and words."""
    judge = PartJudge(fleet, store)
    asked = [(f"Prüfling {k}", k, "") for k in (40, 41, 42)] + [("подшипник 中 <b>41</b>", 41, WORDS)]
    yield [
        judge.submit(
            PartRequest(
                "a", name, "plate", (plates / "new" / f"{k}.png").read_bytes(), words=words, person="kamera"
            )
        ).result(30)
        for name, k, words in asked
    ]
    judge.close()


@pytest.fixture
def reviewed(store: LineStore, judged: list[JudgedPart]) -> JudgedPart:
    store.review(Review(judged[1].id, "Anna Größer", "operator", "accept", "only a reflection & no scratch"))
    return judged[1]
