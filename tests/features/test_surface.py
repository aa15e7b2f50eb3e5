"""Geometry of depth: surfaces of known form, what must not change anything, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from specsight.features.relief import risen
from specsight.features.surface import DESCRIPTORS, SCALES, geometry, surface_of
from specsight.images.cells import Cells
from specsight.images.framing import Frame, shorter_side

MM = 0.4
SIDE = 96
MIDDLE = slice(SIDE // 2 - 8, SIDE // 2 + 8)

y, x = ((np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) * MM).astype(np.float32)
Depth = NDArray[np.float32]


def ball(radius: float) -> Depth:
    return np.asarray(250 + radius - np.sqrt(radius**2 - x**2 - y**2), np.float32)


def cylinder(radius: float) -> Depth:
    return np.asarray(250 + radius - np.sqrt(radius**2 - x**2), np.float32)


def rough(seed: int = 0) -> Depth:
    """A flat part with noise, a groove of 3 mm and a dome of 0.5 mm."""
    noise = np.random.default_rng(seed).normal(0, 0.01, (SIDE, SIDE))
    dome = 0.5 * np.exp(-((x + 8) ** 2 + (y - 6) ** 2) / 8)
    return np.asarray(250 + noise + 3 * (abs(x - 6) < 2) - dome, np.float32)


def framed(stride: int = 8, size: tuple[int, int] = (SIDE, SIDE)) -> tuple[Frame, Cells]:
    _, frame = shorter_side(np.zeros((*size, 3), np.uint8), min(size), stride)
    return frame, Cells.over(frame.size, (frame.size[0] // stride, frame.size[1] // stride))


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_a_plane_towards_the_camera_is_flat(degree: int) -> None:
    surface = surface_of(np.full((SIDE, SIDE), 250, np.float32), MM, degree)
    assert np.abs(surface.height).max() < 1e-4
    np.testing.assert_allclose(surface.normals, np.broadcast_to([0, 0, 1], (SIDE, SIDE, 3)), atol=1e-5)
    assert np.abs(surface.mean_curvature).max() < 1e-5
    assert np.abs(surface.gaussian_curvature).max() < 1e-5


def test_a_tilted_plane_keeps_its_normal_where_no_tilt_is_taken_off() -> None:
    # Depth grows by 0.1 mm a mm to the right: the surface falls to the right and its normal leans right.
    depth = np.asarray(250 + 0.1 * x - 0.2 * y, np.float32)
    normal = np.array([0.1, -0.2, 1]) / np.sqrt(1.05)
    np.testing.assert_allclose(
        surface_of(depth, MM, 0).normals, np.broadcast_to(normal, (SIDE, SIDE, 3)), atol=1e-4
    )
    assert np.abs(surface_of(depth, MM, 1).height).max() < 1e-3


@pytest.mark.parametrize("sign", [1, -1])
def test_a_ball_and_a_cylinder_have_their_curvatures(sign: int) -> None:
    # Towards the camera a ball is a bump, of mean curvature 1 / R; a bowl has - 1 / R. A cylinder has half of it.
    radius = 60.0
    of_ball = surface_of(sign * ball(radius), MM, 1)
    of_cylinder = surface_of(sign * cylinder(radius), MM, 1)
    for level in range(len(SCALES)):
        assert of_ball.mean_curvature[level, MIDDLE, MIDDLE] == pytest.approx(sign / radius, rel=0.03)
        assert of_ball.gaussian_curvature[level, MIDDLE, MIDDLE] == pytest.approx(1 / radius**2, rel=0.05)
        assert of_cylinder.mean_curvature[level, MIDDLE, MIDDLE] == pytest.approx(sign / radius / 2, rel=0.03)
        assert np.abs(of_cylinder.gaussian_curvature[level, MIDDLE, MIDDLE]).max() < 0.02 / radius**2


def test_a_step_is_as_high_as_it_is() -> None:
    surface = surface_of(np.asarray(250 - 0.5 * (x > 12), np.float32), MM)
    assert np.median(surface.height[x < 10]) == pytest.approx(0, abs=0.01)
    assert np.median(surface.height[x > 14]) == pytest.approx(0.5, abs=0.01)
    # The slope is steepest, and the curvature changes its sign, at the edge: hollow at the foot, full at the top.
    row = SIDE // 2
    assert abs(x[row, np.abs(surface.normals[row, :, 0]).argmax()] - 12) < 2 * MM
    across = surface.mean_curvature[0, row]
    assert x[row, across.argmin()] < 12 + MM < x[row, across.argmax()] + 2 * MM


@pytest.mark.parametrize("share", [0.25, 0.4, 0.45])
def test_a_step_on_less_than_half_of_a_curved_part_does_not_bend_its_form(share: float) -> None:
    # Least squares and least absolute deviations, where only one side is raised, tilt towards it.
    raised = x < np.quantile(x, share)
    noise = np.random.default_rng(3).normal(0, 0.012, x.shape)
    depth = np.asarray(250 + 0.02 * x + 1e-3 * x**2 + noise - 8 * raised, np.float32)
    height = surface_of(depth, MM).height
    assert abs(float(height[~raised].mean())) < 0.01
    assert float(height[~raised].std()) < 0.02
    assert float(height[raised].mean()) == pytest.approx(8, abs=0.05)


@settings(max_examples=12, deadline=None)
@given(st.floats(-100, 100), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.integers(0, 3))
def test_distance_and_tilt_do_not_matter(offset: float, right: float, down: float, seed: int) -> None:
    # A pose of 6° and another distance; heights are measured along the camera's axis either way.
    frame, cells = framed()
    plain, _ = geometry(rough(seed), frame, cells, MM)
    moved, _ = geometry(np.asarray(rough(seed) + offset + right * x + down * y, np.float32), frame, cells, MM)
    np.testing.assert_allclose(moved, plain, atol=0.08)


def test_a_hole_has_no_say() -> None:
    depth = rough()
    depth[30:50, 20:44] = np.nan
    surface = surface_of(depth, MM)
    assert not surface.valid[40, 30]
    assert np.isnan(surface.height[~surface.valid]).all()
    assert all(np.isfinite(p).all() for p in (surface.normals, surface.mean_curvature))
    frame, cells = framed()
    with_hole, known = geometry(depth, frame, cells, MM)
    whole, _ = geometry(rough(), frame, cells, MM)
    assert known.sum() == known.size - 4
    assert not known[4, 3]
    assert not with_hole[:, 4, 3].any()
    # Away from the hole, nothing changes but what the form, fitted to fewer pixels, changes.
    np.testing.assert_allclose(with_hole[:, :, 9:], whole[:, :, 9:], atol=0.15)


def test_nothing_known_is_nothing() -> None:
    frame, cells = framed()
    features, known = geometry(np.full((SIDE, SIDE), np.nan, np.float32), frame, cells, MM)
    assert features.shape == (len(DESCRIPTORS), *cells.size)
    assert not features.any()
    assert not known.any()


def test_heights_are_in_millimetres_at_any_size() -> None:
    # The same surface at half the resolution of the picture: the same cells see the same heights.
    fine = np.asarray(250 - 0.4 * np.exp(-(x**2 + y**2) / 40), np.float32)
    double = np.repeat(np.repeat(fine, 2, 0), 2, 1)
    cells = Cells.over((SIDE, SIDE), (12, 12))
    large = Frame((2 * SIDE, 2 * SIDE), (SIDE, SIDE), (0, 0), (SIDE, SIDE))
    np.testing.assert_allclose(
        geometry(double, large, cells, MM / 2)[0], geometry(fine, framed()[0], cells, MM)[0], atol=1e-4
    )


def test_a_dome_is_seen_in_its_cells_alone() -> None:
    frame, cells = framed()
    flat = np.asarray(250 + 0.001 * x**2, np.float32)
    dome = np.asarray(flat - 0.3 * np.exp(-((x + 9.8) ** 2 + (y + 9.8) ** 2) / 8), np.float32)
    difference = np.abs(geometry(dome, frame, cells, MM)[0] - geometry(flat, frame, cells, MM)[0]).max(0)
    row, column = np.unravel_index(difference.argmax(), difference.shape)
    assert (row, column) in {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert difference[8:, 8:].max() < 0.1 * difference.max()


def test_a_long_picture_follows_its_form_stretch_by_stretch() -> None:
    # A wave of 5 mm over the length is form; on a crop as wide as it is high nothing else would be seen of it.
    along = np.arange(8 * SIDE) * MM
    wave = 250 + 5 * np.sin(along * 2 * np.pi / (8 * SIDE * MM))
    surface = surface_of(np.asarray(np.broadcast_to(wave, (SIDE, 8 * SIDE)), np.float32), MM)
    assert np.abs(surface.height).max() < 0.5
    upright = surface_of(np.asarray(np.broadcast_to(wave[:, None], (8 * SIDE, SIDE)), np.float32), MM)
    np.testing.assert_allclose(upright.height, surface.height.T, atol=1e-3)


@pytest.mark.parametrize("radius", [100, 300, None])
def test_a_flat_mark_on_a_curved_part_has_no_height_and_a_dent_has_its_own(radius: int | None) -> None:
    depth = np.full((SIDE, SIDE), 250, np.float32) if radius is None else cylinder(radius)
    depth = depth + np.random.default_rng(5).normal(0, 0.012, depth.shape).astype(np.float32)
    inside = np.hypot(x, y) < 8
    assert risen(depth, inside) is None
    assert risen(depth + 0.2 * inside, inside) == pytest.approx(-0.22, abs=0.02)
    assert risen(depth - 0.6 * inside, inside) == pytest.approx(0.62, abs=0.02)
    # Grooves that are deeper than the dent leave nothing to be told.
    assert risen(depth + 0.2 * inside + 3 * (abs(x - 14) < 2), inside) is None
