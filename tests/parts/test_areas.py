"""What parts cover on good pictures, and what is unusual."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.parts import UsualAreas


def covered(columns: int) -> np.ndarray:
    parts = np.zeros((10, 100), np.uint8)
    parts[:, :columns] = 1
    return parts


@pytest.mark.parametrize(
    ("good", "columns", "note"),
    [
        ((40, 40, 40, 40, 40), 43, ""),
        ((40, 40, 40, 40, 40), 50, "rim covers 25% more than on good pictures: look whether it was found rightly"),
        ((40, 40, 40, 40, 40), 30, "rim covers 25% less than on good pictures: look whether it was found rightly"),
        ((40, 40, 40, 40, 90), 50, "rim covers 25% more than on good pictures: look whether it was found rightly"),
        ((20, 30, 40, 50, 60), 60, ""),
        ((40, 40, 40, 40), 90, ""),
    ],
)  # fmt: skip
def test_an_area_far_from_those_on_good_pictures_is_noted(
    good: tuple[int, ...], columns: int, note: str
) -> None:
    """As far as they differ among one another, one of another kind among them or not; a tenth always passes."""
    usual = UsualAreas.of([covered(one) for one in good], [1, 2])
    assert usual.note(covered(columns), {1: "rim", 2: "face"}) == note
