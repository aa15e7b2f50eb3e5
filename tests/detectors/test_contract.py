"""One contract for every registered detector: what a user may rely on, whatever the method."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.colour_encoder import ColourEncoder
from tests.support.labelled_panels import trained_on_panels
from tests.support.prompted_colours import colours_for
from tests.support.seeing_checkpoints import seeing_model

from specsight.detectors import Detector, Needs, Regime, create_detector, detectors, load_detector, looking
from specsight.detectors.parameters import parameters_of
from specsight.encoders import Encoder, load_encoder
from specsight.errors import SpecsightError
from specsight.inspector.foreign import try_out
from specsight.records import Judgement, Picture, Sample
from specsight.specification import DefectType, Instruction, Specification

NAMES = sorted(detectors)
FROM_PICTURES = [
    name for name in NAMES if detectors[name].needs.good_pictures and not detectors[name].needs.text
]
WITH_DEPTH = [name for name in NAMES if detectors[name].needs.depth]
USING_DEPTH = [name for name in NAMES if "depth" in detectors[name].needs.uses]
WITHOUT_DEPTH = [name for name in NAMES if name not in (*WITH_DEPTH, *USING_DEPTH)]
SMALL = {"resolution": 64}
QUICK: dict[str, dict[str, Any]] = {
    "anomalyclip": {"epochs": 3},
    "clad": {"steps": 10, "synthetic_defects": 24},
    "cfm": {"steps": 60},
    "m3dm": {"steps": 40},
    "multiads": {"epochs": 5},
    "text_aligned": {"steps": 60, "synthetic_defects": 24},
    "supervised": {"coreset_limit": 512},
    "llava-ads": {"encoder": "bundled"},
    "anomalygpt": {"encoder": "bundled"},
}
"""Parameters that keep training short, and the encoder that a method's weights were trained beside."""
SPECIFICATION = Specification(product="plate", defects=(DefectType(name="stain", phrases=("red stain",)),))
GOOD = 24


def plate(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A grey plate with a grid of grooves, a little noise and a little change of light."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    surface = 120 + 25 * ((x % 16) < 3) + 25 * ((y % 16) < 3) + generator.uniform(-4, 4)
    noisy = surface[..., None] + generator.normal(0, 3, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def stained(seed: int) -> np.ndarray:
    rgb = plate(seed)
    rgb[20:40, 40:64] = (200, 20, 20)
    return rgb


def depth_of(rgb: np.ndarray) -> np.ndarray:
    """Distances in mm: grooves are brighter and deeper, a stain is raised."""
    raised = rgb[..., 0] > rgb[..., 1].astype(int) + 100
    return np.asarray(500 + rgb.mean(-1) / 50 - 5 * raised, np.float32)


def saved_sample(folder: Path, name: str, rgb: np.ndarray) -> Sample:
    """A good part whose picture and depth lie in sub-folders of `folder`."""
    (folder / "rgb").mkdir(exist_ok=True)
    (folder / "depth").mkdir(exist_ok=True)
    image, depth = folder / "rgb" / f"{name}.png", folder / "depth" / f"{name}.tiff"
    cv2.imwrite(str(image), rgb[..., ::-1])
    cv2.imwrite(str(depth), depth_of(rgb))
    return Sample(name, image, "plate", split="train", label="good", depth=depth)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("plates")
    return [saved_sample(folder, f"{k:02}", plate(k)) for k in range(GOOD)]


def new(name: str, **parameters: Any) -> Detector:
    reads = detectors[name].needs.text
    given = {"encoder": colours_for(name) if reads else "filters", **SMALL, **QUICK.get(name, {})}
    if detectors[name].needs.language_model:
        pytest.importorskip("transformers")
        given["language_model"] = seeing_model()
    return create_detector(name, **{**given, **parameters})


def words(name: str) -> Specification | None:
    return SPECIFICATION if detectors[name].needs.text else None


@pytest.fixture(scope="module")
def fitted(samples: list[Sample]) -> Callable[[str], Detector]:
    by_name: dict[str, Detector] = {}

    def get(name: str) -> Detector:
        if name not in by_name:
            by_name[name] = trained_on_panels(new(name)).fit(samples, words(name))
        return by_name[name]

    return get


def judge(detector: Detector, rgb: np.ndarray, circular: bool = False) -> Judgement:
    return detector.judge(detector.look([pictured(rgb, circular)])[0])


def pictured(rgb: np.ndarray, circular: bool = False) -> Picture:
    return Picture(rgb, depth=depth_of(rgb), circular=circular)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 96), (100, 37), (64, 64), (1, 1), (3, 50), (30, 900)])
def test_a_map_of_the_pictures_own_size(
    name: str, size: tuple[int, int], fitted: Callable[[str], Detector]
) -> None:
    judgement = judge(fitted(name), plate(99, *size))
    assert judgement.map.shape == size
    assert judgement.map.dtype == np.float32
    assert np.isfinite(judgement.map).all()
    assert np.isfinite(judgement.score)
    for one in judgement.type_maps.values():
        assert (one.shape, one.dtype) == (size, np.float32)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, 128, 255])
def test_grey_and_constant_pictures(name: str, value: int, fitted: Callable[[str], Detector]) -> None:
    judgement = judge(fitted(name), np.full((64, 96, 3), value, np.uint8))
    assert np.isfinite(judgement.map).all()
    assert np.isfinite(judgement.score)


@pytest.mark.parametrize("name", NAMES)
def test_a_circular_strip(name: str, fitted: Callable[[str], Detector]) -> None:
    judgement = judge(fitted(name), plate(99, 64, 320), circular=True)
    assert judgement.map.shape == (64, 320)
    assert np.isfinite(judgement.map).all()


@pytest.mark.parametrize("name", FROM_PICTURES)
def test_a_stain_scores_higher_and_is_found_where_it_is(name: str, fitted: Callable[[str], Detector]) -> None:
    detector = fitted(name)
    good = [judge(detector, plate(seed)).score for seed in range(100, 106)]
    bad = judge(detector, stained(100))
    assert bad.score > max(good)
    row, column = np.unravel_index(int(bad.map.argmax()), bad.map.shape)
    assert 14 <= row < 46
    assert 34 <= column < 70


@pytest.mark.parametrize("name", NAMES)
def test_a_judgement_does_not_depend_on_the_batch(name: str, fitted: Callable[[str], Detector]) -> None:
    detector = fitted(name)
    batch = [pictured(plate(7)), pictured(stained(8)), pictured(plate(9, 40, 80))]
    for picture, view in zip(batch, detector.look(batch)):
        together, alone = detector.judge(view), judge(detector, picture.rgb)
        assert together.score == alone.score
        np.testing.assert_array_equal(together.map, alone.map)


@pytest.mark.parametrize("name", NAMES)
def test_judging_leaves_the_view_as_it_is(name: str, fitted: Callable[[str], Detector]) -> None:
    detector = fitted(name)
    view = detector.look([pictured(stained(3))])[0]
    before = {layer: grid.copy() for layer, grid in view.features.items()}
    first = detector.judge(view)
    for layer, grid in view.features.items():
        np.testing.assert_array_equal(grid, before[layer])
    assert detector.judge(view).score == first.score


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_learns_the_same(
    name: str, samples: list[Sample], fitted: Callable[[str], Detector]
) -> None:
    again = trained_on_panels(new(name)).fit(samples, words(name))
    expected, found = judge(fitted(name), stained(5)), judge(again, stained(5))
    assert found.score == expected.score
    np.testing.assert_array_equal(found.map, expected.map)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_detector_judges_as_before(
    name: str, fitted: Callable[[str], Detector], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "load_encoder", _known_encoder)
    detector = fitted(name)
    detector.save(tmp_path)
    words = {"specification.yaml"} if detector.needs.text else set()
    if name == "multiads":
        words.add("trained_types.yaml")
    if name in ("anomalygpt", "llava-ads"):
        words.add("language_model.json")
    assert {path.name for path in tmp_path.iterdir()} == {"detector.json", "detector.safetensors"} | words
    loaded = type(detector).load(tmp_path, detector.get_encoder().name)
    assert {**loaded.parameters(), "encoder": None} == {**detector.parameters(), "encoder": None}
    for picture in (plate(50), stained(51)):
        expected, found = judge(detector, picture), judge(loaded, picture)
        assert found.score == expected.score
        np.testing.assert_array_equal(found.map, expected.map)


def _known_encoder(name: str, device: str) -> Encoder:
    return ColourEncoder() if name == "colours" else load_encoder(name, device)


@pytest.mark.parametrize("name", NAMES)
def test_needs_are_declared(name: str) -> None:
    kind = detectors[name]
    assert kind.name == name
    assert isinstance(kind.needs, Needs)
    assert isinstance(kind.regime, Regime)
    assert isinstance(kind.transductive, bool)


@pytest.mark.parametrize("name", [name for name in NAMES if detectors[name].needs.text])
def test_words_that_are_missing_are_asked_for(name: str, samples: list[Sample]) -> None:
    with pytest.raises(SpecsightError, match="needs words"):
        new(name).fit(samples)


@pytest.mark.parametrize("name", FROM_PICTURES)
def test_one_good_part_is_enough_or_the_number_is_named(name: str, samples: list[Sample]) -> None:
    minimum = detectors[name].needs.good_pictures
    if minimum > 1:
        with pytest.raises(SpecsightError, match=rf"{name} needs at least {minimum} good parts \(got 1\)"):
            new(name).fit(samples[:1])
    else:
        assert np.isfinite(judge(new(name).fit(samples[:1]), stained(1)).score)
    with pytest.raises(SpecsightError, match=r"at least \d+ good parts? \(got 0\)"):
        new(name).fit([])


@pytest.mark.parametrize("name", FROM_PICTURES)
def test_constant_good_pictures_are_learned(name: str, tmp_path: Path) -> None:
    sample = saved_sample(tmp_path, "flat", np.full((64, 64, 3), 90, np.uint8))
    flat = [replace(sample, id=str(k)) for k in range(detectors[name].needs.good_pictures)]
    detector = new(name).fit(flat)
    same, other = judge(detector, np.full((64, 64, 3), 90, np.uint8)), judge(detector, plate(0, 64, 64))
    assert np.isfinite(same.map).all()
    assert other.score > same.score
    (tmp_path / "saved").mkdir()
    detector.save(tmp_path / "saved")
    again = judge(load_detector(tmp_path / "saved"), plate(0, 64, 64))
    assert again.score == other.score


@pytest.mark.parametrize("name", FROM_PICTURES)
def test_unreadable_good_pictures_are_skipped_and_named(
    name: str, samples: list[Sample], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    broken_sample = replace(samples[0], id="broken", image=broken)
    if name in USING_DEPTH:
        # What has depth is used without its colours.
        broken_sample = replace(broken_sample, depth=None)
    detector = new(name).fit([*samples, broken_sample])
    assert [path for path, _ in detector.skipped_] == [str(broken)]
    with pytest.raises(SpecsightError, match=r"needs at least .* \(got 0\)"):
        new(name).fit([broken_sample] * detector.needs.good_pictures)


@pytest.mark.parametrize("name", FROM_PICTURES)
def test_judging_before_fitting_is_told(name: str, tmp_path: Path) -> None:
    detector = new(name)
    view = detector.look([pictured(plate(0))])[0]
    with pytest.raises(SpecsightError, match="call fit first"):
        detector.judge(view)
    with pytest.raises(SpecsightError, match="call fit first"):
        detector.save(tmp_path)


@pytest.mark.parametrize("name", [name for name in FROM_PICTURES if not detectors[name].needs.takes_defects])
def test_defective_parts_are_no_good_parts(name: str, samples: list[Sample]) -> None:
    with pytest.raises(SpecsightError, match="learns from good parts only, and '03' is defective"):
        new(name).fit([*samples[:3], replace(samples[3], label="defective"), *samples[4:]])


@pytest.mark.parametrize("name", ["patchcore", *WITH_DEPTH])
def test_depth_that_is_missing_is_named(
    name: str, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = detectors[name]
    monkeypatch.setattr(kind, "needs", replace(kind.needs, depth=True))
    without = [replace(sample, depth=None) for sample in samples]
    with pytest.raises(SpecsightError, match=f"{name} needs depth, and no good part comes with any"):
        new(name).fit(without)
    with pytest.raises(SpecsightError, match="needs depth, and this picture has none"):
        new(name).look([pictured(plate(1)), Picture(plate(0))])


@pytest.mark.parametrize("name", WITHOUT_DEPTH)
def test_depth_changes_nothing_where_it_is_not_needed(name: str, fitted: Callable[[str], Detector]) -> None:
    detector, rgb = fitted(name), stained(2)
    expected, found = judge(detector, rgb), detector.judge(detector.look([Picture(rgb)])[0])
    assert found.score == expected.score
    np.testing.assert_array_equal(found.map, expected.map)


@pytest.mark.parametrize("name", WITH_DEPTH)
def test_depth_counts_where_it_is_needed(name: str, fitted: Callable[[str], Detector]) -> None:
    detector, rgb = fitted(name), plate(2)
    bent = depth_of(rgb)
    bent[20:40, 40:64] -= 5
    (view,) = detector.look([Picture(rgb, depth=bent)])
    assert detector.judge(view).score > judge(detector, rgb).score


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_looked_at_once_however_often_they_are_judged(
    name: str, fitted: Callable[[str], Detector], monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = fitted(name)
    encoder, calls = detector.get_encoder(), []
    for method in ("layers", "embed_images", "embed_patches", "remember"):
        original = getattr(encoder, method)

        def counted(*args: Any, original: Callable[..., Any] = original, **options: Any) -> Any:
            calls.append(original.__name__)
            return original(*args, **options)

        monkeypatch.setattr(encoder, method, counted)
    (view,) = detector.look([pictured(stained(4))])
    looked = len(calls)
    scratch = DefectType(name="scratch", phrases=("blue scratch",))
    instructions = (
        None,
        Instruction.model_validate({"ignore": ("stain",)}),
        Instruction.model_validate({"known_defects": (scratch,)}),
        Instruction.model_validate({"ignore": ("stain",), "known_defects": (scratch,)}),
    )
    for instruction in (*instructions, *instructions):
        assert np.isfinite(detector.judge(view, instruction).score)
    assert len(calls) == looked


@pytest.mark.parametrize("name", FROM_PICTURES)
def test_parameters_are_checked(name: str) -> None:
    declared = parameters_of(detectors[name])
    with pytest.raises(
        SpecsightError, match=r"resolution must be a whole number from 32 to 4096 or auto, got 7"
    ):
        create_detector(name, resolution=7)
    with pytest.raises(SpecsightError, match="resolution must be a whole number"):
        create_detector(name, resolution="256")
    with pytest.raises(SpecsightError, match="has no parameter 'resolutoin': did you mean 'resolution'"):
        create_detector(name, resolutoin=64)
    if "sigma" in declared:
        with pytest.raises(SpecsightError, match="has no parameter 'sigmma': did you mean 'sigma'"):
            create_detector(name, sigmma=3)
        with pytest.raises(SpecsightError, match="sigma must be a number"):
            create_detector(name, sigma=float("nan"))
    if "layers" in declared:
        with pytest.raises(SpecsightError, match="layers must be a list of layer names"):
            create_detector(name, layers="stride8")
        assert create_detector(name, layers=["stride8"]).parameters()["layers"] == ("stride8",)


def test_unknown_detector_and_layer_get_suggestions(samples: list[Sample]) -> None:
    with pytest.raises(SpecsightError, match="did you mean 'patchcore'"):
        create_detector("patchcor")
    with pytest.raises(SpecsightError, match="did you mean 'stride8'"):
        new("patchcore", layers=("strde8",)).fit(samples[:1])


@pytest.fixture
def saved(fitted: Callable[[str], Detector], tmp_path: Path) -> Path:
    fitted("patchcore").save(tmp_path)
    return tmp_path


def _edit(folder: Path, **changes: Any) -> None:
    path = folder / "detector.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_another_format_version_is_refused(saved: Path) -> None:
    _edit(saved, format=99)
    with pytest.raises(SpecsightError, match=r"format 99 .* reads format 4: fit the model again"):
        load_detector(saved)


@pytest.mark.parametrize("format_", [1, 2])
def test_models_that_took_cells_to_lie_evenly_are_refused(saved: Path, format_: int) -> None:
    _edit(saved, format=format_, specsight="0.2.0")
    with pytest.raises(
        SpecsightError, match=rf"format {format_} \(specsight 0\.2\.0\); .* fit the model again"
    ):
        load_detector(saved)


def test_another_encoder_is_refused(saved: Path) -> None:
    _edit(saved, encoder={"name": "filters", "fingerprint": "0" * 64})
    with pytest.raises(SpecsightError, match="fingerprint differs"):
        load_detector(saved)


def test_edited_parameters_are_checked_on_loading(saved: Path) -> None:
    parameters = json.loads((saved / "detector.json").read_text())["parameters"]
    _edit(saved, parameters={**parameters, "sigma": -1})
    with pytest.raises(SpecsightError, match="sigma must be a number from 0 to 100, got -1"):
        load_detector(saved)


@pytest.mark.parametrize("damage", ["missing", "cut", "other arrays"])
def test_damaged_weights_are_told(saved: Path, damage: str) -> None:
    path = saved / "detector.safetensors"
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        from safetensors.numpy import save

        path.write_bytes(save({"bank": np.zeros((2, 2), np.float32)}))
    with pytest.raises(SpecsightError, match="is missing or damaged: fit the model again"):
        load_detector(saved)


INDEPENDENT = {
    **{
        (name, array, 0): "patches of good parts, each by itself"
        for name, array in [
            ("anomalydino", "bank"),
            ("anomalygpt", "stride8"),
            ("anomalygpt", "stride16"),
            ("fusion", "joint"),
            ("fusion", "rgb/bank"),
            ("april_gan", "references/stride8"),
            ("multiads", "references/stride8"),
            ("patchcore", "bank"),
            ("phrases", "patches"),
            ("puad", "patches.bank"),
            ("text_aligned", "aligned"),
            ("winclip", "patches"),
            ("winclip", "window2"),
            ("winclip", "window3"),
        ]
    },
    ("anomalyclip", "weights/deep", 0): "tokens of each block, which training alone reads",
    ("subspacead", "axes", 1): "axes of a subspace: one of fewer dimensions",
    ("text_aligned", "basis", 1): "axes of a subspace: one of fewer dimensions",
}
"""Detector, array and axis along which any number of entries, but none, is a sound model → why."""


@pytest.mark.parametrize("name", NAMES)
def test_arrays_that_lack_a_row_or_a_column_are_refused(
    name: str, fitted: Callable[[str], Detector], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.numpy import load_file, save_file

    monkeypatch.setattr(looking, "load_encoder", _known_encoder)
    detector = fitted(name)
    detector.save(tmp_path)
    path = tmp_path / "detector.safetensors"
    state = load_file(path)
    accepted = set()
    for array, values in state.items():
        for axis in range(values.ndim):
            shorter = np.ascontiguousarray(np.delete(values, -1, axis))
            save_file({**state, array: shorter}, path)
            with suppress(SpecsightError):
                try_out(load_detector(tmp_path, detector.get_encoder().name), tmp_path)
                accepted.add((name, array, axis))
    assert accepted == {one for one in INDEPENDENT if one[0] == name}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 2, "parameters": 3}'])
def test_a_damaged_description_is_told(saved: Path, text: str) -> None:
    (saved / "detector.json").write_text(text)
    with pytest.raises(SpecsightError, match="missing or damaged"):
        load_detector(saved)


@pytest.mark.parametrize("encoder", ["somebody/model", "//server/share", "\\\\server\\share"])
def test_nothing_is_fetched_because_a_detector_names_it(
    saved: Path, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "load_encoder", pytest.fail)
    _edit(saved, encoder={"name": encoder, "fingerprint": "0" * 64})
    for load in (load_detector, detectors["patchcore"].load):
        with pytest.raises(SpecsightError, match="nothing is fetched because a model names it"):
            load(saved)


def test_an_encoder_that_is_given_is_loaded_whatever_the_detector_names(saved: Path) -> None:
    made_by = json.loads((saved / "detector.json").read_text())["encoder"]
    _edit(saved, encoder={**made_by, "name": "somebody/model"})
    assert load_detector(saved, "filters").get_encoder().name == "filters"


def test_a_detector_of_another_class_is_refused(saved: Path) -> None:
    with pytest.raises(SpecsightError, match="holds a patchcore detector, not padim"):
        detectors["padim"].load(saved)


@pytest.mark.long
def test_with_filters_no_detector_needs_torch_unless_it_trains(samples: list[Sample]) -> None:
    untrained = [name for name in FROM_PICTURES if not detectors[name].needs.trains]
    assert samples[0].depth is not None
    rgb, depth = str(samples[0].image.parent), str(samples[0].depth.parent)
    code = f"""
import sys; sys.modules["torch"] = None; sys.modules["transformers"] = None
from pathlib import Path
from specsight.detectors import create_detector
from specsight.images import load_picture
from specsight.records import Sample
pictures, depths = sorted(Path({rgb!r}).iterdir()), sorted(Path({depth!r}).iterdir())
good = [Sample(p.stem, p, "plate", label="good", depth=d) for p, d in zip(pictures, depths)]
for name in {untrained!r}:
    detector = create_detector(name, encoder="filters", resolution=64).fit(good)
    print(detector.judge(detector.look([load_picture(good[0])])[0]).map.shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(64, 96)") == len(untrained)
