"""CLAD as a detector: what it learns, how words steer it, its ablations, its errors, and the encoder's tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from tests.support.colour_encoder import ColourEncoder
from tests.support.reading_checkpoints import FAMILIES

from specsight.detectors import create_detector, load_detector
from specsight.detectors.clad.detector import Clad
from specsight.detectors.clad.examples import EncodedExample
from specsight.detectors.clad.labels import label
from specsight.detectors.clad.sentences import StateSentences
from specsight.encoders import load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.encoders.passes.split import split
from specsight.encoders.passes.text_tail import text_tail
from specsight.errors import SpecsightError
from specsight.records import Defect, Picture, Sample
from specsight.specification import DefectType, Ignore, Instruction, Knowledge, Only, Specification

SPOT = (slice(16, 40), slice(24, 56))
PLATE = Specification(
    product="plate",
    defects=(DefectType(name="spill", phrases=("red",)), DefectType(name="burn", phrases=("blue",))),
)
QUICK: dict[str, Any] = {"resolution": 64, "steps": 60, "synthetic_defects": 24, "rate": 3e-3}


def plate(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(0, 3, (64, 80, 3)) + rng.integers(110, 130), 0, 255).astype(np.uint8)


def defective(seed: int, colour: tuple[int, int, int] = (210, 40, 40)) -> np.ndarray:
    rgb = plate(seed)
    rgb[SPOT] = colour
    return rgb


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Six good plates and three with a red spill, masks beside them."""
    folder = tmp_path_factory.mktemp("plates")
    found = []
    mask = np.zeros((64, 80), np.uint8)
    mask[SPOT] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    for k in range(9):
        Image.fromarray(plate(k) if k < 6 else defective(k)).save(folder / f"{k}.png")
        defects = (Defect("Spill", folder / "mask.png"),) if k >= 6 else ()
        label: Any = "defective" if defects else "good"
        found.append(Sample(str(k), folder / f"{k}.png", "plate", "train", label, defects))
    return found


def new(**parameters: Any) -> Clad:
    detector = create_detector("clad", **{"encoder": ColourEncoder(), **QUICK, **parameters})
    assert isinstance(detector, Clad)
    return detector


@pytest.fixture(scope="module")
def fitted(samples: list[Sample]) -> Callable[..., Clad]:
    by_parameters: dict[str, Clad] = {}

    def get(**parameters: Any) -> Clad:
        key = repr(parameters)
        if key not in by_parameters:
            by_parameters[key] = new(**parameters).fit(samples, PLATE)
        return by_parameters[key]

    return get


def judge(detector: Clad, rgb: np.ndarray, instruction: Instruction | None = None) -> Any:
    return detector.judge(detector.look([Picture(rgb)])[0], instruction)


@pytest.mark.long
@pytest.mark.parametrize("score", ["margin", "similarity"])
@pytest.mark.parametrize("local", [0.0, 0.5])
def test_labelled_defects_are_found_and_named(fitted: Callable[..., Clad], score: str, local: float) -> None:
    detector = fitted()
    detector.score, detector.local = score, local
    good, bad = judge(detector, plate(50)), judge(detector, defective(50))
    detector.score, detector.local = "margin", 0.5
    assert bad.score > good.score + 0.05
    assert bad.map[SPOT].mean() > 1 > bad.map[48:].mean(), "1 is what one good patch in a hundred reaches"
    assert bad.type_maps["spill"][SPOT].mean() > bad.type_maps["burn"][SPOT].mean()


def test_types_without_examples_are_left_to_their_words(fitted: Callable[..., Clad], tmp_path: Path) -> None:
    detector = fitted()
    assert detector.types_without_examples_ == ("burn",)
    assert set(judge(detector, plate(50)).type_maps) == {"spill", "burn"}
    detector.save(tmp_path)
    description = (tmp_path / "detector.safetensors").read_bytes()
    assert b"types_without_examples" in description


def test_words_steer_without_looking_again(fitted: Callable[..., Clad]) -> None:
    detector = fitted()
    encoder = detector.encoder_
    assert isinstance(encoder, ColourEncoder)
    (view,) = detector.look([Picture(defective(60))])
    looked = encoder.calls["look"]
    everything = detector.judge(view)
    ignored = detector.judge(view, Instruction.of([Ignore(defect="red")]))
    only = detector.judge(view, Instruction.of([Only(defect="spill")]))
    with_moss = detector.judge(view, Instruction.of([Knowledge(name="moss", phrases=("green",))]))
    nothing = detector.judge(view, Instruction.of([Only(defect="spill"), Ignore(defect="spill")]))
    assert encoder.calls["look"] == looked
    assert set(ignored.type_maps) == {"burn"}
    assert ignored.map[SPOT].mean() < everything.map[SPOT].mean() - 0.5
    assert ignored.score < everything.score
    assert_allclose(only.map, everything.type_maps["spill"], atol=1e-3)
    assert set(with_moss.type_maps) == {"spill", "burn", "moss"}
    assert (nothing.score, nothing.map.any()) == (0.0, False)
    assert detector.judge(view).score == everything.score, "what was judged in between leaves no trace"


@pytest.mark.long
@pytest.mark.parametrize(
    "parameters",
    [
        {"contrast": "literal", "patches": 0.0},
        {"contrast": "none"},
        {"stages": "general"},
        {"stages": "none"},
        {"hard_negatives": True, "reconstruction": 0.0},
        {"map": "gradcam", "reconstruct_good_only": True},
    ],
    ids=str,
)
def test_every_ablation_learns_judges_and_comes_back(
    parameters: dict[str, Any], fitted: Callable[..., Clad], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specsight.detectors.looking.load_encoder", lambda name, device: ColourEncoder())
    detector = fitted(**parameters)
    assert len(detector.histories_) == {"general": 1, "none": 0}.get(parameters.get("stages", ""), 2)
    judgement = judge(detector, defective(50))
    assert judgement.score > judge(detector, plate(50)).score or parameters == {"stages": "general"}
    assert set(judgement.type_maps) == (set() if parameters.get("contrast") == "none" else {"spill", "burn"})
    detector.save(tmp_path)
    loaded = load_detector(tmp_path, "colours")
    assert isinstance(loaded, Clad)
    again = judge(loaded, defective(50))
    assert again.score == judgement.score
    assert_array_equal(again.map, judgement.map)
    assert (loaded.types_without_examples_, loaded.scales_) == (
        detector.types_without_examples_,
        detector.scales_,
    )


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_tail_continues_its_encoder(family: str, tmp_path: Path) -> None:
    encoder = load_encoder(str(FAMILIES[family](tmp_path / family)))
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3)).astype(np.uint8)
    trunk, tail = (cut := split(encoder)).trunk, cut.tail
    for cached in (False, True, True):
        given = (
            split(CachedEncoder(encoder, tmp_path / "cache")).trunk(pictures) if cached else trunk(pictures)
        )
        encoded = tail(*(torch.from_numpy(values) for values in given))
        assert_allclose(encoded.patches.numpy(), encoder.embed_patches(pictures), atol=1e-6)
        assert_allclose(encoded.pooled.numpy(), encoder.embed_images(pictures), atol=1e-6)
    grid, prefix = (torch.from_numpy(values) for values in trunk(pictures))
    grid.requires_grad_()
    encoded = tail(grid, prefix)
    (gradient,) = torch.autograd.grad(encoded.pooled[0, 0], encoded.activations)
    assert gradient[0].any()
    assert not gradient[1].any(), "pictures of a batch do not see each other"
    assert not tail.train().training, "batch statistics never change"


@pytest.mark.parametrize("family", ["clip", "dual"])
def test_a_tuned_tail_leaves_the_encoder_as_it_was(
    family: str, samples: list[Sample], tmp_path: Path
) -> None:
    checkpoint = FAMILIES[family](tmp_path / family)
    encoder = load_encoder(str(checkpoint))
    (before,) = encoder.embed_patches(plate(0)[None])
    parameters = {**QUICK, "steps": 3, "synthetic_defects": 4, "map": "gradcam", "tune_encoder": True}
    detector = create_detector("clad", encoder=encoder, **parameters).fit(samples, PLATE)
    assert isinstance(detector, Clad)
    assert_array_equal(encoder.embed_patches(plate(0)[None])[0], before)
    assert detector.networks_ is not None
    tuned, original = detector.networks_.tail.state_dict(), split(encoder).tail.state_dict()
    assert any(not torch.equal(tuned[name], original[name]) for name in original)
    (tmp_path / "saved").mkdir()
    detector.encoder = str(checkpoint)
    detector.save(tmp_path / "saved")
    loaded = load_detector(tmp_path / "saved", str(checkpoint))
    (view,) = detector.look([Picture(defective(3))])
    expected, found = detector.judge(view), loaded.judge(view)
    assert found.score == expected.score
    assert_array_equal(found.map, expected.map)


@pytest.mark.parametrize("family", ["clip", "siglip", "dual"])
def test_a_text_encoder_that_learns_reads_anew_and_leaves_the_encoder_as_it_was(
    family: str, samples: list[Sample], tmp_path: Path
) -> None:
    checkpoint = FAMILIES[family](tmp_path / family)
    encoder = load_encoder(str(checkpoint))
    sentences = ["a red spill on a plate", "a plate without defects"]
    before = encoder.embed_texts(sentences)
    parameters = {**QUICK, "steps": 3, "synthetic_defects": 4, "tune_text_encoder": True}
    detector = create_detector("clad", encoder=encoder, **parameters).fit(samples, PLATE)
    assert isinstance(detector, Clad)
    assert detector.networks_ is not None
    learned = detector.networks_.text_tail
    assert learned is not None
    assert_array_equal(encoder.embed_texts(sentences), before)
    assert not np.allclose(learned.embed_texts(sentences), before, atol=1e-6)
    fresh = text_tail(encoder)
    assert_array_equal(fresh.embed_texts(sentences), before)
    fresh.load_state_dict(learned.state_dict())
    assert_array_equal(fresh.embed_texts(sentences), learned.embed_texts(sentences))
    (tmp_path / "saved").mkdir()
    detector.encoder = str(checkpoint)
    detector.save(tmp_path / "saved")
    loaded = load_detector(tmp_path / "saved", str(checkpoint))
    (view,) = detector.look([Picture(defective(3))])
    new_words = Instruction.of([Knowledge(name="moss", phrases=("green",))])
    for instruction in (None, new_words):
        expected, found = detector.judge(view, instruction), loaded.judge(view, instruction)
        assert found.score == expected.score
        assert_array_equal(found.map, expected.map)


def test_only_the_last_block_of_a_text_encoder_and_what_follows_it_learns(tmp_path: Path) -> None:
    encoder = load_encoder(str(FAMILIES["clip"](tmp_path / "clip")))
    tail = text_tail(encoder)
    assert {name.split(".")[1] for name in tail.state_dict()} == {"projection", "block", "final_layer_norm"}
    assert encoder.towers is not None
    assert encoder.towers.text is not None
    whole = {id(p) for p in encoder.towers.text.model.parameters()}
    assert not whole & {id(p) for p in tail.parameters()}, "the module has weights of its own"
    tail(["a red spill"]).sum().backward()
    assert all(p.grad is not None for p in tail.learned["block"].parameters())
    with pytest.raises(SpecsightError, match="has no text tower"):
        text_tail(load_encoder("filters"))


def test_untrained_clad_compares_in_the_space_of_its_encoder(fitted: Callable[..., Clad]) -> None:
    detector = fitted(stages="none")
    assert detector.networks_ is not None
    vectors = torch.nn.functional.normalize(
        torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), dim=1
    )
    assert torch.allclose(detector.networks_.picture_projection(vectors), vectors)
    assert torch.allclose(detector.networks_.text_projection(vectors), vectors)


@pytest.mark.long
def test_a_killed_fit_goes_on_and_ends_alike(
    samples: list[Sample], fitted: Callable[..., Clad], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specsight.detectors.clad import fitting
    from specsight.learning.engine import train

    def killed(task: Any, schedule: Any, **given: Any) -> Any:
        history = train(task, schedule, **given)
        if task.name == "clad: general":
            raise KeyboardInterrupt
        return history

    detector = new()
    detector.checkpoints = tmp_path
    monkeypatch.setattr(fitting, "train_task", killed)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(samples, PLATE)
    with pytest.raises(SpecsightError, match="learned nothing yet"):
        detector.save(tmp_path)
    monkeypatch.setattr(fitting, "train_task", train)
    resumed = new()
    resumed.checkpoints = tmp_path
    resumed.fit(samples, PLATE)
    assert judge(resumed, defective(9)).score == judge(fitted(), defective(9)).score


def test_patches_say_what_their_masks_say() -> None:
    """Enough cover: the type. Some: nothing. Padding: nothing. A defect too fine for any cell: its most covered one."""
    sentences = StateSentences(
        ("crack", "stain"),
        tuple((word,) for word in ("good", "crack", "stain")),
        tuple(torch.eye(3)[k : k + 1] for k in range(3)),
        torch.eye(3).long(),
    )
    crack = np.array([[0.1, 0.15, 0], [0, 0, 0.15]], np.float32)
    stain = np.array([[0, 0, 0], [0.9, 0.05, 0.9]], np.float32)
    inside = np.array([[1, 1, 1], [1, 1, 0]], bool)
    nothing = torch.zeros(0)
    example = EncodedExample(
        nothing, nothing, nothing, nothing, inside, {"crack": crack, "stain": stain}, None, "0"
    )
    labelled = label(example, sentences, general=False)
    assert labelled.shows.tolist() == [False, True, True]
    assert labelled.patches.good.tolist() == [2]
    assert dict(zip(labelled.patches.defective.tolist(), labelled.patches.states.tolist())) == {1: 1, 3: 2}
    good = label(replace(example, covered={}), sentences, general=False)
    assert (good.shows.tolist(), good.patches.good.tolist()) == ([True, False, False], [0, 1, 2, 3, 4])


def test_errors_are_told_in_one_line(samples: list[Sample]) -> None:
    with pytest.raises(SpecsightError, match=r"clad needs at least 2 good parts \(got 1\)"):
        new().fit(samples[:1], PLATE)
    with pytest.raises(SpecsightError, match="not learned from, and all show 'one': add pictures of another"):
        new().fit([replace(sample, group="one") for sample in samples[:6]], PLATE)
    rust = replace(samples[6], defects=(Defect("rust", samples[6].defects[0].mask),))
    with pytest.raises(SpecsightError, match="'6' shows 'rust', which the specification has no words for"):
        new().fit([*samples[:6], rust], PLATE)
    with pytest.raises(SpecsightError, match="labelled defective but nothing says where"):
        new().fit([*samples[:6], replace(samples[6], defects=(Defect("spill"),))], PLATE)
    detector = new(rate=1.0, margin=0.0)
    with pytest.raises(SpecsightError, match="the loss is no longer a number at step 1: lower the rate"):
        _with_broken_loss(detector, samples)
    with pytest.raises(SpecsightError, match="call fit first"):
        judge(detector, plate(0))


def _with_broken_loss(detector: Clad, samples: list[Sample]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "specsight.detectors.clad.stage.label_aware_loss", lambda *given: torch.tensor(float("nan"))
        )
        detector.fit(samples, PLATE)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"contrast": "both"}, "contrast must be label-aware or literal or none, got 'both'"),
        ({"map": 1}, "map must be dense or gradcam, got 1"),
        ({"stages": "one"}, "stages must be two or general or none, got 'one'"),
        ({"tune_encoder": 1}, "tune_encoder must be true or false, got 1"),
        ({"stages": "none", "contrast": "none"}, "stages 'none' trains nothing: a classifier"),
        ({"stages": "none", "tune_text_encoder": True}, "stages 'none' trains nothing"),
        ({"margin": 2.0}, "margin must be a number from 0 to 1, got 2.0"),
        ({"local": -0.1}, "local must be a number from 0 to 1"),
        ({"contrast": "none", "score": "similarity"}, "choose score 'margin'"),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecsightError, match=message):
        new(**parameters)
