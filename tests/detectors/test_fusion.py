"""`fusion`: what its tokens measure, what a missing modality leaves, and where clauses act."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from tests.support.colour_encoder import ColourEncoder

from specsight.detectors.fusion import Fusion, normality, runner
from specsight.detectors.fusion.clauses import read_clauses, region_sizes
from specsight.detectors.fusion.good_parts import GoodParts, learn_good_parts
from specsight.detectors.fusion.normality import learn_normality
from specsight.detectors.fusion.runner import HeadRunner
from specsight.detectors.fusion.tokens import NAMES, SLICES, WIDTH
from specsight.errors import SpecsightError
from specsight.records import Picture, Sample
from specsight.specification import Instruction, Specification
from specsight.storage import whole_folder

SPECIFICATION = Specification.model_validate(
    {
        "product": "plate",
        "parts": [{"name": "left"}, {"name": "right"}],
        "defects": [
            {"name": "stain", "phrases": ["red stain"]},
            {"name": "scratch", "phrases": ["blue scratch"]},
        ],
    }
)
SIDE = 64
PARTS = np.ones((SIDE, SIDE), np.uint8)
PARTS[:, SIDE // 2 :] = 2


def plate(seed: int, stain: bool = False, dome: bool = False, side: int = 0) -> Picture:
    """A grey plate with fine noise, a red stain at the left (`side` 1: right) or a dome of 1 mm at the same place."""
    generator = np.random.default_rng(seed)
    rgb = np.clip(120 + generator.normal(0, 4, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    depth = (100 + generator.normal(0, 0.01, (SIDE, SIDE))).astype(np.float32)
    columns = slice(8 + 32 * side, 24 + 32 * side)
    if stain:
        rgb[24:40, columns] = (200, 20, 20)
    if dome:
        depth[24:40, columns] -= 1
    return Picture(rgb, depth=depth, parts=PARTS)


def fitted(pictures: list[Picture]) -> Fusion:
    class OnPictures(Fusion):
        def _views(self, samples, specification):  # type: ignore[no-untyped-def]
            self.scale_, self.part_names_ = 0.4, {1: "left", 2: "right"}
            return (self._look(picture) for picture in pictures)

    samples = [Sample(str(k), Path(str(k)), "plate") for k in range(len(pictures))]
    return OnPictures(encoder=ColourEncoder(), resolution=SIDE).fit(samples, SPECIFICATION)


@lru_cache(maxsize=1)
def detector() -> Fusion:
    return fitted([plate(seed) for seed in range(6)])


def test_a_score_of_zero_is_the_mean_of_good_patches_that_were_left_out() -> None:
    generator = np.random.default_rng(0)
    pictures = [generator.normal(size=(200, 6)).astype(np.float32) for _ in range(3)]
    good = learn_normality(pictures, [0, 1, 2], [6], 100, seed=0, channels=(0, 1))
    left_out = [
        learn_normality(pictures[:k] + pictures[k + 1 :], [0, 0], [6], 100, seed=0, channels=(0, 1))
        for k in range(3)
    ]
    measured = np.concatenate([one.measures(own) for one, own in zip(left_out, pictures)]).astype(np.float64)
    np.testing.assert_allclose(good.statistics[0], measured.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(good.statistics[1], measured.std(0), rtol=1e-4, atol=1e-5)
    of_new = good.deviations(generator.normal(size=(2000, 6)).astype(np.float32))
    # The whole memory is denser than those without a fold.
    assert -0.6 < float(of_new[0].mean()) <= 0.1
    assert abs(float(of_new[0].std()) - 1) < 0.3


def test_tokens_tell_what_deviates_in_which_modality() -> None:
    stain, dome = (detector().look([plate(9, **{what: True})])[0] for what in ("stain", "dome"))
    of_stain, of_dome = (detector().deviation_tokens(view).values for view in (stain, dome))
    assert of_stain.shape == (WIDTH, 8, 8) == (len(NAMES), 8, 8)
    assert (
        of_stain[NAMES.index("rgb: distance"), 4, 2] > 10 > abs(of_dome[NAMES.index("rgb: distance"), 4, 2])
    )
    assert (
        of_dome[NAMES.index("depth: distance"), 4, 2]
        > 10
        > abs(of_stain[NAMES.index("depth: distance"), 4, 2])
    )
    assert of_dome[NAMES.index("depth: mean of height"), 4, 2] > 10
    assert of_stain[NAMES.index("text: any defect"), 4, 2] > 3


@pytest.mark.parametrize("gone", ["depth", "rgb"])
def test_a_modality_that_is_left_out_is_as_one_that_is_absent(gone: str) -> None:
    picture = plate(9, stain=True, dome=True)
    whole, without = detector().look([picture, picture.without(gone)])
    expected, found = detector().judge(without), detector().judge_without(whole, {gone})
    assert found.score == expected.score
    np.testing.assert_array_equal(found.map, expected.map)
    assert not expected.alone
    other = "rgb" if gone == "depth" else "depth"
    np.testing.assert_array_equal(detector().judge(whole).alone[other], expected.map)


def test_a_detector_that_was_fitted_without_depth_is_not_moved_by_it() -> None:
    blind = fitted([replace(plate(seed), depth=None) for seed in range(4)])
    picture = plate(9, stain=True)
    views = blind.look([picture, replace(picture, depth=None)])
    first, second = (blind.judge(view) for view in views)
    np.testing.assert_array_equal(first.map, second.map)
    assert not blind.deviation_tokens(views[0]).values[SLICES["depth"]].any()


def test_clauses_act_on_their_own_cells_alone() -> None:
    (view,) = detector().look([plate(9, stain=True, dome=True)])
    whole = detector().judge(view)
    right_only = detector().judge(view, Instruction.model_validate({"scope": ["right"]}))
    unsmoothed = Fusion(encoder=ColourEncoder(), resolution=SIDE, sigma=0)
    unsmoothed.good_, unsmoothed.words_, unsmoothed.part_names_ = (
        detector().good_, detector().words_, detector().part_names_
    )  # fmt: skip
    plain = unsmoothed.judge(view).map
    scoped = unsmoothed.judge(view, Instruction.model_validate({"scope": ["right"]})).map
    np.testing.assert_array_equal(plain[:, 36:], scoped[:, 36:])
    assert (scoped[:, :28] < plain[:, :28]).all()
    assert right_only.score < whole.score
    nothing = detector().judge(view, Instruction())
    np.testing.assert_array_equal(nothing.map, whole.map)
    elsewhere = Instruction.model_validate({"ignore": [{"defect": "stain", "part": "right"}]})
    np.testing.assert_array_equal(unsmoothed.judge(view, elsewhere).map[:, :28], plain[:, :28])


def test_clauses_that_cannot_act_are_told() -> None:
    instruction = Instruction.model_validate(
        {"scope": ["rim"], "tolerances": [{"defect": "stain", "up_to_mm": 0}], "ignore": ["scratch"]}
    )
    found, lost = read_clauses(instruction, SPECIFICATION, {"left": np.ones((2, 2), np.float32)}, (2, 2))
    assert [(one.kind, one.types) for one in found] == [("tolerance", ("scratch",))]
    assert lost == ["inspect only rim"]
    both = Instruction.model_validate({"scope": [{"parts": ["left", "rim"]}]})
    assert not read_clauses(both, SPECIFICATION, {"left": np.ones((2, 2), np.float32)}, (2, 2))[0]


def test_regions_are_measured_in_mm() -> None:
    logits = np.full((16, 16), -5, np.float32)
    logits[8, 3:9] = 5
    sizes = region_sizes(logits, cell_mm=2.0)
    assert sizes[8, 5] == pytest.approx(12, abs=2)
    assert sizes[0, 0] == 0
    assert not region_sizes(logits, None).any()


def dazzling(seed: int) -> Picture:
    picture = plate(seed)
    rgb = picture.rgb.copy()
    rgb[:, SIDE // 2 :] = 255
    return replace(picture, rgb=rgb)


def test_cells_without_colours_are_judged_by_depth_where_there_is_any() -> None:
    picture = dazzling(9)
    view, measured_not = detector().look([picture, picture.without("depth")])
    tokens = detector().deviation_tokens(view)
    valid = tokens.read().values[SLICES["rgb"]][-1]
    assert not valid[:, 4:].any()
    assert valid[:, :3].all()
    assert "colours are not known in 62 % of the picture" in view.notes[-1]
    # Without depth the white half is all there is to see.
    assert not measured_not.notes
    alone = detector().deviation_tokens(measured_not).read().values
    np.testing.assert_array_equal(tokens.without({"depth"}).read().values, alone)
    assert alone[SLICES["rgb"]][-1].all()


def test_a_product_that_is_white_is_not_dazzling() -> None:
    white = fitted([dazzling(seed) for seed in range(4)])
    view, dark = white.look([dazzling(9), plate(9)])
    assert not white.deviation_tokens(view).unseen.any()
    assert not white.deviation_tokens(dark).unseen.any()
    assert not view.notes


def test_pictures_of_one_part_are_left_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normality, "RATIO", 1.0)
    pictures = [plate(seed, side=seed % 2) for seed in range(3)]
    views = detector().look([picture for picture in pictures for _ in range(2)])
    layers = detector()._coloured

    def learned(objects: list[str]) -> GoodParts:
        return learn_good_parts(iter(views), len(views), objects, layers, 8192, 0)

    known, unknown = learned(["a", "a", "b", "b", "c", "c"]), learned([])
    assert known.rgb is not None
    assert unknown.rgb is not None
    # What is left out and has its double in the memory seems too near.
    assert known.rgb.statistics[0, 0] > 1.5 * unknown.rgb.statistics[0, 0]


def test_a_damaged_head_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "head"
    shutil.copytree(Path(runner.__file__).parent / "bundled", folder)
    weights = folder / "head.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(SpecsightError, match=r"is damaged .* get the folder again"):
        HeadRunner.load(str(folder), "any")
    described = json.loads((folder / "fusion.json").read_text())
    with whole_folder(folder, replace=True) as again:
        shutil.copy(Path(runner.__file__).parent / "bundled" / "head.safetensors", again)
        described["shape"]["width"] = 2**30
        (again / "fusion.json").write_text(json.dumps(described))
    with pytest.raises(SpecsightError, match="is missing or damaged: get the folder again"):
        HeadRunner.load(str(folder), "any")


def test_a_detector_without_its_head_says_so(tmp_path: Path) -> None:
    lost = replace_head(tmp_path)
    with pytest.raises(
        SpecsightError, match=r"has no fusion.json: 'specsight train fusion' makes such a folder"
    ):
        lost.judge(lost.look([plate(0)])[0])


def replace_head(folder: Path) -> Fusion:
    other = Fusion(encoder=ColourEncoder(), resolution=SIDE, head=str(folder))
    other.good_, other.words_ = detector().good_, detector().words_
    return other


def test_what_was_learned_of_depth_is_saved(tmp_path: Path) -> None:
    detector().save(tmp_path)
    # The head is saved as well: what becomes of the folder that it came from changes nothing.
    other = Fusion(encoder=ColourEncoder(), resolution=SIDE, head="gone")
    other.framing_ = detector().framing
    other.restore(tmp_path)
    (view,) = other.look([plate(9, dome=True)])
    np.testing.assert_array_equal(other.judge(view).map, detector().judge(view).map)
    assert other.part_names_ == {1: "left", 2: "right"}
    assert other.scale_ == 0.4
