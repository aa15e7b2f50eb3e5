"""Surroundings tell whether the place of a feature is in view, whatever lies in their middle."""

from __future__ import annotations

import numpy as np
import pytest

from specsight import images
from specsight.detectors import View
from specsight.presence import Evidence, GoodPictures, PresenceCheck
from specsight.presence.colours import Blob
from specsight.presence.place import Place
from specsight.records import Picture
from specsight.specification import Requirement

PATTERN = np.random.default_rng(0).normal(size=(8, 7, 7)).astype(np.float32)
"""What surrounds the feature."""
SIDE = 24
PIXELS, FRAME = images.shorter_side(np.zeros((SIDE * 8, SIDE * 8, 3), np.uint8), SIDE * 8, 8)


def view(seed: int, place: tuple[int, int] | None, middle: float = 0.0) -> View:
    """A view with noise, and the pattern around a cell (row, column) whose middle shows something."""
    rng = np.random.default_rng(seed)
    grid = rng.normal(size=(8, SIDE, SIDE)).astype(np.float32)
    if place is not None:
        row, column = place
        grid[:, row - 3 : row + 4, column - 3 : column + 4] = PATTERN + 0.3 * grid[:, :7, :7]
        grid[:, row, column] = middle
    return View(FRAME, {"layer": grid}, {"layer": images.Cells.over((SIDE * 8, SIDE * 8), (SIDE, SIDE))})


def blob(row: int, column: int) -> Blob:
    area = np.pi * 1.25**2 / SIDE**2
    return Blob(
        (column + 0.5) / SIDE, (row + 0.5) / SIDE, area, 1.0, 1.0, (0, 0, 1, 1), False, (50.0, 0.0, 60.0)
    )


def places(count: int) -> list[tuple[int, int]]:
    rng = np.random.default_rng(5)
    return [(int(rng.integers(4, 20)), int(rng.integers(4, 20))) for _ in range(count)]


@pytest.fixture(scope="module")
def learned() -> Place:
    shown = [(view(k, place, middle=5.0), blob(*place)) for k, place in enumerate(places(12))]
    found = Place.learn("dot", shown, [view(100 + k, None) for k in range(12)])
    assert found is not None
    return found


def test_a_place_is_in_view_whatever_lies_there(learned: Place) -> None:
    assert learned.found == 1.0
    for k, (row, column) in enumerate(places(10)):
        found = learned.find(view(200 + k, (row, column), middle=-3.0))
        assert found is not None
        left, top, right, bottom = found
        middle = (left + right) / 2, (top + bottom) / 2
        assert middle == pytest.approx((8 * column + 4, 8 * row + 4), abs=1)
        assert right - left == pytest.approx(2.5 * 8, abs=3)
    assert not any(learned.find(view(300 + k, None)) for k in range(20))


def test_surroundings_that_are_like_all_others_are_not_learned() -> None:
    shown = [(view(k, None), blob(*place)) for k, place in enumerate(places(12))]
    assert Place.learn("dot", shown, [view(100 + k, None) for k in range(12)]) is None
    assert Place.learn("dot", shown[:3], [view(100, None)]) is None


def test_a_view_without_such_features_says_nothing(learned: Place) -> None:
    other = view(1, None)
    assert learned.find(View(FRAME, {"other": other.features["layer"]}, {})) is None


def test_a_place_is_saved_and_read_back(learned: Place) -> None:
    good = GoodPictures((None,), places=(learned,))
    (again,) = GoodPictures.from_saved(good.to_json(), good.state()).places
    one = view(400, (9, 9))
    assert again.find(one) == learned.find(one)
    assert learned.find(one) is not None
    assert again.to_json() == learned.to_json()
    with pytest.raises(ValueError, match="do not fit"):
        Place.from_saved(learned.to_json(), {**learned.state(), "templates": learned.templates[..., :-1]})


def test_a_feature_is_absent_where_its_place_is_in_view(learned: Place) -> None:
    """Half of the good pictures show a yellow dot, wherever the crop has it."""
    blobs = [[k, 3, 0.3 + 0.04 * k, 0.5, 0.01, 1, 1, 0, 50, 0, 60] for k in range(10)]
    good = GoodPictures((None,) * 20, np.array(blobs, np.float32), (learned,))
    check, grey = PresenceCheck(good), Picture(np.full((192, 192, 3), 60, np.uint8))
    dot = Requirement(feature="yellow dot")
    absent = check.check(dot, Evidence(grey, {}, lambda: view(500, (10, 10))))
    ((x0, y0, x1, y1),) = absent.boxes
    assert (absent.count, (x0 + x1) / 2, (y0 + y1) / 2) == (
        0,
        pytest.approx(84, abs=1),
        pytest.approx(84, abs=1),
    )
    out_of_view = check.check(dot, Evidence(grey, {}, lambda: view(501, None)))
    assert (out_of_view.count, "not known to be in view" in out_of_view.reason) == (None, True)
    assert check.check(dot, Evidence(grey, {})).count is None
