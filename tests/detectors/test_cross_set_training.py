"""A training on another set is done once for all runs that would learn the same from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.colour_encoder import ColourEncoder
from tests.support.labelled_panels import panel_words, panels

from specsight.detectors import create_detector, looking, saving
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.cross_set.training import OtherSet, train_on
from specsight.errors import SpecsightError
from specsight.records import Sample

pytest.importorskip("torch", reason="trained detectors need the extra 'models'")
WORDS = {"panel": panel_words()}


def new(**parameters: object) -> CrossSetDetector:
    detector = create_detector(
        "multiads", encoder=ColourEncoder(), resolution=64, **{"epochs": 1, **parameters}
    )
    assert isinstance(detector, CrossSetDetector)
    return detector


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return panels(tmp_path / "set")


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "load_encoder", lambda name, device: ColourEncoder())


def trained(detector: CrossSetDetector, samples: list[Sample], folder: Path | None) -> CrossSetDetector:
    train_on(detector, OtherSet(samples, WORDS), trainings=folder)
    return detector


def test_an_equal_training_is_found_again(
    samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = tmp_path / "trainings"
    first = trained(new(), samples, trainings)
    # Nothing of what follows may train: what only judging depends on, and where files lie, change no weight.
    monkeypatch.setattr(CrossSetDetector, "train", lambda *args: pytest.fail("trained again"))
    for detector in (new(), new(references=7), new(product_filter=False)):
        again = trained(detector, samples, trainings)
        assert again.trained_on_ == first.trained_on_
        for name, array in first.weights_.items():
            np.testing.assert_array_equal(again.weights_[name], array)
        again.fit([], panel_words(product="bottle"))


@pytest.mark.parametrize("change", ["seed", "rate", "words", "label", "fewer"])
def test_another_training_is_not_taken_for_it(samples: list[Sample], tmp_path: Path, change: str) -> None:
    trainings = tmp_path / "trainings"
    trained(new(), samples, trainings)
    words, labelled = WORDS, samples
    parameters: dict[str, Any] = {}
    if change == "words":
        words = {"panel": panel_words(product="another panel")}
    elif change == "fewer":
        labelled = samples[1:]
    elif change == "label":
        labelled = [replace(samples[0], group="together"), *samples[1:]]
    else:
        parameters = {"seed": 1} if change == "seed" else {"rate": 2e-3}
    train_on(new(**parameters), OtherSet(labelled, words), trainings=trainings)
    assert len(list(trainings.iterdir())) == 2


def test_nothing_is_kept_without_a_folder_and_a_damaged_training_is_named(
    samples: list[Sample], tmp_path: Path
) -> None:
    trained(new(), samples, None)
    trainings = tmp_path / "trainings"
    trained(new(), samples, trainings)
    (folder,) = trainings.iterdir()
    (folder / saving.STATE).write_bytes(b"half")
    with pytest.raises(SpecsightError, match="is damaged"):
        trained(new(), samples, trainings)
