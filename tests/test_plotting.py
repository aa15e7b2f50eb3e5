"""Figures of single pictures: colours mean the same wherever a threshold is known."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.plotting import plot_map


@pytest.mark.parametrize(("threshold", "limits"), [(3.0, (1.0, 5.0)), (None, (0.0, 2.0)), (0.5, (0.0, 2.0))])
def test_the_threshold_lies_half_way_up_the_colours(
    threshold: float | None, limits: tuple[float, float]
) -> None:
    map_ = np.linspace(0, 2, 15, dtype=np.float32).reshape(3, 5)
    figure = plot_map(np.zeros((3, 5, 3), np.uint8), map_, [((1, 1, 2, 2), "cut", True)], "title", threshold)
    (image,) = figure.axes[1].images
    assert image.get_clim() == pytest.approx(limits)


def test_what_does_not_count_is_dashed() -> None:
    regions = [((0, 0, 2, 2), "cut", True), ((2, 0, 4, 2), "stain", False)]
    figure = plot_map(np.zeros((3, 5, 3), np.uint8), np.zeros((3, 5), np.float32), regions, "title")
    assert [patch.get_linestyle() for patch in figure.axes[0].patches] == ["solid", "dashed"]
