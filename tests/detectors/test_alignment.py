"""Pictures registered to one good part: found where good parts ask for it, kept in the saved model, else nothing."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.posed_parts import grains, posed_part

from specsight.detectors import Detector, create_detector, load_detector
from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.records import Picture, Sample

ALIGNING = ["anomalydino", "padim", "patchcore", "spade", "subspacead"]


def written(folder: Path, pictures: list[np.ndarray]) -> list[Sample]:
    samples = []
    for k, rgb in enumerate(pictures):
        path = folder / f"{k:02}.png"
        cv2.imwrite(str(path), rgb[..., ::-1])
        samples.append(Sample(path.stem, path, "part", split="train", label="good"))
    return samples


def turned(count: int, seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [posed_part(k + 100 * seed, float(generator.uniform(0, 360)), (k % 3, 1)) for k in range(count)]


def fitted(name: str, samples: list[Sample], **parameters: object) -> Detector:
    rotations = {"rotations": 0} if name == "subspacead" else {}
    return create_detector(name, encoder="filters", resolution=128, **rotations, **parameters).fit(samples)


def judged(detector: Detector, rgb: np.ndarray) -> tuple[float, np.ndarray]:
    judgement = detector.judge(detector.look([Picture(rgb)])[0])
    return judgement.score, judgement.map


@pytest.mark.long
@pytest.mark.parametrize("name", ALIGNING)
def test_where_good_parts_do_not_ask_for_it_nothing_changes(name: str, tmp_path: Path) -> None:
    for number, pictures in enumerate(([posed_part(k) for k in range(20)], [grains(k) for k in range(20)])):
        folder = tmp_path / str(number)
        folder.mkdir()
        samples = written(folder, pictures)
        left, given = fitted(name, samples, align=None), fitted(name, samples)
        assert left.framing.reference is None
        assert left.framing.reasons[-1].startswith("not registered, because good parts")
        assert judged(left, posed_part(99, 5))[0] == judged(given, posed_part(99, 5))[0]
        np.testing.assert_array_equal(judged(left, pictures[0])[1], judged(given, pictures[0])[1])


@pytest.mark.parametrize("name", ALIGNING)
def test_a_turned_part_is_judged_in_the_pose_of_the_others(name: str, tmp_path: Path) -> None:
    samples = written(tmp_path, turned(20))
    aligned = fitted(name, samples, align=None)
    assert aligned.framing.reference is not None
    good = turned(4, seed=1)
    stained = [rgb.copy() for rgb in good]
    for rgb in stained:
        cv2.circle(rgb, (80, 84), 5, (230, 230, 60), -1)
    scores = [judged(aligned, rgb)[0] for rgb in (*good, *stained)]
    assert max(scores[:4]) < min(scores[4:])
    for rgb in stained:
        peak = np.unravel_index(judged(aligned, rgb)[1].argmax(), rgb.shape[:2])
        assert np.hypot(peak[0] - 84, peak[1] - 80) < 10, "on the picture as it lies"
    (tmp_path / "model").mkdir()
    aligned.save(tmp_path / "model")
    loaded = load_detector(tmp_path / "model")
    assert loaded.framing == aligned.framing
    np.testing.assert_array_equal(judged(loaded, stained[0])[1], judged(aligned, stained[0])[1])


def test_a_fold_is_registered_as_the_whole_is(tmp_path: Path) -> None:
    samples = written(tmp_path, turned(6))
    whole = fitted("patchcore", samples, align=True)
    assert whole.framing.reasons == ("registered to one good part, as given",)
    fold = create_detector("patchcore", encoder="filters", resolution=128, align=True)
    assert fold.fit(samples[1:3], framing=whole.framing).framing == whole.framing


def test_a_picture_that_cannot_be_registered_says_so(tmp_path: Path) -> None:
    written(tmp_path, turned(8))
    detector = create_detector("patchcore", encoder="filters", resolution=128, align=True)
    inspector = Inspector.fit(tmp_path, detector=detector)
    (note,) = inspector.inspect(np.full((160, 160, 3), 128, np.uint8)).notes
    assert note == (
        "judged as it lies, because it could not be registered to the good part: no rotation and shift brings it to "
        "the reference"
    )
    corner = inspector.inspect(posed_part(5, 45.0)).notes
    assert corner == (
        "what lies outside of the frame once the picture is registered, such as its corners, is not judged",
    )


def test_registered_pictures_are_not_to_be_rotated(tmp_path: Path) -> None:
    samples = written(tmp_path, turned(4))
    with pytest.raises(SpecsightError, match="leave out align or the rotations"):
        fitted("patchcore", samples, align=True, rotate=True)
    assert fitted("patchcore", samples, align=None, rotate=True).framing.reference is None


def test_a_damaged_reference_is_told(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    samples = written(tmp_path, turned(5))
    model = tmp_path / "model"
    model.mkdir()
    fitted("patchcore", samples, align=True).save(model)
    state = load_file(model / "detector.safetensors")
    for damage in (None, state["framing/reference"].astype(np.float32), np.zeros((4, 4), np.uint8)):
        rest = {name: values for name, values in state.items() if name != "framing/reference"}
        save_file(
            rest if damage is None else {**rest, "framing/reference": damage}, model / "detector.safetensors"
        )
        with pytest.raises(SpecsightError, match=r"detector\.safetensors' is missing or damaged"):
            load_detector(model)
    description = json.loads((model / "detector.json").read_text())
    description["framing"]["reference"]["degrees"] = 400
    (model / "detector.json").write_text(json.dumps(description))
    with pytest.raises(SpecsightError, match=r"detector\.json' is missing or damaged"):
        load_detector(model)
