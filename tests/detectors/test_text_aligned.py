"""Text-guided alignment: what training does to embeddings, what it learns from, and what it finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'models'")

from tests.support.colour_encoder import ColourEncoder

from specsight.detectors import create_detector
from specsight.detectors.synthetic_examples import add_defects, kinds_for
from specsight.detectors.text_aligned.alignment import align
from specsight.detectors.text_aligned.folds import PatchFolds
from specsight.errors import SpecsightError
from specsight.prompts.anchors import Anchors
from specsight.records import Picture, Sample
from specsight.specification import DefectType, Instruction, Only, Specification

PLATE = Specification(
    product="plate",
    defects=(
        DefectType(name="spill", phrases=("an oil stain", "red")),
        DefectType(name="burn", phrases=("blue",)),
    ),
)
RED, BLUE = (slice(8, 40), slice(8, 40)), (slice(48, 80), slice(64, 96))


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def example() -> tuple[np.ndarray, np.ndarray, np.ndarray, Anchors]:
    """Good and defective patches that words cannot tell apart at first: both lie between the anchors."""
    rng = np.random.default_rng(0)
    anchors = unit(rng.normal(size=(3, 16)))
    good = unit(anchors[0] + anchors[1] + 0.8 * rng.normal(size=16) + 0.1 * rng.normal(size=(200, 16)))
    defective = unit(anchors[0] + anchors[1] + 0.8 * rng.normal(size=16) + 0.1 * rng.normal(size=(100, 16)))
    shows = np.repeat(anchors[1:2], 100, 0)
    return good, defective, shows, Anchors(anchors[0], ("crack", "stain"), anchors[1:], anchors[:0])


def test_alignment_brings_patches_to_their_words() -> None:
    good, defective, shows, anchors = example()
    weight = align(good, defective, shows, anchors, steps=100, seed=0)

    def separation(w: np.ndarray) -> float:
        towards = [unit(p @ w.T) @ (anchors.defects[0] - anchors.good) for p in (defective, good)]
        return float(towards[0].mean() - towards[1].mean())

    assert separation(weight) > 0.1 + separation(np.eye(16, dtype=np.float32))
    assert (unit(good @ weight.T) @ anchors.good).mean() > (good @ anchors.good).mean()


def test_alignment_is_determined_by_its_seed() -> None:
    good, defective, shows, anchors = example()
    first, second = (align(good, defective, shows, anchors, steps=20, seed=3) for _ in range(2))
    assert_array_equal(first, second)
    assert np.abs(first - align(good, defective, shows, anchors, steps=20, seed=4)).max() > 0


def test_alignment_goes_without_defective_patches() -> None:
    good, defective, shows, anchors = example()
    weight = align(good, defective[:0], shows[:0], anchors, steps=100, seed=0)
    assert (unit(good @ weight.T) @ anchors.good).mean() > (good @ anchors.good).mean()


def test_words_the_training_never_heard_keep_their_meaning() -> None:
    good, defective, shows, anchors = example()
    weight = align(good, defective, shows, anchors, steps=100, seed=0)
    others = unit(np.random.default_rng(7).normal(size=(50, 16)))
    assert np.median((unit(others @ weight.T) * others).sum(1)) > 0.8


def test_synthetic_defects_stand_for_the_types_whose_words_they_go_by() -> None:
    pairs = dict(kinds_for(PLATE))
    assert pairs["stain"] == "spill"
    assert "crack" not in pairs
    assert pairs["nsa"] is None


def test_synthetic_pictures_differ_from_the_good_one_under_their_mask_only() -> None:
    picture = Picture(np.random.default_rng(0).integers(90, 150, (64, 80, 3)).astype(np.uint8))
    made = list(add_defects(np.random.default_rng(1), picture, kinds_for(PLATE), 6, side=64))
    assert made
    for defective in made:
        assert defective.mask is not None
        assert_array_equal((defective.rgb != picture.rgb).any(2), defective.mask)
        assert defective.kind is not None
        assert defective.kind.type in ("spill", None)


@pytest.mark.parametrize("frames", [1, 3])
def test_patch_folds_leave_whole_parts_out(frames: int) -> None:
    """`frames` pictures of each part, one after the other: with two folds every second part is left out."""
    folds = PatchFolds(folds=2, pictures=4 * frames, limit=1000, generator=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    patches = [(number + 0.1 * rng.normal(size=(30, 3))).astype(np.float32) for number in range(4)]
    for number, of_part in enumerate(patches):
        for of_picture in np.split(of_part, frames):
            folds.add_good(f"part {number}", of_picture, of_picture)
        folds.add_defective(of_part[:2] + 100, f"type {number}")
    assert_array_equal(folds.good_patches(without=0), np.concatenate([patches[1], patches[3]]))
    defective, types = folds.defective_patches(without=1)
    assert_array_equal(defective, np.concatenate([patches[0][:2], patches[2][:2]]) + 100)
    assert types == ["type 0", "type 0", "type 2", "type 2"]
    assert_allclose(
        folds.axes(0.99, without=0).mean, np.concatenate([patches[1], patches[3]]).mean(0), atol=1e-5
    )
    assert_allclose(folds.axes(0.99).mean, np.concatenate(patches).mean(0), atol=1e-5)


def test_pictures_of_one_part_say_nothing_of_unseen_parts(tmp_path: Path) -> None:
    samples = []
    for number in range(3):
        pixels = np.random.default_rng(number).integers(110, 130, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        samples.append(
            Sample(str(number), tmp_path / f"{number}.png", "plate", "train", "good", group="plate 7")
        )
    detector = create_detector("text_aligned", encoder=ColourEncoder(), resolution=64, synthetic_defects=2)
    with pytest.raises(
        SpecsightError, match="all good pictures show 'plate 7': add pictures of another good part"
    ):
        detector.fit(samples, PLATE)


def test_it_finds_and_names_what_leaves_the_good_pictures(tmp_path: Path) -> None:
    samples = []
    for number in range(4):
        rng = np.random.default_rng(number)
        pixels = (rng.normal(0, 2, (96, 128, 3)) + rng.integers(110, 130)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        samples.append(Sample(str(number), tmp_path / f"{number}.png", "plate", "train", "good"))
    detector = create_detector(
        "text_aligned", encoder=ColourEncoder(), resolution=96, synthetic_defects=20, steps=100
    )
    detector.fit(samples[:3], PLATE)
    good = np.asarray(Image.open(samples[3].image))
    defective = good.copy()
    defective[RED], defective[BLUE] = (200, 40, 40), (40, 40, 200)
    fine, bad = (detector.judge(view) for view in detector.look([Picture(good), Picture(defective)]))
    assert bad.score > fine.score + 3
    assert bad.type_maps["spill"][RED].mean() > bad.type_maps["burn"][RED].mean()
    assert bad.type_maps["burn"][BLUE].mean() > bad.type_maps["spill"][BLUE].mean()
    (view,) = detector.look([Picture(defective)])
    assert set(detector.judge(view, Instruction.of([Only(defect="burn")])).type_maps) == {"burn"}


def test_one_good_picture_is_too_few(tmp_path: Path) -> None:
    Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(tmp_path / "0.png")
    sample = Sample("0", tmp_path / "0.png", "plate", "train", "good")
    with pytest.raises(SpecsightError, match="at least 2 good parts"):
        create_detector("text_aligned", encoder=ColourEncoder()).fit([sample], PLATE)
