"""The tyre line's light: reflection tables against closed forms, dark feet of letters, soft ends of shadows."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.synthetic.tyres import reflection
from specsight.synthetic.tyres.conditions import Light
from specsight.synthetic.tyres.horizon import horizons, open_sky, over_horizon, sunlit
from specsight.synthetic.tyres.light import normals

MM = 0.4


def tilted(degrees: float, azimuth: float = 0.0) -> np.ndarray:
    """(1, 1, 3): the normal of a facet that leans towards `azimuth`."""
    tilt, turn = np.radians(degrees), np.radians(azimuth)
    n = [np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)]
    return np.asarray(n, np.float32)[None, None]


def looked_up(table: np.ndarray, degrees: float, azimuth: float = 0.0) -> np.ndarray:
    return reflection.reflected(table, reflection.positions(tilted(degrees, azimuth)))[0, 0]


def step(rise: float, size: int = 120) -> np.ndarray:
    """A plateau `rise` mm high on the left third of a plane."""
    height = np.zeros((size, size), np.float32)
    height[:, : size // 3] = rise
    return height


def test_a_white_plane_reflects_a_lamp_by_the_cosine() -> None:
    table = reflection.lamp(0.0, 30.0, 0.0)
    for degrees in (0.0, 20.0, 45.0):
        expected = np.sin(np.radians(30 + degrees)) / np.pi
        # The bar is 28° long, so that its ends stand a little behind its middle.
        assert looked_up(table, degrees)[0] == pytest.approx(expected, rel=0.03)


def test_the_sheen_is_strongest_half_way_to_the_lamp_and_falls_off_smoothly() -> None:
    table = reflection.lamp(90.0, 16.0, 4.5)
    tilts = [3.0 * k for k in range(25)]
    matt = np.array([looked_up(table, t, 90.0)[1] for t in tilts])
    glossy = np.array([looked_up(table, t, 90.0)[2] for t in tilts])
    assert abs(tilts[matt.argmax()] - (90 - 16) / 2) <= 3
    assert glossy.max() > 1.5 * matt.max(), "a smoother skin gathers its sheen"
    assert (np.diff(matt)[: matt.argmax()] >= 0).all()
    assert (np.diff(matt)[matt.argmax() :] <= 0).all()


def test_dark_field_grows_with_the_slope_instead_of_marking_edges() -> None:
    total = np.sum(reflection.ring(), axis=0)
    sheen = np.array([looked_up(total, t)[1] for t in (0, 10, 20, 30, 40)])
    assert (np.diff(sheen) > 0).all()
    assert sheen[1] > 1.15 * sheen[0], "slopes of some degrees show"
    assert looked_up(total, 40.0, 0.0)[1] == pytest.approx(looked_up(total, 40.0, 120.0)[1], rel=0.1)


def test_the_camera_looks_through_a_hole_in_the_dome() -> None:
    glossy = [looked_up(reflection.dome(), t)[2] for t in (0.0, 10.0, 45.0)]
    assert glossy[0] < glossy[1]
    assert glossy[2] < glossy[0], "beyond 40° a facet mirrors what is below the dome's rim"


def test_the_foot_of_a_step_sees_less_of_the_sky() -> None:
    height = step(4.0)
    around = horizons(height, MM)
    sky = open_sky(around, normals(height, MM))
    middle = sky[60]
    assert middle[42] < middle[48] < middle[60] <= middle[110] + 1e-6
    assert middle[110] == pytest.approx(1.0, abs=0.02)
    # To the left (the fifth sector) 4 mm stand 20 pixels of 0.4 mm away; far off, only some distances are tried.
    assert around[4][60, 60] == pytest.approx(4.0 / (20 * MM), rel=0.25)
    assert over_horizon(around[4], *reflection.RING_ELEVATION)[60, 60] == 0
    assert over_horizon(around[0], *reflection.RING_ELEVATION)[60, 60] == 1


@pytest.mark.parametrize("azimuth", [180.0, 168.0])
def test_a_shadow_is_sharp_at_its_foot_and_soft_at_its_end(azimuth: float) -> None:
    def penumbra(rise: float) -> tuple[float, int]:
        """(length of the shadow in mm, pixels between a tenth and nine tenths of the light)."""
        light = Light("grazing", "left", azimuth, 16.0, (1.0, 1.0, 1.0))
        row = sunlit(step(rise), light, 4.5, MM)[60, 40:]
        return float((1 - row).sum() * MM), int(((row > 0.1) & (row < 0.9)).sum())

    low, high = penumbra(1.0), penumbra(4.0)
    assert low[0] == pytest.approx(1.0 / np.tan(np.radians(16)), rel=0.25)
    assert high[0] == pytest.approx(4.0 / np.tan(np.radians(16)), rel=0.25)
    assert high[1] >= 2 * low[1]
