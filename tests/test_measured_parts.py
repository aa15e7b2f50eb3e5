"""`python -m measured parts` adds up pixels of all pictures, and outlines what part maps show."""

from __future__ import annotations

import numpy as np
import pytest
from measured.parts import Overlap, _outlines

from specsight.parts import drawn

NAMES = {1: "rim", 2: "face"}


def test_overlap_is_of_the_pixels_of_all_pictures() -> None:
    truth = np.array([[1, 1, 2, 2]], np.uint8)
    overlap = Overlap()
    overlap.add(np.array([[1, 2, 2, 0]], np.uint8), truth, NAMES)
    overlap.add(None, truth, NAMES)
    assert overlap.of_parts() == {"rim": pytest.approx(1 / 4), "face": pytest.approx(1 / 5)}
    assert (overlap.pictures, overlap.unmatched) == (2, 1)


def test_outlines_of_a_part_map_draw_it_within_a_pixel() -> None:
    parts = np.ones((60, 60), np.uint8)
    parts[20:40, 10:50] = 2
    parts[25:35, 20:30] = 1
    outlines = _outlines(parts, NAMES)
    assert list(outlines) == ["rim", "face"]
    for value, name in NAMES.items():
        assert (drawn(outlines[name], parts.shape) == (parts == value)).mean() > 0.99
