"""A vision-language model as a detector: what it is asked, what becomes of its answers, and what a map comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.attentive import Attentive
from tests.support.chat_server import chat_server
from tests.support.colour_encoder import ColourEncoder
from tests.support.language_checkpoints import save_causal
from tests.support.seeing_checkpoints import FAMILIES, save_seeing, seeing_model

from specsight.detectors import Detector, create_detector, load_detector
from specsight.detectors.vlm import detector as vlm
from specsight.detectors.vlm.questions import NO, YES, asked, probability_of_yes, questions
from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.language import LanguageModel
from specsight.records import Judgement, Picture, Sample
from specsight.runs.judging import describe_fit
from specsight.runs.protocol import of_inspection
from specsight.specification import DefectType, Instruction, Specification

SPECIFICATION = Specification(
    product="metal_plate",
    appearance="grey, with a smooth surface",
    defects=(DefectType(name="stain", phrases=("red stain", "spill")), DefectType(name="scratch")),
)
INSTRUCTION = Instruction.model_validate({"ignore": ("scratch",)})


def plate(height: int = 60, width: int = 90) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 128, np.uint8)


def stained(height: int = 60, width: int = 90, at: tuple[float, float] = (0.3, 0.7)) -> NDArray[np.uint8]:
    picture = plate(height, width)
    y, x = round(at[0] * height), round(at[1] * width)
    half = max(2, min(height, width) // 10)
    picture[y - half : y + half, x - half : x + half] = (220, 20, 20)
    return picture


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> Attentive:
    model = Attentive()

    def load(name: str, device: str) -> LanguageModel:
        return model

    monkeypatch.setattr(vlm, "load_language_model", load)
    return model


def fitted(language_model: str = "attentive", **parameters: Any) -> Detector:
    detector = create_detector("vlm", language_model=language_model, encoder=ColourEncoder(), **parameters)
    return detector.fit([], SPECIFICATION)


def judge(
    detector: Detector,
    rgb: NDArray[np.uint8],
    instruction: Instruction | None = None,
    *,
    circular: bool = False,
) -> Judgement:
    return detector.judge(detector.look([Picture(rgb, circular=circular)])[0], instruction)


def test_what_is_asked() -> None:
    asked_of = questions(SPECIFICATION)
    context = (
        "This is a picture of a metal plate. A good metal plate: grey, with a smooth surface. Known defects: stain "
        "(red stain, spill); scratch."
    )
    assert asked_of.defect == f"{context} Does this metal plate show a defect? Answer yes or no."
    assert asked_of.types == {
        "stain": f"{context} Does this metal plate show a stain (red stain, spill)? Answer yes or no.",
        "scratch": f"{context} Does this metal plate show a scratch? Answer yes or no.",
    }
    assert "defect" not in asked_of.neutral
    assert asked_of.any_counts


def test_what_is_left_out_and_what_alone_counts_is_said() -> None:
    ignoring = questions(SPECIFICATION, INSTRUCTION)
    assert (
        "Known defects: stain (red stain, spill). These are accepted and are no defects: scratch."
        in ignoring.defect
    )
    assert list(ignoring.types) == ["stain"]
    alone = questions(SPECIFICATION, Instruction.model_validate({"only": ("scratch",)}))
    assert "Known defects: scratch. Nothing else counts as a defect." in alone.defect
    nothing = questions(
        SPECIFICATION, Instruction.model_validate({"only": ("scratch",), "ignore": ("scratch",)})
    )
    assert not nothing.any_counts
    taught = questions(SPECIFICATION, Instruction.model_validate({"known_defects": ({"name": "dent"},)}))
    assert list(taught.types) == ["stain", "scratch", "dent"]


def test_the_probability_is_that_of_yes_among_all_spellings_of_both() -> None:
    class Weighing(Attentive):
        def _likelihoods(self, messages: Any, options: tuple[str, ...]) -> list[float]:
            return [{"Yes": -1.0, " yes": -2.0, "no": -3.0}.get(option, -90.0) for option in options]

    yes = np.exp(-1) + np.exp(-2)
    found = probability_of_yes(Weighing(), asked("?", plate()))
    assert found == pytest.approx(yes / (yes + np.exp(-3)), rel=1e-9)
    assert len(YES) == len(NO)


def test_scores_are_probabilities_of_yes(attentive: Attentive) -> None:
    detector = fitted()
    assert judge(detector, plate()).score == pytest.approx(0.1)
    assert judge(detector, stained()).score == pytest.approx(0.1 + 0.8 * min(1, 20 * 144 / 5400), abs=0.02)


@pytest.mark.parametrize("size", [(60, 90), (100, 40), (30, 200)])
@pytest.mark.parametrize("at", [(0.3, 0.7), (0.75, 0.25)])
def test_attention_is_drawn_where_it_is(
    attentive: Attentive, size: tuple[int, int], at: tuple[float, float]
) -> None:
    found = judge(fitted(), stained(*size, at=at))
    peak = np.array(np.unravel_index(int(found.map.argmax()), found.map.shape)) + 0.5
    assert (np.abs(peak - np.array(at) * size) <= 1.2 * np.array(size) / 12).all()
    assert found.map.mean() == pytest.approx(0, abs=0.1 * float(found.map.max()))


def test_a_picture_without_what_is_asked_for_gives_an_even_map(attentive: Attentive) -> None:
    assert np.abs(judge(fitted(), plate()).map).max() < 1e-6


def test_attention_around_a_seam_goes_on_behind_it(attentive: Attentive) -> None:
    strip = plate(40, 200)
    strip[12:28, :8] = strip[12:28, -8:] = (220, 20, 20)
    map_ = judge(fitted(), strip, circular=True).map
    assert map_[20, [0, -1]].min() > 0.8 * map_.max()


def test_each_type_is_asked_for_by_itself_and_only_where_its_map_is_read(attentive: Attentive) -> None:
    found = judge(fitted(), stained())
    assert len(attentive.questions) == 1
    assert list(found.type_maps) == ["stain", "scratch"]
    assert found.type_maps["stain"].max() > 10 * np.abs(found.type_maps["scratch"]).max()
    assert found.type_maps["stain"] is found.type_maps["stain"]
    assert len(attentive.questions) == 3
    with pytest.raises(KeyError):
        found.type_maps["dent"]


def test_where_nothing_counts_nothing_is_asked(attentive: Attentive) -> None:
    nothing = Instruction.model_validate({"only": ("scratch",), "ignore": ("scratch",)})
    found = judge(fitted(), stained(), nothing)
    assert (found.score, found.map.max(), attentive.questions) == (0.0, 0.0, [])


@pytest.fixture
def good(tmp_path: Path) -> list[Sample]:
    samples = []
    for k in range(4):
        generator = np.random.default_rng(k)
        path = tmp_path / f"{k}.png"
        cv2.imwrite(
            str(path), np.clip(plate() + generator.normal(0, 4, (60, 90, 3)), 0, 255).astype(np.uint8)
        )
        samples.append(Sample(f"{k}", path, "plate", split="train", label="good"))
    return samples


@pytest.mark.parametrize("evidence", ["phrases", "patchcore"])
def test_evidence_gives_the_map_and_the_language_model_the_score(
    attentive: Attentive, evidence: str, good: list[Sample], tmp_path: Path
) -> None:
    same: dict[str, Any] = {"encoder": "filters" if evidence == "patchcore" else ColourEncoder(), "seed": 3}
    detector = create_detector(
        "vlm",
        language_model="attentive",
        map_from="evidence",
        evidence=evidence,
        evidence_resolution=64,
        **same,
    ).fit(good, SPECIFICATION)
    alone = create_detector(evidence, resolution=64, **same).fit(good, SPECIFICATION)
    found, expected = judge(detector, stained()), judge(alone, stained())
    np.testing.assert_array_equal(found.map, expected.map)
    assert found.score == judge(fitted(), stained()).score
    np.testing.assert_allclose(found.type_maps["scratch"], 0.05 * np.maximum(found.map, 0), rtol=1e-5)
    if evidence == "patchcore":
        (tmp_path / "saved").mkdir()
        detector.save(tmp_path / "saved")
        again = judge(load_detector_with(tmp_path / "saved", attentive), stained())
        np.testing.assert_array_equal(again.map, found.map)
        with pytest.raises(SpecsightError, match="patchcore needs at least 1 good part"):
            create_detector("vlm", language_model="x", map_from="evidence", evidence="patchcore").fit(
                [], SPECIFICATION
            )


def load_detector_with(folder: Path, model: LanguageModel) -> Detector:
    """A saved detector whose language model is told to be on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vlm, "names_same_model", lambda name, digest: digest == model.fingerprint)
        detector = load_detector(folder)
        assert isinstance(detector, vlm.VlmDetector)
        assert detector.get_language_model() is model
        return detector


@pytest.mark.parametrize("map_from", ["attention", "evidence"])
def test_what_a_map_comes_from_is_said_wherever_it_is_shown(
    attentive: Attentive, map_from: str, good: list[Sample]
) -> None:
    inspector = Inspector.fit(
        good,
        detector="vlm",
        specification=SPECIFICATION,
        encoder=ColourEncoder(),
        language_model="attentive",
        map_from=map_from,
    )
    words = {
        "attention": "attention of the language model's answer, less that under a neutral question",
        "evidence": "evidence of phrases; the language model gives scores alone",
    }[map_from]
    inspection = inspector.inspect(stained())
    assert f"the map is {words}" in inspection.notes
    assert inspector.detector.parameters()["map_from"] == map_from
    protocol = of_inspection({"model": "m"}, describe_fit(inspector), [])
    assert protocol.details["Maps from"] == words
    assert f"maps: {words}" in protocol.line


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"evidence": "phrasses"}, "unknown evidence detector 'phrasses': did you mean 'phrases'"),
        ({"evidence": 3}, "evidence must be a name, got 3"),
        ({"evidence": "vlm"}, "'vlm' cannot give evidence, for it needs more than"),
        ({"evidence": "april_gan"}, "'april_gan' cannot give evidence"),
        ({"map_from": "attentoin"}, "map_from must be attention or evidence"),
        ({"attention_from": 0.9}, "attention_from must not lie behind attention_to, got 0.9 and 0.67"),
        ({"language_model": ""}, "none is named: --set language_model=vision:FOLDER"),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecsightError, match=words):
        create_detector("vlm", **{"language_model": "x", **parameters}).fit([], SPECIFICATION)


class TestCheckpoints:
    """With checkpoints on this machine."""

    @pytest.fixture(autouse=True)
    def _needs_models(self) -> None:
        pytest.importorskip("transformers")

    @pytest.mark.parametrize("family", FAMILIES)
    def test_every_family_gives_scores_and_maps(self, family: str) -> None:
        detector = fitted(seeing_model(family), resolution=64)
        found = judge(detector, stained(120, 50))
        assert 0 < found.score < 1
        assert found.map.shape == (120, 50)
        assert np.ptp(found.map) > 1e-3 * found.score
        assert not np.array_equal(found.type_maps["stain"], found.type_maps["scratch"])

    @pytest.mark.parametrize("family", FAMILIES)
    def test_all_attention_to_a_picture_is_on_its_map(self, family: str) -> None:
        """The map's mean is the share of all attention that the picture gets."""
        detector = fitted(seeing_model(family), resolution=64, sigma=0.0)
        assert isinstance(detector, vlm.VlmDetector)
        (view,) = detector.look([Picture(stained(64, 64))])
        assert isinstance(view, vlm.AskedView)
        depth = (detector.attention_from, detector.attention_to)
        (grids,) = detector.get_language_model().attention(asked("Is it?", view.pixels), depth)
        total = sum(float(grid.shares.sum()) for grid in grids)
        assert detector._attention(view, "Is it?").mean() == pytest.approx(total, rel=0.35)

    def test_models_that_cannot_do_it_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(SpecsightError, match="does not see: name a vision-language checkpoint"):
            fitted(str(save_causal(tmp_path / "causal")))
        with chat_server() as server, pytest.raises(SpecsightError, match="gives words alone, and vlm needs"):
            fitted(f"endpoint:{server.url}")

    def test_a_family_whose_tokens_are_not_known_gives_evidence_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from specsight.language import vision

        monkeypatch.setattr(vision, "LAYOUTS", {})
        with pytest.raises(SpecsightError, match="its attention gives no map: --set map_from=evidence"):
            fitted(seeing_model())
        found = judge(fitted(seeing_model(), map_from="evidence"), stained())
        assert 0 < found.score < 1

    def test_a_model_that_is_not_the_one_fitted_with_is_refused(self, tmp_path: Path) -> None:
        folder, saved = save_seeing(tmp_path / "model", "llava"), tmp_path / "saved"
        saved.mkdir()
        fitted(f"vision:{folder}", resolution=64).save(saved)
        load_detector(saved, ColourEncoder())
        path = folder / "processor_config.json"
        path.write_text(path.read_text() + " ")
        with pytest.raises(SpecsightError, match="fitted with another language model than"):
            load_detector(saved, ColourEncoder())
        folder.rename(tmp_path / "away")
        with pytest.raises(SpecsightError, match="nothing is fetched or asked because a model names it"):
            load_detector(saved, ColourEncoder())

    @pytest.mark.parametrize(
        "name", ["vision:somebody/model", "endpoint:http://127.0.0.1:9/v1", "vision://server/share"]
    )
    def test_nothing_is_fetched_or_asked_because_a_saved_detector_names_it(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fitted(seeing_model(), resolution=64).save(tmp_path)
        path = tmp_path / "detector.json"
        said = json.loads(path.read_text())
        said["parameters"]["language_model"] = name
        path.write_text(json.dumps(said))
        monkeypatch.setattr(vlm, "load_language_model", pytest.fail)
        with pytest.raises(SpecsightError, match="nothing is fetched or asked because a model names it"):
            load_detector(tmp_path, ColourEncoder())
