"""Parts of one outlined picture are found on others: moved, lit otherwise, defective; not on other things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.caps import cap, overlap, specification

from specsight.detectors import View, create_detector
from specsight.errors import SpecsightError
from specsight.images.alignment import Alignment
from specsight.parts import Found, PartFinder, part_map, part_names
from specsight.records import Picture

DETECTOR = create_detector("patchcore", encoder="filters", resolution=128)


def view(rgb: NDArray[np.uint8], circular: bool = False) -> View:
    (seen,) = DETECTOR.look([Picture(rgb, circular=circular)])
    return seen


@pytest.fixture(scope="module")
def finder() -> PartFinder:
    product = specification()
    good = [view(cap(seed, (3.0 * seed - 9, 6.0 - 2 * seed))[0]) for seed in range(1, 6)]
    return PartFinder.learn([(view(cap(0)[0]), part_map(product))], part_names(product), good)


def found_on(finder: PartFinder, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    found = finder.find(view(rgb))
    assert found.parts is not None, found.note
    assert found.parts.shape == rgb.shape[:2]
    assert found.parts.dtype == np.uint8
    return found.parts


@pytest.mark.parametrize(
    ("move", "light"), [((0, 0), 1.0), ((11, -7), 1.0), ((-13, 12), 1.0), ((5, 5), 0.6), ((-4, 9), 1.2)]
)
def test_parts_are_found_where_the_product_lies(
    finder: PartFinder, move: tuple[float, float], light: float
) -> None:
    rgb, truth = cap(7, move, light)
    found = found_on(finder, rgb)
    assert overlap(found, truth, 1) > 0.85
    assert overlap(found, truth, 2) > 0.85
    assert overlap(found, truth, 0) > 0.93


def test_a_defect_makes_no_hole_in_its_part(finder: PartFinder) -> None:
    rgb, truth = cap(7, (6, -3))
    rgb[55:67, 63:77] = (200, 30, 30)
    face = found_on(finder, rgb)
    assert (face[55:67, 63:77] == 2).mean() > 0.95
    assert overlap(face, truth, 2) > 0.85


def test_another_size_is_no_obstacle(finder: PartFinder) -> None:
    rgb, truth = cap(7, (4, 4))
    found = found_on(finder, rgb.repeat(2, 0).repeat(2, 1))
    assert overlap(found, truth.repeat(2, 0).repeat(2, 1), 2) > 0.85


def test_a_picture_of_something_else_gets_a_note_in_place_of_a_wrong_map(finder: PartFinder) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)
    found = finder.find(view(noise))
    assert found.parts is None
    assert "parts were not found: it agrees with the reference picture by" in found.note


def test_a_turn_of_a_circular_strip_goes_round_the_seam() -> None:
    def strip(turn: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        parts = np.zeros((64, 256), np.uint8)
        parts[16:48, 40:100] = 1
        texture = np.random.default_rng(3).integers(60, 200, (64, 256))
        texture = np.where(parts == 1, np.indices(parts.shape).sum(0) % 8 * 30, texture // 4)
        rgb = np.repeat(texture[..., None], 3, 2).astype(np.uint8)
        return np.roll(rgb, turn, 1), np.roll(parts, turn, 1)

    rgb, parts = strip(0)
    finder = PartFinder.learn([(view(rgb, True), parts)], {1: "label"}, circular=True)
    turned, truth = strip(190)
    found = finder.find(view(turned, True), circular=True)
    assert found.parts is not None
    assert overlap(found.parts, truth, 1) > 0.85


def test_what_is_kept_finds_the_same_to_the_bit(finder: PartFinder) -> None:
    again = PartFinder.from_state({name: array.copy() for name, array in finder.state().items()})
    seen = view(cap(7, (4, 4))[0])
    first, second = finder.find(seen), again.find(seen)
    assert isinstance(first, Found)
    assert first.parts is not None
    assert second.parts is not None
    assert (first.parts == second.parts).all()
    assert (first.agreement, again.names) == (second.agreement, finder.names)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("axes"),
        lambda state: state.update(mean=state["mean"][:-1]),
        lambda state: state.update(labels_0=state["labels_0"][:-1]),
        lambda state: state.update(labels_0=state["labels_0"] + 9),
        lambda state: state.update(values=state["values"] + 300),
        lambda state: state.update(circular=state["circular"][:0]),
        lambda state: state.pop("name_1"),
    ],
)
def test_damaged_state_is_refused(finder: PartFinder, change: object) -> None:
    state = dict(finder.state())
    change(state)  # type: ignore[operator]
    with pytest.raises((ValueError, LookupError)):
        PartFinder.from_state(state)


def test_features_of_another_encoder_are_refused(finder: PartFinder) -> None:
    other = create_detector("patchcore", encoder="filters", resolution=128)
    (seen,) = other.look([Picture(cap(0)[0])])
    fewer = View(seen.frame, {"stride8": seen.features["stride8"]}, seen.cells)
    with pytest.raises(SpecsightError, match="learned from other features"):
        finder.find(fewer)


def test_pictures_that_the_detector_aligns_are_labelled_as_they_lie() -> None:
    """A detector that registers pictures sees them in another pose; part maps are those of the picture as it lies."""
    product, aligning = specification(), create_detector("patchcore", encoder="filters", resolution=128)
    pose = Alignment(degrees=0, shift=(5 / 128, -9 / 128))

    def aligned(move: tuple[float, float]) -> View:
        rgb = cap(7, move)[0]
        (seen,) = aligning.look([Picture(pose.aligned_rgb(rgb))])
        return replace(seen, frame=replace(seen.frame, alignment=pose))

    finder = PartFinder.learn([(aligned((0, 0)), part_map(product))], part_names(product))
    found = finder.find(aligned((7, 4)))
    assert found.parts is not None
    assert overlap(found.parts, cap(7, (7, 4))[1], 2) > 0.85
