"""`--detector auto`: the choice on the screen, in the saved model, in reports, and what it is refused with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.factory import photograph, refused, specsight

from specsight.choosing import ChoiceConfig, Search
from specsight.errors import SpecsightError
from specsight.inspector import Inspector, learning, saved
from specsight.records import Sample
from specsight.runs.folder import RunFolder

AUTO = ("--detector", "auto", "--encoder", "filters", "--resolution", 64)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good/ with 30 parts and model/, chosen on 20 of them; more/ with 4 further parts."""
    root = tmp_path_factory.mktemp("line")
    photograph(root / "good", 30)
    photograph(root / "more", 4, first=50, scratched=(50,))
    shown = specsight("fit", "--good", root / "good", "-o", root / "model", *AUTO, "--candidates", 2)
    assert "chosen: " in shown
    assert "compared within 2 candidates" in shown
    assert "painted defects" in shown
    (untried,) = [line for line in shown.splitlines() if line.startswith("not tried: the limit was reached")]
    assert "padim, 64 px; " in untried
    assert "learned from 20 good parts, held out 10" in shown
    return root


def test_the_model_keeps_its_choice_and_is_that_of_the_chosen_detector(line: Path) -> None:
    inspector = Inspector.load(line / "model")
    assert inspector.choice is not None
    chosen = [one for one in inspector.choice.tried if one.outcome == "chosen"]
    assert [one.name for one in chosen] == [inspector.choice.chosen]
    assert chosen[0].detector == inspector.detector.name
    assert inspector.detector.resolution == 64


def test_the_held_out_parts_take_no_part_in_the_choice(line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threshold keeps its promise: what it rests on was seen neither by the fit nor by the search."""
    seen: list[str] = []

    def watched(config: ChoiceConfig, samples: Sequence[Sample], *others: Any) -> Search:
        seen.extend(str(sample.image) for sample in samples)
        return Search(config, samples, *others)

    monkeypatch.setattr(learning, "Search", watched)
    inspector = Inspector.fit(
        line / "good", detector="auto", encoder="filters", resolution=64, candidates=1, holdout=10
    )
    assert len(seen) == 20
    assert inspector.held_out is not None
    learned = set(inspector.learned_from)
    assert len(learned) == 20
    assert not learned & {one.digest for one in inspector.held_out.pictures}


def test_asked_again_nothing_is_searched_and_another_limit_searches_anew(line: Path) -> None:
    again = specsight("fit", "--good", line / "good", "-o", line / "model", *AUTO, "--candidates", 2)
    assert "unchanged" in again
    assert "chosen: " in again
    other = ("--good", line / "good", "-o", line / "model", *AUTO, "--candidates", 1)
    assert "--replace" in refused("fit", *other)


def test_an_inspection_says_how_its_model_was_chosen(line: Path, tmp_path: Path) -> None:
    specsight("inspect", line / "model", line / "more", "-o", tmp_path / "out")
    protocol = RunFolder(tmp_path / "out").protocol()
    assert "(chosen by auto)" in protocol.line
    assert "compared within 2 candidates" in protocol.details["Chosen"]
    assert "compared within 2 candidates" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_an_update_keeps_the_choice(line: Path, tmp_path: Path) -> None:
    specsight("fit", "--good", line / "good", "-o", tmp_path / "model", *AUTO, "--candidates", 1)
    before = Inspector.load(tmp_path / "model").choice
    specsight("update", tmp_path / "model", "--good", line / "more")
    assert Inspector.load(tmp_path / "model").choice == before is not None


def test_a_choice_that_was_damaged_is_refused(line: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(line / "model", tmp_path / "model"))
    content = json.loads((model / saved.CHOICE).read_text())
    content["tried"][0]["score"] = "high"
    (model / saved.CHOICE).write_text(json.dumps(content))
    with pytest.raises(SpecsightError, match=r"choice\.json' is damaged"):
        saved.read(model)


def test_few_parts_are_fitted_by_the_defaults_in_words(tmp_path: Path) -> None:
    photograph(tmp_path / "good", 6)
    shown = specsight("fit", "--good", tmp_path / "good", "-o", tmp_path / "model", *AUTO)
    assert (
        "nothing was compared: there are 4 distinct good parts to learn from, and a choice takes 16" in shown
    )
    assert Inspector.load(tmp_path / "model").detector.name == "patchcore"


def test_what_makes_no_sense_is_refused(line: Path, tmp_path: Path) -> None:
    good = ("--good", line / "good", "-o", tmp_path / "model")
    assert "--minutes is for --detector auto" in refused("fit", *good, "--minutes", 3)
    assert "give one of them" in refused("fit", *good, *AUTO, "--minutes", 3, "--candidates", 3)
    assert "auto has no parameter 'sigma'" in refused("fit", *good, *AUTO, "--set", "sigma=2")
    assert "auto learns nothing from defects" in refused("fit", *good, *AUTO, "--labelled", line)
    assert "auto is not trained across sets" in refused("fit", *good, *AUTO, "--train-on", line)
    assert not (tmp_path / "model").exists()
