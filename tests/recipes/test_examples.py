"""Scenes and examples: labels of cells by hand, determinism, and truth of the words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'models'")

from specsight.recipes.encoder.joint_batches import (
    COVERED,
    IGNORED,
    UNNAMED,
    cell_labels,
    mark_labels,
    state_sentences,
)
from specsight.recipes.encoder.scene_examples import (
    ANY,
    MARK_KINDS,
    NOT_VISIBLE,
    TYPES,
    SceneExample,
    SceneExamples,
    _example_with_defects,
)
from specsight.recipes.encoder.scene_examples import KINDS as SOURCES
from specsight.recipes.encoder.sentences import MARKS, THINGS, Meaning, contradictions, say
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


def test_marks_label_the_cells_that_show_them_and_no_defect() -> None:
    types, marks = np.zeros((2, 64, 64), np.uint8)
    types[12:20, 12:20] = 3
    marks[14:18, 14:18] = 4
    marks[30:33, 30:32] = 2
    marks[48, 0] = 1
    labels = mark_labels(SceneExample(np.zeros((64, 64, 3), np.uint8), types, types, marks=marks))
    assert labels[1, 1] == IGNORED, "a defect lies there"
    assert labels[2, 2] == 2, "six pixels are enough"
    assert labels[3, 0] == IGNORED, "two are neither enough nor none: the frame mirrors one"
    assert labels[3, 3] == labels[0, 3] == 0
    unmarked = mark_labels(SceneExample(np.zeros((64, 64, 3), np.uint8), types, types))
    assert set(np.unique(unmarked)) == {0, IGNORED}


def test_tyre_examples_show_the_marks_of_their_pictures(tmp_path: Path) -> None:
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((64, 64, 3), 90, np.uint8))
    examples = SceneExamples(Photographs(tmp_path), TyrePictures(tmp_path / "tyres", 0, 6, 96, TYPES))
    made = [examples.make_kind("tyre", np.random.default_rng(seed), 96) for seed in range(8)]
    shown = [example.marks for example in made if example.marks is not None]
    assert len(shown) == 8
    assert {int(v) for marks in shown for v in np.unique(marks)} - {0} <= set(range(1, len(MARK_KINDS) + 1))
    assert sum(bool(marks.any()) for marks in shown) >= 4
    assert examples.make_kind("block", np.random.default_rng(0), 64).marks is None


def test_sentences_name_marks_and_leave_those_about_defects_as_they_were() -> None:
    said = {say(np.random.default_rng(seed), Meaning("", "chalk mark")) for seed in range(60)}
    assert all(any(name in text for name in MARKS["chalk mark"]) for text in said)
    assert len(said) > 30
    assert set(MARKS) == set(MARK_KINDS)
    assert not set(MARKS) & set(THINGS), "products and their states are drawn among THINGS alone"
    kinds = [Meaning("", kind) for kind in MARKS]
    apart = contradictions([*kinds, Meaning("", "tread")])
    assert np.array_equal(apart, ~np.eye(len(kinds) + 1, dtype=bool))
    pinned = say(np.random.default_rng(5), Meaning("crack", "tread", "rubber"))
    assert pinned == "a photo of the caoutchouc tread pattern with a hairline crack"
    good, damaged, types = state_sentences(np.random.default_rng(3))
    assert (
        hashlib.sha256("\n".join([*good, *damaged, *types]).encode()).hexdigest()[:16] == "454fda1d145354dc"
    )
