"""An evaluation of `auto` measures the detector that each seed chose, and says which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.factory import photograph

from specsight.errors import SpecsightError
from specsight.evaluation import evaluate
from specsight.runs.folder import RunFolder


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 good training pictures, and tests with and without a scratch."""
    root = tmp_path_factory.mktemp("sets") / "plates"
    photograph(root / "train" / "good", 30)
    photograph(root / "test" / "good", 4, first=100)
    photograph(root / "test" / "scratch", 4, first=200, scratched=tuple(range(200, 204)))
    return root


@pytest.mark.long
def test_each_seed_chooses_and_the_protocol_says_what(labelled: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"encoder": "filters", "resolution": 64, "seeds": (0, 1), "resamples": 0}
    found = evaluate(labelled, "auto", out=tmp_path / "run", parameters={"candidates": 1}, **given)
    run = RunFolder(tmp_path / "run")
    assert [fit.detector for fit in run.fits().values()] == ["patchcore", "patchcore"]
    assert all("compared within 1 candidate" in fit.choice for fit in run.fits().values())
    assert "patchcore (chosen by auto)" in found.protocol
    assert "patchcore, 64 px" in run.protocol().details["Chosen"]
    # The defaults alone were compared: the numbers are theirs.
    plain = evaluate(labelled, "patchcore", out=tmp_path / "plain", **given)
    assert found.numbers["image_auroc"] == plain.numbers["image_auroc"]
    assert "Chosen" not in RunFolder(tmp_path / "plain").protocol().details


def test_a_run_goes_on_with_the_detector_that_was_chosen(labelled: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "encoder": "filters",
        "resolution": 64,
        "resamples": 0,
        "parameters": {"candidates": 1},
    }
    first = evaluate(labelled, "auto", out=tmp_path / "run", **given)
    again = evaluate(labelled, "auto", out=tmp_path / "run", **given)
    assert again.numbers == first.numbers


def test_auto_does_not_learn_from_another_set(labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="auto: not trained across sets"):
        evaluate(labelled, "auto", out=tmp_path / "run", encoder="filters", train_on=labelled)
