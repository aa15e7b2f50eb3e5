"""Scenes and examples: labels of cells by hand, determinism, and truth of the words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'models'")

from specsight.recipes.encoder.joint_batches import COVERED, IGNORED, UNNAMED, cell_labels
from specsight.recipes.encoder.scene_examples import (
    ANY,
    NOT_VISIBLE,
    TYPES,
    SceneExamples,
    _example_with_defects,
)
from specsight.recipes.encoder.scene_examples import KINDS as SOURCES
from specsight.recipes.encoder.sentences import THINGS
from specsight.specification.synonyms import GENERAL
from specsight.synthetic.defects.painting import VISIBLE
from specsight.synthetic.scenes.blocks import render_block
from specsight.synthetic.scenes.camera import Camera
from specsight.synthetic.scenes.objects import FORMS, render_object
from specsight.synthetic.scenes.photographs import Photographs
from specsight.synthetic.scenes.scene import Scene, render_scene
from specsight.synthetic.scenes.tyre_pictures import HELD_OUT_MODEL, TyrePictures
from specsight.synthetic.scenes.vessels import render_vessel
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.defects import KINDS


def test_cell_labels_by_hand() -> None:
    types = np.zeros((64, 64), np.uint8)
    types[12:20, 12:20] = 3
    types[30:34, 0:2] = 5
    types[44:52, 44:52] = ANY
    types[0:4, 44:52] = NOT_VISIBLE
    expected = np.zeros((4, 4), np.int64)
    expected[1, 1], expected[2, 0], expected[3, 3], expected[0, 3] = 3, IGNORED, UNNAMED, IGNORED
    # Cell (2, 0) sees 4 x 2 changed pixels and their mirror images beyond the frame.
    labels = cell_labels(types)
    assert labels[1, 1] == 3
    assert labels[3, 3] == UNNAMED
    assert labels[0, 3] == IGNORED
    assert labels[2, 0] in (IGNORED, 5)
    assert (labels[expected == 0] == 0).all()


def test_a_line_two_pixels_wide_labels_its_cells() -> None:
    types = np.zeros((64, 64), np.uint8)
    types[31:33] = 1
    assert COVERED < 2 / 16
    assert (cell_labels(types)[2] == 1).all()


@pytest.mark.parametrize("draw", [render_scene, render_block, render_vessel, render_object])
def test_scenes_repeat_and_their_regions_have_words(
    draw: Callable[[np.random.Generator, int], Scene],
) -> None:
    for seed in range(5):
        first, again = (draw(np.random.default_rng(seed), 96) for _ in range(2))
        assert np.array_equal(first.rgb, again.rgb)
        assert first.rgb.shape == (96, 96, 3)
        assert int(first.regions.max()) < len(first.words)


def test_examples_label_exactly_what_visibly_changed_on_the_cameras_picture() -> None:
    softened = 0
    for seed in range(24):
        scene = render_block(np.random.default_rng(seed), 96)
        example = _example_with_defects(np.random.default_rng(seed), scene)
        change = np.abs(example.rgb.astype(int) - scene.rgb.astype(int)).max(axis=2)
        assert np.array_equal(example.types > 0, change >= VISIBLE)
        softened += int(scene.camera.blur > 0 and (example.types > 0).any())
    assert softened > 3


def test_a_scene_shows_its_camera_and_one_camera_always_the_same() -> None:
    scene = render_vessel(np.random.default_rng(3), 96)
    camera = Camera(1.2, 5.0, True, 7)
    assert np.array_equal(camera.expose(scene.pixels), camera.expose(scene.pixels))
    assert np.array_equal(Camera().expose(scene.pixels), scene.pixels)
    assert not np.array_equal(camera.expose(scene.pixels), scene.pixels)


def test_tyres_keep_one_model_apart_and_know_every_type(tmp_path: Path) -> None:
    assert HELD_OUT_MODEL in MODELS
    assert {GENERAL.find(name) for name in KINDS} <= set(TYPES)
    pictures = TyrePictures(tmp_path, 0, 2, 96, TYPES)
    again = TyrePictures(tmp_path, 1, 2, 96, TYPES)
    assert np.array_equal(pictures[1].rgb, again[0].rgb)
    for index in range(2):
        picture = pictures[index]
        assert picture.rgb.shape == (96, 96, 3)
        assert set(np.unique(picture.types)) <= {0, NOT_VISIBLE, *range(1, len(TYPES) + 1)}


def test_sentences_name_every_small_object() -> None:
    assert set(FORMS) <= set(THINGS)


@pytest.mark.parametrize("kind", [kind for kind in SOURCES if kind not in ("tyre", "photograph")])
def test_examples_of_every_kind_are_good_and_defective(kind: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((64, 64, 3), 90, np.uint8))
    examples = SceneExamples(Photographs(tmp_path), None)
    made = [examples.make_kind(kind, np.random.default_rng(seed), 64) for seed in range(30)]
    good = sum(not example.types.any() for example in made)
    assert 3 <= good <= 20
    assert all(int(example.regions.max()) < len(example.meanings) for example in made)
