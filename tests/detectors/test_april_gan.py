"""APRIL-GAN: layers, the start and the training of adapters, maps and scores by hand, few-shot memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from safetensors.numpy import load, save
from tests.support.colour_encoder import ColourEncoder
from tests.support.labelled_panels import trained_on_panels
from tests.support.views import view_of

from specsight.detectors import create_detector
from specsight.detectors.cross_set.adapter_training import AdapterTask, cosines, joint_start
from specsight.detectors.cross_set.april_gan import AprilGAN
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.linear_adapters import spread_layers
from specsight.detectors.cross_set.references import References, largest_distance
from specsight.detectors.cross_set.trained_on import TrainedOn
from specsight.encoders import Encoder, Layer
from specsight.errors import SpecsightError
from specsight.images import Cells, shorter_side
from specsight.records import Picture, Sample
from specsight.specification import DefectType, Instruction, Knowledge, Only, Specification

RED_SPOT = Specification(product="plate", defects=(DefectType(name="red spot"),))
COSINE = 1 / np.sqrt(3)
"""Between a pure colour and grey, which is how the encoder reads "a good plate"."""


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


DAMAGE = sigmoid(-COSINE)
"""Of a pure colour, which is at right angles to "damaged"."""


def plain(colour: tuple[int, int, int], shape: tuple[int, int] = (32, 48)) -> Picture:
    return Picture(np.full((*shape, 3), colour, np.uint8))


def by_hand(**parameters: Any) -> AprilGAN:
    """A detector whose adapter maps (r, g, b) to (r, g, b, 0), at temperature 1, unsmoothed."""
    given = {"encoder": ColourEncoder(), "resolution": 32, "temperature": 1.0, "sigma": 0.0, **parameters}
    detector = AprilGAN(**given)
    detector.weights_ = {
        "stride8/weight": np.eye(4, 3, dtype=np.float32),
        "stride8/bias": np.zeros(4, np.float32),
    }
    detector.trained_on_ = TrainedOn(("panel",), frozenset(), 1)
    return detector


def saved(picture: Picture, path: Path) -> Sample:
    Image.fromarray(picture.rgb).save(path)
    return Sample(path.stem, path, "plate", label="good")


def test_four_layers_over_the_depth() -> None:
    def layers(*names: str) -> list[str]:
        available = tuple(Layer(name, 14, 8) for name in names)
        return spread_layers(cast("Encoder", SimpleNamespace(available=available)))

    blocks = [f"block{k}" for k in range(1, 25)]
    assert layers(*blocks, "output") == ["block6", "block12", "block18", "block24"]
    assert layers(*blocks[:12], "output") == ["block3", "block6", "block9", "block12"]
    assert layers("block1", "block2", "block3", "output") == ["block1", "block2", "block3"]
    assert layers("stride4", "stride8", "stride16", "stride32") == [
        "stride4",
        "stride8",
        "stride16",
        "stride32",
    ]
    assert layers("stride2", "stride4", "stride8", "stride16", "stride32")[0] == "stride4"
    assert layers("stride8") == ["stride8"]


def test_maps_and_score_by_hand() -> None:
    """A red patch: cos 1 with "red spot", 0 with "damaged", 1/√3 with good. Damage, shared out among types."""
    detector = by_hand().fit([], RED_SPOT)
    (view,) = detector.look([plain((255, 0, 0))])
    judgement = detector.judge(view)
    assert_allclose(judgement.type_maps["red spot"], DAMAGE * sigmoid(1 - COSINE), atol=1e-6)
    assert_allclose(judgement.map, DAMAGE, atol=1e-6)
    assert judgement.score == pytest.approx(DAMAGE, abs=1e-6)
    only = detector.judge(view, Instruction.of([Only(defect="red spot")]))
    assert_allclose(only.map, DAMAGE * sigmoid(1 - COSINE), atol=1e-6)
    untyped = detector.fit([], Specification(product="plate"))
    judgement = untyped.judge(detector.look([plain((255, 0, 0))])[0])
    assert_allclose(judgement.map, DAMAGE, atol=1e-6)


def test_one_more_type_changes_no_other_map() -> None:
    detector = by_hand().fit([], RED_SPOT)
    (view,) = detector.look([plain((200, 90, 40))])
    more = Instruction.of([Knowledge(name="blue spot")])
    assert_array_equal(
        detector.judge(view).type_maps["red spot"], detector.judge(view, more).type_maps["red spot"]
    )


def test_good_pictures_add_their_distance_by_hand(tmp_path: Path) -> None:
    """Good plates are green: red lies 1 - cos = 1 away, and good ones 0 from one another."""
    good = saved(plain((0, 255, 0)), tmp_path / "good.png")
    detector = by_hand().fit([good], RED_SPOT)
    judgement = detector.judge(detector.look([plain((255, 0, 0))])[0])
    assert_allclose(judgement.map, DAMAGE + 1, atol=1e-5)
    assert_allclose(judgement.type_maps["red spot"], DAMAGE * sigmoid(1 - COSINE) + 1, atol=1e-5)
    assert judgement.score == pytest.approx((DAMAGE + DAMAGE + 1) / 2, abs=1e-5)


def test_the_scale_of_the_map_comes_from_good_pictures_alone(tmp_path: Path) -> None:
    """Two good plates, green and half-way to blue: 1 - cos 45° apart; the largest map value is divided by 1 + that."""
    pictures = (plain((0, 255, 0)), plain((0, 180, 180)))
    good = [saved(picture, tmp_path / f"{k}.png") for k, picture in enumerate(pictures)]
    detector = by_hand().fit(good, RED_SPOT)
    apart = 1 - np.sqrt(0.5)
    assert detector.references_ is not None
    assert detector.references_.largest == pytest.approx(apart, abs=1e-6)
    (view,) = detector.look([plain((255, 0, 0))])
    expected = (DAMAGE + (DAMAGE + 1) / (1 + apart)) / 2
    assert detector.judge(view).score == pytest.approx(expected, abs=1e-5)


def test_largest_distance_of_one_picture_is_between_its_halves() -> None:
    red, green = (np.eye(3, dtype=np.float32)[k][:, None, None] for k in (0, 1))
    both = np.concatenate([red, green], axis=2)
    assert largest_distance([{"l": both}]) == pytest.approx(1)
    assert largest_distance([{"l": red}]) == 0
    assert largest_distance([{"l": red}, {"l": red}]) == 0
    # The mean over layers: orthogonal in one of them, alike in the other.
    assert largest_distance([{"a": red, "b": red}, {"a": green, "b": red}]) == pytest.approx(0.5)


def test_distances_meet_on_the_finest_grid() -> None:
    _, frame = shorter_side(np.zeros((32, 32, 3), np.uint8), 32, 8)
    red, green = (np.eye(2, dtype=np.float32)[k] for k in (0, 1))
    fine = np.broadcast_to(red[:, None, None], (2, 4, 4)).copy()
    coarse = np.broadcast_to(red[:, None, None], (2, 2, 2)).copy()
    references = References.from_views(iter([view_of(frame, {"f": fine, "c": coarse})]), ("f", "c"), 9, 0)
    assert references is not None
    odd = fine.copy()
    odd[:, 0, 3] = green
    distances, cells = references.distances(view_of(frame, {"f": odd, "c": coarse}))
    assert cells == Cells((4, 4), (8, 8))
    expected = np.zeros((4, 4))
    expected[0, 3] = 0.5
    assert_allclose(distances, expected, atol=1e-6)
    restored = References.from_state(references.state())
    assert restored is not None
    assert restored.largest == references.largest
    assert References.from_views(iter([]), ("f",), 9, 0) is None
    assert References.from_state({}) is None


def test_saved_references_measure_to_the_last_bit() -> None:
    """Whatever the order in which a file hands its arrays back, and with all digits of the largest distance."""
    _, frame = shorter_side(np.zeros((64, 64, 3), np.uint8), 64, 8)
    generator = np.random.default_rng(0)
    names = [f"block{k}" for k in (3, 6, 9, 12)]
    first, second, asked = (
        view_of(frame, {name: generator.normal(size=(5, 8, 8)).astype(np.float32) for name in names})
        for _ in range(3)
    )
    references = References.from_views(iter([first, second]), names, 99, 0)
    assert references is not None
    saved = load(save(references.state()))
    for arrays in (saved, dict(sorted(saved.items())), dict(sorted(saved.items(), reverse=True))):
        restored = References.from_state(arrays)
        assert restored is not None
        assert restored.largest == references.largest
        assert_array_equal(restored.distances(asked)[0], references.distances(asked)[0])


def test_the_start_recovers_a_linear_relation() -> None:
    """Joint patches are A x + b: the regression finds A and b but for its ridge of one per cent."""
    generator = np.random.default_rng(0)
    weight, bias = generator.normal(size=(5, 3)), generator.normal(size=5)
    examples = []
    for _ in range(20):
        x = generator.normal(size=(3, 4, 6))
        y = np.einsum("ij,jhw->ihw", weight, x) + bias[:, None, None]
        halves = {"layer": x.astype(np.float16), "joint": y.astype(np.float16)}
        cells = Cells((4, 6), (8, 8))
        places = {"layer": cells, "joint": cells}
        examples.append(FrozenExample(halves, places, {}, cells, RED_SPOT, held_out=False))
    found, offset = joint_start(examples, "layer")
    assert_allclose(found, weight, atol=0.05)
    assert_allclose(offset, bias, atol=0.02)


@pytest.mark.parametrize("width", [3, 9])
def test_cosines_without_writing_down_the_joint_patches(width: int) -> None:
    """Narrow layers go by way of a quadratic form, wide ones directly; both are the cosine, gradients included."""
    torch.manual_seed(width)
    patches = torch.randn(width, 7, dtype=torch.float64)
    weight = torch.randn(6, width, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(6, dtype=torch.float64, requires_grad=True)
    anchors = torch.nn.functional.normalize(torch.randn(4, 6, dtype=torch.float64), dim=1)
    expected = torch.nn.functional.cosine_similarity(
        anchors[:, None], (weight @ patches + bias[:, None]).T[None], dim=2
    )
    torch.testing.assert_close(cosines(patches, weight, bias, anchors), expected)
    assert torch.autograd.gradcheck(lambda w, b: cosines(patches, w, b, anchors), (weight, bias))


def test_training_lowers_the_loss_on_held_out_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    before: list[float] = []
    prepare = AprilGAN._task

    def noting(self: AprilGAN, examples: list[FrozenExample]) -> Any:
        task = prepare(self, examples)
        with torch.no_grad():
            criterion = task.validate().criterion
            assert criterion is not None
            before.append(criterion)
        return task

    monkeypatch.setattr(AprilGAN, "_task", noting)
    for start in ("joint", "random"):
        detector = trained_on_panels(AprilGAN(encoder=ColourEncoder(), resolution=64, start=start, rate=0.01))
        assert detector.history_ is not None
        assert detector.history_.best < 0.8 * before[-1]


def test_the_encoder_looks_once_at_each_training_picture() -> None:
    """Features are computed once for all epochs: a pass for the layers and one for the joint patches of each."""
    for start, passes in (("joint", 2), ("random", 1)):
        encoder = ColourEncoder()
        assert encoder.placements
        measured = encoder.calls["look"]
        trained_on_panels(AprilGAN(encoder=encoder, resolution=64, epochs=5, mosaics=0.0, start=start))
        assert encoder.calls["look"] == measured + passes * 15


def test_synthetic_defects_on_good_pictures_may_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    start = AdapterTask.__init__
    monkeypatch.setattr(
        AdapterTask, "__init__", lambda self, *given: (counts.append(len(given[1])), start(self, *given))[1]
    )
    for count in (0, 10):
        trained_on_panels(
            AprilGAN(encoder=ColourEncoder(), resolution=64, epochs=1, mosaics=0.0, synthetic_defects=count)
        )
    assert counts[0] == 15
    assert 15 < counts[1] <= 25


def test_layers_and_start_are_checked() -> None:
    with pytest.raises(SpecsightError, match="start must be joint or random, got 'zero'"):
        create_detector("april_gan", start="zero")
    with pytest.raises(SpecsightError, match="layers must be a list"):
        create_detector("april_gan", layers="stride8")
    with pytest.raises(SpecsightError, match="no layer 'stride9': did you mean 'stride8'"):
        trained_on_panels(AprilGAN(encoder=ColourEncoder(), layers=("stride9",)))
