"""`specsight fit` with a detector that trains: killed and called again, with labelled defects, inspected afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("transformers", reason="trained detectors need the extra 'models'")

from tests.support.reading_checkpoints import FAMILIES
from tests.support.synthetic_run import make_dataset

from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.learning import engine
from specsight.specification import DefectType, Specification, save_yaml

STEPS = 3


@pytest.fixture
def asked(tmp_path: Path) -> list[object]:
    """The words of a command that fits CLAD in a few steps."""
    data = make_dataset(tmp_path)
    types = (DefectType(name="scratch"), DefectType(name="contamination"))
    save_yaml(Specification(product="plate", defects=types), tmp_path / "plate.yaml")
    encoder = FAMILIES["clip"](tmp_path / "clip")
    return [
        "fit", "--good", data / "train" / "good", "-o", tmp_path / "model", "--detector", "clad", "--encoder", encoder,
        "--spec", tmp_path / "plate.yaml", "--resolution", 64, "--set", f"steps={STEPS}",
        "--set", "synthetic_defects=6",
    ]  # fmt: skip


def run(words: list[object]) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on a training dies at its `step`-th step; the steps taken are in the list."""
    taken: list[int] = []
    honest = engine._Run.step

    def dying(self: Any, batch: Any) -> None:
        if len(taken) == step:
            raise KeyboardInterrupt
        taken.append(len(taken))
        honest(self, batch)

    monkeypatch.setattr(engine._Run, "step", dying)
    return taken


@pytest.mark.long
def test_a_killed_fit_goes_on_and_leaves_nothing_but_the_model(
    asked: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        killed_at(STEPS + 1, patched)
        assert run(asked).exit_code != 0
    assert not (tmp_path / "model").exists()
    (kept,) = (tmp_path / "model.training").iterdir()
    assert (kept / "clad-general.safetensors").is_file()
    taken = killed_at(-1, monkeypatch)
    done = run(asked)
    assert done.exit_code == 0, (done.output, done.exception)
    assert len(taken) == STEPS, "the general stage was not taught again"
    assert not (tmp_path / "model.training").exists()
    new = run(["inspect", tmp_path / "model", tmp_path / "plate" / "test", "-o", tmp_path / "out"])
    assert new.exit_code == 0, (new.output, new.exception)
    lines = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()
    assert len(lines) == 14
    assert all(0 <= json.loads(line)["score"] <= 1 for line in lines)


def test_another_training_does_not_go_on_from_a_killed_one(
    asked: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        killed_at(STEPS + 1, patched)
        run(asked)
    (kept,) = (tmp_path / "model.training").iterdir()
    taken = killed_at(-1, monkeypatch)
    assert run([*asked, "--seed", 1]).exit_code == 0
    assert len(taken) == 2 * STEPS
    assert list((tmp_path / "model.training").iterdir()) == [kept], "what is not its own stays"


def test_labelled_defects_are_learned_from(asked: list[object], tmp_path: Path) -> None:
    done = run([*asked, "--labelled", tmp_path / "plate"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert Inspector.load(tmp_path / "model").specification is not None
    refused = run([*asked[:5], "--detector", "patchcore", "--labelled", tmp_path / "plate"])
    assert isinstance(refused.exception, SpecsightError)
    assert "patchcore learns nothing from defects" in str(refused.exception)
    none = run([*asked, "--labelled", tmp_path / "plate" / "train"])
    assert "has no defective picture with a mask" in str(none.exception)
