"""AnomalyCLIP: its loss and maps by hand, prompts that carry from product to product, and words beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.support.colour_encoder import ColourEncoder
from tests.support.prompted_colours import PromptedColours
from tests.support.reading_checkpoints import FAMILIES

from specsight.detectors.contract import load_detector
from specsight.detectors.cross_set.anomalyclip import AnomalyCLIP
from specsight.detectors.cross_set.anomalyclip_prompts import Prompts, example_loss
from specsight.detectors.cross_set.damage_types import DamageTypes
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.learned_anchors import ANCHORS
from specsight.detectors.text import IMAGE
from specsight.encoders.passes.prompting import prompted
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.images import Cells
from specsight.prompts.anchors import Anchors
from specsight.records import Defect, Judgement, Label, Picture, Sample
from specsight.specification import DefectType, Ignore, Instruction, Knowledge, Only, Specification

SIZE = (64, 96)
RED, GREEN = (210, 30, 30), (30, 200, 30)
BOTTLE = Specification(
    product="bottle",
    defects=(
        DefectType(name="stain", phrases=("red spot",)),
        DefectType(name="moss", phrases=("green spot",)),
    ),
)
QUICK: dict[str, Any] = {"resolution": 64, "rate": 0.02, "epochs": 12}


def plate(seed: int, shade: int, spot: tuple[int, int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A grey plate, and where on it a spot of 24 × 24 pixels is."""
    generator = np.random.default_rng(seed)
    rgb = np.clip(shade + generator.normal(0, 6, (*SIZE, 3)), 0, 255).astype(np.uint8)
    mask = np.zeros(SIZE, np.uint8)
    if spot is not None:
        y, x = (int(generator.integers(0, side - 24)) for side in SIZE)
        rgb[y : y + 24, x : x + 24], mask[y : y + 24, x : x + 24] = spot, 255
    return rgb, mask


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Good and red-spotted plates and tyres."""
    folder, samples = tmp_path_factory.mktemp("labelled"), []
    for product, shade, first in (("plate", 120, 0), ("tyre", 90, 100)):
        for k in range(12):
            name, bad = f"{product}{k:02}", k % 2 == 1
            rgb, mask = plate(first + k, shade, RED if bad else None)
            cv2.imwrite(str(folder / f"{name}.png"), rgb[..., ::-1])
            cv2.imwrite(str(folder / f"{name}_mask.png"), mask)
            defects = (Defect("stain", mask=folder / f"{name}_mask.png"),) if bad else ()
            label: Label = "defective" if bad else "good"
            samples.append(Sample(name, folder / f"{name}.png", product, label=label, defects=defects))
    return samples


def specifications() -> dict[str, Specification]:
    return {name: BOTTLE.model_copy(update={"product": name}) for name in ("plate", "tyre")}


@pytest.fixture(scope="module")
def trained(labelled: list[Sample]) -> AnomalyCLIP:
    return AnomalyCLIP(encoder=PromptedColours(), **QUICK).train(labelled, specifications()).fit([], BOTTLE)


def judge(detector: AnomalyCLIP, rgb: np.ndarray, instruction: Instruction | None = None) -> Judgement:
    return detector.judge(detector.look([Picture(rgb)])[0], instruction)


def test_prompts_learned_on_other_products_find_the_defect_and_where_it_is(trained: AnomalyCLIP) -> None:
    good = [judge(trained, plate(seed, 140)[0]).score for seed in range(1000, 1008)]
    for seed in range(2000, 2008):
        rgb, mask = plate(seed, 140, RED)
        judgement = judge(trained, rgb)
        assert judgement.score > max(good)
        assert judgement.map[mask > 0].mean() > judgement.map[mask == 0].mean() + 0.4
        row, column = np.unravel_index(judgement.map.argmax(), SIZE)
        assert mask[row, column]


def test_only_prompts_learn(trained: AnomalyCLIP) -> None:
    encoder, fresh = trained.encoder_, PromptedColours()
    assert isinstance(encoder, PromptedColours)
    for used, original in zip(encoder.bert.parameters(), fresh.bert.parameters()):
        assert_array_equal(used.numpy(), original.numpy())
    start = Prompts(prompted(fresh, "a", 12), prompted(fresh, "b", 12), 12, (4, 3), seed=0).state_dict()
    for name in ("good", "damaged", "deep"):
        assert trained.weights_[name].shape == tuple(start[name].shape)
        assert np.abs(trained.weights_[name] - start[name].numpy()).max() > 0.01


def test_the_anchors_are_what_the_tokens_read_as(trained: AnomalyCLIP) -> None:
    encoder, weights = PromptedColours(), {k: torch.from_numpy(v) for k, v in trained.weights_.items()}
    good = prompted(encoder, "object", 12)(weights["good"], weights["deep"])
    damaged = prompted(encoder, "damaged object", 12)(weights["damaged"], weights["deep"])
    assert_allclose(trained.weights_[ANCHORS], torch.stack([good, damaged]).numpy(), atol=1e-6)
    assert weights["deep"].shape == (2, 4, 16), (
        "3 of 4 blocks have learned tokens, the first has the prompt's own"
    )


def test_the_loss_of_one_example_by_hand() -> None:
    """Two cells side by side, one damaged; anchors along the axes; masks on cells as large."""
    anchors = torch.eye(2)
    picture, cells = np.array([0.8, 0.6]), np.array([[0.6, 0.0], [0.8, 1.0]])
    halves = {IMAGE: picture.reshape(2, 1, 1), "level0": cells.reshape(2, 1, 2)}
    example = FrozenExample(
        {name: values.astype(np.float16) for name, values in halves.items()},
        {"level0": Cells((1, 2), (4, 4))},
        {"stain": np.array([[0, 255]], np.uint8)},
        Cells((1, 2), (4, 4)),
        BOTTLE,
        held_out=False,
    )
    t = 0.5
    p = np.exp(cells / t) / np.exp(cells / t).sum(0)
    g = np.array([0.0, 1.0])
    right = np.array([p[0, 0], p[1, 1]])
    focal = np.mean((1 - right) ** 2 * -np.log(right))
    dice_damaged = 1 - (2 * (p[1] * g).sum() + 1) / (p[1].sum() + 1 + 1)
    dice_good = 1 - (2 * (p[0] * (1 - g)).sum() + 1) / (p[0].sum() + 1 + 1)
    cross_entropy = -np.log(np.exp(0.6 / t) / np.exp(picture / t).sum())
    expected = cross_entropy + 4 * (focal + dice_damaged + dice_good)
    assert float(example_loss(anchors, example, t)) == pytest.approx(expected, rel=1e-3)


def test_the_map_and_the_score_of_the_paper(trained: AnomalyCLIP) -> None:
    """A = 0.5 (S_a + 1 - S_n) of the softmax over both anchors, and the picture's own S_a, whatever has a name."""
    (view,) = trained.look([Picture(plate(7, 140, RED)[0])])
    softmax = {}
    for name, patches in view.features.items():
        logits = np.einsum("kd,dhw->khw", trained.weights_[ANCHORS], patches) / 0.07
        softmax[name] = np.exp(logits) / np.exp(logits).sum(0)
    judgement = trained.judge(view)
    assert judgement.score == pytest.approx(float(softmax[IMAGE][1, 0, 0]), abs=1e-5)
    damage = (0.5 * (softmax["level0"][1] + 1 - softmax["level0"][0])).astype(np.float32)
    assert_allclose(judgement.map, grids.on_picture(damage, view.cells["level0"], view.frame, 4.0), atol=1e-5)


def test_levels_are_averaged(trained: AnomalyCLIP) -> None:
    (view,) = trained.look([Picture(plate(7, 140, RED)[0])])
    upside_down = view.features["level0"][:, ::-1].copy()
    cells = {**view.cells, "level1": view.cells["level0"]}
    twice = type(view)(view.frame, {**view.features, "level1": upside_down}, cells)
    other = type(view)(view.frame, {**view.features, "level0": upside_down}, view.cells)
    mean = (trained.judge(view).map + trained.judge(other).map) / 2
    assert_allclose(trained.judge(twice).map, mean, atol=1e-5)


def test_shares_of_damage_by_hand() -> None:
    """Cosines at temperature 0.5: good 0.5, stain 1, moss 0, damage 0.25, and an ignored type at 0.75."""
    vector = np.array([1.0, 0.0], np.float32)

    def at(*cosines: float) -> np.ndarray:
        return np.array([[c, np.sqrt(1 - c**2)] for c in cosines], np.float32).reshape(-1, 2)

    good, stain, moss, damage, ignored = np.exp([1.0, 2.0, 0.0, 0.5, 1.5])
    types, defects = ("stain", "moss", None), at(1, 0, 0.25)
    words = Anchors(at(0.5)[0], types, defects, at())
    assert_allclose(
        DamageTypes(words, types).shares(vector, 0.5),
        [stain / (stain + good), moss / (moss + good), 1],
        rtol=1e-5,
    )
    assert_allclose(
        DamageTypes(words, types[:2]).shares(vector, 0.5), DamageTypes(words, types).shares(vector, 0.5)[:2]
    )
    words = Anchors(at(0.5)[0], types, defects, at(0.75))
    rest = good + ignored
    any_kind = (good + damage) / (good + damage + ignored)
    assert_allclose(
        DamageTypes(words, types).shares(vector, 0.5),
        [stain / (stain + rest), moss / (moss + rest), any_kind],
        rtol=1e-5,
    )


def test_words_divide_what_prompts_have_found(trained: AnomalyCLIP) -> None:
    rgb, mask = plate(7, 140, RED)
    (view,) = trained.look([Picture(rgb)])
    plain = trained.judge(view)
    here = mask > 0
    assert set(plain.type_maps) == {"stain", "moss"}
    assert plain.type_maps["stain"][here].mean() > 2 * plain.type_maps["moss"][here].mean()
    assert (plain.map >= plain.type_maps["stain"] - 1e-6).all()

    only = trained.judge(view, Instruction.of([Only(defect="red spot")]))
    assert set(only.type_maps) == {"stain"}
    assert_array_equal(only.map, only.type_maps["stain"])
    assert_allclose(only.map, plain.type_maps["stain"], atol=1e-6)
    moss = trained.judge(view, Instruction.of([Only(defect="moss")]))
    assert moss.map[here].mean() < 0.5 * only.map[here].mean()
    assert moss.score < only.score

    ignored = trained.judge(view, Instruction.of([Ignore(defect="stain")]))
    assert set(ignored.type_maps) == {"moss"}
    assert ignored.score < plain.score
    assert ignored.map[here].mean() < 0.5 * plain.map[here].mean()

    nothing = trained.judge(view, Instruction.of([Only(defect="moss"), Ignore(defect="moss")]))
    assert nothing.score == 0
    assert not nothing.map.any()


def test_a_type_that_an_instruction_adds_gets_a_map_and_leaves_the_others_alone(trained: AnomalyCLIP) -> None:
    (view,) = trained.look([Picture(plate(7, 140, GREEN)[0])])
    with_rust = Instruction.of([Knowledge(name="rust", phrases=("red and green spot",))])
    before, after = trained.judge(view), trained.judge(view, with_rust)
    assert set(after.type_maps) == {"stain", "moss", "rust"}
    assert_array_equal(after.type_maps["moss"], before.type_maps["moss"])
    assert_array_equal(after.map, before.map)


def test_words_change_without_looking_again(trained: AnomalyCLIP) -> None:
    encoder = trained.encoder_
    assert isinstance(encoder, ColourEncoder)
    (view,) = trained.look([Picture(plate(7, 140, RED)[0])])
    looked = encoder.calls["look"]
    for only in (("stain",), ("moss",), ()):
        trained.judge(view, Instruction.of([Only(defect=name) for name in only]))
    assert encoder.calls["look"] == looked


def test_an_interrupted_training_ends_as_an_unbroken_one(
    trained: AnomalyCLIP, labelled: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specsight.detectors.cross_set import anomalyclip_prompts

    steps, loss = 0, anomalyclip_prompts.PromptTask.loss

    def failing(task: Any, batch: Any, step: int) -> Any:
        nonlocal steps
        steps += 1
        if steps == 8:
            raise KeyboardInterrupt
        return loss(task, batch, step)

    monkeypatch.setattr(anomalyclip_prompts.PromptTask, "loss", failing)
    checkpoint = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        AnomalyCLIP(encoder=PromptedColours(), **QUICK).train(labelled, specifications(), checkpoint)
    resumed = AnomalyCLIP(encoder=PromptedColours(), **QUICK).train(labelled, specifications(), checkpoint)
    assert trained.history_ is not None
    assert steps == trained.history_.steps + 2, "six steps until the last checkpoint, two lost, the rest once"
    for name, array in trained.weights_.items():
        assert_array_equal(resumed.weights_[name], array)


def test_seeds_decide_what_is_learned(trained: AnomalyCLIP, labelled: list[Sample]) -> None:
    def anchors(seed: int) -> np.ndarray:
        detector = AnomalyCLIP(encoder=PromptedColours(), **QUICK, seed=seed)
        return detector.train(labelled, specifications()).weights_[ANCHORS]

    assert_array_equal(anchors(0), trained.weights_[ANCHORS])
    assert np.abs(anchors(1) - trained.weights_[ANCHORS]).max() > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("deep_tokens", [4, 0])
def test_every_family_is_trained_saved_and_loaded(
    family: str, deep_tokens: int, labelled: list[Sample], tmp_path: Path
) -> None:
    encoder = str(FAMILIES[family](tmp_path / family))
    detector = AnomalyCLIP(
        encoder=encoder, resolution=64, epochs=1, levels=2, deep_tokens=deep_tokens, deep_share=1.0
    )
    detector.train(labelled[:12], specifications()).fit([], BOTTLE)
    pictures = [plate(7, 140, RED)[0], plate(8, 140)[0].transpose(1, 0, 2).copy()]
    levels = {"clip": 2, "siglip": 2, "dual": 1}[family]
    (view,) = detector.look([Picture(pictures[0])])
    assert len(view.features) == 1 + levels
    folder = tmp_path / "saved"
    folder.mkdir()
    detector.save(folder)
    loaded = load_detector(folder)
    assert isinstance(loaded, AnomalyCLIP)
    for rgb in pictures:
        expected, found = judge(detector, rgb), judge(loaded, rgb)
        assert found.map.shape == rgb.shape[:2]
        assert found.score == expected.score
        assert_array_equal(found.map, expected.map)


def test_saved_weights_without_anchors_are_damaged(
    trained: AnomalyCLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specsight.detectors import looking

    monkeypatch.setattr(looking, "load_encoder", lambda name, device: PromptedColours())
    monkeypatch.setattr(trained, "weights_", {"good": trained.weights_["good"]})
    trained.save(tmp_path)
    with pytest.raises(SpecsightError, match="is missing or damaged: fit the model again"):
        load_detector(tmp_path, "colours")


def test_a_product_that_was_trained_on_is_refused(trained: AnomalyCLIP) -> None:
    with pytest.raises(SpecsightError, match="'tyre' is both trained on and judged"):
        trained.fit([], specifications()["tyre"])


def test_what_cannot_be_prompted_is_told_before_pictures_are_read(labelled: list[Sample]) -> None:
    encoder = ColourEncoder()
    with pytest.raises(SpecsightError, match="'colours' takes no learned tokens in front of words"):
        AnomalyCLIP(encoder=encoder, resolution=64).train(labelled, specifications())
    assert not encoder.calls
    with pytest.raises(SpecsightError, match="'filters' has no text tower"):
        AnomalyCLIP(encoder="filters", resolution=64).train(labelled, specifications())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tokens": 0}, "tokens must be a whole number from 1 to 1000, got 0"),
        ({"deep_tokens": 13}, "deep_tokens must be a whole number from 0 to 12, got 13"),
        ({"deep_share": 1.5}, "deep_share must be a number from 0 to 1, got 1.5"),
        ({"value_share": 0}, "value_share must be a number"),
        ({"levels": 0}, "levels must be a whole number"),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Any], message: str, labelled: list[Sample]) -> None:
    with pytest.raises(SpecsightError, match=message):
        AnomalyCLIP(encoder=PromptedColours(), **parameters).train(labelled, specifications())


def test_features_that_are_no_numbers_are_told(
    labelled: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = PromptedColours()
    broken = np.full((1, 4, 8, 12), np.nan, np.float32)
    monkeypatch.setattr(encoder, "embed_patches", lambda images: broken)
    with pytest.raises(SpecsightError, match="level0 features of 'plate00' are not all numbers"):
        AnomalyCLIP(encoder=encoder, **QUICK).train(labelled, specifications())
