"""Outlines cover the area that their numbers say, at any size, and a mask becomes polygons that draw it again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from specsight.errors import SpecsightError
from specsight.parts import drawn, outlined, outlines_of, part_map, part_names
from specsight.specification import Ellipse, Ring, Shape, Specification, parse_specification

SQUARE = Shape(polygon=((1, 1), (4, 1), (4, 3), (1, 3)))


def specification(*outlines: str, size: str = "[40, 30]") -> Specification:
    parts = "".join(f"- name: part {k}\n  outline: [{shape}]\n" for k, shape in enumerate(outlines, 1))
    return parse_specification(
        f"product: plate\nreference: {{picture: good.png, size: {size}}}\nparts:\n{parts}"
    )


def test_a_polygon_covers_the_pixels_whose_middles_lie_inside() -> None:
    covered = drawn([SQUARE], (5, 6))
    assert covered.sum() == 6
    assert covered[1:3, 1:4].all()


def test_a_ring_has_the_area_between_its_circles() -> None:
    ring = drawn([Shape(ring=Ring(centre=(100, 100), outer=80, inner=50))], (200, 200))
    assert ring.sum() == pytest.approx(math.pi * (80**2 - 50**2), rel=0.005)
    assert not ring[100, 100]
    assert ring[100, 100 + 65]


def test_an_ellipse_is_turned_clockwise() -> None:
    long = drawn([Shape(ellipse=Ellipse(centre=(50, 50), radii=(40, 10), angle=45))], (100, 100))
    assert long.sum() == pytest.approx(math.pi * 400, rel=0.01)
    assert long[50 + 20, 50 + 20]
    assert not long[50 - 20, 50 + 20]


def test_what_reaches_beyond_the_picture_is_cut_off_at_its_edge() -> None:
    covered = drawn([Shape(polygon=((-50, -50), (3, -50), (3, 2), (-50, 2)))], (5, 5))
    assert covered.sum() == 6
    assert covered[:2, :3].all()


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_polygons_of_a_mask_with_any_holes_draw_the_same_mask(mask: np.ndarray) -> None:
    assert (drawn(outlines_of(mask), mask.shape) == mask).all()


def test_fewer_points_where_lines_may_leave_the_border_a_little() -> None:
    disc = drawn([Shape(ring=Ring(centre=(100, 100), outer=80))], (200, 200))
    disc[95:105, 95:105] = False
    (exact,), (near,) = outlines_of(disc), outlines_of(disc, tolerance=2)
    assert exact.polygon is not None
    assert near.polygon is not None
    assert len(near.polygon) < 40 < len(exact.polygon)
    again = drawn([near], disc.shape)
    assert (again & disc).sum() / (again | disc).sum() > 0.97
    (filled,) = outlines_of(disc, smallest=101)
    assert drawn([filled], disc.shape)[100, 100]


def test_later_parts_lie_on_top_and_parts_without_outline_keep_their_number() -> None:
    parts = specification("{ring: {centre: [20, 15], outer: 12}}", "{ring: {centre: [20, 15], outer: 6}}")
    values = part_map(parts)
    assert values.shape == (30, 40)
    assert [values[15, x] for x in (0, 10, 20)] == [0, 1, 2]
    named = parse_specification(
        "product: plate\nreference: {picture: good.png, size: [4, 4]}\n"
        "parts: [{name: edge}, {name: face, outline: [{polygon: [[0, 0], [4, 0], [4, 4], [0, 4]]}]}]"
    )
    assert part_names(named) == {2: "face"}
    assert (part_map(named) == 2).all()


def test_outlines_are_scaled_where_the_picture_has_another_size() -> None:
    parts = specification("{polygon: [[10, 10], [30, 10], [30, 20], [10, 20]]}")
    small, large = part_map(parts), part_map(parts, (60, 120))
    assert small.sum() == 200
    assert large.sum() == 200 * 2 * 3
    assert large[20:40, 30:90].all()
    round_ = part_map(specification("{ring: {centre: [20, 15], outer: 10}}"), (60, 120))
    assert round_.sum() == pytest.approx(math.pi * 100 * 6, rel=0.02)


def test_an_outline_beside_the_picture_is_an_error_that_names_it() -> None:
    outside = specification("{ring: {centre: [200, 15], outer: 10}}")
    with pytest.raises(
        SpecsightError, match=r"outline of part 'part 1' covers no pixel of 'good.png' \(40 x 30\)"
    ):
        part_map(outside)
    with pytest.raises(SpecsightError, match="outlines no part"):
        part_map(Specification(product="plate"))


def test_each_outlined_picture_has_a_map_of_its_own() -> None:
    both = parse_specification(
        "product: plate\nreference: {picture: a.png, size: [4, 4]}\n"
        "further_references: [{picture: b.png, size: [8, 2], outlines: "
        "{edge: [{polygon: [[0, 0], [8, 0], [8, 2], [0, 2]]}]}}]\n"
        "parts: [{name: edge}, {name: face, outline: [{polygon: [[0, 0], [4, 0], [4, 4], [0, 4]]}]}]"
    )
    assert [reference.picture for reference, _ in outlined(both)] == ["a.png", "b.png"]
    assert (part_map(both) == 2).all()
    assert part_map(both, number=1).shape == (2, 8)
    assert (part_map(both, number=1) == 1).all()
    assert part_names(both) == {1: "edge", 2: "face"}
