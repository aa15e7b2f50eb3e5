"""Tiles cover a frame, overlap, begin on the encoder's grid, and give back what was cut into them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specsight.images import Tiling

FRAMES = st.tuples(st.integers(1, 12), st.integers(1, 40))


@given(
    frame=FRAMES,
    side=st.integers(0, 12),
    multiple=st.sampled_from([8, 14, 32]),
    stride=st.sampled_from([1, 2]),
)
@settings(max_examples=150, deadline=None)
def test_tiles_blend_back_to_any_grid(frame: tuple[int, int], side: int, multiple: int, stride: int) -> None:
    """Sides of frames and tiles in multiples; cells at half of a multiple and at a whole one."""
    tiling = Tiling.over((frame[0] * multiple, frame[1] * multiple), side * multiple, multiple)
    cell = multiple // stride
    grid = np.random.default_rng(0).random((3, frame[0] * stride, frame[1] * stride), dtype=np.float32)
    parts = [
        grid[:, rows.start // cell : rows.stop // cell, columns.start // cell : columns.stop // cell]
        for rows, columns in tiling.places()
    ]
    assert all(part.shape[1:] == (tiling.size[0] // cell, tiling.size[1] // cell) for part in parts)
    blended = tiling.blend(parts, (cell, cell))
    np.testing.assert_allclose(blended, grid, rtol=1e-5, atol=1e-6)


@given(length=st.integers(1, 60), side=st.integers(2, 12), multiple=st.sampled_from([1, 8, 32]))
def test_tiles_cover_the_frame_and_overlap_by_a_fifth(length: int, side: int, multiple: int) -> None:
    tiling = Tiling.over((multiple, length * multiple), side * multiple, multiple)
    assert tiling.columns[0] == 0
    assert tiling.columns[-1] + tiling.size[1] == length * multiple
    assert all(start % multiple == 0 for start in tiling.columns)
    for one, other in pairwise(tiling.columns):
        assert tiling.size[1] - (other - one) >= min(0.2 * tiling.size[1], tiling.size[1] - multiple)


def test_no_more_tiles_than_are_needed() -> None:
    assert Tiling.over((320, 800), 320, 32).shape == (1, 3)
    assert Tiling.over((320, 800), 320, 32).columns == (0, 224, 480)
    assert Tiling.over((512, 1280), 320, 32).shape == (2, 5)
    assert Tiling.over((512, 1280), 0, 32).shape == (1, 1)
    assert Tiling.over((100, 100), 90, 20).size == (100, 100), "raised to the multiple"


def test_a_jump_between_tiles_becomes_a_ramp() -> None:
    """Two tiles that see the same differently: no step is larger than what the overlap asks for."""
    tiling = Tiling.over((32, 448), 256, 32)
    assert tiling.columns == (0, 192)
    blended = tiling.blend([np.zeros((1, 4, 32), np.float32), np.ones((1, 4, 32), np.float32)], (8, 8))[0, 0]
    assert blended[0] == 0
    assert blended[-1] == 1
    assert np.diff(blended).max() == pytest.approx(1 / 8, abs=0.01)


def test_what_is_no_grid_is_laid_out_as_the_tiles_lie() -> None:
    tiling = Tiling.over((64, 96), 64, 32)
    assert tiling.shape == (1, 2)
    laid_out = tiling.arranged([np.full((5, 1, 1), 1), np.full((5, 1, 1), 2)])
    assert laid_out.shape == (5, 1, 2)
    assert laid_out[0, 0].tolist() == [1, 2]
