"""AnomalyGPT as it ships: what words, instructions and good pictures do to its map, and what the answer rests on."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from specsight.detectors import create_detector, load_detector
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.records import Picture, Sample
from specsight.specification import DefectType, Ignore, Instruction, Only, Specification

pytest.importorskip("transformers")

from specsight.detectors.anomalygpt import AnomalyGpt
from specsight.detectors.pointing import FINGERPRINT, TOP

SIDE = 128
SPOT = (slice(40, 68), slice(56, 84))
PLATE = Specification(product="plate", defects=(DefectType(name="stain"), DefectType(name="scratch")))


def plate(seed: int, spotted: bool = False) -> NDArray[np.uint8]:
    """A grey plate with fine noise, and a red spot."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 6, (SIDE, SIDE)), (0, 0), 1)
    rgb = np.repeat(120 + noise[..., None], 3, 2).clip(0, 255).astype(np.uint8)
    if spotted:
        cv2.circle(rgb, (70, 54), 12, (190, 50, 40), -1)
    return rgb


def fitted(samples: list[Sample], specification: Specification = PLATE) -> AnomalyGpt:
    made = create_detector("anomalygpt", resolution=SIDE)
    assert isinstance(made, AnomalyGpt)
    return made.fit(samples, specification)


@pytest.fixture(scope="module")
def by_words() -> AnomalyGpt:
    return fitted([])


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("plates")
    for k in range(3):
        cv2.imwrite(str(folder / f"{k}.png"), plate(k))
    return [Sample(str(k), folder / f"{k}.png", "plate", split="train", label="good") for k in range(3)]


def test_a_spot_is_found_by_words_alone_and_with_good_pictures(
    by_words: AnomalyGpt, samples: list[Sample]
) -> None:
    for detector in (by_words, fitted(samples)):
        good, spotted = (
            detector.judge(v) for v in detector.look([Picture(plate(9, s)) for s in (False, True)])
        )
        assert spotted.score > good.score + 1
        outside = np.ones((SIDE, SIDE), bool)
        outside[28:80, 44:96] = False
        assert spotted.map[SPOT].mean() > spotted.map[outside].max()
        assert set(spotted.type_maps) == {"stain", "scratch"}


def test_distances_are_to_the_nearest_good_patch_of_each_level(samples: list[Sample]) -> None:
    detector = fitted(samples)
    known, spotted = detector.look([Picture(plate(0)), Picture(plate(9, True))])
    near, far = detector._distances(known), detector._distances(spotted)
    assert near is not None
    assert far is not None
    for level, cells in enumerate(((16, 16), (8, 8))):
        assert near[level].shape == cells
        assert near[level].max() < 1e-5
        row, column = np.unravel_index(int(far[level].argmax()), cells)
        stride = SIDE / cells[0]
        assert abs((row + 0.5) * stride - 54) <= stride + 12
        assert abs((column + 0.5) * stride - 70) <= stride + 12


def test_the_score_is_the_maps_top_and_the_answer(by_words: AnomalyGpt) -> None:
    (view,) = by_words.look([Picture(plate(9, True))])
    logits = by_words.map_of(view)
    yes = by_words.pointer.wrong(by_words.asked(view, logits), "plate")
    top = grids.top_mean(logits, TOP)
    share = by_words.words_share
    assert by_words.judge(view).score == pytest.approx((1 - share) * top + share * yes, abs=1e-4)


def test_the_answer_rests_on_the_places_that_the_map_picks(by_words: AnomalyGpt) -> None:
    """A spot is passed over under an even map, and heard of under one that shows it."""
    (view,) = by_words.look([Picture(plate(9, True))])
    even = np.full((16, 16), -4, np.float32)
    alarming = even.copy()
    alarming[5:8, 7:10] = 4
    calm, alarmed = (by_words.pointer.wrong(by_words.asked(view, one), "plate") for one in (even, alarming))
    assert calm < 0
    assert alarmed > calm + 0.5


def test_instructions_act_on_the_map_that_is_read(by_words: AnomalyGpt) -> None:
    (view,) = by_words.look([Picture(plate(9, True))])
    plain = by_words.judge(view)
    only = by_words.judge(view, Instruction.of([Only(defect="stain")]))
    assert set(only.type_maps) == {"stain"}
    assert_array_equal(only.map, only.type_maps["stain"])
    assert_allclose(only.map, plain.type_maps["stain"], atol=1e-3)
    ignored = by_words.judge(view, Instruction.of([Ignore(defect="stain")]))
    assert set(ignored.type_maps) == {"scratch"}
    assert ignored.map[SPOT].mean() < plain.map[SPOT].mean() - 0.3
    assert ignored.score < plain.score
    nothing = by_words.judge(view, Instruction.of([Only(defect="stain"), Ignore(defect="stain")]))
    assert nothing.score == 0
    assert not nothing.map.any()


def test_neither_list_nor_order_of_types_changes_what_is_said_of_one(by_words: AnomalyGpt) -> None:
    (view,) = by_words.look([Picture(plate(9, True))])
    longer = Specification(
        product="plate", defects=tuple(DefectType(name=n) for n in ("cut", "scratch", "stain"))
    )
    one, other = by_words.judge(view), fitted([], longer).judge(view)
    assert other.score == pytest.approx(one.score, abs=1e-3)
    assert_allclose(other.map, one.map, atol=1e-3)
    assert_allclose(other.type_maps["stain"], one.type_maps["stain"], atol=1e-3)


def test_another_encoder_and_another_language_model_are_refused(by_words: AnomalyGpt, tmp_path: Path) -> None:
    from tests.support.colour_encoder import ColourEncoder

    with pytest.raises(SpecsightError, match="'colours' is another: choose that one with --encoder"):
        create_detector("anomalygpt", encoder=ColourEncoder()).fit([], PLATE).look([Picture(plate(0))])
    by_words.save(tmp_path)
    (tmp_path / FINGERPRINT).write_text(json.dumps({"fingerprint": "0" * 64}))
    with pytest.raises(SpecsightError, match="fitted with another language model"):
        load_detector(tmp_path)
