"""A rotated picture: colours, depth and parts turn together, and what lay outside the frame is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.images import shorter_side
from specsight.images.rotation import rotated
from specsight.records import Picture


def picture(height: int = 33, width: int = 33) -> Picture:
    """Random colours, depth with an unknown region, and two parts."""
    rng = np.random.default_rng(4)
    depth = rng.uniform(200, 300, (height, width)).astype(np.float32)
    depth[3:9, 4:12] = np.nan
    parts = np.ones((height, width), np.uint8)
    parts[:, width // 2 :] = 2
    return Picture(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), depth, parts)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_move_every_plane_alike(quarters: int) -> None:
    good = picture()
    turned = rotated(good, 90 * quarters)
    assert good.depth is not None
    assert good.parts is not None
    for plane, expected in ((turned.rgb, good.rgb), (turned.depth, good.depth), (turned.parts, good.parts)):
        np.testing.assert_array_equal(plane, np.rot90(expected, quarters))


def test_corners_are_unknown_in_depth_and_belong_to_no_part() -> None:
    turned = rotated(picture(40, 60), 45)
    assert turned.size == (40, 60)
    assert turned.depth is not None
    assert turned.parts is not None
    for row, column in ((0, 0), (0, 59), (39, 0), (39, 59)):
        assert np.isnan(turned.depth[row, column])
        assert turned.parts[row, column] == 0
    assert turned.depth.dtype == np.float32
    assert turned.parts.dtype == np.uint8


def test_no_depth_or_part_arises_that_was_not_there() -> None:
    good = picture()
    turned = rotated(good, 30)
    assert good.depth is not None
    assert turned.depth is not None
    assert turned.parts is not None
    measured = turned.depth[~np.isnan(turned.depth)]
    assert np.isin(measured, good.depth).all()
    assert set(np.unique(turned.parts)) <= {0, 1, 2}
    # A pixel is unknown in both or in neither, but for the region whose depth was unknown before.
    assert not (np.isnan(turned.depth) & (turned.parts > 0))[:, 20:].any()


def test_a_picture_without_depth_and_parts_has_none_afterwards() -> None:
    turned = rotated(Picture(picture().rgb), 20)
    assert turned.depth is None
    assert turned.parts is None


def test_a_turned_strip_is_not_circular() -> None:
    """Its ends no longer meet: framed as a circular one, it would show an edge where there is none."""
    strip = Picture(
        np.repeat(np.linspace(0, 250, 24).astype(np.uint8)[:, None, None], 96, 1).repeat(3, 2), circular=True
    )
    turned = rotated(strip, 30)
    assert not turned.circular
    assert rotated(strip, 360).circular
    framed, frame = shorter_side(turned.rgb, 24, 16, circular=turned.circular)
    steps = np.abs(np.diff(framed.astype(int), axis=1)).max((0, 2))
    assert steps[frame.content[1] - 1 :].max(initial=0) <= steps[: frame.content[1] - 1].max()
