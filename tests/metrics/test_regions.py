"""Regions on a smaller map: none is lost, areas stay near, and what each metric then counts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from specsight import metrics
from specsight.metrics import PixelTruth, regions


def specks(seed: int, count: int, side: int = 1024) -> NDArray[np.bool_]:
    """`count` regions of 1 to 7 pixels in a row, apart from each other."""
    generator = np.random.default_rng(seed)
    mask = np.zeros((side, side), bool)
    cells = generator.choice((side // 16) ** 2, count, replace=False)
    for cell in cells:
        row, column = divmod(int(cell), side // 16)
        top, left = 16 * row + int(generator.integers(0, 8)), 16 * column + int(generator.integers(0, 8))
        mask[top, left : left + int(generator.integers(1, 8))] = True
    return mask


def test_small_regions_stay_where_nearest_neighbour_loses_them() -> None:
    mask = specks(0, 300)
    near = cv2.resize(mask.astype(np.uint8), (256, 256), interpolation=cv2.INTER_NEAREST)
    kept_by_nearest = cv2.connectedComponents(near, connectivity=8)[0] - 1
    found = regions.scaled(regions.connected(mask), (256, 256))
    assert kept_by_nearest < 200
    assert len(found) == 300
    assert found.areas.min() == 1
    assert found.areas.max() <= 3, "7 pixels in a row touch three cells of four"
    assert (found.small, found.shared) == (300, 0)


@pytest.mark.parametrize(
    ("region", "cells"),
    [
        # Cells of 4 x 4 pixels on an 8 x 8 picture.
        (np.s_[0:4, 0:4], [(0, 0)]),
        (np.s_[0:4, 0:6], [(0, 0), (0, 1)]),  # half of the second cell counts
        (np.s_[0:4, 0:5], [(0, 0)]),  # a quarter of it does not, where the first is full
        (np.s_[1:2, 1:2], [(0, 0)]),
        (np.s_[2:3, 0:8], [(0, 0), (0, 1)]),  # a line of one pixel fills no cell and stays whole
        (np.s_[3:5, 3:5], [(0, 0), (0, 1), (1, 0), (1, 1)]),  # a square in the middle covers all four alike
        (np.s_[0:3, 3:5], [(0, 0), (0, 1)]),
        (np.s_[0:1, 2:7], [(0, 0), (0, 1)]),
        (np.s_[0:1, 3:7], [(0, 1)]),
    ],
)
def test_which_cells_a_region_has_on_a_smaller_map(
    region: tuple[slice, slice], cells: list[tuple[int, int]]
) -> None:
    mask = np.zeros((8, 8), bool)
    mask[region] = True
    (found,) = regions.scaled(regions.connected(mask), (2, 2))
    assert list(zip(*np.nonzero(found))) == cells


@pytest.mark.parametrize("size", [(256, 256), (100, 100), (37, 37), (200, 400)])
def test_large_regions_keep_their_area(size: tuple[int, int]) -> None:
    mask = np.zeros((400, 800) if size == (200, 400) else (400, 400), np.uint8)
    cv2.circle(mask, (180, 200), 90, 1, -1)
    (before,), (after,) = (
        regions.connected(mask > 0).areas / mask.size,
        regions.scaled(regions.connected(mask > 0), size).areas / (size[0] * size[1]),
    )
    assert after == pytest.approx(before, rel=0.05)


def test_cells_are_those_of_area_means_where_a_region_fills_one() -> None:
    generator = np.random.default_rng(3)
    mask = cv2.GaussianBlur(generator.normal(size=(190, 250)), (0, 0), 9) > 0.02
    size = (61, 83)
    (means,) = [cv2.resize(mask.astype(np.float64), (83, 61), interpolation=cv2.INTER_AREA)]
    found = regions.scaled(regions.apart([mask], mask.shape), size)
    clear = abs(means - 0.5) > 1e-3
    assert np.array_equal(found.union[clear], (means > 0.5)[clear])


def test_regions_that_meet_in_a_cell_are_counted_and_stay_two() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0, 0], mask[0, 2], mask[6, 6] = True, True, True
    found = regions.scaled(regions.connected(mask), (2, 2))
    assert (len(found), found.small, found.shared) == (3, 3, 2)
    assert [list(np.flatnonzero(m)) for m in found] == [[0], [0], [3]]


def test_a_larger_map_keeps_every_pixel() -> None:
    mask = np.zeros((5, 7), bool)
    mask[1, 2], mask[4, 6] = True, True
    found = regions.scaled(regions.connected(mask), (10, 14))
    assert np.array_equal(found.union, np.kron(mask, np.ones((2, 2), bool)))
    assert list(regions.scaled(regions.connected(mask), (7, 10)).areas > 0) == [True, True]


def test_nothing_marked_and_nothing_to_scale() -> None:
    nothing = regions.connected(np.zeros((6, 6), bool))
    assert len(nothing) == 0
    assert not regions.scaled(nothing, (3, 3)).union.any()
    one = regions.apart([np.zeros((6, 6), bool), np.ones((6, 6), bool)], (6, 6))
    assert list(regions.scaled(one, (3, 3)).areas) == [0, 9]
    assert regions.scaled(one, (6, 6)) is one
    assert [m.sum() for m in one[0:2]] == [0, 36]


def test_the_overlap_of_small_regions_does_not_rise_because_they_vanish() -> None:
    """A map that is blind to specks: at its own resolution, at a quarter, and by nearest neighbour."""
    mask = specks(1, 60)
    mask[500:560, 500:560] = True
    map_ = np.random.default_rng(0).normal(size=mask.shape).astype(np.float32)
    map_[500:560, 500:560] += 20
    small = cv2.resize(map_, (256, 256), interpolation=cv2.INTER_AREA)
    found = regions.scaled(regions.connected(mask), (256, 256))
    near = cv2.resize(mask.astype(np.uint8), (256, 256), interpolation=cv2.INTER_NEAREST) > 0
    own, quarter, nearest = (
        metrics.measure(metrics.gather([pair])).aupro[0.3]
        for pair in (
            (map_, PixelTruth(mask)),
            (small, PixelTruth(found.union, regions=found)),
            (small, PixelTruth(near)),
        )
    )
    assert nearest > own + 0.01
    assert quarter == pytest.approx(own, abs=0.03)
