"""What is measured of pictures moves with what is done to them, and with nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.line.monitoring.features import measure


@pytest.fixture(scope="module")
def part() -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    rgb = np.full((128, 128, 3), 60, np.uint8)
    texture = cv2.GaussianBlur(random.integers(90, 200, (64, 64, 3)).astype(np.uint8), (0, 0), 1)
    rgb[30:94, 40:104] = texture
    return rgb


def test_brightness_is_the_mean_luminance() -> None:
    found = measure(np.full((20, 30, 3), 77, np.uint8))
    assert found == {"brightness": 77.0, "sharpness": 0.0, "row": 0.5, "column": 0.5}


def test_less_light_changes_brightness_alone(part: NDArray[np.uint8]) -> None:
    before, after = measure(part), measure((part * 0.8).round().astype(np.uint8))
    assert after["brightness"] == pytest.approx(0.8 * before["brightness"], rel=0.01)
    for name in ("sharpness", "row", "column"):
        assert after[name] == pytest.approx(before[name], rel=0.02)


def test_blur_changes_sharpness(part: NDArray[np.uint8]) -> None:
    before, after = measure(part), measure(np.asarray(cv2.GaussianBlur(part, (0, 0), 2), np.uint8))
    assert after["sharpness"] < 0.5 * before["sharpness"]
    assert after["brightness"] == pytest.approx(before["brightness"], rel=0.01)


def test_a_part_that_lies_elsewhere_moves_by_just_that(part: NDArray[np.uint8]) -> None:
    before, after = measure(part), measure(np.roll(part, (5, -8), (0, 1)))
    assert after["row"] - before["row"] == pytest.approx(5 / 128, abs=1e-6)
    assert after["column"] - before["column"] == pytest.approx(-8 / 128, abs=1e-6)
    assert after["sharpness"] == pytest.approx(before["sharpness"])


def test_large_pictures_are_measured_small(part: NDArray[np.uint8]) -> None:
    large = np.repeat(np.repeat(part, 4, 0), 4, 1)
    small = np.repeat(np.repeat(part, 2, 0), 2, 1)
    assert measure(large) == pytest.approx(measure(small), rel=0.02)
