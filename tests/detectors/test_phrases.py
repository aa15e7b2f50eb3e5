"""Detectors that read: words decide, pictures are looked at once, wording without information changes nothing."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from tests.support.colour_encoder import ColourEncoder
from tests.support.labelled_panels import trained_on_panels
from tests.support.prompted_colours import colours_for
from tests.support.reading_checkpoints import FAMILIES

from specsight.detectors import Detector, create_detector, detectors, load_detector, looking
from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.records import Picture, Sample
from specsight.specification import DefectType, Ignore, Instruction, Knowledge, Only, Specification

BESIDE = ("anomalygpt", "llava-ads")
"""Methods whose weights learned beside the bundled encoder and work with no other; they have tests of their own."""
READING = [
    name
    for name, kind in detectors.items()
    if kind.needs.text and not kind.needs.language_model and name not in BESIDE
]
ZERO_SHOT = [name for name in READING if detectors[name].needs.good_pictures == 0]
QUICK: dict[str, dict[str, int]] = {
    "clad": {"steps": 10, "synthetic_defects": 4},
    "text_aligned": {"steps": 10, "synthetic_defects": 4},
}
"""Parameters that keep fitting short."""
LIVELY = {"anomalyclip": {"rate": 0.02, "epochs": 40}, "april_gan": {"temperature": 0.1}}
"""Parameters with which a small set of panels teaches something. Cosines between colours and words differ ten times as
much as those of encoders do: at APRIL-GAN's own temperature every probability of damage is 0 or 1 here."""
RED, BLUE = (slice(8, 32), slice(8, 32)), (slice(40, 64), slice(64, 88))
PLATE = Specification(
    product="plate",
    defects=(
        DefectType(name="stain", phrases=("red spot",)),
        DefectType(name="burn", phrases=("blue spot",)),
    ),
)


def plate(*spots: str) -> Picture:
    rgb = np.full((72, 96, 3), 120, np.uint8)
    for spot in spots:
        rgb[RED if spot == "red" else BLUE] = (220, 20, 20) if spot == "red" else (20, 20, 220)
    return Picture(rgb)


def fitted(name: str, specification: Specification = PLATE) -> Detector:
    return copy.copy(taught_once(name)).fit([], specification)


@functools.cache
def taught_once(name: str) -> Detector:
    return trained_on_panels(
        create_detector(name, encoder=colours_for(name), resolution=72, **LIVELY.get(name, {}))
    )


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_each_type_is_found_where_it_is(name: str) -> None:
    detector = fitted(name)
    (view,) = detector.look([plate("red", "blue")])
    judgement = detector.judge(view)
    assert set(judgement.type_maps) == {"stain", "burn"}
    for type_, here, elsewhere in (("stain", RED, BLUE), ("burn", BLUE, RED)):
        map_ = judgement.type_maps[type_]
        assert map_.shape == (72, 96)
        assert map_[here].mean() > 2 * map_[elsewhere].mean()
        assert judgement.map[here].mean() > 2 * judgement.map[40:, :40].mean()
    if name != "phrases":  # It adds the odds of all types up, and takes off what is usual for that sum.
        assert np.all(judgement.map >= np.maximum.reduce(list(judgement.type_maps.values())) - 1e-4)


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_defective_plates_score_above_good_ones(name: str) -> None:
    detector = fitted(name)
    good, defective = (detector.judge(view).score for view in detector.look([plate(), plate("red")]))
    assert defective > good


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_only_lets_one_type_speak(name: str) -> None:
    detector = fitted(name)
    (view,) = detector.look([plate("red", "blue")])
    judgement = detector.judge(view, Instruction.of([Only(defect="stain")]))
    assert set(judgement.type_maps) == {"stain"}
    assert_array_equal(judgement.map, judgement.type_maps["stain"])
    assert_allclose(judgement.type_maps["stain"], detector.judge(view).type_maps["stain"], atol=1e-6)


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_what_is_ignored_counts_no_more(name: str) -> None:
    detector = fitted(name)
    (view,) = detector.look([plate("red")])
    before, after = detector.judge(view), detector.judge(view, Instruction.of([Ignore(defect="red spot")]))
    assert set(after.type_maps) == {"burn"}
    assert after.map[RED].mean() < 0.5 * before.map[RED].mean()
    assert after.score < before.score


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_nothing_left_to_look_for_gives_an_empty_map(name: str) -> None:
    detector = fitted(name)
    (view,) = detector.look([plate("red")])
    judgement = detector.judge(view, Instruction.of([Only(defect="stain"), Ignore(defect="stain")]))
    assert judgement.score == 0
    assert judgement.map.shape == (72, 96)
    assert not judgement.map.any()


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_a_type_can_be_taught_by_an_instruction(name: str) -> None:
    detector = fitted(name, Specification(product="plate"))
    (view,) = detector.look([plate("blue")])
    with_burn = Instruction.of([Knowledge(name="burn", phrases=("blue spot",))])
    judgement = detector.judge(view, with_burn)
    assert judgement.type_maps["burn"][BLUE].mean() > 2 * judgement.type_maps["burn"][RED].mean()
    if name not in ("anomalyclip", "april_gan"):  # They learned what damage of any kind is: words tell which.
        assert judgement.score > detector.judge(view).score
    assert not detector.judge(view).type_maps


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_changing_words_never_looks_again(name: str) -> None:
    detector = fitted(name)
    encoder = detector.encoder_
    assert isinstance(encoder, ColourEncoder)
    (view,) = detector.look([plate("red")])
    looked = encoder.calls["look"]
    for number in range(20):
        clause = Knowledge(name=f"type {number}", phrases=(f"green spot {number}",))
        detector.judge(view, Instruction.of([clause]))
    assert encoder.calls["look"] == looked
    read = encoder.sentences
    for number in range(20):
        clause = Knowledge(name=f"type {number}", phrases=(f"green spot {number}",))
        detector.judge(view, Instruction.of([clause, Ignore(defect="stain")]))
    assert encoder.sentences == read, "sentences read before are not read again"


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_the_order_of_types_and_phrases_and_synonyms_do_not_matter(name: str) -> None:
    turned = Specification(
        product="plate",
        defects=(
            DefectType(name="burn", phrases=("blue spot", "spot that is blue")),
            DefectType(name="stain", phrases=("a red mark", "red spot")),
        ),
    )
    same = Specification(
        product="plate",
        defects=(
            DefectType(name="stain", phrases=("red spot", "a red mark")),
            DefectType(name="burn", phrases=("spot that is blue", "blue spot")),
        ),
    )
    one, other = fitted(name, turned), fitted(name, same)
    (view,) = one.look([plate("red", "blue")])
    first, second = one.judge(view), other.judge(view)
    assert first.score == second.score
    assert_array_equal(first.map, second.map)


@pytest.mark.parametrize("name", READING)
def test_an_encoder_that_cannot_read_is_refused(name: str) -> None:
    with pytest.raises(SpecsightError, match="no text tower"):
        create_detector(name, encoder="filters").fit([], PLATE)


@pytest.mark.parametrize("name", READING)
def test_words_are_needed(name: str) -> None:
    with pytest.raises(SpecsightError, match="needs words"):
        create_detector(name, encoder=ColourEncoder()).fit([])


def good_samples(folder: Path, count: int) -> list[Sample]:
    samples = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(90, 150, (80, 112, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        samples.append(Sample(str(number), folder / f"{number}.png", "plate", "train", "good"))
    return samples


def pictures() -> Sequence[Picture]:
    rng = np.random.default_rng(5)
    return [
        Picture(rng.integers(0, 256, size).astype(np.uint8), circular=circular)
        for size, circular in (
            ((96, 96, 3), False),
            ((80, 200, 3), False),
            ((64, 300, 3), True),
            ((110, 20, 3), False),
        )
    ]


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("name", READING)
def test_checkpoints_of_every_family(name: str, family: str, tmp_path: Path) -> None:
    """Any shape of picture; saved and loaded, alone or in company, seeded alike: the same judgement."""
    checkpoint = str(FAMILIES[family](tmp_path / family))
    detector, again = (
        trained_on_panels(
            create_detector(name, encoder=checkpoint, resolution=64, **QUICK.get(name, {}))
        ).fit(good_samples(tmp_path, 2), PLATE)
        for _ in range(2)
    )
    (tmp_path / "saved").mkdir()
    detector.save(tmp_path / "saved")
    loaded = load_detector(tmp_path / "saved")
    for picture, view in zip(pictures(), detector.look(pictures())):
        judgement = detector.judge(view)
        assert judgement.map.shape == picture.size
        assert np.isfinite(judgement.map).all()
        assert set(judgement.type_maps) == {"stain", "burn"}
        (alone,) = detector.look([picture])
        for same in (detector.judge(alone), again.judge(view), loaded.judge(view)):
            assert same.score == judgement.score
            assert_array_equal(same.map, judgement.map)


@pytest.mark.parametrize("name", READING)
def test_the_company_in_which_words_are_read_changes_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text tower may round a sentence differently in a longer list, here much more than any does. Whatever was read
    before, while fitting or for other instructions: a detector that was loaded judges as the one that was fitted."""
    plain = ColourEncoder.embed_texts

    def in_company(encoder: ColourEncoder, texts: Sequence[str]) -> np.ndarray:
        vectors = plain(encoder, texts) + 0.01 * (len(texts) % 7)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    monkeypatch.setattr(ColourEncoder, "embed_texts", in_company)
    monkeypatch.setattr(looking, "load_encoder", lambda _, device: colours_for(name))
    parameters = {"resolution": 64, **QUICK.get(name, {})}
    detector = trained_on_panels(create_detector(name, encoder=colours_for(name), **parameters))
    detector.fit(good_samples(tmp_path, 2), PLATE)
    (tmp_path / "saved").mkdir()
    detector.save(tmp_path / "saved")
    loaded = load_detector(tmp_path / "saved", "colours")
    (view,) = detector.look([plate("red", "blue")])
    hole = Knowledge(name="hole", phrases=("green spot", "hole"))
    moss = Knowledge(name="moss", phrases=("green smear",))
    knowing, ignoring = Instruction.of([hole]), Instruction.of([Ignore(defect="red spot")])
    for instruction in (knowing, None, ignoring, knowing):
        expected, found = detector.judge(view, instruction), loaded.judge(view, instruction)
        assert found.score == expected.score
        assert_array_equal(found.map, expected.map)
        loaded.judge(view, Instruction.of([moss, hole]))


def test_without_good_parts_there_is_no_threshold_and_with_some_there_is(tmp_path: Path) -> None:
    good = good_samples(tmp_path, 4)
    detector = create_detector("phrases", encoder=ColourEncoder(), resolution=64)
    assert Inspector.fit([], detector=detector, specification=PLATE).calibration is None
    calibrated = Inspector.fit([], detector=detector, specification=PLATE, validation=good)
    assert calibrated.calibration is not None
    assert calibrated.calibration.good_count == 4
    assert calibrated.inspect(good[0]).verdict == "accept"


def test_centring_takes_off_what_is_usual_in_the_picture() -> None:
    """A reddish plate looks like "a red spot" all over; only against its own usual patch is the spot a spot."""
    rgb = np.full((72, 96, 3), (180, 70, 70), np.uint8)
    rgb[RED] = (220, 20, 20)
    centred, plain = (
        create_detector("phrases", encoder=ColourEncoder(), resolution=72, centred=flag).fit([], PLATE)
        for flag in (True, False)
    )
    (view,) = centred.look([Picture(rgb)])
    with_usual, without = (d.judge(view).type_maps["stain"] for d in (centred, plain))
    assert abs(float(with_usual[60:, :30].mean())) < 0.1
    assert float(without[60:, :30].mean()) > 1
    assert np.ptp(with_usual - without) < 1e-3, "one and the same amount everywhere"
    with pytest.raises(SpecsightError, match="centred must be true or false, got 3"):
        create_detector("phrases", centred=3)
