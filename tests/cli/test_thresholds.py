"""`set-threshold`: another threshold for a model that exists, from what it keeps, and nothing else of it changes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.factory import FITTED, photograph, refused, specsight

from specsight.calibration import Calibration, HeldOut, parts_needed
from specsight.errors import SpecsightError
from specsight.inspector import Inspector, thresholds
from specsight.inspector.thresholds import set_threshold
from specsight.screen import histogram


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good/ with 30 parts and model/, fitted to 20 of them."""
    root = tmp_path_factory.mktemp("line")
    photograph(root / "good", 30)
    shown = specsight("fit", "--good", root / "good", "-o", root / "model", *FITTED)
    assert "learned from 20 good parts, held out 10" in shown
    return root


@pytest.fixture
def model(fitted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fitted / "model", tmp_path / "model"))


def calibration(model: Path) -> Calibration:
    return Calibration.from_json(json.loads((model / "calibration.json").read_text()))


def held_out(model: Path) -> HeldOut:
    return HeldOut.from_json(json.loads((model / "good_parts.json").read_text())["held_out"])


def test_a_model_keeps_the_scores_that_its_threshold_comes_from(model: Path) -> None:
    kept, loaded = held_out(model), Inspector.load(model)
    assert kept.calibrate(0.05, 0.95) == calibration(model) == loaded.calibration
    assert loaded.held_out == kept
    assert len(loaded.learned_from) == 20
    assert not loaded.learned_from.keys() & {one.digest for one in kept.pictures}


def test_another_rate_takes_another_of_the_scores_and_touches_nothing_else(model: Path) -> None:
    before, weights = calibration(model), (model / "detector.safetensors").read_bytes()
    shown = specsight("set-threshold", model, "--false-reject-rate", 0.4)
    after = calibration(model)
    # P[Binomial(10, 0.6) < 9] = 0.954, and below 8 it is 0.833: the 9th of 10 scores promises 40 %, the 8th does not.
    scores = held_out(model).scores
    assert before.score_threshold == scores[9]
    assert after.score_threshold == scores[8]
    assert "new threshold" in shown
    assert "with 10 good parts, at most 40 % false rejects with 95 % confidence" in shown
    assert (model / "detector.safetensors").read_bytes() == weights
    assert [one.score_threshold for one in after.former] == [before.score_threshold]
    assert after.former[0].statement == before.statement()
    assert Inspector.load(model).calibration == after
    assert "unchanged" in specsight("set-threshold", model, "--false-reject-rate", 0.4)
    assert len(calibration(model).former) == 1


def test_a_threshold_set_by_hand_promises_nothing_and_says_so(model: Path) -> None:
    scores = held_out(model).scores
    between = (scores[6] + scores[7]) / 2
    shown = specsight("set-threshold", model, "--threshold", between)
    assert (
        "set by hand: nothing is promised about false rejects (3 of 10 good parts held out lie above it)"
        in shown
    )
    after = calibration(model)
    assert after.score_threshold == between
    assert not after.sufficient
    assert after.map_seed < calibration_seed(model)
    assert "leave the rate" in refused("set-threshold", model, "--threshold", 1, "--confidence", 0.9)


def calibration_seed(model: Path) -> float:
    return calibration(model).former[0].map_seed


def test_further_good_parts_count_by_part_and_pictures_that_are_known_do_not(
    fitted: Path, model: Path, tmp_path: Path
) -> None:
    more = photograph(tmp_path / "more", 4, first=100)
    shutil.copy(more / "100.png", more / "a copy.png")
    for known in (fitted / "good").iterdir():
        shutil.copy(known, more / known.name)
    shown = specsight("set-threshold", model, "--good", more)
    assert "judged 5 further pictures of 4 good parts, ignored 30: 20 pictures learned from" in shown
    assert "10 pictures held out already" in shown
    assert calibration(model).good_count == 14
    assert calibration(model).picture_count == 15
    assert len(held_out(model).pictures) == 15
    assert parts_needed(0.05, 0.95) == 59  # so 14 are too few
    assert "too few parts" in shown


def test_a_model_whose_parts_were_judged_in_folds_keeps_their_scores(fitted: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shown = specsight("fit", "--good", fitted / "good", "-o", model, *FITTED, "--folds", 3)
    assert "learned from 30 good parts, each judged unseen in one of 3 folds" in shown
    assert "with 30 good parts in 3 folds, approximately at most 9.51 % false rejects" in shown
    assert "5 % takes 59 good parts" in shown
    kept = held_out(model)
    assert len(kept.pictures) == 30
    assert {one.digest for one in kept.pictures} == Inspector.load(model).learned_from.keys()
    shown = specsight("set-threshold", model, "--false-reject-rate", 0.2)
    # P[Binomial(30, 0.8) < 28] = 0.956 and below 27 it is 0.877: the 28th of 30 scores promises 20 %.
    assert calibration(model).score_threshold == kept.scores[27]
    assert "with 30 good parts in 3 folds, approximately at most 20 % false rejects" in shown
    more = photograph(tmp_path / "more", 2, first=100)
    shutil.copy(fitted / "good" / "3.png", more)
    shown = specsight("set-threshold", model, "--good", more)
    assert "judged 2 further pictures of 2 good parts, ignored 1" in shown
    assert (calibration(model).good_count, calibration(model).folds) == (32, 3)
    assert "give holdout or folds, not both" in refused(
        "fit", "--good", fitted / "good", "-o", tmp_path / "other", *FITTED, "--folds", 3, "--holdout", 5
    )


def test_a_fit_with_the_former_request_is_no_longer_the_same(fitted: Path, model: Path) -> None:
    specsight("set-threshold", model, "--confidence", 0.8)
    assert "--replace" in refused("fit", "--good", fitted / "good", "-o", model, *FITTED)


def test_what_cannot_be_is_refused_in_one_line(model: Path, tmp_path: Path) -> None:
    assert "nothing to do" in refused("set-threshold", model)
    assert "write 0.05 for 5 %" in refused("set-threshold", model, "--false-reject-rate", 5)
    assert "finite" in refused("set-threshold", model, "--threshold", "nan")
    assert "there is no saved model" in refused("set-threshold", tmp_path / "none", "--threshold", 1)
    inspector = Inspector.load(model)
    inspector.held_out = None
    inspector.save(model, replace=True)
    assert "keeps no scores" in refused("set-threshold", model, "--confidence", 0.9)


def test_damaged_scores_are_named(model: Path) -> None:
    inspector = Inspector.load(model)
    assert inspector.held_out is not None
    pictures = (replace(inspector.held_out.pictures[0], score=float("inf")),)
    inspector.held_out = replace(inspector.held_out, pictures=pictures)
    with pytest.raises(ValueError, match="not JSON compliant"):
        inspector.save(model, replace=True)
    changed = set_threshold(model, false_reject_rate=0.4)
    assert changed.changed


def test_a_histogram_shows_every_value_and_where_the_thresholds_lie() -> None:
    lines = histogram([0.0, 0.1, 0.1, 1.6], [(0.1, "former"), (2.0, "new")])
    counts = [int(line.replace("former", "").replace("new", "").split()[-1]) for line in lines]
    assert sum(counts) == 4
    assert [k for k, line in enumerate(lines) if "former" in line] == [0]
    assert [k for k, line in enumerate(lines) if "new" in line] == [15]
    assert histogram([1.0, 1.0], [(1.0, "both")])[0].split()[-2:] == ["2", "both"]


def test_a_change_made_meanwhile_is_not_undone(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = thresholds.judge_further

    def slowly(inspector: Inspector, good: Path) -> thresholds.Further:
        set_threshold(model, value=7.0)
        return judge(inspector, good)

    photograph(tmp_path / "more", 3, first=100)
    monkeypatch.setattr(thresholds, "judge_further", slowly)
    with pytest.raises(SpecsightError, match="changed by another process meanwhile"):
        set_threshold(model, good=tmp_path / "more")
    assert calibration(model).score_threshold == 7
    assert len(held_out(model).scores) == 10
