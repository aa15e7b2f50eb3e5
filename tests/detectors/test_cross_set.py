"""Training on other products: what may be judged afterwards, what is kept, what is refused and in which words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from tests.support.colour_encoder import ColourEncoder
from tests.support.labelled_panels import panel_words, panels
from tests.support.views import equal_cells

from specsight.detectors import create_detector, load_detector, looking
from specsight.detectors.cross_set.adapter_training import AdapterTask
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.labelled_set import held_out, mosaic
from specsight.detectors.cross_set.trained_on import TrainedOn
from specsight.detectors.examples import TrainingExample
from specsight.encoders import Features
from specsight.errors import SpecsightError
from specsight.images import Cells, shorter_side
from specsight.records import Defect, Picture, Sample
from specsight.specification import Specification

PLATE = panel_words(product="plate")
WORDS = {"panel": panel_words()}


def new(**parameters: Any) -> CrossSetDetector:
    detector = create_detector("april_gan", encoder=ColourEncoder(), resolution=64, **parameters)
    assert isinstance(detector, CrossSetDetector)
    return detector


@pytest.fixture(scope="module")
def set_(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return panels(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def trained(set_: list[Sample]) -> CrossSetDetector:
    return new(epochs=3).train(set_, WORDS)


@pytest.fixture
def plates(tmp_path: Path) -> list[Sample]:
    return panels(tmp_path / "plates", types=(), count=3, product="steel_plate")


def test_what_was_trained_on_is_known(trained: CrossSetDetector, set_: list[Sample]) -> None:
    record = trained.trained_on_
    assert record is not None
    assert (record.products, record.pictures, len(record.digests)) == (("panel",), 15, 15)
    assert replace(record, seconds=0) == TrainedOn.of(set_)
    assert 0 < record.seconds < 3600
    assert TrainedOn.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert trained.history_ is not None
    assert trained.history_.best < float("inf")


def test_a_product_that_was_trained_on_is_refused(
    trained: CrossSetDetector, set_: list[Sample], plates: list[Sample]
) -> None:
    with pytest.raises(
        SpecsightError, match="'Panel' is both trained on and judged, but a cross-set method is for products"
    ):
        trained.fit([], panel_words(product="Panel"))
    with pytest.raises(SpecsightError, match="'PANEL' is both"):
        trained.fit([replace(plates[0], product="PANEL")], PLATE)
    with pytest.raises(SpecsightError, match="'panel' is both"):
        TrainedOn.of(set_).check_unseen([plates[0], replace(plates[1], product="panel")])


def test_names_of_products_are_compared_as_words(tmp_path: Path) -> None:
    metal = panels(tmp_path, types=("stain",), product="metal_nut")
    detector = new(epochs=1).train(metal, {"metal_nut": panel_words(("stain",), "metal nut")})
    with pytest.raises(SpecsightError, match="'Metal nut' is both"):
        detector.fit([], panel_words(product="Metal nut"))


def test_a_copy_of_a_training_picture_is_refused_under_any_name(
    trained: CrossSetDetector, set_: list[Sample], plates: list[Sample], tmp_path: Path
) -> None:
    copied = tmp_path / "plate 7.png"
    shutil.copy(set_[0].image, copied)
    copy = Sample("plate 7", copied, "plate", label="good")
    with pytest.raises(
        SpecsightError, match=r"the picture of 'plate 7' \(.*\) is both trained on and judged"
    ):
        trained.fit([*plates, copy], PLATE)
    with pytest.raises(SpecsightError, match="leave it out of one of the two"):
        TrainedOn.of(set_).check_unseen([copy])
    TrainedOn.of(set_).check_unseen(plates)


def test_without_training_nothing_is_fitted_checked_or_saved(plates: list[Sample], tmp_path: Path) -> None:
    for attempt in (
        lambda: new().fit([], PLATE),
        lambda: new().save(tmp_path),
    ):
        with pytest.raises(SpecsightError, match="labelled pictures of other products: call train first"):
            attempt()


def test_training_survives_on_disk_and_serves_many_products(
    trained: CrossSetDetector,
    set_: list[Sample],
    plates: list[Sample],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Train once, save, and fit the loaded detector to one product after another."""
    monkeypatch.setattr(looking, "load_encoder", lambda name, device: ColourEncoder())
    once = new(epochs=3).train(set_, WORDS)
    folder = tmp_path / "trained"
    folder.mkdir()
    once.save(folder)
    loaded = load_detector(folder, "colours")
    assert isinstance(loaded, CrossSetDetector)
    assert loaded.trained_on_ == once.trained_on_
    view = loaded.look([Picture(np.full((64, 64, 3), 128, np.uint8))])[0]
    with pytest.raises(SpecsightError, match="call fit first"):
        loaded.judge(view)
    with pytest.raises(SpecsightError, match="'panel' is both"):
        loaded.fit([], WORDS["panel"])
    loaded.fit(plates, PLATE)
    assert loaded.references_ is not None
    loaded.fit([], panel_words(("stain",), "bottle"))
    assert loaded.references_ is None
    assert set(loaded.judge(view).type_maps) == {"stain"}


def test_defects_are_not_for_fitting(trained: CrossSetDetector, plates: list[Sample]) -> None:
    with pytest.raises(SpecsightError, match="learns from good parts only"):
        trained.fit([replace(plates[0], label="defective")], PLATE)


def test_the_same_seed_trains_the_same_and_another_another(
    set_: list[Sample], trained: CrossSetDetector
) -> None:
    again, other = new(epochs=3).train(set_, WORDS), new(epochs=3, seed=1).train(set_, WORDS)
    for name, array in trained.weights_.items():
        assert_array_equal(again.weights_[name], array)
    assert any(np.any(other.weights_[name] != array) for name, array in trained.weights_.items())


def test_a_killed_training_goes_on_where_it_was(
    set_: list[Sample], trained: CrossSetDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, calls = AdapterTask.loss, []

    def killed(self: AdapterTask, batch: Any, step: int) -> Any:
        calls.append(1)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return loss(self, batch, step)

    monkeypatch.setattr(AdapterTask, "loss", killed)
    place = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        new(epochs=3).train(set_, WORDS, place)
    monkeypatch.setattr(AdapterTask, "loss", loss)
    resumed = new(epochs=3).train(set_, WORDS, place)
    for name, array in trained.weights_.items():
        assert_allclose(resumed.weights_[name], array, atol=1e-6)


def test_products_of_different_shapes_are_learned_together(tmp_path: Path) -> None:
    wide = panels(tmp_path / "a", types=("stain",), count=3, product="strip")
    for sample in wide:
        with Image.open(sample.image) as image:
            image.resize((200, 64)).save(sample.image)
        for defect in sample.defects:
            assert defect.mask is not None
            with Image.open(defect.mask) as image:
                image.resize((200, 64), Image.Resampling.NEAREST).save(defect.mask)
    square = panels(tmp_path / "b", types=("burn",), count=3)
    words = {"strip": panel_words(("stain",), "strip"), "panel": panel_words(("burn",))}
    detector = new(epochs=1).train([*wide, *square], words)
    assert detector.trained_on_ is not None
    assert detector.trained_on_.products == ("strip", "panel")


def test_unreadable_pictures_are_skipped_and_not_counted(set_: list[Sample], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    detector = new(epochs=1).train([*set_, Sample("broken", broken, "panel", label="good")], WORDS)
    assert [path for path, _ in detector.skipped_] == [str(broken)]
    assert detector.trained_on_ is not None
    assert detector.trained_on_.pictures == 15


class NotANumber(ColourEncoder):
    def layers(self, *arguments: Any) -> list[Features]:
        return [np.full_like(grid, np.nan) for grid in super().layers(*arguments)]


def test_features_that_are_no_numbers_are_told(set_: list[Sample]) -> None:
    detector = new()
    detector.encoder = NotANumber()
    with pytest.raises(SpecsightError, match="stride8 features of 'panel-good-0' are not all numbers"):
        detector.train(set_, WORDS)


def _unlabelled(samples: list[Sample]) -> list[Sample]:
    return [replace(samples[0], label="unknown"), *samples[1:]]


def _empty_mask(samples: list[Sample]) -> list[Sample]:
    mask = samples[0].image.with_name("empty.png")
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(mask)
    return [*samples[:-1], replace(samples[-1], defects=(Defect("burn", mask),))]


MISTAKES: dict[str, Callable[[list[Sample]], list[Sample]]] = {
    "there is no picture to train on": lambda samples: [],
    "'panel-good-0' is labelled neither good nor defective": _unlabelled,
    "no specification of 'panle', which 'panel-good-0' is to be learned from: add one .did you mean 'panel'": (
        lambda samples: [replace(samples[0], product="panle"), *samples[1:]]
    ),
    "'panel-burn-4' is labelled 'burn', but the mask of that defect is empty": _empty_mask,
    "is labelled defective but nothing says where": lambda samples: [
        *samples[:-1],
        replace(samples[-1], defects=()),
    ],
    "shows 'rust', which the specification has no words for": lambda samples: [
        *samples[:-1],
        replace(samples[-1], defects=(replace(samples[-1].defects[0], type="rust"),)),
    ],
    "needs defects in at least two readable training pictures": lambda samples: samples[:6],
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes_are_named_in_one_line(message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match=message) as caught:
        (detector := new()).train(MISTAKES[message](panels(tmp_path)), WORDS)
    assert "\n" not in str(caught.value)
    if "at least two readable" not in message:
        assert isinstance(detector.encoder, ColourEncoder)
        assert not detector.encoder.calls["look"], "named before any picture is encoded"


def test_a_failed_training_leaves_no_words_of_another_product(set_: list[Sample]) -> None:
    detector = new(epochs=1).train(set_, WORDS).fit([], PLATE)
    (view,) = detector.look([Picture(np.full((64, 64, 3), 128, np.uint8))])
    with pytest.raises(SpecsightError, match="at least two readable"):
        detector.train(set_[:6], WORDS)
    with pytest.raises(SpecsightError, match="call fit first"):
        detector.judge(view)


def test_a_set_too_large_for_memory_is_told_at_once(
    set_: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(SpecsightError, match="features of 18 training pictures would take"):
        new().train(set_, WORDS)


def test_parameters_are_checked() -> None:
    for parameter, value in {"epochs": 0, "rate": 0, "mosaics": 2, "batch": 1.5, "references": 0}.items():
        with pytest.raises(SpecsightError, match=f"{parameter} must be"):
            new(**{parameter: value})


def test_a_fifth_is_held_out_of_good_and_defective_and_objects_stay_whole() -> None:
    samples = [
        Sample(
            str(k), Path(f"{k}.png"), "panel", label="defective" if k % 4 == 0 else "good", group=f"g{k // 2}"
        )
        for k in range(80)
    ]
    held = held_out(samples, seed=3)
    assert held == held_out(samples, seed=3)
    assert held != held_out(samples, seed=4)
    assert len(held) == 16
    for group in {s.group for s in samples}:
        assert len({str(s.image) in held for s in samples if s.group == group}) == 1
    assert any(s.label == "defective" for s in samples if str(s.image) in held)


def test_a_mosaic_shows_four_pictures_and_their_masks() -> None:
    pictures = [Picture(np.full((8, 12, 3), 40 * k, np.uint8)) for k in range(4)]
    hole = np.zeros((8, 12), bool)
    hole[:4, :4] = True
    made, masks = mosaic(pictures, [{}, {"hole": hole}, {None: ~hole}, {"hole": hole}])
    assert_array_equal(made.rgb[::4, ::6, 0], [[0, 40], [80, 120]])
    expected = np.zeros((8, 12), bool)
    expected[:2, 6:8] = expected[4:6, 6:8] = True
    assert_array_equal(masks["hole"], expected)
    assert masks[None].sum() == 24 - 4
    assert not masks[None][:4].any()


def test_an_example_keeps_shares_of_cells_inside_the_picture() -> None:
    """64 × 70 pixels in a frame of 64 × 72: the last half cell is padding, the mask covers a cell and a half."""
    pixels, frame = shorter_side(np.zeros((64, 70, 3), np.uint8), 64, 8)
    mask = np.zeros((64, 70), np.float32)
    mask[0:4, 0:6] = 1
    features = {"stride8": np.full((2, 8, 9), 1e6, np.float32)}
    example = FrozenExample.of(
        TrainingExample(frame, features, equal_cells(frame, features), {"hole": mask}),
        Specification(product="panel"),
        "one",
        held_out=False,
    )
    assert pixels.shape[:2] == (64, 72)
    # Of the last column of cells, half shows the picture: it stays.
    assert example.mask_cells == Cells((16, 18), (4, 4))
    covered = example.covered("hole")
    assert covered.shape[0] == 16
    assert covered[0, 0] == 1
    assert covered[0, 1] == pytest.approx(0.5, abs=1 / 255)
    assert covered.sum() == pytest.approx(1.5, abs=2 / 255)
    assert_array_equal(example.damaged(), covered)
    assert not example.covered("crack").any()
    assert np.isfinite(example.features("stride8")).all(), "half precision overflows at 65504"
