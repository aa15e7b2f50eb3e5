"""Whatever is given in place of a picture, an observation or words, and whatever a detector answers, is refused in a
line that names it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.records import Judgement, Sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    generator = np.random.default_rng(0)
    for k in range(6):
        Image.fromarray(generator.integers(90, 110, (48, 48, 3)).astype(np.uint8)).save(folder / f"{k}.png")
    return folder


@pytest.fixture
def inspector(folder: Path) -> Inspector:
    return Inspector.fit(folder, encoder="filters", resolution=48, holdout=2)


MAP = np.zeros((48, 48), np.float32)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "gave no Judgement but a NoneType"),
        (Judgement("high", MAP), "a score that is no number \\('high'\\)"),  # type: ignore[arg-type]
        (Judgement(0.0, MAP[:4]), r"gave \(4, 48\) float32 as its 'map', not \(48, 48\)"),
        (Judgement(0.0, MAP.astype(object)), "gave .* object as its 'map'"),
        (Judgement(0.0, MAP, {"dent": MAP[None]}), r"gave \(1, 48, 48\) float32 as its 'dent'"),
    ],
)
def test_an_answer_against_the_contract_names_the_detector(
    inspector: Inspector, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    monkeypatch.setattr(inspector.detector, "judge", lambda view, instruction=None: answer)
    with pytest.raises(SpecsightError, match=rf"detector 'patchcore' .*{words}|detector 'patchcore' {words}"):
        inspector.inspect(folder / "0.png")


def test_what_another_detector_looked_at_is_not_judged(inspector: Inspector, folder: Path) -> None:
    other = Inspector.fit(folder, encoder="filters", resolution=64, holdout=2)
    with pytest.raises(SpecsightError, match=r"was looked at by patchcore at 64 px .*: look again"):
        inspector.judge(other.look(folder / "0.png"))
    same = Inspector.fit(folder, encoder="filters", resolution=48, holdout=2)
    assert inspector.judge(same.look(folder / "0.png")).score == inspector.inspect(folder / "0.png").score


def test_an_array_over_the_limit_is_refused_before_it_is_copied(inspector: Inspector) -> None:
    huge = np.broadcast_to(np.uint8(0), (10**9, 10**9, 3))
    with pytest.raises(SpecsightError, match="more than the limit of 100,000,000"):
        inspector.look(huge)


@pytest.mark.parametrize("given", [None, 1, "a picture"])
def test_what_is_no_observation_is_refused(inspector: Inspector, given: Any) -> None:
    with pytest.raises(SpecsightError, match="judge takes what look gave"):
        inspector.judge(given)


def test_words_of_another_type_are_refused(inspector: Inspector, folder: Path) -> None:
    with pytest.raises(SpecsightError, match="an instruction must be sentences or an Instruction, got int"):
        inspector.inspect(folder / "0.png", 3)  # type: ignore[arg-type]


def test_a_sample_without_a_path_is_refused(inspector: Inspector, folder: Path) -> None:
    sample = dataclasses.replace(Sample("a", folder / "0.png", "plate"), image="0.png")  # type: ignore[arg-type]
    with pytest.raises(SpecsightError, match="sample 'a' must name its picture by a Path, got str"):
        inspector.look(sample)
