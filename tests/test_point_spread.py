"""Golden shapes blurred by known point spreads: what is measured of the spread, and the lengths told from it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from specsight.calibration import Calibration, HeldOut
from specsight.errors import SpecsightError
from specsight.findings import find, regions
from specsight.images import longest_extent
from specsight.point_spread import LARGE, SMALL, UNRESOLVED, PointSpread, Responses, painted
from specsight.records import Judgement

SIDE, WIDTH, BASE = 256, 8.0, 1.0
LINEAR = PointSpread(base=BASE, width=WIDTH / SIDE, edge=0.5)
SATURATED = replace(LINEAR, edge=0.75)
CALIBRATION = Calibration(2.0, map_seed=1.3, map_extent=1.1, good_count=59, false_reject_rate=0.05,
                          wanted_rate=0.05, confidence=0.95, point_spread=LINEAR)  # fmt: skip
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2


def bar(length: float, thickness: float, degrees: float) -> NDArray[np.bool_]:
    angle = np.radians(degrees)
    along, across = (
        COLUMNS * np.cos(angle) + ROWS * np.sin(angle),
        ROWS * np.cos(angle) - COLUMNS * np.sin(angle),
    )
    return (abs(along) < length / 2) & (abs(across) < thickness / 2)


def disc(diameter: float) -> NDArray[np.bool_]:
    return np.hypot(ROWS, COLUMNS) < diameter / 2


def seen(defect: NDArray[np.bool_], spread: PointSpread, peak: float = 4.0) -> NDArray[np.float32]:
    """What a detector of that spread shows of a defect: blurred, then saturated."""
    blurred = gaussian_filter(defect.astype(np.float64), spread.width * SIDE)
    gamma = -np.log2(spread.edge)
    return np.asarray(spread.base + (peak - spread.base) * (blurred / blurred.max()) ** gamma, np.float32)


def test_a_region_that_ends_with_the_picture_is_not_drawn_in() -> None:
    map_ = np.full((SIDE, SIDE), 4, np.float32)
    map_[100, 100] = 4.2
    assert (regions(map_, CALIBRATION) == 1).all()
    map_[:, 128:] = 1
    assert (regions(map_, CALIBRATION) > 0).sum() == SIDE * 128


@pytest.mark.parametrize("spread", [LINEAR, SATURATED], ids=["linear", "saturated"])
@pytest.mark.parametrize("widths", [2.5, 3, 4, 6, 10])
@pytest.mark.parametrize("shape", ["disc", "ellipse", "bar", "slanted bar"])
def test_findings_are_as_long_as_the_defects_that_are_blurred(
    shape: str, widths: float, spread: PointSpread
) -> None:
    length = widths * WIDTH
    defect = {
        "disc": disc(length),
        "ellipse": np.hypot(COLUMNS, 1.5 * ROWS) < length / 2,
        "bar": bar(length, 4, 0),
        "slanted bar": bar(length, 4, 30),
    }[shape]
    (finding,) = find(Judgement(4.0, seen(defect, spread)), replace(CALIBRATION, point_spread=spread))
    assert finding.length_px == pytest.approx(longest_extent(defect), rel=0.1)
    assert finding.centroid == pytest.approx((SIDE / 2, SIDE / 2), abs=0.6)
    if shape == "disc":
        assert finding.area_px == pytest.approx(defect.sum(), rel=0.25)


def test_corners_are_lost_and_a_square_is_read_as_a_rounded_one() -> None:
    square = bar(48, 48, 0)
    (finding,) = find(Judgement(4.0, seen(square, LINEAR)), CALIBRATION)
    assert 48 < finding.length_px < 0.9 * longest_extent(square)


@pytest.mark.parametrize("spread", [LINEAR, SATURATED], ids=["linear", "saturated"])
@pytest.mark.parametrize("diameter", [2, 5, 8])
def test_defects_that_are_not_resolved_are_read_as_one_size(diameter: float, spread: PointSpread) -> None:
    point = 2 * WIDTH * np.sqrt(2 * np.log(2) / -np.log2(spread.edge))
    (finding,) = find(Judgement(4.0, seen(disc(diameter), spread)), replace(CALIBRATION, point_spread=spread))
    assert spread.least(SIDE) == pytest.approx(UNRESOLVED * point)
    assert finding.length_px == pytest.approx(spread.least(SIDE), abs=2)
    old = replace(CALIBRATION, point_spread=None)
    (before,) = find(Judgement(4.0, seen(disc(diameter), spread)), old)
    assert before.length_px > 1.5 * finding.length_px


@pytest.mark.parametrize("side", [64, 256, 1000])
def test_lengths_scale_with_the_picture(side: int) -> None:
    assert LINEAR.length(30 * side / SIDE, 0.4, side) == pytest.approx(
        LINEAR.length(30, 0.4, SIDE) * side / SIDE
    )


def test_a_length_is_never_above_the_extent_and_grows_with_it() -> None:
    lengths = [LINEAR.length(extent, 0.4, SIDE) for extent in range(1, 200)]
    assert all(length <= extent for extent, length in enumerate(lengths, 1))
    assert lengths == sorted(lengths)
    # Far from a large defect's middle each end is a step: 0.4 of it lies 0.2533 widths outside.
    assert lengths[-1] == pytest.approx(199 - 2 * 0.2533 * WIDTH, abs=0.01)


@pytest.mark.parametrize("true", [LINEAR, SATURATED, replace(SATURATED, width=12 / SIDE, edge=0.6)])
@pytest.mark.parametrize("size", [(SIDE, SIDE), (SIDE, 400)])
def test_the_spread_is_measured_on_painted_discs(true: PointSpread, size: tuple[int, int]) -> None:
    responses = Responses()
    texture = np.random.default_rng(0).normal(true.base, 0.05, size).astype(np.float32)
    for grey in (30, 200, 128):
        good = np.full((*size, 3), grey, np.uint8)
        for share in (SMALL, LARGE):
            changed, discs = painted(good, share)
            coverage = gaussian_filter((changed != good).any(axis=2).astype(np.float64), true.width * SIDE)
            shown = texture + coverage ** -np.log2(true.edge)
            responses.add(texture, shown.astype(np.float32), discs)
    spread = responses.spread(true.base)
    assert spread is not None
    assert spread.base == true.base
    # A disc's edge is curved, and lies a little lower than that of a straight one; extents reach over pixel corners.
    assert spread.edge == pytest.approx(true.edge, abs=0.06)
    assert spread.width == pytest.approx(true.width, rel=0.15)


def test_discs_that_a_detector_does_not_see_say_nothing() -> None:
    responses = Responses()
    good = np.random.default_rng(0).normal(0, 1, (64, 64)).astype(np.float32)
    for share in (SMALL, LARGE):
        _, discs = painted(np.zeros((64, 64, 3), np.uint8), share)
        responses.add(good, good + np.float32(0.1), discs)
    assert responses.spread(0.0) is None


def test_a_region_is_drawn_in_over_the_seam_as_elsewhere() -> None:
    map_ = seen(disc(20), LINEAR)
    (middle,) = find(Judgement(4.0, map_), CALIBRATION, circular=True)
    (seam,) = find(Judgement(4.0, np.roll(map_, SIDE // 2, axis=1)), CALIBRATION, circular=True)
    assert (seam.length_px, seam.area_px) == (middle.length_px, middle.area_px)
    assert seam.box[0] == middle.box[0] + SIDE // 2


def test_a_region_from_border_to_border_stays_as_it_is() -> None:
    whole = np.random.default_rng(0).uniform(3.5, 4, (60, 80)).astype(np.float32)
    (finding,) = find(Judgement(4.0, whole), replace(CALIBRATION, point_spread=SATURATED))
    assert (finding.place, finding.area_px) == ("whole picture", 60 * 80)
    band = whole.copy()
    band[:20] = band[40:] = BASE
    (finding,) = find(Judgement(4.0, band), replace(CALIBRATION, point_spread=SATURATED))
    assert finding.box == (0, 20, 80, 40)


@given(st.integers(0, 2**32 - 1), st.sampled_from([-5.0, 0.0, 0.4, 5.0]), st.booleans())
def test_findings_stay_within_their_level_whatever_the_map(seed: int, base: float, circular: bool) -> None:
    map_ = np.random.default_rng(seed).gamma(0.5, 1.0, (17, 23)).astype(np.float32)
    calibration = replace(CALIBRATION, point_spread=PointSpread(base, 0.1, 0.7))
    labels = regions(map_, calibration, circular)
    assert (labels == regions(map_.copy(), calibration, circular)).all()
    assert not (labels > 0)[map_ <= calibration.map_extent].any()
    assert labels.any() == (map_ > calibration.map_seed).any()
    found = find(Judgement(1.0, map_), calibration, circular=circular)
    assert len(found) == labels.max()
    assert all(finding.peak > calibration.map_seed for finding in found)


def test_the_spread_is_kept_and_old_models_have_none() -> None:
    kept = json.loads(json.dumps(CALIBRATION.to_json()))
    assert Calibration.from_json(kept) == CALIBRATION
    held_out = replace(HeldOut.of([(1.0, np.ones((4, 4), np.float32))] * 3), point_spread=LINEAR)
    assert HeldOut.from_json(json.loads(json.dumps(held_out.to_json()))) == held_out
    assert held_out.calibrate().point_spread == held_out.at(3.0).point_spread == LINEAR
    old = {name: value for name, value in kept.items() if name != "point_spread"}
    assert Calibration.from_json(old) == replace(CALIBRATION, point_spread=None)
    for wrong in ({"base": 0.0, "width": 0.1}, {"base": 0.0, "width": 0.1, "edge": 1.0}, "8 px"):
        with pytest.raises(SpecsightError, match="fit the model again"):
            Calibration.from_json({**kept, "point_spread": wrong})


@pytest.mark.parametrize("side", [1, 3, 7])
def test_pictures_too_small_for_a_disc_tell_nothing(side: int) -> None:
    responses, good = Responses(), np.zeros((side, 2 * side), np.float32)
    for share in (SMALL, LARGE):
        _, discs = painted(np.zeros((side, 2 * side, 3), np.uint8), share)
        responses.add(good, good + np.float32(1), discs)
    assert not responses.extents
    assert not responses.edges
