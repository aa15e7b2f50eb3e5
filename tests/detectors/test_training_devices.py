"""Trained detectors on other devices. Placement is checked on torch's "meta" device, which has shapes but no values and
refuses, as a GPU does, to mix with tensors of the CPU; numbers are compared where there is a GPU."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from tests.support.labelled_panels import panel_words, panels
from tests.support.prompted_colours import colours_for
from tests.support.reading_checkpoints import FAMILIES

from specsight.detectors import Detector, create_detector
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.encoders import load_encoder
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task
from specsight.records import Sample

META = torch.device("meta")
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "clad": ("clad", {"steps": 20, "synthetic_defects": 8}),
    "clad literal": ("clad", {"steps": 20, "synthetic_defects": 8, "contrast": "literal", "patches": 0.0}),
    "clad without contrast": ("clad", {"steps": 20, "synthetic_defects": 8, "contrast": "none"}),
    "clad good only": ("clad", {"steps": 20, "synthetic_defects": 8, "reconstruct_good_only": True}),
    "april_gan": ("april_gan", {"epochs": 2}),
    "multiads": ("multiads", {"epochs": 2}),
    "anomalyclip": ("anomalyclip", {"epochs": 2}),
    "text_aligned": ("text_aligned", {"steps": 20, "synthetic_defects": 8}),
}


class Placed(Exception):
    """Ends a training whose placement has been checked."""


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Five good plates and five stained ones."""
    return panels(tmp_path_factory.mktemp("plates"), ("stain",), product="plate")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Panels with two types of defect, for cross-set methods to learn from."""
    return panels(tmp_path_factory.mktemp("panels"))


def fit(case: str, plates: list[Sample], others: list[Sample], **parameters: Any) -> Detector:
    """A detector, trained where it is one that must be, and fitted to plates."""
    name, given = CASES[case]
    defaults = {"encoder": colours_for(name), "resolution": 64, "seed": 3}
    detector = create_detector(name, **{**defaults, **given, **parameters})
    good = [sample for sample in plates if sample.label == "good"]
    words = panel_words(product="plate")
    if isinstance(detector, CrossSetDetector):
        return detector.train(others, {"panel": panel_words()}).fit([], words)
    return detector.fit(plates if name == "clad" else good, words)


def check_placement(task: Task, schedule: Schedule, *, seed: int, **given: Any) -> None:
    """In place of `train`: the loss of a batch and its gradients are where the modules are."""
    assert (given["device"], given["precision"]) == ("cpu", "float32")
    for module in task.modules.values():
        module.to(META)
    loss, _ = task.loss(task.maker()(seed, 0), 0)
    loss.backward()
    gradients = [p.grad for m in task.modules.values() for p in m.parameters() if p.grad is not None]
    assert gradients
    assert {tensor.device for tensor in (loss, *gradients)} == {META}
    raise Placed


@pytest.fixture
def on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors hand their tasks to `check_placement`."""
    monkeypatch.setattr("specsight.learning.engine.train", check_placement)
    monkeypatch.setattr("specsight.detectors.clad.fitting.train_task", check_placement)
    monkeypatch.setattr("specsight.detectors.text_aligned.alignment.train", check_placement)
    # torch has no mixed precision for a device without values.
    monkeypatch.setattr(Task, "mixed_precision", lambda task: nullcontext())


@pytest.mark.usefixtures("on_meta")
@pytest.mark.parametrize("case", [case for case in CASES if case != "anomalyclip"])
def test_losses_are_computed_on_the_device_of_the_modules(
    case: str, plates: list[Sample], others: list[Sample]
) -> None:
    with pytest.raises(Placed):
        fit(case, plates, others, device="cpu")


@pytest.mark.usefixtures("on_meta")
def test_prompts_are_read_on_the_device_of_the_text_tower(
    plates: list[Sample], others: list[Sample], tmp_path: Path
) -> None:
    encoder = load_encoder(FAMILIES["siglip"](tmp_path), "cpu")
    assert encoder.towers is not None
    assert encoder.towers.text is not None
    encoder.towers.text.model.to(META)
    encoder.towers.text.projection.to(META)
    with pytest.raises(Placed):
        fit("anomalyclip", plates, others, encoder=encoder, device="cpu")


@pytest.mark.usefixtures("on_meta")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_tail_is_tuned_on_the_device_of_the_modules(
    family: str, plates: list[Sample], others: list[Sample], tmp_path: Path
) -> None:
    encoder = load_encoder(FAMILIES[family](tmp_path), "cpu")
    with pytest.raises(Placed):
        fit("clad", plates, others, encoder=encoder, device="cpu", tune_encoder=True)
