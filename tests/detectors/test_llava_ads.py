"""LLaVA-ADS as it ships: where its maps lie, and that what else is asked changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.detectors import Detector, create_detector
from specsight.encoders import Encoder, load_encoder
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
    made = create_detector("llava-ads", encoder=bundled())
    return made.fit([], Specification(product="plate", defects=defects))


@lru_cache(maxsize=1)
def bundled() -> Encoder:
    return load_encoder("bundled")


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


@pytest.mark.parametrize("size", [(257, 301), (250, 333)])
def test_maps_lie_upon_the_picture_in_every_orientation(stains: Detector, size: tuple[int, int]) -> None:
    """A map that lies a quarter of a cell off does so to the other side when the picture is mirrored."""
    at, off = (int(0.3 * size[0]), int(0.62 * size[1])), []
    for turn in TURNS.values():
        rgb = np.clip(turn(plate(*size, at, 0)), 0, 255).astype(np.uint8)
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


def test_score_and_map_by_hand(stains: Detector) -> None:
    """Of a view, with a type that is ignored and without: as docs/llava-ads.md has it."""
    from specsight.detectors.llava_ads import LlavaAds
    from specsight.language.pointing.pointer import Phrase
    from specsight.specification import Ignore, Instruction

    assert isinstance(stains, LlavaAds)
    words = stains.words_
    assert words is not None
    (view,) = stains.look([Picture(plate(256, 256, (100, 180), 5).clip(0, 255).astype(np.uint8))])
    suspicion = view.features["suspicion"][0].astype(np.float64)
    for ignored in ((), ("scratch",)):
        instruction = Instruction(ignore=tuple(Ignore(defect=name) for name in ignored))
        anchors = words.anchors(instruction)
        kept = [name for name in ("stain", "scratch") if name not in ignored]
        assert anchors.types == (*kept, None)
        told = [*kept, "defect", *ignored]
        vectors = [*anchors.defects, *anchors.ignored]
        pointed = stains.pointer.point(
            view.features, [Phrase(w, v) for w, v in zip(told, vectors)], anchors.good, "plate"
        )
        count = len(kept) + 1
        off = np.log1p(np.exp(pointed.margins[count:].astype(np.float64))).sum(0)  # One is ignored, or none.
        present = float(pointed.presence[count - 1]) - float(np.log1p(np.exp(pointed.presence[count:])).sum())
        combined = ((pointed.margins[:count].max(0) - off) + (suspicion - off)) / 2
        top = np.sort(combined.ravel())[::-1][: round(0.01 * combined.size)]
        score = 0.5 * top.mean() + 0.5 * (present + pointed.yes) / 2
        judged = stains.judge(view, instruction)
        assert judged.score == pytest.approx(score, abs=1e-4)
        assert set(judged.type_maps) == set(kept)
        # The finest cells are centred on every eighth pixel of the frame: drawn and smoothed there.
        at = np.clip((np.arange(view.frame.size[0]) - 0.0) / 8, 0, combined.shape[0] - 1)
        low = np.floor(at).astype(int)
        share, high = at - low, np.minimum(low + 1, combined.shape[0] - 1)
        rows = combined[low] * (1 - share)[:, None] + combined[high] * share[:, None]
        drawn = rows[:, low] * (1 - share) + rows[:, high] * share
        smooth = cv2.GaussianBlur(drawn, (0, 0), stains.sigma, borderType=cv2.BORDER_REFLECT_101)
        expected = cv2.resize(smooth, (256, 256), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(judged.map, expected, atol=2e-3)
