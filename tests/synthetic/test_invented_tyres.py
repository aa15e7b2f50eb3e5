"""Invented tyre models: the same ones always, sound, unlike the held-out model; sets and training pictures of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from specsight.errors import SpecsightError
from specsight.specification import parse_specification
from specsight.specification.synonyms import GENERAL
from specsight.synthetic.scenes import tyre_pictures
from specsight.synthetic.scenes.tyre_pictures import NOT_VISIBLE, TyrePictures, draw_picture, model_of
from specsight.synthetic.tyres import generate, render, sample_tyre_scene
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.features import ACCEPTABLE
from specsight.synthetic.tyres.geometry import TyreModel
from specsight.synthetic.tyres.invented import (
    FIRST_TRAINING_NUMBER,
    PICTURES_PER_MODEL,
    invented_model,
    is_sound,
    resembles_unseen,
)
from specsight.synthetic.tyres.models import tyre_model
from specsight.synthetic.tyres.planning import Settings, models_of, plan

NUMBERS = range(40)
TYPES = tuple(dict.fromkeys(GENERAL.spelling(name) for name in KINDS))


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda m: m.name)
def test_models_of_the_catalogue_are_sound(model: TyreModel) -> None:
    assert is_sound(model)


def test_every_number_has_one_sound_model_within_the_ranges() -> None:
    models = [invented_model(number) for number in NUMBERS]
    for number, model in zip(NUMBERS, models):
        assert model.name == f"invented:{number}"
        assert is_sound(model)
        assert 2 <= len(model.grooves) <= 5
        assert 2 <= len(model.laterals) <= 16
        assert 46 <= model.pitches <= 79
        assert 1680 <= model.circumference_mm <= 2360
        width, rim = int(model.size[:3]), int(model.size.split(" R")[1][:2])
        diameter = rim * 25.4 + 2 * width * int(model.size[4:6]) / 100
        assert model.circumference_mm == pytest.approx(np.pi * diameter, abs=0.51)
    assert {len(m.grooves) for m in models} == {2, 3, 4, 5}
    assert len({m.circumference_mm for m in models}) > 20
    assert any(g.zigzag for m in models for g in m.grooves)
    invented_model.cache_clear()
    assert invented_model(3) == models[3]


def test_nothing_of_the_held_out_model_is_invented() -> None:
    winter = MODELS["winter"]
    for model in map(invented_model, NUMBERS):
        assert "serif" not in (model.brand_font, model.text_font)
        assert "hatched" not in (model.brand_style, model.moulding.line_style)
        assert model.brand not in {m.brand for m in MODELS.values()}
        assert model.line not in {m.line for m in MODELS.values()}
        assert not model.size.startswith("195/65 R15")
        assert model.grooves != winter.grooves
        assert model.laterals != winter.laterals
    assert resembles_unseen(winter, "directional")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("invented", "a number is missing; name one model as in 'invented:17'"),
        ("invented:x", "'x' is no number"),
        ("invented:-3", "'-3' is no number"),
        ("invented:", "'' is no number"),
        ("invented:1234567890123", "is no number of up to 12 digits"),
        ("inventd", "did you mean 'invented'"),
    ],
)
def test_names_that_stand_for_no_model_are_refused(name: str, message: str) -> None:
    with pytest.raises(SpecsightError, match=message):
        tyre_model(name)


def digest(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != ".lock"
    }


@pytest.mark.long
def test_a_set_of_invented_models_files_each_as_a_product_with_its_specification(tmp_path: Path) -> None:
    for workers in (1, 2):
        generate(
            tmp_path / str(workers), count=52, seed=3, size=64, strips=2, model="invented", workers=workers
        )
    assert digest(tmp_path / "1") == digest(tmp_path / "2")
    lines = [json.loads(line) for line in (tmp_path / "1" / "manifest.jsonl").read_text("utf-8").splitlines()]
    crops = [line for line in lines if not line.get("circular")]
    models = Counter(line["product"].rpartition(" ")[0] for line in crops)
    assert models == {"tyre invented 300000": 24, "tyre invented 300001": 24, "tyre invented 300002": 4}
    for line in crops:
        model = tyre_model("invented:" + line["product"].split()[2])
        assert model.size in line["text"]["description"]
        text = (tmp_path / "1" / "specifications" / f"{model.product}.yaml").read_text("utf-8")
        own = parse_specification(text, model.product)
        assert any(model.size in r.feature for r in own.requirements)
    shared = yaml.safe_load((tmp_path / "1" / "specification.yaml").read_text("utf-8"))
    assert [r["feature"] for r in shared["requirements"]] == ["yellow balance dot"]
    for group in {line["group"] for line in lines}:
        members = [line for line in lines if line["group"] == group]
        assert len({m["product"] for m in members}) == len({m["split"] for m in members}) == 1


def test_a_plan_keeps_the_jobs_of_a_model_together_and_gives_every_type_its_turn() -> None:
    settings = Settings(
        240, 1, 64, 0, ("diffuse", "grazing", "dark_field", "low"), ("tread", "sidewall", "bead"), "invented"
    )
    jobs = plan(settings)
    order = [job.model for job in jobs]
    assert list(dict.fromkeys(order)) == list(models_of(settings))
    assert order == sorted(order, key=order.index)
    assert {job.type for job in jobs if job.type} == set(KINDS)
    for model in models_of(settings):
        own = [job for job in jobs if job.model == model]
        assert sum(len(job.numbers) for job in own) == PICTURES_PER_MODEL
        assert {job.zone for job in own if job.split == "train"} == set(settings.zones)
    assert all(int(m.split(":")[1]) < FIRST_TRAINING_NUMBER for m in models_of(settings))


def test_a_single_invented_model_makes_pictures_in_every_zone() -> None:
    for zone in ("tread", "sidewall", "bead"):
        picture = render(sample_tyre_scene((1,), zone, "grazing", "invented:17", size=96))
        assert picture.rgb.shape == (96, 96, 3)
        assert picture.rgb.std() > 3


def test_training_pictures_follow_their_shares() -> None:
    indices = range(0, 300 * PICTURES_PER_MODEL, PICTURES_PER_MODEL)
    models = [model_of(index) for index in indices]
    catalogue = [m for m in models if m in MODELS]
    assert "winter" not in models
    assert set(catalogue) == set(MODELS) - {"winter"}
    assert len(catalogue) == pytest.approx(300 / 8, abs=15)
    assert len(set(models) - set(MODELS)) == len(models) - len(catalogue)
    assert all(int(m.split(":")[1]) >= FIRST_TRAINING_NUMBER for m in models if m not in MODELS)
    assert len({model_of(index) for index in range(PICTURES_PER_MODEL)}) == 1


def test_invented_pictures_show_no_model_of_the_catalogue(tmp_path: Path) -> None:
    indices = range(0, 300 * PICTURES_PER_MODEL, PICTURES_PER_MODEL)
    assert not {model_of(index, invented=True) for index in indices} & set(MODELS)
    # The pictures of other groups are the same ones.
    shown = [(model_of(index), model_of(index, invented=True)) for index in indices]
    assert all(one == other for one, other in shown if one not in MODELS)
    first = next(index for index in indices if model_of(index) in MODELS)
    TyrePictures(tmp_path / "all", first, first + 1, 64, TYPES, workers=1)
    TyrePictures(tmp_path / "invented", first, first + 1, 64, TYPES, workers=1, invented=True)
    assert digest(tmp_path / "all") != digest(tmp_path / "invented")
    with pytest.raises(SpecsightError, match="choice of models"):
        TyrePictures(tmp_path / "all", first, first + 1, 64, TYPES, workers=1, invented=True)


def test_training_pictures_do_not_depend_on_workers_and_go_on(tmp_path: Path) -> None:
    one = TyrePictures(tmp_path / "one", 0, 30, 64, TYPES, workers=1)
    two = TyrePictures(tmp_path / "two", 0, 30, 64, TYPES, workers=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    (tmp_path / "two" / "00003.png").unlink()
    untouched = (tmp_path / "two" / "00004.png").stat().st_mtime_ns
    again = TyrePictures(tmp_path / "two", 3, 30, 64, TYPES)
    assert (tmp_path / "two" / "00004.png").stat().st_mtime_ns == untouched
    assert np.array_equal(again[0].rgb, one[3].rgb)
    assert len(two) == 30
    names = {TYPES[v - 1] for k in range(30) for v in np.unique(one[k].types) if 0 < v < NOT_VISIBLE}
    for k in range(30):
        expected = {GENERAL.spelling(d.type) for d in draw_picture(k, 64).defects if "rgb" in d.visible}
        assert {TYPES[v - 1] for v in np.unique(one[k].types) if 0 < v < NOT_VISIBLE} == expected
    assert len(names) > 4
    seen: set[str] = set()
    for k in range(30):
        marks = {m.kind for m in draw_picture(k, 64).marks} & set(ACCEPTABLE)
        shown = {ACCEPTABLE[v - 1] for v in np.unique(one[k].marks) if v}
        assert shown <= marks, "a mark below another is not shown"
        seen |= shown
    assert len(seen) >= 3


def test_a_folder_of_other_pictures_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    TyrePictures(tmp_path, 0, 1, 64, TYPES, workers=1)
    with pytest.raises(SpecsightError, match="another size, drawing or choice of models: delete"):
        TyrePictures(tmp_path, 0, 1, 80, TYPES, workers=1)
    (tmp_path / "pictures.json").unlink()
    with pytest.raises(SpecsightError, match="another size, drawing"):
        TyrePictures(tmp_path, 0, 1, 64, TYPES, workers=1)
    with pytest.raises(SpecsightError, match="which is not among the types: crack"):
        TyrePictures(tmp_path / "new", 0, 1, 64, ("crack",), workers=1)
    assert tyre_pictures.HELD_OUT_MODEL == "winter"
