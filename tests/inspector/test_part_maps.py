"""Parts that a specification outlines reach every picture: findings name them, scopes act on them, models keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.support.caps import YAML, cap, overlap, write_caps

from specsight.errors import SpecsightError
from specsight.images.rotation import rotated
from specsight.inspector import Inspector
from specsight.records import Picture, Sample
from specsight.specification import Instruction, Scope

SMALL: dict[str, Any] = {"encoder": "filters", "resolution": 128}


@pytest.fixture(scope="module")
def caps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caps")
    write_caps(folder)
    return folder


@pytest.fixture(scope="module")
def inspector(caps: Path) -> Inspector:
    return Inspector.fit(caps / "good", specification=caps / "cap.yaml", **SMALL)


def spotted(place: tuple[int, int]) -> NDArray[np.uint8]:
    """A cap that was moved, with a red spot around (x, y)."""
    rgb, _ = cap(20, (6, -5))
    x, y = place
    rgb[y - 7 : y + 7, x - 7 : x + 7] = (220, 20, 20)
    return rgb


def test_findings_name_their_part_and_a_scope_decides_by_it(inspector: Inspector) -> None:
    on_face, on_rim = spotted((70, 59)), spotted((70, 94))
    face_only = Instruction.of([Scope(parts=("face",))])
    for rgb, part in ((on_face, "face"), (on_rim, "rim")):
        observation = inspector.look(rgb)
        assert observation.sample.part_names == {1: "rim", 2: "face"}
        assert observation.picture.parts is not None
        assert overlap(observation.picture.parts, cap(20, (6, -5))[1], 2) > 0.8
        assert observation.seconds["parts"] > 0
        whole = inspector.judge(observation)
        assert whole.decision.verdict == "reject"
        assert [one.part for one in whole.findings] == [part]
        scoped = inspector.judge(observation, face_only)
        assert scoped.decision.verdict == ("reject" if part == "face" else "accept")
        assert not scoped.decision.not_applied


def test_a_saved_model_finds_the_same_without_the_reference_picture(
    inspector: Inspector, tmp_path: Path
) -> None:
    inspector.save(tmp_path / "model")
    loaded = Inspector.load(tmp_path / "model")
    rgb = spotted((70, 59))
    first, second = inspector.look(rgb).picture.parts, loaded.look(rgb).picture.parts
    assert first is not None
    assert second is not None
    assert (first == second).all()


def test_a_part_map_that_a_sample_brings_stands(inspector: Inspector, tmp_path: Path) -> None:
    Image.fromarray(cap(3)[0]).save(tmp_path / "cap.png")
    given = np.full((128, 128), 9, np.uint8)
    Image.fromarray(given).save(tmp_path / "parts.png")
    sample = Sample("cap", tmp_path / "cap.png", "cap", parts=tmp_path / "parts.png", part_names={9: "all"})
    observation = inspector.look(sample)
    assert observation.picture.parts is not None
    assert (observation.picture.parts == 9).all()
    assert observation.sample.part_names == {9: "all"}


def test_a_picture_of_something_else_says_that_it_has_no_parts(inspector: Inspector) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)
    observation = inspector.look(noise)
    assert observation.picture.parts is None
    inspection = inspector.judge(observation)
    assert any("its parts were not found" in note for note in inspection.notes)


def test_a_model_without_outlines_takes_those_of_another_specification(caps: Path) -> None:
    without = Inspector.fit(caps / "good", **SMALL)
    assert without.look(spotted((70, 59))).picture.parts is None
    under = without.under(caps / "cap.yaml")
    assert [one.part for one in under.inspect(spotted((70, 59))).findings] == ["face"]


def test_detectors_that_keep_no_grid_of_features_find_parts_too(caps: Path) -> None:
    from specsight.inspector.part_maps import learn_parts, with_parts
    from specsight.records import Picture
    from specsight.specification import load_specification

    inspector = Inspector.fit(caps / "good", **SMALL)
    looks = inspector.detector.look

    def pooled(pictures: object) -> object:
        from dataclasses import replace

        return [replace(view, cells={}) for view in looks(pictures)]  # type: ignore[arg-type]

    inspector.detector.look = pooled  # type: ignore[assignment, method-assign]
    finder = learn_parts(inspector.detector, load_specification(caps / "cap.yaml"), (), None)
    rgb, truth = cap(20, (6, -5))
    (view,) = inspector.detector.look([Picture(rgb)])
    _, picture = with_parts(finder, inspector.detector, Sample("a", Path(), "cap"), Picture(rgb), view)
    assert picture.parts is not None
    assert overlap(picture.parts, truth, 2) > 0.8


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        (
            "good/00.png",
            "good/none.png",
            r"no reference picture '.*none\.png', on which the specification outlines",
        ),
        ("size: [128, 128]", "size: [128, 160]", "is 128 x 128, and its outlines were drawn on 128 x 160"),
        ("good/00.png", "cap.yaml", r"the reference picture, on which parts are outlined: .*cap\.yaml"),
    ],
)
def test_a_reference_that_cannot_be_used_is_one_clear_line(
    caps: Path, right: str, wrong: str, words: str
) -> None:
    assert right in YAML
    file = caps / "wrong.yaml"
    file.write_text(YAML.replace(right, wrong))
    with pytest.raises(SpecsightError, match=words) as error:
        Inspector.fit(caps / "good", specification=file, **SMALL)
    assert "\n" not in str(error.value)


def bar(degrees: float, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A striped bar with a bright head at one end, turned: 1 shaft, 2 head."""
    grey, parts = np.full((128, 128), 25.0), np.zeros((128, 128), np.uint8)
    parts[50:78, 20:80], parts[44:84, 80:108] = 1, 2
    y, x = np.indices(parts.shape)
    grey[parts == 1] = (110 + 60 * np.sign(np.sin(x * 1.1)))[parts == 1]
    grey[parts == 2] = (170 + 60 * np.sign(np.sin(x * 0.5) * np.sin(y * 0.5)))[parts == 2]
    grey += np.random.default_rng(seed).normal(0, 4, grey.shape)
    rgb = np.repeat(grey.clip(0, 255)[..., None], 3, 2).astype(np.uint8)
    turned = rotated(Picture(rgb, parts=parts), degrees)
    assert turned.parts is not None
    return turned.rgb, turned.parts


def test_parts_that_lie_turned_are_found_turned(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    for seed, degrees in enumerate((0, 100, 220, 310, 47, 163, 260)):
        Image.fromarray(bar(degrees, seed)[0]).save(tmp_path / "good" / f"{seed}.png")
    (tmp_path / "bar.yaml").write_text(
        "product: bar\nreference: {picture: good/0.png, size: [128, 128]}\nparts:\n"
        "- {name: shaft, outline: [{polygon: [[20, 50], [80, 50], [80, 78], [20, 78]]}]}\n"
        "- {name: head, outline: [{polygon: [[80, 44], [108, 44], [108, 84], [80, 84]]}]}\n"
    )
    inspector = Inspector.fit(tmp_path / "good", specification=tmp_path / "bar.yaml", **SMALL)
    for degrees in (0, 200, 127, 338):
        rgb, truth = bar(degrees, 9)
        found = inspector.look(rgb).picture.parts
        assert found is not None
        assert min(overlap(found, truth, 1), overlap(found, truth, 2)) > 0.75


def test_outlines_that_good_parts_were_not_judged_by_keep_no_thresholds_of_scopes(
    inspector: Inspector, caps: Path
) -> None:
    assert inspector.calibration is not None
    assert inspector.calibration.part_peaks
    same = inspector.under(caps / "cap.yaml").calibration
    assert same == inspector.calibration
    words = inspector.specification
    assert words is not None
    rim, face = words.parts
    moved = words.model_copy(update={"parts": (rim, face.model_copy(update={"outline": rim.outline}))})
    other = inspector.under(moved).calibration
    assert other is not None
    assert not other.part_peaks
    assert other.score_threshold == inspector.calibration.score_threshold
