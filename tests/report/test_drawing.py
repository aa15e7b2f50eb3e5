"""Charts and panels: nothing miscounted, one heat scale for all, defects never painted over."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specsight import findings
from specsight.calibration import calibrate
from specsight.records import Judgement
from specsight.report import charts, pictures
from specsight.report.pictures import Drawing, HeatScale
from specsight.report.renderer import told_regions

finite = st.floats(-1e6, 1e6)


@settings(deadline=None)
@given(
    groups=st.dictionaries(
        st.text(min_size=1), st.lists(finite, min_size=1, max_size=30), min_size=1, max_size=15
    ),
    threshold=st.none() | finite,
)
def test_histograms_count_every_picture_on_its_side_of_the_threshold(
    groups: dict[str, list[float]], threshold: float | None
) -> None:
    chart = charts.histogram(groups, threshold)
    assert sum(row.count for row in chart.rows) == sum(map(len, groups.values()))
    assert len(chart.rows) <= charts.ROWS
    for row in chart.rows:
        assert max(bar.height for bar in row.bars) == 1
        for bar in row.bars:
            assert -0.01 <= bar.x <= bar.x + bar.width <= chart.width + 0.01
            if chart.threshold:
                # A bar lies wholly on one side, and has the colour of that side.
                right = bar.x >= chart.threshold.at - 1e-3 * chart.width
                assert bar.above == right
    if threshold is not None:
        above = sum(score > threshold for scores in groups.values() for score in scores)
        assert sum(row.above for row in chart.rows) == above


def test_a_score_equal_to_the_threshold_stands_with_the_accepted() -> None:
    (row,) = charts.histogram({"good": [1.0, 2.0]}, 2.0).rows
    assert row.above == 0
    assert [bar.above for bar in row.bars] == [False, False]


def test_histogram_without_pictures_is_empty_but_drawn() -> None:
    assert charts.histogram({}, None).rows == []
    assert charts.histogram({"good": []}, 1.0).rows == []


def test_curves_are_cut_at_the_limit_with_interpolation() -> None:
    plot = charts.plot({"seed 0": ([0, 0.2, 0.4], [0, 0.5, 1.0])}, limit=0.3, side=100)
    points = [tuple(map(float, p.split(","))) for p in plot.curves[0].points.split()]
    assert points[-1] == (100.0, 25.0)
    assert [t.text for t in plot.x_ticks] == ["0", "0.1", "0.2", "0.3"]


def test_marks_beyond_the_limit_are_left_out() -> None:
    assert charts.plot({}, limit=0.3, marks=[(0.5, 1.0, "there"), (0.1, 1.0, "here")]).marks[0][2] == "here"


@pytest.mark.parametrize("circular", [False, True])
def test_findings_that_the_map_does_not_show_are_drawn_where_they_lie(circular: bool) -> None:
    """What was found by the map of a type that an instruction names; on a circular picture, over the seam."""
    map_ = np.zeros((40, 60), np.float32)
    map_[5:15, 10:30] = 5
    calibration = calibrate([(0.1, np.full((4, 4), 0.1, np.float32))] * 20, 0.05, 0.5)
    (seen,) = findings.find(Judgement(5.0, map_, {}), calibration, circular=circular)
    named = replace(seen, box=(55, 20, 65, 30) if circular else (40, 20, 50, 30), type="scratch")
    of_map = findings.segment(map_, calibration, circular)
    assert (told_regions(map_, calibration, [seen], circular) == of_map).all()
    drawn = told_regions(map_, calibration, [seen, named], circular)
    expected = of_map.copy()
    expected[20:30, np.arange(named.box[0], named.box[2]) % 60] = True
    assert (drawn == expected).all()


def test_the_threshold_lies_in_the_middle_of_the_heat_scale_of_every_picture() -> None:
    scale = HeatScale.of(np.array([1.0, 1.0, 1.2], np.float32), threshold=3.0)
    mapped = scale(np.array([[0.0, 1.0, 3.0, 5.0, 99.0]], np.float32))
    assert mapped.tolist() == [[0, 0, 0.5, 1, 1]]


@pytest.mark.parametrize("values", [np.zeros(0, np.float32), np.full(9, 4.0, np.float32)])
def test_heat_scales_of_constant_or_no_maps_do_not_divide_by_zero(values: np.ndarray) -> None:
    assert np.isfinite(HeatScale.of(values, None)(np.full((2, 2), 4.0, np.float32))).all()


def test_quiet_places_keep_their_own_colours() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    assert np.array_equal(pictures.heat(rgb, np.full((20, 20), 0.2, np.float32)), rgb)
    assert not np.array_equal(pictures.heat(rgb, np.full((20, 20), 0.6, np.float32)), rgb)


def test_outlines_run_around_a_defect_and_not_over_it() -> None:
    rgb = np.full((60, 60, 3), 90, np.uint8)
    mask = np.zeros((60, 60), bool)
    mask[30, 30] = True
    drawn = pictures.outline(rgb, mask, pictures.TRUTH)
    assert (drawn[30, 30] == 90).all()
    assert (drawn != rgb).any()
    assert (rgb == 90).all()


def test_a_region_that_reaches_the_frame_is_outlined_inside_it() -> None:
    rgb = np.full((80, 120, 3), 90, np.uint8)
    for mask in (np.ones((80, 120), bool), np.pad(np.ones((50, 100), bool), ((0, 30), (20, 0)))):
        drawn = pictures.outline(rgb, mask, pictures.PREDICTION)
        assert has(drawn[:3, 60:63], pictures.PREDICTION)
        assert has(drawn[20:23, -3:], pictures.PREDICTION)
        # Only the frame's rim is drawn on.
        inner = mask & np.pad(np.ones((72, 112), bool), 4)
        assert (drawn[inner] == 90).all()
    spot = np.zeros((80, 120), bool)
    spot[:4, 50:54] = True
    assert (pictures.outline(rgb, spot, pictures.PREDICTION)[spot] == 90).all()


def look(height: int, width: int, y: int, x: int, size: int = 6) -> Drawing:
    truth = np.zeros((height, width), bool)
    truth[y : y + size, x : x + size] = True
    rgb = np.full((height, width, 3), 90, np.uint8)
    return Drawing(rgb, np.zeros((height, width), np.float32), None, truth)


def has(panel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(panel.astype(int) - colour).sum(axis=2) < 90).any())


@settings(deadline=None, max_examples=30)
@given(along=st.floats(0, 1), across=st.floats(0, 1), upright=st.booleans(), length=st.integers(400, 6000))
def test_strips_show_the_whole_and_a_window_that_holds_the_defect(
    along: float, across: float, upright: bool, length: int
) -> None:
    y, x = int(across * 94), int(along * (length - 6))
    panels = (look(length, 100, x, y) if upright else look(100, length, y, x)).panels()
    assert list(panels) == ["overview", "original", "heat", "contours"]
    assert max(panels["overview"].shape) == pictures.OVERVIEW
    assert has(panels["contours"], pictures.TRUTH)
    height, width = panels["original"].shape[:2]
    assert max(height, width) / min(height, width) == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (300, 700), (2000, 1500), (1, 900)])
def test_panels_of_any_size_fit_their_frame(height: int, width: int) -> None:
    panels = look(height, width, 0, 0, 1).panels()
    for name, panel in panels.items():
        assert max(panel.shape) == (pictures.OVERVIEW if name == "overview" else pictures.PANEL)
    sheet = pictures.composite(panels)
    assert sheet.shape[1] >= panels["original"].shape[1] * 3


def test_tiny_defects_stay_visible_in_small_panels() -> None:
    panels = look(3000, 3000, 1500, 1500, 2).panels()
    assert has(panels["contours"], pictures.TRUTH)


@pytest.mark.parametrize("suffix", [".webp", ".jpg", ".png"])
def test_data_addresses_hold_the_picture(suffix: str) -> None:
    rgb = np.zeros((30, 40, 3), np.uint8)
    rgb[:, 20:] = (200, 40, 10)
    head, _, data = pictures.data_uri(rgb, suffix).partition(",")
    assert head == f"data:image/{suffix[1:]};base64"
    back = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    back = back[..., ::-1]
    assert back.shape == rgb.shape
    assert np.abs(back[:, 30].astype(int) - (200, 40, 10)).max() < 25
