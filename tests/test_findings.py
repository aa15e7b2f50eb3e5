"""Regions, their sizes, places and severities, on maps small enough to check by eye."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specsight import findings
from specsight.calibration import Calibration
from specsight.findings import find, segment
from specsight.images import longest_extent
from specsight.records import Judgement
from specsight.specification import Specification, parse_specification

CALIBRATION = Calibration(1.0, map_seed=2.0, map_extent=1.0, good_count=59, false_reject_rate=0.05,
                          wanted_rate=0.05, confidence=0.95)  # fmt: skip


def picture(*rows: str) -> np.ndarray:
    return np.array([[float(c) for c in row] for row in rows], dtype=np.float32)


def test_a_region_needs_a_seed_and_reaches_to_its_extent() -> None:
    map_ = picture("0000000", "0131002", "0000000", "2000022", "0000023")
    expected = picture("0000000", "0111000", "0000000", "0000011", "0000011")
    # 3 > seed; a lone 2 is not above the seed of 2; diagonal neighbours belong together; 1 is not above extent 1.
    expected[1, 1] = expected[1, 3] = 0
    assert (segment(map_, CALIBRATION) == expected.astype(bool)).all()


@pytest.mark.parametrize("floor", [0.0, 100.0, -100.0])
def test_a_strong_region_ends_at_a_share_of_its_rise_wherever_the_map_begins(floor: float) -> None:
    map_ = np.full((9, 41), floor, dtype=np.float32)
    map_[4] += (20 * np.exp(-((np.arange(41) - 20) ** 2) / (2 * 4.0**2))).astype(np.float32)
    above = replace(CALIBRATION, map_seed=2.0 + floor, map_extent=1.0 + floor)
    (finding,) = find(Judgement(20.0, map_), above)
    # 20 exp(-x² / 32) = 1 + 0.3 · 19 at x = 5.9 pixels on either side.
    assert finding.box == (15, 4, 26, 5)


def test_a_region_below_zero_reaches_to_its_extent() -> None:
    below = replace(CALIBRATION, map_seed=-2.0, map_extent=-3.0)
    map_ = picture("0000000", "0131002", "0000000") - np.float32(4.5)
    (finding,) = find(Judgement(-1.5, map_), below)
    assert (finding.box, finding.peak) == ((2, 1, 3, 2), -1.5)
    map_[1, 3] = -2.3
    (wider,) = find(Judgement(-1.5, map_), below)
    assert (wider.box, wider.area_px) == ((2, 1, 4, 2), 2)


def test_a_finding_is_measured_in_pixels_and_millimetres() -> None:
    map_ = np.zeros((30, 60), dtype=np.float32)
    map_[4:7, 10:14] = 3.0
    map_[5, 11] = 5.0
    (finding,) = find(Judgement(5.0, map_), CALIBRATION, mm_per_px=0.5)
    assert finding.box == (10, 4, 14, 7)
    assert finding.centroid == (11.5, 5.0)
    assert finding.area_px == 12
    assert finding.length_px == pytest.approx(5)
    assert finding.length_mm == pytest.approx(finding.length_px / 2)
    assert finding.area_mm2 == pytest.approx(3.0)
    assert (finding.peak, finding.place, finding.type) == (5.0, "top left", None)
    assert finding.severity == "major"


def test_type_part_and_severity_come_from_type_maps_part_map_and_specification() -> None:
    specification = parse_specification(
        "product: p\nmm_per_px: 1\nparts: [{name: bead}]\n"
        "defects: [{name: cut, severity: [{level: fine, up_to_mm: 5}, {level: bad}]}]"
    )
    map_ = np.zeros((20, 20), dtype=np.float32)
    map_[10:12, 5:16] = 5.0
    parts = np.zeros((20, 20), dtype=np.uint8)
    parts[8:] = 2
    judgement = Judgement(5.0, map_, {"stain": map_ * 0.1, "cut": map_ * 0.5})
    (finding,) = find(judgement, CALIBRATION, specification, parts=parts, part_names={2: "bead"})
    assert (finding.type, finding.part, finding.severity) == ("cut", "bead", "bad")
    assert finding.type_score == pytest.approx(2.5)
    # A type whose map is as high on good parts is no news; the one that rises above its own level is named.
    levelled = replace(CALIBRATION, type_levels={"cut": 2.4, "stain": 0.1})
    (finding,) = find(judgement, levelled, specification)
    assert (finding.type, finding.type_score) == ("stain", pytest.approx(0.4))


def test_a_defect_for_which_no_type_rises_above_good_parts_has_no_name() -> None:
    map_ = np.zeros((20, 20), dtype=np.float32)
    map_[10:12, 5:16] = 5.0
    levelled = replace(CALIBRATION, type_levels={"stain": 0.6})
    (named,) = find(Judgement(5.0, map_, {"stain": map_ * 0.2}), levelled)
    assert (named.type, named.type_score) == ("stain", pytest.approx(0.4))
    (other,) = find(Judgement(5.0, map_, {"stain": map_ * 0.1}), levelled)
    assert (other.type, other.type_score) == (None, None)


@pytest.mark.parametrize(("taught", "type_"), [(1.05, "cord"), (1.5, "residue")])
def test_a_taught_type_names_a_finding_only_where_it_rises_clearly_higher(taught: float, type_: str) -> None:
    """Else what the specification knows keeps its name, and with it its severity."""
    specification = Specification.model_validate(
        {
            "product": "tyre",
            "severity": [{"level": "minor"}],
            "defects": [{"name": "cord", "severity": [{"level": "critical"}]}],
        }
    )
    map_ = picture("0000", "0990", "0000")
    maps = {"residue": taught * map_, "cord": map_}
    (found,) = find(Judgement(9.0, map_, maps), CALIBRATION, specification, taught=["residue"])
    assert found.type == type_
    assert found.severity == ("critical" if type_ == "cord" else "minor")
    assert found.also == (("residue",) if type_ == "cord" else ())
    (named,) = find(Judgement(9.0, map_, maps), CALIBRATION, specification)
    assert named.type == "residue"


def test_a_region_over_the_seam_of_a_strip_is_one() -> None:
    map_ = np.zeros((12, 90), dtype=np.float32)
    map_[5, :3] = map_[6, -4:] = 3.0
    assert len(find(Judgement(3.0, map_), CALIBRATION)) == 2
    (finding,) = find(Judgement(3.0, map_), CALIBRATION, circular=True)
    assert finding.box == (86, 5, 93, 7)
    assert finding.area_px == 7
    assert finding.length_px == pytest.approx(np.hypot(7, 2))
    assert finding.place == "right"


@given(st.integers(0, 2**32 - 1))
def test_findings_cover_the_segmented_pixels_whatever_the_map(seed: int) -> None:
    generator = np.random.default_rng(seed)
    map_ = generator.gamma(0.5, 1.0, (17, 23)).astype(np.float32)
    for circular in (False, True):
        found = find(Judgement(1.0, map_), CALIBRATION, circular=circular)
        mask = segment(map_, CALIBRATION, circular)
        assert sum(f.area_px for f in found) == mask.sum()
        assert all(f.peak > CALIBRATION.map_seed for f in found)
        assert not mask[map_ <= CALIBRATION.map_extent].any()
        assert mask.any() == (map_ > CALIBRATION.map_seed).any()
        assert [f.peak for f in found] == sorted((f.peak for f in found), reverse=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 22))
def test_rolling_a_circular_map_changes_no_region(seed: int, shift: int) -> None:
    map_ = np.random.default_rng(seed).gamma(0.5, 1.0, (11, 23)).astype(np.float32)
    areas = [
        sorted(f.area_px for f in find(Judgement(1.0, m), CALIBRATION, circular=True))
        for m in (map_, np.roll(map_, shift, axis=1))
    ]
    assert areas[0] == areas[1]


def test_a_finding_that_covers_the_picture_says_so() -> None:
    map_ = np.full((40, 60), 3.0, dtype=np.float32)
    (finding,) = find(Judgement(3.0, map_), CALIBRATION)
    assert (finding.place, finding.box, finding.area_px) == ("whole picture", (0, 0, 60, 40), 2400)
    assert finding.length_px == pytest.approx(np.hypot(60, 40))
    map_[:, 50:] = 0
    (finding,) = find(Judgement(3.0, map_), CALIBRATION)
    assert finding.place == "centre"
    (around,) = find(Judgement(3.0, np.full((4, 90), 3.0, np.float32)), CALIBRATION, circular=True)
    assert (around.place, around.box) == ("whole picture", (0, 0, 90, 4))


def test_regions_of_a_large_map_cost_their_own_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counted(findings._Region):
        def __init__(self, map_: Any, inside: Any, box: Any, circular: bool) -> None:
            sizes.append(inside.size)
            super().__init__(map_, inside, box, circular)

    monkeypatch.setattr(findings, "_Region", Counted)
    map_ = np.zeros((3000, 3000), dtype=np.float32)
    map_[::40, ::40] = 3.0
    map_[1::40, 1::40] = 3.0
    found = find(Judgement(3.0, map_), CALIBRATION)
    assert sizes == [4] * (75 * 75), "pixels of each region's box"
    assert len(found) == 75 * 75
    assert {(f.area_px, round(f.length_px, 3)) for f in found} == {(2, round(np.hypot(2, 2), 3))}


def test_the_longest_extent_of_a_region_is_that_of_its_hull_over_pixel_corners() -> None:
    assert longest_extent(np.zeros((3, 4), bool)) == 0
    assert longest_extent(np.ones((1, 1), bool)) == pytest.approx(np.sqrt(2))
    assert (
        longest_extent(np.ones((1, 7), bool))
        == longest_extent(np.ones((7, 1), bool))
        == pytest.approx(np.hypot(7, 1))
    )
    assert longest_extent(np.eye(9, dtype=bool)) == pytest.approx(9 * np.sqrt(2))


@given(st.integers(0, 2**32 - 1))
def test_the_longest_extent_is_the_largest_distance_of_corners(seed: int) -> None:
    mask = np.random.default_rng(seed).random((6, 8)) < 0.2
    rows, columns = np.nonzero(mask)
    corners = [(r + dr, c + dc) for r, c in zip(rows, columns) for dr in (0, 1) for dc in (0, 1)]
    largest = max((np.hypot(a[0] - b[0], a[1] - b[1]) for a in corners for b in corners), default=0.0)
    assert longest_extent(mask) == pytest.approx(largest)


@settings(max_examples=60)
@given(st.integers(3, 40), st.integers(3, 40), st.data())
def test_a_place_is_the_cell_of_the_middle_however_the_picture_lies(
    height: int, width: int, data: st.DataObject
) -> None:
    """A row of pixels: its middle lies in one third exactly where its mirror image's lies in the opposite one."""
    y = data.draw(st.integers(0, height - 1))
    first, last = sorted(data.draw(st.tuples(st.integers(0, width - 1), st.integers(0, width - 1))))
    map_ = np.zeros((height, width), np.float32)
    map_[y, first : last + 1] = 3
    third = Fraction(3 * (first + last + 1), 2 * width)
    down = Fraction(3 * (2 * y + 1), 2 * height)
    if third.denominator == 1:
        return  # Upon the border itself.
    rows, columns = ("top", "", "bottom"), ("left", "", "right")
    for turned, across in ((map_, int(third)), (map_[:, ::-1], 2 - int(third))):
        (found,) = find(Judgement(3.0, np.ascontiguousarray(turned)), CALIBRATION)
        name = " ".join(word for word in (rows[int(down)], columns[across]) if word) or "centre"
        assert found.place == ("whole picture" if last - first + 1 >= 0.9 * height * width else name)


def test_a_finding_names_the_modalities_that_show_it_and_how_far_it_rises() -> None:
    map_ = np.zeros((40, 40), np.float32)
    map_[10:16, 10:16] = map_[28:34, 28:34] = 3
    of_depth, of_colour = np.zeros_like(map_), np.zeros_like(map_)
    of_depth[10:16, 10:16] = 3
    depth = np.tile(100 + 0.05 * np.arange(40, dtype=np.float32), (40, 1))
    depth[10:16, 10:16] -= 0.6
    first, second = find(
        Judgement(3.0, map_, alone={"rgb": of_colour, "depth": of_depth}), CALIBRATION, depth=depth
    )
    assert first.seen_in == ("depth",)
    assert first.height_mm == pytest.approx(0.6, abs=0.02)
    # Neither shows the other one by itself: both together do.
    assert second.seen_in == ("rgb", "depth")
    # It is as flat as what surrounds it.
    assert second.height_mm is None
    assert type(first).from_json(first.to_json()) == first
    assert "seen_in" not in find(Judgement(3.0, map_), CALIBRATION)[0].to_json()


def test_defects_that_touch_are_told_apart_by_the_maps_of_their_types() -> None:
    map_ = picture("0000000000", "0333333330", "0333333330", "0000000000")
    cut, stain = np.zeros_like(map_), np.zeros_like(map_)
    stain[:, :6], cut[:, :6] = 5.0, 3.5
    cut[:, 6:] = 5.0
    stain[:, 6:] = 3.0
    judgement = Judgement(3.0, map_, {"cut": cut, "stain": stain})
    found = {finding.type: finding.box for finding in find(judgement, CALIBRATION)}
    assert found == {"stain": (1, 1, 6, 3), "cut": (6, 1, 9, 3)}
    # Elsewhere it rises nearly as high in its own type's map: one defect, that shades into another type.
    stain[:, 6:] = 4.5
    (shading,) = find(judgement, CALIBRATION)
    assert (shading.type, shading.box) == ("stain", (1, 1, 9, 3))
    stain[:, 6:] = 3.0
    # A type that was taught today does not divide what is known, and no piece stays below the seed threshold.
    assert [one.type for one in find(judgement, CALIBRATION, taught=["cut"])] == ["stain"]
    map_[:, 6:] = np.minimum(map_[:, 6:], 1.5)
    assert len(find(judgement, replace(CALIBRATION, map_extent=0.5))) == 1


def test_a_piece_that_lies_over_the_seam_is_one_finding() -> None:
    map_ = np.full((3, 12), 3.0, np.float32)
    cut, stain = np.full_like(map_, 1.0), np.full_like(map_, 5.0)
    cut[:, [0, 1, 11]], stain[:, [0, 1, 11]] = 5.0, 1.0
    found = find(Judgement(3.0, map_, {"cut": cut, "stain": stain}), CALIBRATION, circular=True)
    assert sorted((one.type, one.area_px, one.box) for one in found) == [
        ("cut", 9, (11, 0, 14, 3)),
        ("stain", 27, (2, 0, 11, 3)),
    ]
