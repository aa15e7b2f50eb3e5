"""MultiADS: types compete by hand, are found side by side, unseen ones by their words, and known ones unfiltered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.support.colour_encoder import ColourEncoder
from tests.support.labelled_panels import COLOURS, panel_words, panels, trained_on_panels

from specsight.detectors import create_detector, load_detector, looking
from specsight.detectors.cross_set.multiads import MultiADS, vocabulary
from specsight.detectors.cross_set.trained_on import TrainedOn
from specsight.errors import SpecsightError
from specsight.records import Picture
from specsight.specification import (
    DefectType,
    Ignore,
    Instruction,
    Knowledge,
    Specification,
    load_instruction,
)

SPOTS = Specification(product="plate", defects=(DefectType(name="red spot"), DefectType(name="blue spot")))
PLACES = {
    "stain": np.s_[8:32, 8:32],
    "burn": np.s_[40:64, 64:88],
    "mould": np.s_[8:32, 64:88],
}
TRAINED = {"stain", "burn"}


def by_hand(**parameters: Any) -> MultiADS:
    """A detector whose adapter maps (r, g, b) to (r, g, b, 0), at temperature 1, unsmoothed."""
    detector = MultiADS(encoder=ColourEncoder(), resolution=32, temperature=1.0, sigma=0.0, **parameters)
    detector.weights_ = {
        "stride8/weight": np.eye(4, 3, dtype=np.float32),
        "stride8/bias": np.zeros(4, np.float32),
    }
    detector.trained_on_ = TrainedOn(("panel",), frozenset(), 1)
    detector.types_ = (DefectType(name="green spot"), DefectType(name="Red spot"))
    return detector


def red() -> Picture:
    return Picture(np.full((32, 48, 3), (255, 0, 0), np.uint8))


def plate(*types: str) -> Picture:
    rgb = np.full((72, 96, 3), 130, np.uint8)
    for type_ in types:
        rgb[PLACES[type_]] = COLOURS[type_]
    return Picture(rgb)


@pytest.fixture(scope="module")
def trained() -> MultiADS:
    """On red stains and blue burns, some of them side by side in mosaics."""
    return trained_on_panels(MultiADS(encoder=ColourEncoder(), resolution=72, mosaics=0.5))


def test_types_compete_by_hand() -> None:
    """A red patch has cosines 1, 0 and 1/√3 with "red spot", "blue spot" and good."""
    powers = np.exp([1, 0, 1 / np.sqrt(3)])
    shares = powers / powers.sum()
    detector = by_hand().fit([], SPOTS)
    judgement = detector.judge(detector.look([red()])[0])
    assert_allclose(judgement.type_maps["red spot"], shares[0], atol=1e-6)
    assert_allclose(judgement.type_maps["blue spot"], shares[1], atol=1e-6)
    assert_allclose(judgement.map, 1 - shares[2], atol=1e-6)
    assert judgement.score == pytest.approx(1 - shares[2], abs=1e-6)


def test_an_ignored_type_counts_as_good() -> None:
    powers = np.exp([1, 0, 1 / np.sqrt(3)])
    detector = by_hand().fit([], SPOTS)
    (view,) = detector.look([red()])
    judgement = detector.judge(view, Instruction.of([Ignore(defect="red spot")]))
    assert set(judgement.type_maps) == {"blue spot"}
    assert_allclose(judgement.map, powers[1] / powers.sum(), atol=1e-6)


def test_without_types_damage_of_no_particular_kind_is_looked_for() -> None:
    detector = by_hand().fit([], Specification(product="plate"))
    judgement = detector.judge(detector.look([red()])[0])
    assert not judgement.type_maps
    assert_allclose(judgement.map, 1 / (1 + np.exp(1 / np.sqrt(3))), atol=1e-6)


def test_without_the_filter_types_known_from_training_are_looked_for_once() -> None:
    """ "Red spot" is known in both places, and is one type."""
    detector = by_hand(product_filter=False).fit([], SPOTS)
    (view,) = detector.look([red()])
    judgement = detector.judge(view)
    assert set(judgement.type_maps) == {"red spot", "blue spot", "green spot"}
    powers = np.exp([1, 0, 0, 1 / np.sqrt(3)])
    assert_allclose(judgement.type_maps["red spot"], powers[0] / powers.sum(), atol=1e-6)
    taught_twice = Instruction.of([Knowledge(name="Green Spot")] * 2)
    assert len(detector.judge(view, taught_twice).type_maps) == 3
    with pytest.raises(SpecsightError, match="product_filter must be true or false, got 1"):
        create_detector("multiads", product_filter=1)


def test_several_types_in_one_picture_each_in_its_place(trained: MultiADS) -> None:
    trained.fit([], panel_words(product="plate"))
    judgement = trained.judge(trained.look([plate("stain", "burn")])[0])
    for type_, other in (("stain", "burn"), ("burn", "stain")):
        map_ = judgement.type_maps[type_]
        assert map_[PLACES[type_]].mean() > 0.5
        assert map_[PLACES[other]].mean() < 0.1
        assert map_[40:, :40].mean() < 0.1
    assert judgement.map.max() <= 1 + 1e-6
    assert_allclose(judgement.map, sum(judgement.type_maps.values()), atol=1e-5)


def test_a_type_never_trained_on_is_found_by_its_words(trained: MultiADS) -> None:
    trained.fit([], panel_words(("stain", "mould"), "plate"))
    assert "mould" not in {t.name for t in trained.types_}
    judgement = trained.judge(trained.look([plate("stain", "mould")])[0])
    for type_, other in (("stain", "mould"), ("mould", "stain")):
        map_ = judgement.type_maps[type_]
        assert map_[PLACES[type_]].mean() > 5 * map_[PLACES[other]].mean()
        assert map_[PLACES[type_]].mean() > 5 * map_[40:].mean()


def test_the_filter_leaves_out_what_the_product_cannot_have(trained: MultiADS) -> None:
    trained.fit([], panel_words(("stain",), "plate"))
    (view,) = trained.look([plate("stain", "burn")])
    filtered = trained.judge(view)
    trained.product_filter = False
    try:
        everything = trained.judge(view)
    finally:
        trained.product_filter = True
    assert set(filtered.type_maps) == {"stain"}
    assert set(everything.type_maps) == {"stain", "burn"}
    assert everything.map[PLACES["burn"]].mean() > 0.5


def test_products_share_types_whatever_the_spelling(tmp_path: Path) -> None:
    """ "Stain" of one product and "stain" of the other are one class with the phrases of both."""
    one, two = panel_words(("stain",), "strip"), panel_words(("burn",))
    shouted = one.model_copy(update={"defects": (DefectType(name="Stain", phrases=("a red mark",)),)})
    words = {"strip": one, "panel": two, "sheet": shouted.model_copy(update={"product": "sheet"})}
    types = vocabulary(list(words.values()))
    assert types == (
        DefectType(name="stain", phrases=("red spot", "a red mark")),
        DefectType(name="burn", phrases=("blue spot",)),
    )
    sets = [
        *panels(tmp_path / "a", ("stain",), 3, "strip"),
        *panels(tmp_path / "b", ("burn",), 3),
        *panels(tmp_path / "c", ("stain",), 3, "sheet"),
    ]
    detector = MultiADS(encoder=ColourEncoder(), resolution=64, epochs=8).train(sets, words)
    assert detector.types_ == types
    detector.fit([], panel_words(product="plate"))
    judgement = detector.judge(detector.look([plate("stain")])[0])
    assert judgement.type_maps["stain"][PLACES["stain"]].mean() > 0.5


def test_known_types_are_saved(trained: MultiADS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "load_encoder", lambda name, device: ColourEncoder())
    trained.fit([], panel_words(product="plate"))
    trained.save(tmp_path)
    assert {
        clause.name for clause in load_instruction(tmp_path / "trained_types.yaml").known_defects
    } == TRAINED
    loaded = load_detector(tmp_path, "colours")
    assert isinstance(loaded, MultiADS)
    assert loaded.types_ == trained.types_
    assert {t.name for t in loaded.types_} == TRAINED
    picture = plate("burn")
    one, other = (d.judge(d.look([picture])[0]) for d in (trained, loaded))
    assert_array_equal(one.map, other.map)
    (tmp_path / "trained_types.yaml").unlink()
    with pytest.raises(
        SpecsightError, match=r"trained_types\.yaml' is missing or damaged: fit the model again"
    ):
        load_detector(tmp_path, "colours")
