"""Painted defects: on the product, exactly where pixels changed, of every size and strength, the same under a seed."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.choosing.painting import paint, product_mask
from specsight.records import Picture
from specsight.synthetic.defects import synthesisers
from specsight.synthetic.defects.painting import SMALLEST, VISIBLE

SIDE = 128


def disc_on_white(radius: float = 45) -> tuple[Picture, np.ndarray]:
    """A grey, grained disc on white, and where it lies."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    inside = np.hypot(rows - 64, columns - 64) < radius
    grain = np.random.default_rng(0).normal(0, 5, (SIDE, SIDE))
    grey = np.where(inside, 110 + grain, 250).clip(0, 255).astype(np.uint8)
    return Picture(np.repeat(grey[..., None], 3, axis=2)), inside


def test_the_product_is_what_the_even_background_leaves() -> None:
    picture, inside = disc_on_white()
    np.testing.assert_array_equal(product_mask(picture), inside)


def test_parts_say_where_the_product_is() -> None:
    picture, _ = disc_on_white()
    parts = np.zeros((SIDE, SIDE), np.uint8)
    parts[30:60, 30:90] = 2
    np.testing.assert_array_equal(product_mask(Picture(picture.rgb, parts=parts)), parts > 0)


@pytest.mark.parametrize("radius", [5, 200])
def test_a_product_that_is_hardly_there_or_everywhere_is_the_whole_picture(radius: float) -> None:
    assert product_mask(disc_on_white(radius)[0]).all()


def test_a_border_of_several_colours_is_no_background() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    assert product_mask(Picture(rgb)).all()


def test_each_defect_lies_on_the_product_and_its_mask_is_what_changed() -> None:
    picture, inside = disc_on_white()
    made = paint(np.random.default_rng(1), picture, count=len(synthesisers))
    assert len(made) > 0.8 * len(synthesisers)
    assert {one.kind for one in made} <= set(synthesisers)
    for one in made:
        painted = one.on(picture.rgb)
        change = np.abs(painted.astype(int) - picture.rgb).max(axis=2)
        mask = np.zeros((SIDE, SIDE), bool)
        top, left = one.corner
        mask[top : top + one.mask.shape[0], left : left + one.mask.shape[1]] = one.mask
        np.testing.assert_array_equal(change >= VISIBLE, mask)
        assert (change[~mask] == 0).all()
        assert not (mask & ~inside).any()
        assert one.area == mask.sum() >= SMALLEST
        np.testing.assert_array_equal(one.values(change.astype(np.float32)), change[mask])


def test_sizes_and_strengths_differ_widely() -> None:
    picture, _ = disc_on_white()
    made = paint(np.random.default_rng(2), picture, ["stain"], count=40)
    areas = sorted(one.area for one in made)
    assert areas[-4] > 5 * areas[3]
    depths = sorted(
        float(
            np.abs(one.on(picture.rgb).astype(int) - picture.rgb)
            .max(axis=2)[one.on(picture.rgb).any(axis=2)]
            .max()
        )
        for one in made
    )
    assert depths[-4] > 2 * depths[3]


def test_the_same_seed_paints_the_same_and_more_defects_begin_with_the_same() -> None:
    picture, _ = disc_on_white()
    few, many = (paint(np.random.default_rng(3), picture, count=count) for count in (3, 6))
    for first, second in zip(few, many):
        assert first.kind == second.kind
        assert first.corner == second.corner
        np.testing.assert_array_equal(first.pixels, second.pixels)
