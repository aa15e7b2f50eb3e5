"""Frames and tiles: nothing squashed, nothing lost, and every map returns to its picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specsight.images import MAX_ASPECT_TILED, Cells, Frame, letterbox, shorter_side

sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))
sides = st.integers(8, 64)
multiples = st.sampled_from([1, 4, 7, 8])


def noise(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def ramp(size: tuple[int, int]) -> np.ndarray:
    """A smooth map in [0, 1] over a picture."""
    y = (np.arange(size[0]) + 0.5) / size[0]
    x = (np.arange(size[1]) + 0.5) / size[1]
    return (0.5 * y[:, None] + 0.5 * x[None, :]).astype(np.float32)


def framings(size: tuple[int, int], side: int, multiple: int) -> list[tuple[np.ndarray, Frame]]:
    rgb = noise(size)
    return [
        letterbox(rgb, side, multiple),
        shorter_side(rgb, side, multiple),
        shorter_side(rgb, side, multiple, circular=True),
    ]


@given(size=sizes, side=sides, multiple=multiples)
@settings(max_examples=80, deadline=None)
def test_aspect_is_kept_and_sides_are_multiples(size: tuple[int, int], side: int, multiple: int) -> None:
    for framed, frame in framings(size, side, multiple):
        assert framed.dtype == np.uint8
        assert framed.shape == (*frame.size, 3)
        assert all(s % multiple == 0 for s in frame.size)
        assert frame.native == size
        scale = max(frame.content) / max(size)
        assert all(abs(c - max(1, n * scale)) <= 1 for c, n in zip(frame.content, size)), "never squashed"
    square = framings(size, side, multiple)[0][1]
    assert square.size[0] == square.size[1] == -(-side // multiple) * multiple
    assert max(square.content) == square.size[0]


@given(size=sizes, side=sides, max_aspect=st.floats(1, 6))
@settings(max_examples=60, deadline=None)
def test_shorter_side_has_its_length_unless_the_picture_is_too_long(
    size: tuple[int, int], side: int, max_aspect: float
) -> None:
    _, frame = shorter_side(noise(size), side, max_aspect=max_aspect)
    if max(size) / min(size) <= max_aspect:
        assert min(frame.content) == side
    assert max(frame.content) <= round(side * max_aspect)


@given(size=sizes, side=sides, multiple=multiples, stride=st.sampled_from([1, 2, 4, 8]))
@settings(max_examples=80, deadline=None)
def test_padding_has_no_say_in_the_restored_map(
    size: tuple[int, int], side: int, multiple: int, stride: int
) -> None:
    for _, frame in framings(size, side, multiple)[:2]:
        grid = (-(-frame.size[0] // stride), -(-frame.size[1] // stride))
        values = np.random.default_rng(1).random(grid, dtype=np.float32)
        rows, columns = (np.arange(n) * s / n for n, s in zip(grid, frame.size))
        other = values.copy()
        other[rows >= frame.content[0]] = 1e6
        other[:, columns >= frame.content[1]] = np.nan
        restored = frame.restore(values)
        assert restored.shape == size
        assert restored.dtype == np.float32
        assert np.array_equal(restored, frame.restore(other))
        assert frame.restore(np.full(grid, 3.5, np.float32)) == pytest.approx(3.5)


@given(size=st.tuples(st.integers(16, 90), st.integers(16, 90)), side=st.integers(32, 64), multiple=multiples)
@settings(max_examples=60, deadline=None)
def test_a_smooth_map_survives_framing(size: tuple[int, int], side: int, multiple: int) -> None:
    """Frame a ramp as the picture is framed, put it back: the same ramp, to within a scaled pixel."""
    original = ramp(size)
    for _, frame in framings(size, side, multiple)[:2]:
        height, width = frame.content
        framed = np.zeros(frame.size, np.float32)
        framed[:height, :width] = ramp(frame.content)
        assert np.abs(frame.restore(framed) - original).max() <= 0.5 * (1 / height + 1 / width)


@given(size=st.tuples(st.integers(8, 40), st.integers(8, 90)), side=st.integers(16, 48), multiple=multiples)
@settings(max_examples=60, deadline=None)
def test_circular_padding_continues_the_strip(size: tuple[int, int], side: int, multiple: int) -> None:
    framed, frame = shorter_side(noise(size), side, multiple, circular=True)
    left, width = frame.offset[1], frame.content[1]
    assert left >= side / 8
    assert frame.size[1] - left - width >= left
    column = (np.arange(frame.size[1]) - left) % width + left
    assert np.array_equal(framed, framed[:, column])
    grid = np.random.default_rng(0).random(frame.size, dtype=np.float32)[:, column]
    rolled = frame.restore(grid)
    assert rolled.shape == size


def test_restoring_the_identity_changes_nothing() -> None:
    rgb = noise((40, 40))
    framed, frame = letterbox(rgb, 40)
    assert np.array_equal(framed, rgb)
    values = np.random.default_rng(0).random((40, 40), dtype=np.float32)
    assert np.array_equal(frame.restore(values), values)


def test_a_feature_cell_returns_to_its_place() -> None:
    """A 160 × 80 picture in a 80-pixel square, features at stride 8: cell (3, 2) covers rows 48-63, columns 32-47."""
    _, frame = letterbox(noise((160, 80)), 80)
    grid = np.zeros((10, 10), np.float32)
    grid[3, 2] = 1
    restored = frame.restore(grid)
    assert np.argwhere(restored > 0.9).mean(axis=0) == pytest.approx((55.5, 39.5))
    assert frame.shows_picture(Cells.over(frame.size, (10, 10))).sum(axis=1).tolist() == [5] * 10


@given(size=sizes, side=sides, multiple=multiples, stride=st.sampled_from([4, 8, 16]))
@example(size=(1, 1), side=8, multiple=8, stride=16)
@settings(max_examples=60, deadline=None)
def test_some_cell_always_shows_the_picture(
    size: tuple[int, int], side: int, multiple: int, stride: int
) -> None:
    for _, frame in framings(size, side, multiple):
        cells = Cells.over(frame.size, (-(-frame.size[0] // stride), -(-frame.size[1] // stride)))
        assert frame.shows_picture(cells).any()
        pixels = Cells.over(frame.size, frame.size)
        assert frame.shows_picture(pixels).sum() == frame.content[0] * frame.content[1]


def test_other_planes_follow_their_picture() -> None:
    mask = np.zeros((30, 60), np.uint8)
    mask[10:20, 20:40] = 7
    _, frame = letterbox(noise((30, 60)), 40)
    framed = frame.apply(mask, fill=255)
    assert framed.shape == (40, 40)
    assert set(np.unique(framed)) == {0, 7, 255}
    assert (framed[20:] == 255).all()
    assert np.argwhere(framed == 7).mean(axis=0) == pytest.approx((9.5, 19.5), abs=0.6)
    with pytest.raises(ValueError, match="frame was made for"):
        frame.apply(mask[:5])


@given(
    left=st.integers(0, 399),
    width=st.integers(1, 3),
    circular=st.booleans(),
    late=st.sampled_from([0.0, -6.5]),
)
@settings(max_examples=60, deadline=None)
def test_a_thin_line_is_lost_in_no_cell(left: int, width: int, circular: bool, late: float) -> None:
    """Of 1 to 3 pixels, anywhere on 400: its area is kept, by cells of 16 in a frame of 96 rows."""
    mask = np.zeros((200, 400), bool)
    mask[:, left : left + width] = True
    _, frame = shorter_side(noise((200, 400)), 96, 16, circular=circular)
    cells = Cells((6, frame.size[1] // 16), (16, 16), offset=(late, late))
    covered = frame.covered(mask, cells)
    rows, columns = frame.inside(cells)
    assert covered[rows, columns].max() > 0
    if late == 0 and not circular:
        scaled = mask.sum() / mask.size * frame.content[0] * frame.content[1]
        assert covered.sum() * 16 * 16 == pytest.approx(scaled, rel=1e-4)
    full = frame.covered(np.ones_like(mask), cells)
    assert full[rows, columns] == pytest.approx(1)


def test_a_long_strip_keeps_its_resolution_in_tiles_and_is_never_enlarged_for_them() -> None:
    def framed(size: tuple[int, int]) -> tuple[int, int]:
        return shorter_side(noise(size), 32, 8, max_aspect=MAX_ASPECT_TILED)[1].content

    assert shorter_side(noise((64, 1280)), 32, 8)[1].content == (13, 256)
    assert framed((64, 1280)) == (32, 640)
    assert framed((16, 320)) == (16, 320), "as many pixels as there are"
    assert framed((16, 64)) == (32, 128)


def test_the_frame_of_a_tile_shows_its_part_of_the_picture() -> None:
    _, frame = letterbox(noise((30, 60)), 40)
    assert frame.region == ((0, 20), (0, 40))
    part = frame.part(slice(8, 24), slice(24, 40))
    assert part.size == (16, 16)
    assert part.region == ((0, 12), (0, 16))
    beside = frame.part(slice(24, 40), slice(0, 16))
    assert beside.region == ((0, 0), (0, 16)), "nothing but padding"
