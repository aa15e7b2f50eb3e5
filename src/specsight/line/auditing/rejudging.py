"""The version that judged a part, asked again with the picture that it judged: is the verdict reproduced?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from specsight.line.fleet import Fleet
from specsight.line.judging import judge
from specsight.line.kept_pictures import NotKept
from specsight.line.records import JudgedPart
from specsight.line.requests import request_of
from specsight.line.store import LineStore

CLOSE = 1e-5
"""Share by which scores of two machines may differ and still be the same: other processors round otherwise."""


@dataclass(frozen=True)
class Rejudged:
    """A part, as it is on record and as it is judged now."""

    before: JudgedPart
    now: JudgedPart

    @property
    def reproduced(self) -> bool:
        """Whether word, threshold and score are the same, the score to `CLOSE`."""
        one, other = self.before, self.now
        if one.word != other.word or one.threshold != other.threshold:
            return False
        if one.score is None or other.score is None:
            return one.score is other.score
        return math.isclose(one.score, other.score, rel_tol=CLOSE)

    @property
    def words(self) -> str:
        """The outcome in one line."""
        one, other = self.before, self.now
        told = f"{one.word}, score {one.score}" + (
            "" if one.threshold is None else f", threshold {one.threshold}"
        )
        if self.reproduced:
            exact = "exactly" if one.score == other.score else f"score now {other.score}"
            return f"reproduced ({exact}): version {one.version} of '{one.model}' says {told}"
        return f"NOT REPRODUCED: on record {told}; version {one.version} now says {other.word}, score {other.score}"


def rejudge(store: LineStore, fleet: Fleet, id_: str) -> Rejudged:
    """Judge a part again. Raises SpecsightError where there is none, and where its picture or its version is kept no
    longer."""
    part = store.known(id_)
    request = request_of(store, part)
    if request is None:
        raise NotKept(f"the picture of '{part.part}' is kept no longer: it can not be judged again")
    model = fleet.loaded().get(part.model)
    if model is None or model.version != part.version:  # what is live now may be damaged, or gone
        model = fleet.load(part.model, part.version)
    return Rejudged(part, judge(model, request).part)
