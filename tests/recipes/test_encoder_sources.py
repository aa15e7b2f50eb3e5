"""What the encoder's recipe is given: whatever cannot be used is refused in one line, before anything is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'models'")
transformers = pytest.importorskip("transformers", reason="training needs the extra 'models'")

from tests.support.small_encoder_recipe import make_teacher, recipe

from specsight.errors import SpecsightError
from specsight.learning.batches import ReusingMaker
from specsight.recipes.encoder.start import Start
from specsight.recipes.encoder.train import Sources, train


@pytest.fixture(scope="module")
def run(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train(recipe(1), out, sources)
    return out


def configured(**values: Any) -> Callable[[Path], None]:
    """Change values of the text tower in the config.json of a folder."""

    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config["text_config"].update(values)
        (folder / "config.json").write_text(json.dumps(config))

    return change


def cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:3000])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").write_text("{"), "config.json that cannot be used"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no usable tokenizer"),
        (cut_short, "cannot be loaded"),
        (configured(intermediate_size=99), "intermediate_size is 99"),
        (configured(type_vocab_size=2), "type_vocab_size is 2"),
        (configured(vocab_size=7), "vocab_size is 7"),
        (configured(num_hidden_layers=3), "lacks .* of its weights"),
        (configured(hidden_act="relu"), "is no encoder that this recipe makes"),
    ],
)
def test_weights_that_cannot_learn_on_are_refused(
    damage: Callable[[Path], None], message: str, run: Path, sources: Sources, tmp_path: Path
) -> None:
    shutil.copytree(run / "model", tmp_path / "start")
    Start(tmp_path / "start")
    damage(tmp_path / "start")
    with pytest.raises(SpecsightError, match=message):
        train(recipe(1), tmp_path / "out", replace(sources, start=tmp_path / "start"))
    assert not (tmp_path / "out").exists()


def test_sources_that_cannot_be_used_are_refused(run: Path, sources: Sources, tmp_path: Path) -> None:
    shutil.copytree(sources.teacher, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"no weights")
    cases: list[tuple[Sources, str]] = [
        (replace(sources, teacher=run / "model"), "teacher .* gives no feature maps at strides 8 and 16"),
        (replace(sources, teacher=sources.sentence_folder), "gives no feature maps at strides 8 and 16"),
        (replace(sources, teacher=tmp_path / "damaged"), "teacher .* cannot be loaded"),
        (replace(sources, teacher=tmp_path / "none"), "teacher .*: no such folder"),
        (
            replace(sources, start=tmp_path / "none"),
            "no such folder; give one that `specsight train encoder` wrote",
        ),
        (replace(sources, sentences=sources.teacher), "has no vocab.txt"),
        (replace(sources, photographs=tmp_path), "holds no photographs"),
    ]
    for given, message in cases:
        with pytest.raises(SpecsightError, match=message):
            train(recipe(1), tmp_path / "out", given)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_a_run_goes_on_with_its_own_teacher(run: Path, sources: Sources, tmp_path: Path) -> None:
    """Another one of the same shape gives other targets, and fits no statistics of the first."""
    make_teacher(tmp_path / "teacher", seed=1)
    shutil.copytree(run, tmp_path / "out")
    (tmp_path / "out" / "polish.safetensors").unlink()
    with pytest.raises(SpecsightError, match="was measured on another teacher"):
        train(recipe(1), tmp_path / "out", replace(sources, teacher=tmp_path / "teacher"))
    (tmp_path / "out" / "teacher_statistics.safetensors").write_bytes(b"nothing")
    with pytest.raises(SpecsightError, match="is damaged: delete it"):
        train(recipe(1), tmp_path / "out", sources)


def test_stages_that_are_not_trained_now_must_be_of_the_recipe_too(
    run: Path, sources: Sources, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "out")
    other = replace(recipe(1), joint=replace(recipe(1).joint, trunk_rate=0.1))
    for stages in (("polish",), ("export",)):
        with pytest.raises(SpecsightError, match=r"joint.safetensors' is damaged or of another.*config"):
            train(other, tmp_path / "out", sources, stages)


def test_parts_of_a_batch_must_have_one_side() -> None:
    with pytest.raises(SpecsightError, match=r"7 sides of pictures.*divides 120"):
        ReusingMaker(lambda rng, side: side, lambda rng, parts: parts, (64,) * 7)
