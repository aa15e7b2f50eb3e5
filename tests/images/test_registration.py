"""Registration: how a picture lies against another is found, or it is said why not; maps return to where they were."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.support.posed_parts import grains, posed_part

from specsight.features import grids
from specsight.images import Alignment, Cells, Frame, Reference, register, shorter_side
from specsight.images.registration import UNMOVED

REFERENCE = Reference.of(posed_part(0))


@pytest.mark.parametrize("degrees", [0.0, 3.3, -41.0, 90.0, 122.0, -178.0])
def test_a_rotation_and_a_shift_are_found(degrees: float) -> None:
    found = register(posed_part(1, degrees, (3.0, -5.0)), REFERENCE)
    assert found.alignment is not None
    assert found.before < 0.95 < found.agreement
    off = (found.alignment.degrees - degrees + 180) % 360 - 180
    assert abs(off) < 0.3
    assert np.multiply(found.alignment.shift, 160) == pytest.approx([3, -5], abs=0.4)


def test_the_size_of_the_picture_does_not_matter() -> None:
    picture = posed_part(1, 30, (6, 4), side=480)
    found = register(picture, REFERENCE).alignment
    assert found is not None
    difference = found.aligned_rgb(picture).astype(float) - posed_part(2, side=480)
    assert np.abs(difference[120:360, 90:390]).mean() < 4, "as near as noise and interpolation let it be"
    assert found.degrees == pytest.approx(30, abs=0.3)
    assert np.multiply(found.shift, 480) == pytest.approx([6, 4], abs=1.5), "edges lie on whole pixels"


def test_what_cannot_be_registered_stays_as_it_is_and_says_why() -> None:
    near = replace(REFERENCE, degrees=10.0)
    turned = register(posed_part(1, 90), near)
    assert turned.alignment is None
    assert turned.reason
    shifted = register(posed_part(1, 0, (30, 0)), replace(REFERENCE, shift=0.05))
    assert shifted.alignment is None
    assert shifted.reason == "it would lie further away (0°, 19% of its side) than good parts do"
    assert register(posed_part(1)[:100], REFERENCE).reason == "it has another shape"
    even = register(np.full((160, 160, 3), 128, np.uint8), REFERENCE)
    assert even.alignment is None
    assert even.reason == "no rotation and shift brings it to the reference"


def test_a_picture_that_lies_like_the_reference_is_left_where_it_is() -> None:
    found = register(posed_part(0), REFERENCE)
    assert found.alignment is not None
    assert abs(found.alignment.degrees) < 0.05
    assert np.abs(found.alignment.shift).max() < 1e-3


def frame_of(degrees: float, shift: tuple[float, float] = (0.02, -0.03)) -> Frame:
    _, frame = shorter_side(np.zeros((120, 150, 3), np.uint8), 96, 8)
    return replace(frame, alignment=Alignment(degrees, shift))


@pytest.mark.parametrize("degrees", [0.0, 12.0, 90.0, 200.0])
def test_a_mask_comes_back_to_where_it_was(degrees: float) -> None:
    """Picture → cells of the aligned frame → map on the picture."""
    frame = frame_of(degrees)
    mask = np.zeros((120, 150), np.uint8)
    cv2.circle(mask, (88, 52), 14, 1, -1)
    cells = Cells.over(frame.size, (frame.size[0] // 4, frame.size[1] // 4))
    shares = frame.covered(mask.astype(bool), cells)
    assert shares.sum() * 16 == pytest.approx(mask.sum() * 0.8**2, rel=0.03), "no area is lost"
    restored = grids.on_picture(shares, cells, frame, sigma=0) > 0.5
    assert (restored & (mask > 0)).sum() / (restored | (mask > 0)).sum() > 0.9


def test_parts_follow_the_aligned_colours() -> None:
    rgb = posed_part(0, noise=0)
    parts = (rgb[..., 0] > 150).astype(np.int64)
    pixels, frame = shorter_side(Alignment(20.0, (0.05, 0.0)).aligned_rgb(rgb), 160)
    frame = replace(frame, alignment=Alignment(20.0, (0.05, 0.0)))
    framed = frame.apply(parts, fill=7)
    shown = frame.shows_picture(Cells.over(frame.size, frame.size))
    assert framed.dtype == parts.dtype
    assert (framed[~shown] == 7).all()
    assert (framed == (pixels[..., 0] > 150))[shown].mean() > 0.98


def test_corners_that_show_nothing_have_no_say() -> None:
    frame = frame_of(45.0, (0.0, 0.0))
    cells = Cells.over(frame.size, (24, 30))
    shown = frame.shows_picture(cells)
    assert not shown[0, 0]
    assert not shown[-1, -1]
    assert shown[12, 15]
    distances = np.where(shown, 1.0, 50.0).astype(np.float32)
    assert grids.on_picture(distances, cells, frame, sigma=4).max() == pytest.approx(1)
    assert Alignment(45.0, (0.0, 0.0)).unseen((100, 100)) == pytest.approx(1 - 2 * (np.sqrt(2) - 1), abs=0.02)
    assert Alignment(0.0, (0.25, 0.0)).unseen((100, 100)) == pytest.approx(0.25, abs=0.02)


def test_an_alignment_that_moves_nothing_changes_nothing() -> None:
    _, frame = shorter_side(np.zeros((61, 90, 3), np.uint8), 64, 8)
    unmoved, generator = replace(frame, alignment=UNMOVED), np.random.default_rng(0)
    values, mask = generator.random((8, 12), np.float32), generator.random((61, 90)) > 0.7
    cells = Cells.over(frame.size, (8, 12))
    np.testing.assert_allclose(unmoved.restore(values), frame.restore(values), atol=1e-6)
    np.testing.assert_allclose(unmoved.covered(mask, cells), frame.covered(mask, cells), atol=1e-6)
    np.testing.assert_array_equal(unmoved.apply(mask), frame.apply(mask))
    np.testing.assert_array_equal(unmoved.shows_picture(cells), frame.shows_picture(cells))


def test_a_texture_has_nothing_to_be_registered_by() -> None:
    found = register(grains(1), Reference.of(grains(0)))
    assert found.agreement < 0.5
