"""A part that is outlined in the specification is there where its place looks like it does on good pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight import images
from specsight.detectors import View
from specsight.presence import Evidence, GoodPictures, PresenceCheck
from specsight.presence.learning import learn
from specsight.presence.outlined import OutlinedPart, places_of
from specsight.records import Picture, Presence
from specsight.specification import Part, Requirement, Specification

SIDE = 24
SCREWS = ((3, 3), (3, 16), (16, 9))
"""Rows and columns of the three places, each of 5 × 5 cells of 8 pixels."""
_, FRAME = images.shorter_side(np.zeros((SIDE * 8, SIDE * 8, 3), np.uint8), SIDE * 8, 8)
SCREW = np.random.default_rng(0).normal(size=(8, 5, 5)).astype(np.float32)
SPECIFICATION = Specification(
    product="cover",
    parts=(Part(name="screw", phrases=("bolt",)),),
    requirements=(Requirement(feature="screws", count=3),),
)


def parts_map() -> NDArray[np.uint8]:
    parts = np.zeros((SIDE * 8, SIDE * 8), np.uint8)
    for row, column in SCREWS:
        parts[row * 8 : row * 8 + 40, column * 8 : column * 8 + 40] = 1
    return parts


def view(seed: int, screws: int = 3, damaged: int = 0) -> View:
    """Noise, with screws in the first places; some of the first one's rows are damaged."""
    grid = np.random.default_rng(seed).normal(size=(8, SIDE, SIDE)).astype(np.float32)
    for row, column in SCREWS[:screws]:
        place = grid[:, row : row + 5, column : column + 5]
        place[:] = 3 * SCREW + 0.3 * place
    row, column = SCREWS[0]
    grid[:, row : row + damaged, column : column + 5] = np.random.default_rng(seed + 1).normal(
        size=(8, damaged, 5)
    )
    return View(FRAME, {"layer": grid}, {"layer": images.Cells.over((SIDE * 8, SIDE * 8), (SIDE, SIDE))})


def evidence(seed: int, screws: int = 3, damaged: int = 0) -> Evidence:
    grey = np.full((SIDE * 8, SIDE * 8, 3), 60, np.uint8)
    return Evidence(Picture(grey, parts=parts_map()), {1: "screw"}, lambda: view(seed, screws, damaged))


@pytest.fixture(scope="module")
def check() -> Callable[[Requirement, Evidence], Presence]:
    pictures = [evidence(seed) for seed in range(0, 24, 2)]
    good = learn(pictures, SPECIFICATION, pictures.__getitem__)
    assert [(one.part, one.kept, one.pictures) for one in good.outlined] == [("screw", 1.0, 12)]
    again = GoodPictures.from_saved(good.to_json(), good.state())
    return PresenceCheck(again, SPECIFICATION).check


def test_parts_are_counted_where_they_belong(check: Callable[[Requirement, Evidence], Presence]) -> None:
    three = Requirement(feature="screws", count=3)
    found = check(three, evidence(100))
    assert (found.count, len(found.boxes)) == (3, 3)
    short = check(three, evidence(101, screws=2))
    assert (short.count, "3 are required" in short.found) == (2, True)
    assert check(Requirement(feature="bolt", count=2), evidence(101, screws=2)).count == 2
    none = check(three, evidence(102, screws=0))
    assert (none.count, none.found, len(none.boxes)) == (0, "no screws (required)", 3)


def test_a_damaged_part_is_there_and_one_that_is_half_gone_cannot_be_told(
    check: Callable[[Requirement, Evidence], Presence],
) -> None:
    three = Requirement(feature="screws", count=3)
    assert check(three, evidence(103, damaged=1)).count == 3
    half = check(three, evidence(104, damaged=3))
    assert (half.count, "damaged, or covered" in half.reason) == (None, True)


def test_without_part_maps_nothing_is_said(check: Callable[[Requirement, Evidence], Presence]) -> None:
    plain = Evidence(Picture(np.full((192, 192, 3), 60, np.uint8)), {}, lambda: view(5))
    found = check(Requirement(feature="screw"), plain)
    assert (found.count, "part map has none" in found.reason) == (None, True)
    unknown = PresenceCheck(GoodPictures(), SPECIFICATION).check(Requirement(feature="screw"), evidence(1))
    assert (unknown.count, "good pictures do not tell" in unknown.reason) == (None, True)


def test_a_part_that_few_good_pictures_show_is_not_learned() -> None:
    mask = parts_map() == 1
    assert OutlinedPart.learn("screw", [(view(k), mask) for k in range(3)]) is None
    assert [box for box, _ in places_of(mask)] == [
        (24, 24, 64, 64),
        (128, 24, 168, 64),
        (72, 128, 112, 168),
    ]
