"""Maps lie where the defect is, and padding changes nothing: over every registered detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.labelled_panels import trained_on_panels
from tests.support.late_encoder import LateColours, late_colours_for

from specsight.detectors import Detector, create_detector, detectors
from specsight.encoders import load_encoder
from specsight.records import Judgement, Picture, Sample
from specsight.specification import DefectType, Specification

NAMES = sorted(
    name for name, kind in detectors.items() if not kind.needs.depth and not kind.needs.language_model
)
"""Where maps of a language model lie has tests of its own: random weights attend nowhere in particular."""
SQUARE = ("padim",)
BESIDE = {"anomalygpt": "bundled", "llava-ads": "bundled"}
"""Methods that learned beside one encoder and work with no other."""
SIDE, CELL = 96, 8
"""Resolution, and the stride of the finest grid, in pixels of the frame."""
QUICK: dict[str, dict[str, Any]] = {
    "clad": {"steps": 40, "synthetic_defects": 24},
    "padim": {"dimension": 6},
    "subspacead": {"variance": 0.9},
}
SPECIFICATION = Specification(product="plate", defects=(DefectType(name="stain", phrases=("red stain",)),))
SIZES = ((96, 96), (64, 96), (150, 100), (70, 101), (200, 60))
PLACES = ((0.3, 0.35), (0.66, 0.52), (0.45, 0.68))
"""Shares of the sides; beside the rim the outermost cell is continued, and says no more than that it is there."""
COLUMNS = 2
"""Width of a thin column, in pixels."""


def plate(seed: int, height: int = 96, width: int = 144) -> np.ndarray:
    """Grey with smooth clouds and a little noise."""
    generator = np.random.default_rng(seed)
    clouds = cv2.resize(generator.normal(0, 8, (4, 6)), (width, height), interpolation=cv2.INTER_CUBIC)
    noise = generator.normal(0, 2, (height, width, 3))
    return np.asarray(np.clip(130 + clouds[..., None] + noise, 0, 255), np.uint8)


def with_dot(rgb: np.ndarray, place: tuple[float, float], radius: float) -> tuple[np.ndarray, np.ndarray]:
    """A red dot at a place given as shares of the sides, and its centre in pixels."""
    centre = np.array(place) * rgb.shape[:2]
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]] + 0.5
    dotted = rgb.copy()
    dotted[np.hypot(y - centre[0], x - centre[1]) <= radius] = (210, 20, 20)
    return dotted, centre


def with_column(rgb: np.ndarray, left: int) -> np.ndarray:
    made = rgb.copy()
    made[:, left : left + COLUMNS] = (210, 20, 20)
    return made


def top(heat: np.ndarray) -> np.ndarray:
    """Centroid of the map's top, in pixels from the picture's edge."""
    high = heat >= heat.min() + 0.8 * (heat.max() - heat.min())
    return np.argwhere(high).mean(0) + 0.5


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("plates")
    good = []
    for k in range(24):
        cv2.imwrite(str(folder / f"{k:02}.png"), plate(k)[..., ::-1])
        good.append(Sample(f"{k:02}", folder / f"{k:02}.png", "plate", split="train", label="good"))
    return good


@pytest.fixture(scope="module")
def fitted(samples: list[Sample]) -> Callable[[str], Detector]:
    made: dict[str, Detector] = {}

    def get(name: str) -> Detector:
        if name not in made:
            parameters = {"resolution": SIDE, **QUICK.get(name, {})}
            encoder = load_encoder(BESIDE[name]) if name in BESIDE else late_colours_for(name)
            detector = create_detector(name, encoder=encoder, **parameters)
            words = SPECIFICATION if detector.needs.text else None
            made[name] = trained_on_panels(detector).fit(samples, words)
        return made[name]

    return get


def judge(detector: Detector, rgb: np.ndarray) -> Judgement:
    return detector.judge(detector.look([Picture(rgb)])[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES)
def test_a_dot_peaks_where_it_is(name: str, size: tuple[int, int], fitted: Callable[[str], Detector]) -> None:
    """Within half a cell, at any size and aspect, although the encoder's cells lie half a cell late."""
    detector = fitted(name)
    (view,) = detector.look([Picture(plate(50, *size))])
    scale = size[0] / view.frame.content[0]
    for number, place in enumerate(PLACES):
        rgb, centre = with_dot(plate(50 + number, *size), place, 5 * scale)
        off = np.abs(top(judge(detector, rgb).map) - centre) / scale
        assert (off <= CELL / 2).all(), f"at {place} of {size}: {off} pixels of the frame"


@pytest.mark.parametrize("name", NAMES)
def test_a_dot_peaks_where_it_is_in_tiles(
    name: str, fitted: Callable[[str], Detector], monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb, centre = with_dot(plate(60, 96, 250), (0.4, 0.61), 5)
    detector = fitted(name)
    monkeypatch.setattr(detector, "framing_", replace(detector.framing, tile=64))
    (view,) = detector.look([Picture(rgb)])
    scale = rgb.shape[0] / view.frame.content[0]
    off = np.abs(top(detector.judge(view).map) - centre) / scale
    assert (off <= CELL / 2).all(), off


@pytest.mark.parametrize("name", sorted({*NAMES} - {*BESIDE}))
def test_padding_changes_no_score(
    name: str, fitted: Callable[[str], Detector], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same picture in frames of 96 × 160 and of 96 × 192 pixels, 10 and 42 of them padding.

    Of an encoder of many layers this does not hold: a cell sees from afar where a frame ends.
    """
    detector = fitted(name)
    rgb, _ = with_dot(plate(70, 96, 150), (0.5, 0.4), 5)
    encoder = detector.get_encoder()
    less = judge(detector, rgb)
    monkeypatch.setattr(encoder, "multiple", 96)
    more = judge(detector, rgb)
    assert name in SQUARE or detector.look([Picture(rgb)])[0].frame.size == (96, 192)
    assert more.score == pytest.approx(less.score, rel=1e-3)
    np.testing.assert_allclose(more.map, less.map, rtol=1e-3, atol=1e-3 * np.ptp(less.map))


@pytest.mark.parametrize("name", NAMES)
def test_a_thin_column_counts_at_the_rim_as_in_the_middle(
    name: str, fitted: Callable[[str], Detector]
) -> None:
    """At most twice as much: beside the rim the picture is mirrored."""
    detector, good = fitted(name), plate(80, 96, 149)
    zero = judge(detector, good).score
    middle = [abs(judge(detector, with_column(good, left)).score - zero) for left in range(66, 74)]
    rim = abs(judge(detector, with_column(good, 149 - COLUMNS)).score - zero)
    assert max(middle) > 0
    assert rim <= 2 * max(middle)


def test_what_an_encoder_of_late_cells_is_measured_to_be() -> None:
    placed = LateColours().placements
    assert {name: placement.stride for name, placement in placed.items()} == {
        "stride8": (8, 8),
        "stride16": (16, 16),
        "joint": (8, 8),
    }
    for name, stride in (("stride8", 8), ("stride16", 16), ("joint", 8)):
        assert placed[name].offset == pytest.approx((-stride / 2, -stride / 2), abs=stride / 16)
