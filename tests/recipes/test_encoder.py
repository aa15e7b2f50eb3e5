"""The encoder's recipe end to end on tiny models: it runs, resumes, repeats itself, and what it writes can be read."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'models'")
pytest.importorskip("transformers", reason="training needs the extra 'models'")

from click.testing import CliRunner
from safetensors.torch import load_file
from tests.support.small_encoder_recipe import recipe, schedule

from specsight.cli import cli
from specsight.encoders import load_encoder
from specsight.errors import SpecsightError
from specsight.learning.batches import LAGS, SeededMaker, batches, sensible_workers
from specsight.learning.task import seeded_generator
from specsight.recipes import transformer
from specsight.recipes.encoder.distillation import DistillationHeads, fit
from specsight.recipes.encoder.held_out import KINDS, HeldOutExamples
from specsight.recipes.encoder.joint_stage import JointTask
from specsight.recipes.encoder.pixels import DEVIATION, MEAN, normalise, varied_pixels
from specsight.recipes.encoder.recipe import (
    EncoderRecipe,
    VisionShape,
)
from specsight.recipes.encoder.scene_examples import SceneExample, SceneExamples
from specsight.recipes.encoder.text_stage import SentenceTask
from specsight.recipes.encoder.train import GOING_ON, Sources, train
from specsight.recipes.encoder.vision_stage import DistillationTask, Pictures
from specsight.recipes.run import RunOptions
from specsight.recipes.transformer import TransformerRecipe, TransformerShape
from specsight.synthetic.scenes.photographs import Photographs


def interrupted_at(step: int, loss: Any) -> Any:
    """A task's `loss` that ends the process before `step`."""

    def killed(self: Any, batch: Any, at: int) -> Any:
        if at == step:
            raise KeyboardInterrupt
        return loss(self, batch, at)

    return killed


@pytest.fixture(scope="module")
def run(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train(recipe(2), out, sources)
    return out


def test_the_exported_model_sees_and_reads(run: Path) -> None:
    encoder = load_encoder(str(run / "model"))
    pixels = np.random.default_rng(0).integers(0, 255, (1, 64, 96, 3), dtype=np.uint8)
    patches, texts = encoder.embed_patches(pixels), encoder.embed_texts(["a crack", "flawless"])
    assert encoder.default_layers == ("stride8", "stride16")
    assert patches.shape == (1, 32, 4, 6)
    assert np.allclose(np.linalg.norm(patches, axis=1), 1, atol=1e-3)
    assert texts.shape == (2, 32)
    assert not np.allclose(texts[0], texts[1])


def test_everything_is_on_record(run: Path) -> None:
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["stage"] for entry in log if entry.get("finished")] == ["vision", "text", "joint", "polish"]
    assert {"held_out", "stage", "step", "time"} <= set(next(entry for entry in log if "held_out" in entry))
    assert json.loads((run / "recipe.json").read_text())["vision"]["schedule"]["steps"] == 2
    assert all(np.isfinite(entry["loss"]) for entry in log if "loss" in entry)


@pytest.mark.long
def test_an_interrupted_run_ends_where_an_unbroken_one_does(
    run: Path, sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for killed in (DistillationTask, SentenceTask, JointTask):
        with monkeypatch.context() as patch:
            patch.setattr(killed, "loss", interrupted_at(1, killed.loss))
            with pytest.raises(KeyboardInterrupt):
                train(recipe(2), tmp_path, sources)
    train(recipe(2), tmp_path, sources)
    unbroken, resumed = (load_file(folder / "model" / "model.safetensors") for folder in (run, tmp_path))
    assert unbroken.keys() == resumed.keys()
    for name, value in unbroken.items():
        assert torch.allclose(value.float(), resumed[name].float(), atol=1e-3), name


def test_a_finished_stage_is_not_trained_again(run: Path, sources: Sources) -> None:
    before = (run / "vision.safetensors").read_bytes()
    train(recipe(2), run, sources, ("vision",))
    assert (run / "vision.safetensors").read_bytes() == before


@pytest.mark.long
def test_a_time_budget_is_shared_out_among_the_stages(sources: Sources, tmp_path: Path) -> None:
    """Of 0.024 minutes, the text stage gets an eighth: 0.18 seconds, in which no thousand steps are taken."""
    timed = recipe(1000).within(0.024)
    stages = (timed.vision, timed.text, timed.joint, timed.polish)
    assert sum(stage.schedule.minutes or 0 for stage in stages) == pytest.approx(0.024)
    assert timed.text.schedule.minutes == pytest.approx(0.003)
    joint, polish = (getattr(recipe(1000).within(0.024, GOING_ON), name) for name in ("joint", "polish"))
    assert joint.schedule.minutes + polish.schedule.minutes == pytest.approx(0.024)
    train(timed, tmp_path, sources, ("text",))
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["finished"]
    assert 0 < log[-1]["step"] < 1000
    with pytest.raises(SpecsightError, match=r"of another training.*differs in: schedule"):
        train(recipe(1000), tmp_path, sources, ("text",))


@pytest.mark.long
def test_finished_weights_learn_on(run: Path, sources: Sources, tmp_path: Path) -> None:
    """In their own shapes and words; a step at a rate of nearly nothing leaves them where they were."""
    onward = replace(sources, start=run / "model")
    small = recipe(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specsight.recipes.encoder.recipe.GOING_ON_RATE", 1e-9)
        made = train(replace(small, width=7, tower=VisionShape()), tmp_path, onward)
    before, after = (load_encoder(str(folder)) for folder in (run / "model", made))
    pixels = np.random.default_rng(0).integers(0, 255, (1, 64, 96, 3), dtype=np.uint8)
    cosines = (before.embed_patches(pixels) * after.embed_patches(pixels)).sum(1)
    assert cosines.min() > 0.9, "only the running means of the normalisation move"
    assert np.allclose(before.embed_texts(["a crack"]), after.embed_texts(["a crack"]), atol=5e-3)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["stage"] for entry in log if entry.get("finished")] == ["joint", "polish"]
    with pytest.raises(SpecsightError, match=r"joint.safetensors' is damaged or of another.*config"):
        train(small, tmp_path, replace(sources, start=made))
    with pytest.raises(SpecsightError, match="unknown training stage 'vision'"):
        train(small, tmp_path / "other", onward, ("vision",))
    with pytest.raises(SpecsightError, match="is no encoder that this recipe makes"):
        train(small, tmp_path / "other", replace(sources, start=sources.teacher))
    assert not (tmp_path / "other").exists()


@pytest.mark.long
def test_what_learned_on_is_exported_at_a_share_of_the_way(
    run: Path, sources: Sources, tmp_path: Path
) -> None:
    made = train(recipe(2), tmp_path, replace(sources, start=run / "model"))
    trained = load_file(tmp_path / "polish.safetensors")["now/head/projection.weight"]
    start, exported = (
        load_file(folder / "model.safetensors")["visual_projection.weight"].float()
        for folder in (run / "model", made)
    )
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (made / name).read_bytes() == (run / "model" / name).read_bytes(), "words are read as before"
    assert json.loads((made / "tokenizer.json").read_text())["padding"] is None
    assert not torch.allclose(trained, start, atol=1e-5)
    assert torch.allclose(exported, 0.2 * start + 0.8 * trained, atol=2e-4)


def test_heads_are_solved_for() -> None:
    """What is linear in the student's maps is found again, for heads of a cell and of a window."""
    torch.manual_seed(0)
    widths, strides = {"a": 3, "b": 4}, {"a": 16, "b": 32}
    true, solved = (DistillationHeads({"stride8": 2, "stride16": 5}, widths, strides) for _ in range(2))
    maps = [{"stride16": torch.randn(6, 5, 8, 8)} for _ in range(4)]
    fit(solved, [(seen, {name: made.detach() for name, made in true(seen).items()}) for seen in maps])
    for name, expected in true(maps[0]).items():
        assert torch.allclose(solved(maps[0])[name], expected, atol=0.06), "but for the ridge"


def test_a_gpu_gets_larger_batches_and_more_tyres() -> None:
    large = EncoderRecipe().for_gpu()
    assert large.joint.pixels == 128 * 192 * 192
    assert large.joint.sides == large.vision.sides == (128, 192, 256)
    assert large.polish.tyres == 30_000
    assert large.polish.weights == EncoderRecipe().polish.weights


def test_workers_meet_their_own_parts_again() -> None:
    """A part of batch k is used again by the process and the worker that has made it, whatever the machine.

    Batch k is the (k // processes)-th of process k % processes, and these go to its workers by turns.
    """
    assert [sensible_workers(n) for n in (1, 2, 4, 8, 14, 16)] == [1, 1, 3, 6, 12, 15]
    for processors, training in product(range(1, 17), (1, 2, 3, 4, 5, 6, 8)):
        workers = sensible_workers(processors, training)
        assert 1 <= workers <= max(1, processors - 1)
        for lag in LAGS:
            assert lag % training == 0
            assert lag // training % workers == 0
    assert sensible_workers(8, training=7) == 1, "where none fits"


def test_each_purpose_draws_numbers_of_its_own() -> None:
    streams = [
        f"{stage}: {purpose}" for stage in ("vision", "joint") for purpose in ("variation", "relations")
    ]
    drawn = {
        (stream, seed, number): torch.rand(8, generator=seeded_generator(seed, number, stream=stream))
        for stream in ("", *streams)
        for seed in (0, 1)
        for number in (0, 1)
    }
    assert len({tuple(numbers.tolist()) for numbers in drawn.values()}) == len(drawn)
    again = torch.rand(8, generator=seeded_generator(1, 1, stream=streams[0]))
    assert torch.equal(again, drawn[streams[0], 1, 1])


def test_what_is_learned_from_varies_and_repeats() -> None:
    pictures = torch.full((2, 8, 8, 3), 128, dtype=torch.uint8)
    first, again, other, later = (
        varied_pixels(pictures, seeded_generator(*key)) for key in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other), "another run"
    assert not torch.allclose(first, later), "another batch"
    assert (first[0] - first[1]).abs().mean() > 0.01, "each picture by itself"
    plain = normalise(pictures, torch.device("cpu"))
    assert plain[0, :, 0, 0].tolist() == pytest.approx(
        [(128 / 255 - mean) / deviation for mean, deviation in zip(MEAN, DEVIATION)], rel=1e-5
    )


def test_another_recipe_does_not_go_on_from_a_checkpoint(run: Path, sources: Sources) -> None:
    other, before = recipe(2), (run / "recipe.json").read_bytes()
    with pytest.raises(
        SpecsightError, match=r"'.*vision.safetensors' is damaged or of another training.*config"
    ):
        train(replace(other, vision=replace(other.vision, relation_weight=0.1)), run, sources, ("vision",))
    with pytest.raises(SpecsightError, match=r"another training.*differs in: seed"):
        train(replace(other, options=RunOptions(seed=1, workers=0)), run, sources, ("text",))
    later = replace(other, polish=replace(other.polish, trunk_rate=0.1))
    with pytest.raises(SpecsightError, match=r"polish.safetensors' is damaged.*differs in: config"):
        train(later, run, sources)
    assert (run / "recipe.json").read_bytes() == before, "what the checkpoints were made by stays on record"


def test_the_command_line_names_a_device_that_is_not_there(sources: Sources, tmp_path: Path) -> None:
    given = [
        "--photographs",
        sources.photographs,
        "--out",
        tmp_path / "out",
        "--device",
        "gpu",
        "--minutes",
        "5",
    ]
    for command in (["encoder", "--teacher", sources.teacher], ["transformer"]):
        result = CliRunner().invoke(cli, [str(word) for word in ("train", *command, *given)])
        assert isinstance(result.exception, SpecsightError)
        assert str(result.exception) == "unknown device 'gpu': use auto, cpu, cuda, cuda:N or mps"
    assert not (tmp_path / "out").exists()


def test_stages_are_checked(run: Path, sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="did you mean 'joint'"):
        train(recipe(1), tmp_path, sources, ("joimt",))
    with pytest.raises(SpecsightError, match="no checkpoint of stage 'vision'"):
        train(recipe(1), tmp_path, sources, ("joint",))
    with pytest.raises(SpecsightError, match=r"teacher .* has no config.json"):
        train(recipe(1), tmp_path, replace(sources, teacher=tmp_path))
    with pytest.raises(SpecsightError, match="holds no photographs"):
        train(recipe(1), tmp_path, replace(sources, photographs=tmp_path), ("vision",))


def test_batches_depend_on_seed_and_number_alone(sources: Sources) -> None:
    make = SeededMaker(Pictures(Photographs(sources.photographs), (64, 80), 2 * 64 * 64, 0.5))
    unbroken = list(batches(make, 7, 0, 4, workers=0))
    for expected, late in zip(unbroken[2:], batches(make, 7, 2, 4, workers=0), strict=True):
        assert np.array_equal(expected, late)
    assert not np.array_equal(unbroken[0], next(batches(make, 8, 0, 1, workers=0)))


def test_held_out_photographs_are_never_trained_on(sources: Sources) -> None:
    unseen, used = Photographs(sources.photographs, held_out=True), Photographs(sources.photographs)
    assert len(unseen) + len(used) == 6
    assert not any(np.array_equal(unseen[i], used[j]) for i in range(len(unseen)) for j in range(len(used)))


def test_photographs_of_every_format_are_learned_from(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match=r"none' is no folder: give a folder"):
        Photographs(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(
        SpecsightError, match=r"holds no photographs: put two or more directly into it \(\.avif"
    ):
        Photographs(tmp_path)
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30, 3), 1, np.uint8))
    with pytest.raises(SpecsightError, match="holds one photograph only"):
        Photographs(tmp_path)
    cv2.imwrite(str(tmp_path / "B.BMP"), np.full((20, 30, 3), 2, np.uint8))
    cv2.imwrite(str(tmp_path / "c.tiff"), np.full((20, 30, 3), 3, np.uint8))
    unseen, used = Photographs(tmp_path, held_out=True), Photographs(tmp_path)
    values = [[int(some[k].max()) for k in range(len(some))] for some in (unseen, used)]
    assert values == [[2, 3], [1]], "sorted by name: B, a, c"


def test_every_kind_is_held_out_from_random_numbers_of_its_own() -> None:
    made: list[tuple[str, float]] = []

    class Recorded(SceneExamples):
        def make_kind(self, kind: str, rng: np.random.Generator, side: int) -> SceneExample:
            made.append((kind, rng.random()))
            blank = np.zeros((16, 16), np.uint8)
            return SceneExample(np.dstack([blank] * 3), blank, blank)

    HeldOutExamples.make(Recorded.__new__(Recorded), 2)
    assert [kind for kind, _ in made] == [kind for kind in KINDS for _ in range(2)]
    assert len({number for _, number in made}) == 2 * len(KINDS)


def test_a_transformer_learns_what_an_encoder_that_reads_sees(
    run: Path, sources: Sources, tmp_path: Path
) -> None:
    """Trained a little, it lies nearer to its teacher than at the start; words are the teacher's own."""
    tower = TransformerShape(hidden=32, layers=3, heads=2, side=64)
    small = TransformerRecipe(
        options=RunOptions(workers=0), tower=tower, schedule=schedule(12, checkpoint_every=4), sides=(64,),
        pixels=4 * 64 * 64, tyres=1, tyre_size=64, held_out=2,
    )  # fmt: skip
    teacher = str(run / "model")
    made = transformer.train(small, tmp_path, sources.photographs, teacher)
    student, original = load_encoder(str(made)), load_encoder(teacher)
    assert [layer.name for layer in student.available] == ["block1", "block2", "block3", "output"]
    assert np.allclose(student.embed_texts(["a crack"]), original.embed_texts(["a crack"]), atol=2e-3), (
        "the words are the teacher's"
    )
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert losses[-1] < losses[0]
    assert transformer.train(small, tmp_path, sources.photographs, teacher) == made
    before = (tmp_path / "recipe.json").read_bytes()
    with pytest.raises(SpecsightError, match=r"imitation.safetensors' is damaged.*differs in: config"):
        transformer.train(replace(small, held_out=3), tmp_path, sources.photographs, teacher)
    assert (tmp_path / "recipe.json").read_bytes() == before
    with pytest.raises(SpecsightError, match="cannot teach this student: it must read words"):
        transformer.train(small, tmp_path / "other", sources.photographs, str(sources.teacher))
