"""The recipe of language models that point: pictures with their truth, what is said of them, stages that go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specsight.errors import SpecsightError
from specsight.language.pointing.tokens import SEG_DEFECT, SEG_NORMAL
from specsight.recipes.language.conversations import (
    ANYTHING,
    _on_part,
    alike,
    caption,
    conversation,
    item_turn,
    pointed,
)
from specsight.recipes.language.gallery import IGNORED, UNNAMED, Asked, Entry, Gallery, Spot
from specsight.recipes.language.recipe import BundledShape, GalleryPlan, LanguageRecipe
from specsight.recipes.run import RunOptions

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

TYRE = Entry(
    "tyre line",
    ("cut", "stain"),
    (Spot("cut", "top left", "bead", "major", 0.02), Spot("stain", "centre", "bead", "minor", 0.01)),
    parts=("bead",),
    items=(Asked("type", "Which type is it?", "Inspect the bead.", "Cut"),),
)
GOOD = Entry("tyre line", (), parts=("bead",))
PLAN = GalleryPlan(side=128, tyres=24, scenes=10, held_out=24, good_kept=0.3)


def recipe(steps: int = 2) -> LanguageRecipe:
    base = LanguageRecipe(
        RunOptions(workers=0),
        gallery=PLAN,
        bundled=BundledShape(pieces=600, width=32, layers=1, heads=2, key_heads=1, inner=48),
        width=16,
    )

    def short(stage):  # type: ignore[no-untyped-def]
        schedule = replace(stage.schedule, steps=steps, checkpoint_every=1)
        return replace(stage, pictures=3, absent=2, schedule=schedule)

    return replace(base, align=short(base.align), instruct=short(base.instruct))


@pytest.fixture(scope="module", autouse=True)
def _held_out_pictures_are_few() -> Iterator[None]:
    from specsight.recipes.language import task

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "VALIDATED", 2)
        yield


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import cv2

    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for number in range(4):
        noise = cv2.resize(rng.integers(0, 255, (20, 20, 3), np.uint8), (320, 320))
        cv2.imwrite(str(folder / f"{number}.png"), noise)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, photographs: Path) -> Path:
    """A whole run of the smallest size."""
    from specsight.recipes.language.train import train

    out = tmp_path_factory.mktemp("run")
    assert train(recipe(), out, photographs) == out / "model"
    return out


@given(st.integers(0, 10_000))
def test_answers_end_in_the_tokens_one_for_each_type(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for entry in (TYRE, GOOD):
        for turn in (caption(rng, entry), conversation(rng, entry, 0.2)):
            assert turn is not None
            assert turn.answer.count(SEG_DEFECT) == len(turn.types) > 0
            assert turn.answer.count(SEG_NORMAL) == 1
            assert turn.answer.endswith(SEG_NORMAL)
            assert "{" not in turn.question


@given(st.integers(0, 10_000))
def test_named_types_are_there_or_are_said_not_to_be(seed: int) -> None:
    turn = conversation(np.random.default_rng(seed), TYRE, 0.0)
    assert turn is not None
    for type_ in turn.types:
        if type_ != ANYTHING and type_ not in TYRE.types:
            assert f"There is no {type_}" in turn.answer or f"No, there is no {type_}" in turn.answer


@given(st.integers(0, 10_000), st.integers(0, 8))
def test_what_is_pointed_at_besides_is_not_there(seed: int, absent: int) -> None:
    found = pointed(np.random.default_rng(seed), TYRE, absent)
    types = [one.type for one in found]
    assert types.count(ANYTHING) == 1
    assert {"cut", "stain"} <= set(types)
    others = [one for one in types if one not in ("cut", "stain", ANYTHING)]
    assert len(others) == absent
    assert not any(alike(one, there) for one in others for there in TYRE.types)


@given(st.integers(0, 10_000))
def test_nobody_is_told_that_a_part_with_a_piece_of_a_defect_is_good(seed: int) -> None:
    reaching = Spot("cut", "top", "bead", touched=("flange",))
    entry = Entry("tyre line", ("cut",), (reaching,), parts=("toe", "bead", "flange"))
    turn = _on_part(np.random.default_rng(seed), entry)
    assert "flange" not in turn.question
    assert turn.answer.startswith("Yes" if "bead" in turn.question else "No")
    only = replace(entry, spots=(replace(reaching, part=""),), parts=("flange",))
    assert "flange" not in _on_part(np.random.default_rng(seed), only).question


def test_answers_that_speak_of_options_that_are_not_shown_are_not_learned() -> None:
    from specsight.benchmark.records import Item
    from specsight.recipes.language.pictures import _asked

    def item(right: str) -> Item:
        values: dict[str, Any] = {
            name: None for name, one in Item.model_fields.items() if not one.is_required()
        }
        return Item.model_construct(
            **values
            | {"task": "type", "form": "choice", "question": "Which?", "options": {"A": right}, "answer": "A"}
        )

    assert [one.answer for one in _asked([item("Cut"), item("Another type of defect")])] == ["Cut"]


def test_a_defect_that_can_hardly_be_seen_is_not_spoken_of() -> None:
    rng = np.random.default_rng(0)
    uncertain = replace(GOOD, certain=False)
    assert caption(rng, uncertain) is None
    assert conversation(rng, uncertain, 1.0) is None


def test_items_answer_in_the_words_of_the_right_option() -> None:
    turn = item_turn(TYRE.items[0])
    assert turn.question == "Inspect the bead.\nWhich type is it?"
    assert turn.answer == f"Cut{SEG_DEFECT}{SEG_NORMAL}"


def test_targets_of_a_type_leave_out_what_shades_into_it() -> None:
    from specsight.recipes.language.batches import target_of

    entry = Entry("scene", ("cut", "stain"))
    labels = np.array([[0, 1, 2], [UNNAMED, IGNORED, 1]], np.uint8)
    own, known = target_of(labels, entry, "cut")
    assert own.tolist() == [[False, True, False], [False, False, True]]
    assert known.tolist() == [[True, True, True], [False, False, True]]
    own, known = target_of(labels, entry, "crack")  # A cut may be called a crack.
    assert not own.any()
    assert known.tolist() == [[True, False, True], [False, False, False]]
    own, known = target_of(labels, entry, ANYTHING)
    assert own.tolist() == [[False, True, True], [True, False, True]]
    assert known.tolist() == [[True, True, True], [True, False, True]]


def test_a_run_leaves_a_model_that_speaks_and_points(run: Path) -> None:
    from specsight.encoders import JOINT, load_encoder
    from specsight.language.pointing.pointer import FINE, Phrase, Pointer

    pointer = Pointer.load(str(run / "model"), "cpu")
    encoder = load_encoder("bundled")
    picture = np.random.default_rng(0).integers(0, 255, (1, 128, 128, 3), np.uint8)
    found = encoder.all_grids(picture)
    adapted = pointer.adapt([found[layer][0] for layer in pointer.description.layers])
    features = {**adapted, JOINT: found[JOINT][0]}
    good, cut = encoder.embed_texts(["a good part", "a cut"])
    result = pointer.point(features, [Phrase("cut", cut)], good, "part")
    assert result.margins.shape == (1, *features[FINE].shape[1:])
    assert np.isfinite([*result.presence, result.yes]).all()
    said = pointer.say(features, "What is wrong?", longest=20)
    assert len(said.margins) == len(said.types)
    assert SEG_NORMAL not in said.text
    weights = pointer.weigh(features, "Is it good?", ["Yes", "No"])
    assert weights == pointer.weigh(features, "Is it good?", ["Yes", "No"])


def test_the_gallery_holds_line_and_scenes_with_their_truth(run: Path) -> None:
    from specsight.encoders import load_encoder

    gallery = Gallery.read(run / "gallery" / "train", load_encoder("bundled").default_layers)
    kinds = {entry.kind for entry in gallery.entries}
    assert "tyre line" in kinds
    assert len(kinds) > 2
    line = [n for n, entry in enumerate(gallery.entries) if entry.kind == "tyre line" and entry.certain]
    defective = [n for n in line if gallery.entries[n].types]
    assert 0 < len(defective) < len(line)
    for number in line:
        entry = gallery.entries[number]
        grids, labels = gallery.features(number)
        assert labels.shape == grids[0].shape[1:]
        named = set(np.unique(labels)) - {0, IGNORED}
        assert named <= set(range(1, len(entry.types) + 1))
        assert bool(entry.spots) == bool(entry.types)
        assert all(SEG_DEFECT not in asked.answer for asked in entry.items)
    assert any(gallery.entries[n].items for n in line)


@pytest.mark.long
def test_a_stopped_run_ends_with_the_weights_of_an_unbroken_one(
    run: Path, photographs: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    from specsight.learning import engine
    from specsight.recipes.language.train import train

    for name in ("gallery", "line", "tyres"):
        shutil.copytree(run / name, tmp_path / name)

    class Stopped(Exception):
        pass

    with pytest.MonkeyPatch.context() as patch:
        saved = engine.save_checkpoint  # type: ignore[attr-defined]
        count = []

        def once(*given: Any) -> None:
            saved(*given)
            count.append(1)
            if len(count) == 3:  # in the second stage
                raise Stopped

        patch.setattr(engine, "save_checkpoint", once)
        with pytest.raises(Stopped):
            train(recipe(), tmp_path, photographs)
    train(recipe(), tmp_path, photographs)
    for name in ("heads.safetensors", "language/model.safetensors"):
        first, second = load_file(run / "model" / name), load_file(tmp_path / "model" / name)
        for key, tensor in first.items():
            assert np.array_equal(tensor, second[key]), key


def test_a_language_model_from_scratch_learns_on_with_its_own_pieces_and_without_captions(
    run: Path, photographs: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    from specsight.recipes.language.train import train

    for name in ("gallery", "line", "tyres"):
        shutil.copytree(run / name, tmp_path / name)
    model = train(recipe(), tmp_path, photographs, start=run / "model")
    stages = {json.loads(line)["stage"] for line in (tmp_path / "log.jsonl").read_text().splitlines()}
    assert stages == {"instruct", "export"}
    assert not (tmp_path / "align.safetensors").exists()
    pieces = Path("language", "tokenizer.json")
    assert (model / pieces).read_bytes() == (run / "model" / pieces).read_bytes()
    before, after = (load_file(at / "model" / "language" / "model.safetensors") for at in (run, tmp_path))
    moved = [float(np.abs(after[name].astype(np.float32) - before[name]).max()) for name in before]
    assert 0 < max(moved) < 0.02  # two steps at the rate of going on, with half precision in between


def test_of_another_shape_the_heads_alone_are_taken(run: Path) -> None:
    from specsight.recipes.language.train import speaks

    assert speaks(run / "model", recipe())
    assert not speaks(run / "model", replace(recipe(), bundled=replace(recipe().bundled, width=16)))
    assert not speaks(run / "model", replace(recipe(), language_model="smollm2"))


def test_another_recipe_is_refused_where_pictures_or_checkpoints_are(run: Path, photographs: Path) -> None:
    from specsight.recipes.language.train import train

    with pytest.raises(SpecsightError, match="other pictures"):
        train(replace(recipe(), gallery=replace(PLAN, scenes=11)), run, photographs, ["gallery"])
    changed = recipe()
    with pytest.raises(SpecsightError, match="align"):
        train(replace(changed, align=replace(changed.align, absent=1)), run, photographs)
    with pytest.raises(SpecsightError, match="did you mean 'instruct'"):
        train(recipe(), run, photographs, ["instrukt"])


def test_what_cannot_be_learned_from_is_told_before_anything_is_rendered(
    photographs: Path, tmp_path: Path
) -> None:
    from specsight.recipes.language.train import train

    damaged = Path(shutil.copytree(photographs, tmp_path / "photographs"))
    (damaged / "2.png").write_bytes(b"no picture")
    with pytest.raises(SpecsightError, match=r"2\.png"):
        train(recipe(), tmp_path / "out", damaged)
    with pytest.raises(SpecsightError, match="no such folder"):
        train(replace(recipe(), language_model=str(tmp_path / "none")), tmp_path / "out", photographs)
    assert not (tmp_path / "out").exists()


def test_no_model_of_tyres_that_is_measured_on_is_learned_from(run: Path) -> None:
    from specsight.synthetic.tyres.planning import Settings, models_of

    assert json.loads((run / "tyres" / "pictures.json").read_text())["models"] == "invented"
    shown = []
    for name in ("train", "held-out"):
        settings = json.loads((run / "line" / name / "data" / "tyres.json").read_text())
        assert settings.pop("generator")
        shown.append(set(models_of(Settings(**settings))))
    assert all(model.startswith("invented:") for models in shown for model in models)
    assert not set.intersection(*shown)


def test_everything_is_on_record(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    held_out = [line["held_out"] for line in lines if "held_out" in line]
    assert len(held_out) == 2
    assert {"words", "cell_auroc", "type_auroc"} <= set(held_out[0])
    assert json.loads((run / "recipe.json").read_text())["gallery"]["seed"] == PLAN.seed


def map_recipe(steps: int = 2) -> Any:
    from specsight.recipes.anomalygpt.recipe import AnomalyGptRecipe

    base = AnomalyGptRecipe(RunOptions(workers=0, device="cpu"))
    schedule = replace(base.prompts.schedule, steps=steps, checkpoint_every=1)
    return replace(base, prompts=replace(base.prompts, pictures=4, few_shot=1.0, schedule=schedule))


def test_references_are_good_pictures_of_the_product_and_no_twins(run: Path) -> None:
    from specsight.encoders import load_encoder
    from specsight.recipes.anomalygpt.references import references_of
    from specsight.recipes.language.pictures import LinePictures

    gallery = Gallery.read(run / "gallery" / "train", load_encoder("bundled").default_layers)
    benchmark = run / "line" / "train" / "benchmark"
    samples = [sample for sample, _ in LinePictures(benchmark, PLAN.good_kept, 8).kept]
    found = references_of(gallery, benchmark, PLAN.good_kept)
    assert found
    for number, others in found.items():
        for other in others:
            assert samples[other].label == "good"
            assert not gallery.entries[other].types
            assert samples[other].product == samples[number].product
            assert samples[other].group != samples[number].group
    with pytest.raises(SpecsightError, match="make the gallery anew"):
        references_of(gallery, benchmark, 1.0)


def test_distances_are_to_the_nearest_cell_of_any_reference() -> None:
    from specsight.recipes.anomalygpt.references import distances_to

    right, up = np.array([[[1.0]], [[0.0]]], np.float16), np.array([[[0.0]], [[2.0]]], np.float16)
    grid = np.array([[[3.0, 0.0, -1.0]], [[3.0, 1.0, 0.0]]], np.float16)
    (found,) = distances_to([grid], [[right], [up]])
    np.testing.assert_allclose(found, [[1 - 0.5**0.5, 0.0, 1.0]], atol=1e-6)


@pytest.mark.long
def test_anomalygpt_learns_from_the_same_gallery_and_goes_on_where_it_stopped(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.numpy import load_file

    from specsight.language.map_prompts.reader import MapReader
    from specsight.learning import engine
    from specsight.recipes.anomalygpt import task
    from specsight.recipes.anomalygpt.train import train

    monkeypatch.setattr(task, "VALIDATED", 2)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(map_recipe(), whole, run, str(run / "model")) == whole / "model"
    with pytest.MonkeyPatch.context() as patch:
        saved = engine.save_checkpoint  # type: ignore[attr-defined]

        def once(*given: Any) -> None:
            saved(*given)
            raise KeyboardInterrupt

        patch.setattr(engine, "save_checkpoint", once)
        with pytest.raises(KeyboardInterrupt):
            train(map_recipe(), broken, run, str(run / "model"))
    train(map_recipe(), broken, run, str(run / "model"))
    for name in ("maps.safetensors", "speaker/language/model.safetensors", "speaker/heads.safetensors"):
        first, second = load_file(whole / "model" / name), load_file(broken / "model" / name)
        assert all(np.array_equal(tensor, second[key]) for key, tensor in first.items()), name
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    (held_out,) = [line["held_out"] for line in lines if "held_out" in line]
    assert {"words", "cell_auroc", "few_shot/cell_auroc", "yes/accuracy"} <= set(held_out)
    began, learned = (
        load_file(run / "model" / "heads.safetensors"),
        load_file(whole / "model" / "speaker" / "heads.safetensors"),
    )
    assert all(np.array_equal(learned[k], v) for k, v in began.items() if k.startswith("heads."))
    assert MapReader.load(str(whole / "model"), "cpu").description.encoder == "bundled"


def test_anomalygpt_needs_a_gallery_and_the_encoder_that_it_was_made_with(run: Path, tmp_path: Path) -> None:
    from specsight.recipes.anomalygpt.train import train

    with pytest.raises(SpecsightError, match="no run of 'specsight train language'"):
        train(map_recipe(), tmp_path / "out", tmp_path, str(run / "model"))
    with pytest.raises(SpecsightError, match="'filters' is another"):
        train(replace(map_recipe(), encoder="filters"), tmp_path / "out", run, str(run / "model"))
