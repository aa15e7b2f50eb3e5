"""Look once, judge as often as asked: whatever a picture is given as, whatever is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.support.colour_encoder import ColourEncoder

import specsight as ss
from specsight.detectors import create_detector
from specsight.errors import SpecsightError, UnreadableFile
from specsight.inspector import Inspector
from specsight.inspector.pictures import PictureLike
from specsight.ontology import load_ontology
from specsight.records import Excused, Inspection, Sample
from specsight.specification import (
    DefectType,
    Ignore,
    Instruction,
    Part,
    Requirement,
    Scope,
    Specification,
    Tolerance,
)

PLATE = Specification(
    product="plate",
    mm_per_px=0.5,
    parts=(Part(name="left half"), Part(name="right half")),
    defects=(
        DefectType(name="stain", phrases=("red spot",)),
        DefectType(name="burn", phrases=("blue spot",)),
    ),
)


def plate(seed: int, *spots: tuple[str, int]) -> NDArray[np.uint8]:
    """A grey plate of 64 × 96 pixels with spots of 16 × 16 pixels, (colour, left column) each."""
    rgb = np.full((64, 96, 3), 128.0) + np.random.default_rng(seed).normal(0, 3, (64, 96, 3))
    for colour, column in spots:
        rgb[24:40, column : column + 16] = (220, 20, 20) if colour == "red" else (20, 20, 220)
    return rgb.clip(0, 255).astype(np.uint8)


class CountingEncoder(ColourEncoder):
    """Counts the pictures that it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures = 0

    def embed_patches(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.pictures += len(images)
        return super().embed_patches(images)


@pytest.fixture(scope="module")
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture(scope="module")
def inspector(encoder: CountingEncoder, tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    folder = tmp_path_factory.mktemp("good")
    for seed in range(24):
        Image.fromarray(plate(seed)).save(folder / f"{seed:02}.png")
    detector = create_detector("phrases", encoder=encoder, resolution=64)
    return Inspector.fit(folder, detector=detector, specification=PLATE)


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A plate with a stain on the left half and a part map."""
    Image.fromarray(plate(99, ("red", 12))).save(tmp_path / "stained.png")
    parts = np.repeat(np.array([[1, 2]], np.uint8), 48, axis=1).repeat(64, axis=0)
    Image.fromarray(parts).save(tmp_path / "parts.png")
    return Sample(
        "stained",
        tmp_path / "stained.png",
        "plate",
        parts=tmp_path / "parts.png",
        part_names={1: "left half", 2: "right half"},
    )


def test_many_instructions_cost_one_look(
    inspector: Inspector, encoder: CountingEncoder, sample: Sample
) -> None:
    before = encoder.pictures
    observation = inspector.look(sample)
    answers = {
        "": "reject",
        "Inspect the right half only.": "accept",
        "Inspect the left half only.": "reject",
        "Stains up to 30 mm are acceptable.": "accept",
        "Stains up to 1 mm are acceptable.": "reject",
        "Red spots are acceptable.": "accept",
        "Ignore stains.": "accept",
        "Look for burns only.": "accept",
        "Ignore green spots.": "reject",
    }
    verdicts = {words: inspector.judge(observation, words).verdict for words in answers}
    assert verdicts == answers
    assert encoder.pictures == before + 1


def test_the_four_ways_to_give_a_picture_agree(inspector: Inspector, sample: Sample) -> None:
    rgb = np.asarray(Image.open(sample.image))
    given: list[PictureLike] = [sample, sample.image, str(sample.image), sample.image.read_bytes(), rgb]
    first, *others = [inspector.inspect(one) for one in given]
    for other in others:
        assert other.score == first.score
        np.testing.assert_array_equal(other.map, first.map)
    assert [one.id for one in others] == ["stained", "stained", "picture", "picture"]
    assert others[-1].image == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"\(H, W, 3\) of uint8 in RGB, got \(4, 4\) uint8"),
        (np.zeros((4, 4, 3), np.float32), "got .* float32"),
        (np.zeros((0, 4, 3), np.uint8), r"got \(0, 4, 3\)"),
        (b"", "the given file is empty"),
        (b"not a picture", "the given file is not a picture"),
        (42, "must be a path, bytes, an array .* got int"),
        ("nowhere.png", "there is no file 'nowhere.png'"),
    ],
)
def test_what_is_no_picture_is_refused(inspector: Inspector, given: object, message: str) -> None:
    with pytest.raises(SpecsightError, match=message):
        inspector.look(given)  # type: ignore[arg-type]
    if isinstance(given, bytes | str):
        with pytest.raises(UnreadableFile):
            inspector.look(given)


def test_an_instruction_says_what_it_did_and_what_it_could_not_do(
    inspector: Inspector, sample: Sample
) -> None:
    accepted = inspector.inspect(sample, "Stains up to 30 mm are acceptable. Be quick.")
    assert accepted.verdict == "accept"
    assert accepted.statement.startswith(
        "Accepted: stain 12.6 mm, tolerance 30 mm. What still counts reaches"
    )
    assert (
        "Does not count ('Stains up to 30 mm are acceptable.'): stain on the left half" in accepted.statement
    )
    assert [one.clause.words for one in accepted.decision.not_applied] == ["Be quick."]
    assert "Be quick." not in accepted.statement, "it says nothing of this picture"
    without_parts = inspector.inspect(sample.image, "Inspect the right half only.")
    assert without_parts.verdict == "reject"
    assert (
        "Not applied: 'Inspect the right half only.' (the picture has no part map)."
        in without_parts.statement
    )


def test_clauses_of_the_specification_hold_for_every_picture(inspector: Inspector, sample: Sample) -> None:
    strict = PLATE.model_copy(
        update={
            "tolerances": (Tolerance(defect="stain", up_to_mm=30),),
            "requirements": (Requirement(feature="dot"),),
        }
    )
    tolerant = Inspector(inspector.detector, inspector.calibration, strict)
    inspection = tolerant.inspect(sample)
    assert inspection.verdict == "accept"
    assert [one.clause.kind for one in inspection.decision.not_applied] == ["requirement"]


def test_a_type_that_several_clauses_name_is_taught_once(inspector: Inspector, sample: Sample) -> None:
    inspection = inspector.inspect(sample, "Ignore green spots. A green spot is acceptable. Ignore burns.")
    assert set(inspection.type_maps) == {"stain", "burn", "green spots"}
    assert inspection.decision.not_applied == inspector.inspect(sample).decision.not_applied


def test_json_keeps_everything_but_pixels(inspector: Inspector, sample: Sample) -> None:
    instruction = Instruction.of(
        [Scope(parts=("right half",)), Tolerance(defect="burn")], text="right, no burns"
    )
    inspection = inspector.inspect(sample, instruction)
    again = Inspection.from_json(json.loads(json.dumps(inspection.to_json())))
    assert again == inspection
    assert again.map is None
    with pytest.raises(SpecsightError, match="holds no pixels to plot"):
        again.plot()


def test_json_tells_equal_findings_apart(inspector: Inspector, sample: Sample) -> None:
    inspection = inspector.inspect(sample)
    one = inspection.findings[0]
    first, second = Ignore(defect="burn"), Scope(parts=("right half",))
    decision = replace(
        inspection.decision, counted=(one,), observed=(Excused(one, first), Excused(one, second))
    )
    three = replace(inspection, findings=(one, one, one), decision=decision)
    assert Inspection.from_json(json.loads(json.dumps(three.to_json()))) == three


def test_a_decision_about_a_finding_that_is_not_there_is_refused(
    inspector: Inspector, sample: Sample
) -> None:
    inspection = inspector.inspect(sample, Instruction.of([Scope(parts=("right half",))]))
    for number in (-1, len(inspection.findings)):
        values = inspection.to_json()
        values["decision"]["observed"] = [{"finding": number, "clause": {"kind": "ignore", "defect": "burn"}}]
        with pytest.raises(ValueError, match=r"speaks of finding|greater than or equal to 0"):
            Inspection.from_json(values)


def test_json_of_version_0_1_is_read(inspector: Inspector, sample: Sample) -> None:
    inspection = inspector.inspect(sample)
    values = inspection.to_json()
    del values["decision"]
    again = Inspection.from_json(values)
    assert (again.verdict, again.threshold, again.findings) == (
        inspection.verdict,
        inspection.threshold,
        inspection.findings,
    )


def test_a_plot_shows_picture_map_and_findings(inspector: Inspector, sample: Sample, tmp_path: Path) -> None:
    inspection = inspector.inspect(sample)
    figure = inspection.plot()
    picture, heat = figure.axes[:2]
    assert len(picture.patches) == len(inspection.findings) == 1
    assert [text.get_text() for text in picture.texts] == ["stain"]
    np.testing.assert_array_equal(heat.images[0].get_array(), inspection.map)
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_public_names_are_imported_when_they_are_used() -> None:
    assert ss.Inspector is Inspector
    assert set(ss.__all__) <= set(dir(ss))
    for name in ss.__all__:
        assert getattr(ss, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Inspektor'"):
        ss.Inspektor  # noqa: B018
    assert "patchcore" in ss.list_detectors()


def test_knowledge_of_types_that_is_given_later_explains_from_then_on(inspector: Inspector) -> None:
    own = replace(inspector)
    shipped = own.explainer
    assert own.explainer is shipped, "put together once"
    own.ontology = load_ontology()
    assert own.explainer.ontology is own.ontology
    own.ontology = None
    assert own.explainer.ontology is not None
