"""LLaVA-ADS as it ships: where its maps lie, and that what else is asked changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.detectors import Detector, create_detector
from specsight.records import Picture
from specsight.specification import DefectType, Specification

pytest.importorskip("transformers")
Turn = Callable[[NDArray[np.float64]], NDArray[np.float64]]
TURNS: dict[str, Turn] = {
    "as it is": lambda a: a,
    "mirrored": lambda a: a[:, ::-1],
    "upside down": lambda a: a[::-1],
    "turned": lambda a: a.swapaxes(0, 1),
}


def detector(*types: str) -> Detector:
    defects = tuple(DefectType(name=name) for name in types)
    return create_detector("llava-ads").fit([], Specification(product="plate", defects=defects))


@pytest.fixture(scope="module")
def stains() -> Detector:
    return detector("stain", "scratch")


def plate(height: int, width: int, at: tuple[int, int], seed: int, radius: int = 9) -> NDArray[np.float64]:
    """A grey plate with fine noise and a red dot whose centre is the point `at`, in pixels from the edges."""
    noise = np.random.default_rng(seed).normal(0, 4, (height, width))
    rgb = np.repeat(120 + cv2.GaussianBlur(noise, (0, 0), 1)[..., None], 3, 2)
    y, x = np.mgrid[:height, :width] + 0.5
    rgb[np.hypot(y - at[0], x - at[1]) <= radius] = (200, 60, 50)
    return rgb


def top(heat: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of what is higher than half of the map's rise, by its height, in pixels from the edges."""
    middle = (heat.max() + np.median(heat)) / 2
    weights = np.maximum(heat - middle, 0)
    return (
        np.array([(weights.sum(1 - axis) * (np.arange(heat.shape[axis]) + 0.5)).sum() for axis in (0, 1)])
        / weights.sum()
    )


@pytest.mark.parametrize("size", [(256, 256), (257, 301), (250, 333)])
def test_maps_lie_upon_the_picture_in_every_orientation(stains: Detector, size: tuple[int, int]) -> None:
    """A map that lies a quarter of a cell off does so to the other side when the picture is mirrored."""
    for number, share in enumerate(((0.3, 0.62), (0.55, 0.37))):
        at = (int(share[0] * size[0]), int(share[1] * size[1]))
        off = []
        for turn in TURNS.values():
            rgb = np.clip(turn(plate(*size, at, number)), 0, 255).astype(np.uint8)
            (view,) = stains.look([Picture(np.ascontiguousarray(rgb))])
            off.append(top(turn(stains.judge(view).map.astype(np.float64))) - at)
        assert np.abs(off).max() <= 2, off


def test_neither_list_nor_order_of_types_changes_what_is_said_of_one(stains: Detector) -> None:
    """To the rounding of matrix products, which depends on their number of rows."""
    rgb = plate(256, 300, (100, 180), 5).clip(0, 255).astype(np.uint8)
    (view,) = stains.look([Picture(rgb)])
    alone, more, other = (
        detector(*names).judge(view)
        for names in (("stain",), ("stain", "cut", "a long hairline crack"), ("cut", "dent", "stain"))
    )
    for judged in (more, other):
        np.testing.assert_allclose(judged.type_maps["stain"], alone.type_maps["stain"], atol=1e-3)
    reordered = detector("a long hairline crack", "cut", "stain").judge(view)
    assert reordered.score == pytest.approx(more.score, abs=1e-3)
    np.testing.assert_allclose(reordered.map, more.map, atol=1e-3)
