"""`update`: a model learns from further good parts, and is what a fit to all of them gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.support.factory import FITTED, photograph, refused, specsight

from specsight.inspector import Inspector


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """good/ with 12 parts, more/ with 9 others, model/ fitted to the first."""
    photograph(tmp_path / "good", 12)
    photograph(tmp_path / "more", 9, first=12)
    specsight(
        "fit", "--good", tmp_path / "good", "-o", tmp_path / "model", *FITTED, "--false-reject-rate", 0.3
    )
    return tmp_path


def test_an_updated_model_is_that_of_a_fit_to_all_pictures(line: Path) -> None:
    shown = specsight("update", line / "model", "--good", line / "more")
    assert "learned from 14 good parts, held out 7" in shown
    assert "with 7 good parts, at most" in shown
    assert "30 %" in shown, "the promise is the former one"
    everything = line / "all"
    shutil.copytree(line / "good", everything)
    for picture in sorted((line / "more").iterdir()):
        shutil.copy(picture, everything)
    specsight("fit", "--good", everything, "-o", line / "other", *FITTED, "--false-reject-rate", 0.3)
    updated, fitted = (
        json.loads((line / name / "good_parts.json").read_text()) for name in ("model", "other")
    )
    assert updated["learned_from"].keys() | _held_out(updated) == fitted["learned_from"].keys() | _held_out(
        fitted
    )
    again = specsight("update", line / "model", "--good", line / "more")
    assert "unchanged" in again
    third = photograph(line / "third", 3, first=30)
    assert "learned from 16 good parts, held out 8" in specsight("update", line / "model", "--good", third)


def test_good_parts_that_moved_are_named_and_lost_ones_counted(line: Path) -> None:
    (line / "good").rename(line / "archive")
    message = refused("update", line / "model", "--good", line / "more")
    assert "is no longer there" in message
    assert "--former" in message
    assert (line / "model" / "detector.safetensors").exists()
    (line / "archive" / "3.png").unlink()
    shown = specsight("update", line / "model", "--good", line / "more", "--former", line / "archive")
    assert "good parts that this model knew and that are no longer there: 1 picture" in shown


def test_a_threshold_set_since_is_given_up_and_models_without_a_record_are_refused(line: Path) -> None:
    specsight("set-threshold", line / "model", "--threshold", 123.0)
    specsight("update", line / "model", "--good", line / "more")
    calibration = json.loads((line / "model" / "calibration.json").read_text())
    assert calibration["score_threshold"] != 123.0
    Inspector.load(line / "model").save(line / "bare")
    assert "does not say which pictures it was fitted on" in refused(
        "update", line / "bare", "--good", line / "more"
    )
    assert "there is no saved model" in refused("update", line / "nothing", "--good", line / "more")


def _held_out(model: dict[str, dict[str, list[dict[str, str]]]]) -> set[str]:
    return {one["digest"] for one in model["held_out"]["pictures"]}
